//! What people ask of a task's record.

use crate::context::Draft;
use crate::{Event, ItemCount, Rejected};

pub(super) fn set(draft: &mut Draft<'_, '_>, commit_frequency_minutes: u64) -> Result<(), Rejected> {
    if draft.task.commit_frequency_minutes == Some(commit_frequency_minutes) {
        return Err(Rejected::AlreadySo("the record is committed that often".to_owned()));
    }
    draft.event(Event::RecordingSet { commit_frequency_minutes });
    Ok(())
}

pub(super) fn note_progress(
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

/// Takes in how many items of each planned task are done.
pub(super) fn items_counted(draft: &mut Draft<'_, '_>, counts: Vec<ItemCount>) -> Result<(), Rejected> {
    if draft.task.item_counts == counts {
        return Err(Rejected::AlreadySo("the counts are known".to_owned()));
    }
    draft.event(Event::ItemsCounted { counts });
    Ok(())
}
