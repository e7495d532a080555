//! Merge conflicts of a session's branch with the task's branch.

use super::turn;
use crate::context::Draft;
use crate::{Ask, Event, Failure, FailureClass, SessionId};

/// How many times a conflict is sent back to the session's agent before the session fails.
const MAX_CONFLICT_ROUNDS: u32 = 3;

/// The conflict of a session's work with what was merged before it.
pub(crate) struct Conflict {
    pub(crate) files: Vec<String>,
    pub(crate) details: String,
}

/// Asks the session's agent to resolve the conflict and returns true; after [`MAX_CONFLICT_ROUNDS`] fails the session, so that
/// a person sees both sides.
pub(crate) fn send_back(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    conflict: Conflict,
    begun: bool,
) -> bool {
    let Some(found) = draft.task.session(session) else { return false };
    let (rounds, phase) = (found.conflicts, found.phase);
    let Conflict { files, details } = conflict;
    let names = files.join(", ");
    let ask = Ask::ResolveConflict { files, details, begun };
    if rounds < MAX_CONFLICT_ROUNDS {
        draft.event(Event::SessionAskedAgain { session: session.clone(), ask });
        return true;
    }
    // A retry begins with the conflict.
    draft.event(Event::SessionTold { session: session.clone(), ask });
    let message = format!(
        "The session's work still conflicts with what was merged before it, after {rounds} rounds, in {names}. Resolve it in \
         the session's worktree and Retry, or Skip."
    );
    let failure = Failure { class: FailureClass::Conflict, message, at: draft.cx.now };
    turn::fail_session(draft, session, phase, failure);
    false
}
