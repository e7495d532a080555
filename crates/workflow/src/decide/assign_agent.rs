//! A person assigns a failed or cancelled session to another agent.

use super::rules::preconditions::{no_such_session, wrong_session_state};
use crate::context::Draft;
use crate::{Event, Rejected, SessionId, SessionState};

pub(super) fn handle(draft: &mut Draft<'_, '_>, session: SessionId, agent: String) -> Result<(), Rejected> {
    let found = draft.task.session(&session).ok_or_else(|| no_such_session(&session))?;
    if !matches!(found.state, SessionState::Failed { .. } | SessionState::Cancelled) {
        let allowed = "only one that failed or was cancelled is given to another agent";
        return Err(wrong_session_state(draft, &session, "reassign", allowed));
    }
    if found.agent == agent {
        return Err(Rejected::AlreadySo("the session has this agent".to_owned()));
    }
    draft.event(Event::SessionAssigned { session, agent });
    Ok(())
}
