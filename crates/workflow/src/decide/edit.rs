//! A person edits the task.

use crate::context::Draft;
use crate::{Event, Rejected, TaskEdit};

pub(super) fn handle(draft: &mut Draft<'_, '_>, edit: TaskEdit) -> Result<(), Rejected> {
    if edit.name.as_ref().is_some_and(|name| name.trim().is_empty()) {
        return Err(Rejected::Invalid("the name is empty".to_owned()));
    }
    if edit.depends_on.as_ref().is_some_and(|tasks| tasks.contains(&draft.task.id)) {
        return Err(Rejected::Invalid("a task cannot depend on itself".to_owned()));
    }
    let event = Event::TaskEdited { edit };
    let mut after = draft.task.clone();
    after.apply(&event, draft.cx.now);
    if after == draft.task {
        return Err(Rejected::AlreadySo("nothing is to be changed".to_owned()));
    }
    draft.event(event);
    Ok(())
}
