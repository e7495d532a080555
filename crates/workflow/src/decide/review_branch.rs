//! A person asks for the review of a change that is already on the task's branch.

use super::rules::preconditions::wrong_state;
use crate::context::Draft;
use crate::{Effect, Event, Phase, Rejected};

/// Checks the change without running any session.
pub(super) fn handle(draft: &mut Draft<'_, '_>) -> Result<(), Rejected> {
    if !matches!(draft.task.phase, Phase::Backlog) || draft.task.planned {
        let allowed = "a branch is reviewed as it is where a task without a plan has not started";
        return Err(wrong_state(&draft.task, "review the branch", allowed));
    }
    draft.event(Event::ImplementationQueued);
    draft.event(Event::ImplementationStarted);
    draft.event(Event::ChecksStarted);
    draft.effect(Effect::RunChecks);
    Ok(())
}
