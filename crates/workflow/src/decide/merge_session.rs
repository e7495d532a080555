//! The merge of a session's branch succeeded or found a conflict.

use super::rules::{
    conflict::{self, Conflict},
    crew,
    preconditions::{no_such_session, stale},
};
use crate::context::Draft;
use crate::{Event, MergeOutcome, Rejected, SessionId, SessionState};

pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    outcome: MergeOutcome,
) -> Result<(), Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?;
    if found.state != SessionState::Merging {
        return Err(stale("the merge"));
    }
    let converses = draft.task.converses(found);
    match outcome {
        MergeOutcome::Merged { commit } => {
            if converses {
                draft.event(Event::SessionIdle { session: session.clone(), merged: Some(commit) });
            } else {
                crew::complete_session(draft, session, Some(commit));
            }
            if draft.task.session(session).is_some_and(|session| draft.task.has_unread_messages(session)) {
                draft.event(Event::SessionReopened { session: session.clone() });
            }
            crew::advance(draft);
        }
        MergeOutcome::Conflict { files, details } => {
            if conflict::send_back(draft, session, Conflict { files, details }, false) {
                // The session occupies a slot again.
                draft.event(Event::SessionReopened { session: session.clone() });
                crew::advance(draft);
            }
        }
    }
    Ok(())
}
