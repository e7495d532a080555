//! The reasons why a task waits: a slot, a message, or a larger budget.

use crate::{Phase, PlanningStep, Task};

impl Task {
    /// Returns whether the task waits for the scheduler to admit it.
    pub fn is_queued(&self) -> bool {
        match &self.phase {
            _ if self.paused.is_some() => false,
            Phase::SpecGeneration { planning } | Phase::SpecRevision { planning, .. } => {
                planning.step == PlanningStep::Waiting
            }
            Phase::ImplementationQueued { .. } => true,
            Phase::Backlog
            | Phase::SpecReview { .. }
            | Phase::SpecApproved { .. }
            | Phase::Implementation { .. }
            | Phase::ImplementationReview { .. }
            | Phase::Done { .. }
            | Phase::SpecFailed { .. }
            | Phase::ImplementationFailed { .. }
            | Phase::Cancelled { .. } => false,
        }
    }

    /// Returns whether the task is a conversation that waits for the next message, or its sessions wait for a person's answer,
    /// and it needs no agent until then.
    pub fn is_waiting_for_user(&self) -> bool {
        self.paused.is_none()
            && matches!(self.phase, Phase::Implementation { checking: false, .. })
            && !self.sessions.iter().any(|session| session.is_crew() && session.has_work_in_flight())
            && self.awaiting_resources().is_empty()
            && (self.is_conversation()
                || self.sessions.iter().any(|session| self.awaited_answer(session).is_some()))
    }

    /// Returns whether the task has spent more than its budget.
    pub fn is_over_budget(&self) -> bool {
        let Some(budget) = &self.budget else { return false };
        let tokens = self.usage.input_tokens + self.usage.output_tokens;
        budget.max_tokens.is_some_and(|most| tokens > most)
            || budget.max_cost_usd.is_some_and(|most| self.usage.cost_usd.is_some_and(|cost| cost > most))
    }
}
