//! The stages of a task: its phases, told apart by what it waits for, with the time it was at each.

use crate::{Millis, Phase, PlanningStep, Task};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The stage of a task, named for what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Backlog,
    /// Waits for a slot to be planned.
    PlanningQueued,
    Planning,
    /// The documents wait for a person.
    SpecReview,
    HandOff,
    ImplementationQueued,
    Implementation,
    /// The change waits for a person, or lands.
    ImplementationReview,
    Failed,
    Done,
    Cancelled,
}

/// A time span at one stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageInterval {
    pub stage: Stage,
    pub from: Millis,
    /// Absent while the task is at the stage.
    pub until: Option<Millis>,
}

impl Stage {
    /// Returns the name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Backlog => "backlog",
            Self::PlanningQueued => "planning_queued",
            Self::Planning => "planning",
            Self::SpecReview => "spec_review",
            Self::HandOff => "hand_off",
            Self::ImplementationQueued => "implementation_queued",
            Self::Implementation => "implementation",
            Self::ImplementationReview => "implementation_review",
            Self::Failed => "failed",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    /// Returns whether the stage waits for a person.
    pub fn is_review(self) -> bool {
        matches!(self, Self::SpecReview | Self::ImplementationReview)
    }

    /// Returns whether the task is over.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
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
    /// Notes when the task came to the stage it is at.
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
