//! A session or a person reports the task's progress.

use crate::context::Draft;
use crate::{Event, Rejected};

pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    by: String,
    summary: String,
    details: String,
) -> Result<(), Rejected> {
    if summary.trim().is_empty() {
        return Err(Rejected::Invalid("the summary is empty; say in a line how far it is".to_owned()));
    }
    draft.event(Event::ProgressNoted { by, summary, details });
    Ok(())
}
