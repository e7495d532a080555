//! Whether an effect is still needed when it runs.

use crate::{Effect, Landing, Phase, PlanningStep, SessionState, Task};

impl Task {
    /// Returns whether the task still needs the effect; the runner skips one that it does not need.
    pub fn still_needs(&self, effect: &Effect) -> bool {
        let state = |id| self.session(id).map(|session| &session.state);
        match effect {
            Effect::PreparePlanning { .. } => matches!(
                &self.phase,
                Phase::SpecGeneration { planning } if planning.step == PlanningStep::Preparing
            ),
            Effect::RunTurn { session, turn } | Effect::CancelTurn { session, turn } => {
                let working =
                    matches!(state(session), Some(SessionState::Working { turn: at }) if at.id == *turn);
                // The session of a turn to stop may have been paused or cancelled.
                working || matches!(effect, Effect::CancelTurn { .. })
            }
            Effect::CommitSpecs { session, turn, .. } | Effect::CommitWork { session, turn, .. } => {
                matches!(state(session), Some(SessionState::Saving { turn: at, .. }) if at.id == *turn)
            }
            Effect::CommitTemplate { .. } => self.commits_its_template(),
            Effect::HandOff { hash } => matches!(
                &self.phase,
                Phase::SpecApproved { approved } if approved.specs.hash == *hash
            ),
            Effect::OpenWorktree { session } => matches!(state(session), Some(SessionState::Opening)),
            Effect::MergeSession { session, .. } => matches!(state(session), Some(SessionState::Merging)),
            Effect::RunChecks => matches!(self.phase, Phase::Implementation { checking: true, .. }),
            Effect::Land => {
                matches!(self.phase, Phase::ImplementationReview { landing: Landing::Merging { .. }, .. })
            }
            Effect::StopInstance => !self.holds_instance(),
            Effect::CloseWorktrees => self.status().is_terminal(),
            Effect::RecordReview { .. }
            | Effect::MarkProgress { .. }
            | Effect::KeepWork { .. }
            | Effect::RecordHistory => true,
        }
    }
}
