//! A person sets how often the task's history is committed.

use crate::context::Draft;
use crate::{Event, Rejected};

pub(super) fn handle(draft: &mut Draft<'_, '_>, commit_frequency_minutes: u64) -> Result<(), Rejected> {
    if draft.task.commit_frequency_minutes == Some(commit_frequency_minutes) {
        return Err(Rejected::AlreadySo("the record is committed that often".to_owned()));
    }
    draft.event(Event::RecordingSet { commit_frequency_minutes });
    Ok(())
}
