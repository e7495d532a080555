//! The checks of the change have run.

use super::rules::{crew, preconditions::stale, repair};
use crate::context::Draft;
use crate::{Change, CheckResult, Commit, Effect, Event, Phase, Rejected, RepairRequest};

/// Has the problems of the change repaired while rounds are left, and opens the review of the change otherwise.
pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    head: Commit,
    results: Vec<CheckResult>,
    request: RepairRequest,
) -> Result<(), Rejected> {
    if !matches!(draft.task.phase, Phase::Implementation { checking: true, .. }) {
        return Err(stale("the checking"));
    }
    draft.event(Event::ChecksRan { results: results.clone() });
    let mut left: Vec<String> = request.problems.iter().map(|problem| problem.name.clone()).collect();
    left.extend(results.iter().filter(|result| !result.passed).map(|result| result.command.clone()));
    repair::end(draft, &head, &left);
    if repair::start(draft, &head, request, false) {
        crew::advance(draft);
        return Ok(());
    }
    draft.event(Event::ChangeReady { change: Change { head, checks: results } });
    draft.effect(Effect::StopInstance);
    Ok(())
}
