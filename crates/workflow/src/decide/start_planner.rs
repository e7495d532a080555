//! The planning worktree is ready.

use super::rules::{planning, preconditions::stale, turn};
use crate::context::Draft;
use crate::{Ask, Event, PlanningStep, Rejected, SessionId};

/// Starts the planner's turn.
pub(super) fn handle(draft: &mut Draft<'_, '_>, session: &SessionId) -> Result<(), Rejected> {
    if planning::step(&draft.task) != Some(PlanningStep::Preparing) {
        return Err(stale("the preparation of planning"));
    }
    draft.event(Event::PlanningWriting { session: session.clone() });
    let ask = draft.task.session(session).and_then(|session| session.next_ask.clone()).unwrap_or(Ask::Plan);
    turn::start(draft, session, ask);
    Ok(())
}
