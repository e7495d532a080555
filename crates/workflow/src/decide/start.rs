//! A person starts the task.

use super::rules::{preconditions::wrong_state, start};
use crate::context::Draft;
use crate::{Phase, Rejected};

pub(super) fn handle(draft: &mut Draft<'_, '_>) -> Result<(), Rejected> {
    match &draft.task.phase {
        Phase::Backlog => {
            start::leave_backlog(draft);
            Ok(())
        }
        Phase::SpecGeneration { .. } | Phase::ImplementationQueued { .. } | Phase::Implementation { .. } => {
            Err(Rejected::AlreadySo("the task has started".to_owned()))
        }
        Phase::SpecReview { .. }
        | Phase::SpecRevision { .. }
        | Phase::SpecApproved { .. }
        | Phase::ImplementationReview { .. }
        | Phase::Done { .. }
        | Phase::SpecFailed { .. }
        | Phase::ImplementationFailed { .. }
        | Phase::Cancelled { .. } => {
            Err(wrong_state(&draft.task, "start", "only a task in the backlog starts"))
        }
    }
}
