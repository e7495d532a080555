//! What a task has from the template it was made from.

use crate::{Phase, PlanStart, PlanningStep, SessionPhase, Task, TaskKind};
use serde::{Deserialize, Serialize};

/// A template with the prompt and the items of one task put in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Template {
    pub name: String,
    /// What to mind in the requirements; where the plan is ready, requirements.md itself.
    pub requirements: String,
    /// What to mind in the design; where the plan is ready, design.md itself.
    pub design: String,
    /// The skeleton of the plan; where the plan is ready, tasks.md itself.
    pub tasks: String,
    /// Commands that must pass beside the project's.
    pub checks: Vec<String>,
    /// Set where the plan is ready: there is no planner, and sessions start then.
    pub ready: Option<PlanStart>,
}

impl Task {
    /// When the sessions start, where the task came with a plan that is ready.
    pub fn ready_plan(&self) -> Option<PlanStart> {
        self.template.as_ref().filter(|_| self.planned).and_then(|template| template.ready)
    }

    /// Returns whether the documents of its template are being committed.
    pub(crate) fn commits_its_template(&self) -> bool {
        let is_committing = |step| step == PlanningStep::Committing;
        matches!(&self.phase, Phase::SpecGeneration { planning } if is_committing(planning.step))
            && self.ready_plan().is_some()
            && self.sessions.iter().all(|session| session.phase != SessionPhase::Planning)
    }

    /// Whether it is a conversation with a person: its sessions wait for the next message, and it has no end of its own.
    pub fn is_conversation(&self) -> bool {
        self.kind == TaskKind::Interactive && !self.planned
    }
}
