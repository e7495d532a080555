//! The living checklist changed its counts of completed items.

use crate::context::Draft;
use crate::{Event, ItemCount, Rejected};

pub(super) fn handle(draft: &mut Draft<'_, '_>, counts: Vec<ItemCount>) -> Result<(), Rejected> {
    if draft.task.item_counts == counts {
        return Err(Rejected::AlreadySo("the counts are known".to_owned()));
    }
    draft.event(Event::ItemsCounted { counts });
    Ok(())
}
