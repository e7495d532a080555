//! The resources that a session needs are free.

use super::rules::{crew, preconditions::stale};
use crate::context::Draft;
use crate::{Rejected, SessionId};

/// Starts the session, if it can still start.
pub(super) fn handle(draft: &mut Draft<'_, '_>, session: SessionId) -> Result<(), Rejected> {
    let is_ready = draft.task.awaiting_resources().iter().any(|ready| ready.id == session);
    if !is_ready || draft.task.free_slots() == 0 {
        return Err(stale("the wait for a resource"));
    }
    crew::open_session(draft, session);
    Ok(())
}
