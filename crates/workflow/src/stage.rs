//! The stages of a task: its phases, subdivided by the reason to wait, with the time it was at each.

use crate::{Millis, Phase, PlanningStep, Stage, Task};
use serde::{Deserialize, Serialize};

/// A time span at one stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageInterval {
    pub stage: Stage,
    pub from: Millis,
    /// Absent while the task is at the stage.
    pub until: Option<Millis>,
}

impl Phase {
    /// Returns the stage that the phase is part of.
    pub fn stage(&self) -> Stage {
        match self {
            Self::Backlog => Stage::Backlog,
            Self::SpecGeneration { planning } | Self::SpecRevision { planning, .. } => match planning.step {
                PlanningStep::Waiting => Stage::PlanningQueued,
                PlanningStep::Preparing | PlanningStep::Writing | PlanningStep::Committing => Stage::Planning,
            },
            Self::SpecReview { .. } => Stage::SpecReview,
            Self::SpecApproved { .. } => Stage::HandOff,
            Self::ImplementationQueued { .. } => Stage::ImplementationQueued,
            Self::Implementation { .. } => Stage::Implementation,
            Self::ImplementationReview { .. } => Stage::ImplementationReview,
            Self::SpecFailed { .. } | Self::ImplementationFailed { .. } => Stage::Failed,
            Self::Done { .. } => Stage::Done,
            Self::Cancelled { .. } => Stage::Cancelled,
        }
    }
}

impl Task {
    /// Records the time at which the task came to its present stage.
    pub(crate) fn note_stage(&mut self, now: Millis) {
        let stage = self.phase.stage();
        if let Some(last) = self.stages.last_mut() {
            if last.stage == stage {
                return;
            }
            last.until = Some(now);
        }
        self.stages.push(StageInterval { stage, from: now, until: None });
    }
}
