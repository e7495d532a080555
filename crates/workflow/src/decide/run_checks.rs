//! The checks of the change have run.

use super::rules::preconditions::stale;
use crate::context::Draft;
use crate::{Change, CheckResult, Commit, Effect, Event, Phase, Rejected};

/// Opens the review of the change.
pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    head: Commit,
    results: Vec<CheckResult>,
) -> Result<(), Rejected> {
    if !matches!(draft.task.phase, Phase::Implementation { checking: true, .. }) {
        return Err(stale("the checking"));
    }
    draft.event(Event::ChecksRan { results: results.clone() });
    draft.event(Event::ChangeReady { change: Change { head, checks: results } });
    draft.effect(Effect::StopInstance);
    Ok(())
}
