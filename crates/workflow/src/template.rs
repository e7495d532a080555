//! The template of a task.

use crate::{Phase, PlanStart, PlanningStep, Session, SessionPhase, Task, TaskKind};
use serde::{Deserialize, Serialize};

/// A template, filled in with the prompt and the items of one task.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Template {
    pub name: String,
    /// Guidance for the requirements; if the plan is ready, requirements.md itself.
    pub requirements: String,
    /// Guidance for the design; if the plan is ready, design.md itself.
    pub design: String,
    /// The skeleton of the plan; if the plan is ready, tasks.md itself.
    pub tasks: String,
    /// Checks in addition to the project's.
    pub checks: Vec<String>,
    /// When sessions start, if the plan is ready and needs no planner.
    pub ready: Option<PlanStart>,
}

impl Task {
    /// Returns when the sessions start, if the task came with a plan that is ready.
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

    /// Returns whether it is a conversation with a person: its sessions wait for the next message, and a person ends it.
    pub fn is_conversation(&self) -> bool {
        self.kind == TaskKind::Interactive && !self.planned
    }

    /// Returns whether a session is a conversation with a person: all of a conversation's are, and those that were opened as one
    /// in another task.
    pub fn converses(&self, session: &Session) -> bool {
        session.is_conversation || (self.is_conversation() && session.phase != SessionPhase::Planning)
    }
}
