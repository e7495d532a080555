//! The scheduler has no slot for the task.

use super::rules::preconditions::stale;
use crate::context::Draft;
use crate::{Event, Rejected};

/// Records the reason, which is shown.
pub(super) fn handle(draft: &mut Draft<'_, '_>, reason: String) -> Result<(), Rejected> {
    if !draft.task.is_queued() {
        return Err(stale("the wait for a slot"));
    }
    if draft.task.queue_reason.as_deref() == Some(reason.as_str()) {
        return Err(Rejected::AlreadySo("the reason is known".to_owned()));
    }
    draft.event(Event::Queued { reason, needs_person: false });
    Ok(())
}
