//! A person resumes a paused task.

use super::rules::{crew, preconditions::wrong_state};
use crate::context::Draft;
use crate::{Event, Phase, Rejected, Session};

/// Resumes the task's agents as soon as there is a free slot.
pub(super) fn handle(draft: &mut Draft<'_, '_>, by: String) -> Result<(), Rejected> {
    if draft.task.paused.is_none() {
        if draft.task.status().is_terminal() {
            return Err(wrong_state(&draft.task, "resume", "the task is over"));
        }
        return Err(Rejected::AlreadySo("the task is not paused".to_owned()));
    }
    draft.event(Event::TaskResumed { by });
    match &draft.task.phase {
        // A restarted session needs a slot like a new one.
        Phase::Implementation { .. } if draft.task.sessions.iter().any(Session::has_work_in_flight) => {
            crew::advance(draft);
        }
        Phase::Implementation { .. } => draft.event(Event::ImplementationQueued),
        _ => {}
    }
    Ok(())
}
