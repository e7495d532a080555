//! Creates a task.

use super::rules::start;
use crate::context::Draft;
use crate::{Context, Event, NewTask, Rejected, Step, Task};

impl Task {
    /// Creates a task in the backlog, and starts it if `start` is set.
    pub fn create(new: NewTask, start: bool, cx: &mut Context<'_>) -> Result<Step, Rejected> {
        if new.prompt.trim().is_empty() {
            return Err(Rejected::Invalid("the prompt is empty; say what is to be done".to_owned()));
        }
        let mut draft = Draft::new(Task::created(&new, cx.now), cx);
        draft.event(Event::TaskCreated { task: Box::new(new) });
        if start {
            start::leave_backlog(&mut draft);
        }
        Ok(draft.finish())
    }
}
