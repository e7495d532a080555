//! Another session holds a resource that a session needs.

use super::rules::{crew, preconditions::stale};
use crate::context::Draft;
use crate::{Event, Rejected, SessionId};

/// Records the reason, which is shown, and lets sessions start that need no resource.
pub(super) fn handle(draft: &mut Draft<'_, '_>, session: SessionId, reason: String) -> Result<(), Rejected> {
    let awaiting = draft.task.awaiting_resources();
    let Some(found) = awaiting.iter().find(|waiting| waiting.id == session) else {
        return Err(stale("the wait for a resource"));
    };
    if found.resource_wait.as_ref() == Some(&reason) {
        return Err(Rejected::AlreadySo("the reason is known".to_owned()));
    }
    draft.event(Event::ResourceAwaited { session, reason });
    crew::advance(draft);
    Ok(())
}
