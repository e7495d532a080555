//! The scheduler gives the task a slot.

use super::rules::{crew, plan, planning, preconditions::stale};
use crate::context::Draft;
use crate::{Effect, Event, Phase, PlanningStep, Rejected};

/// Starts planning or the implementation.
pub(super) fn handle(draft: &mut Draft<'_, '_>) -> Result<(), Rejected> {
    match &draft.task.phase {
        Phase::SpecGeneration { planning } | Phase::SpecRevision { planning, .. }
            if planning.step == PlanningStep::Waiting =>
        {
            let round = planning.round;
            let Some(session) = planning::session(&draft.task) else {
                return Err(stale("the planning session"));
            };
            draft.event(Event::PlanningStarted { round, session: session.clone() });
            draft.event(Event::SessionOpening { session: session.clone() });
            draft.effect(Effect::PreparePlanning { session });
            Ok(())
        }
        Phase::ImplementationQueued { .. } => {
            draft.event(Event::ImplementationStarted);
            plan::plan_sessions(draft);
            crew::advance(draft);
            Ok(())
        }
        Phase::Backlog
        | Phase::SpecGeneration { .. }
        | Phase::SpecReview { .. }
        | Phase::SpecRevision { .. }
        | Phase::SpecApproved { .. }
        | Phase::Implementation { .. }
        | Phase::ImplementationReview { .. }
        | Phase::Done { .. }
        | Phase::SpecFailed { .. }
        | Phase::ImplementationFailed { .. }
        | Phase::Cancelled { .. } => Err(stale("the wait for a slot")),
    }
}
