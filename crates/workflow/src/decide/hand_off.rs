//! The approved documents are on the branch of the specs.

use super::rules::preconditions::stale;
use crate::context::Draft;
use crate::{Commit, Event, Phase, Rejected};

/// Queues the implementation.
pub(super) fn handle(draft: &mut Draft<'_, '_>, hash: &str, commit: Commit) -> Result<(), Rejected> {
    match &draft.task.phase {
        Phase::SpecApproved { approved } if approved.specs.hash == hash => {
            draft.event(Event::HandedOff { commit });
            draft.event(Event::ImplementationQueued);
            Ok(())
        }
        Phase::Backlog
        | Phase::SpecGeneration { .. }
        | Phase::SpecReview { .. }
        | Phase::SpecRevision { .. }
        | Phase::SpecApproved { .. }
        | Phase::ImplementationQueued { .. }
        | Phase::Implementation { .. }
        | Phase::ImplementationReview { .. }
        | Phase::Done { .. }
        | Phase::SpecFailed { .. }
        | Phase::ImplementationFailed { .. }
        | Phase::Cancelled { .. } => Err(stale("the handoff")),
    }
}
