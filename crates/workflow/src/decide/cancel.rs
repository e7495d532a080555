//! A person cancels the task.

use super::rules::{cancellation, preconditions::wrong_state};
use crate::context::Draft;
use crate::{Rejected, TaskStatus};

pub(super) fn handle(draft: &mut Draft<'_, '_>, by: String) -> Result<(), Rejected> {
    match draft.task.status() {
        TaskStatus::Cancelled => return Err(Rejected::AlreadySo("the task is cancelled".to_owned())),
        TaskStatus::Done => return Err(wrong_state(&draft.task, "cancel", "what has landed stays")),
        TaskStatus::Backlog
        | TaskStatus::SpecGeneration
        | TaskStatus::SpecReview
        | TaskStatus::SpecRevision
        | TaskStatus::SpecApproved
        | TaskStatus::ImplementationQueued
        | TaskStatus::Implementation
        | TaskStatus::ImplementationReview
        | TaskStatus::SpecFailed
        | TaskStatus::ImplementationFailed => {}
    }
    cancellation::cancel_task(draft, by);
    Ok(())
}
