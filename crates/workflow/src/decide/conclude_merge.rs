//! A turn left a merge in the session's worktree that is not concluded.

use super::rules::{
    conflict::{self, Conflict},
    crew,
    preconditions::{no_such_session, stale},
    turn,
};
use crate::context::Draft;
use crate::{Event, Rejected, SessionId, SessionState, TurnId, WorkReport};

/// Asks the session's agent to conclude the merge.
pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    turn: &TurnId,
    conflict: Conflict,
) -> Result<(), Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?;
    let (stop_reason, is_stopped) = match &found.state {
        SessionState::Saving { turn: saving, stop_reason, .. } if saving.id == *turn => {
            (stop_reason.clone(), saving.is_stopped)
        }
        _ => return Err(stale("the turn")),
    };
    let (phase, converses, has_message) =
        (found.phase, draft.task.converses(found), !found.messages.is_empty());
    let report = WorkReport::default();
    draft.event(Event::WorkCommitted {
        session: session.clone(),
        head: None,
        changed: false,
        report,
        is_silent: false,
    });
    if stop_reason == "cancelled" && converses {
        // A person who stops a turn of a conversation writes the next message.
        draft.event(Event::SessionIdle { session: session.clone(), merged: None });
        crew::advance(draft);
        return Ok(());
    }
    if is_stopped && !has_message {
        turn::fail_stopped(draft, session, phase);
        return Ok(());
    }
    if conflict::send_back(draft, session, conflict, true)
        && let Some(ask) = draft.task.session(session).and_then(|session| session.next_ask.clone())
    {
        turn::start_or_pause(draft, session, ask);
    }
    Ok(())
}
