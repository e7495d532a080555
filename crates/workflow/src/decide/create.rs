//! Creates a task.

use super::rules::{conversation, start};
use crate::context::Draft;
use crate::{Context, Event, NewTask, Rejected, Step, Task};

impl Task {
    /// Creates a task in the backlog, and starts it if `start` is set.
    pub fn create(new: NewTask, start: bool, cx: &mut Context<'_>) -> Result<Step, Rejected> {
        if new.prompt.trim().is_empty() {
            return Err(Rejected::Invalid("the prompt is empty; say what is to be done".to_owned()));
        }
        let mut draft = Draft::new(Task::created(&new, cx.now), cx);
        let opening = new.opening_session.clone();
        draft.event(Event::TaskCreated { task: Box::new(new) });
        if let Some(id) = opening.filter(|_| draft.task.is_conversation()) {
            let session = conversation::opening_session(&mut draft, id);
            draft.event(Event::SessionPlanned { session: Box::new(session) });
        }
        if start {
            start::leave_backlog(&mut draft);
        }
        Ok(draft.finish())
    }
}
