//! The planner's documents are unusable.

use super::rules::{planning, turn};
use crate::context::Draft;
use crate::{Ask, Event, Failure, FailureClass, Phase, Planning, PlanningStep, Rejected, SessionId, TurnId};

/// How many times a planner is asked to fix its documents before planning fails.
const MAX_FIX_ROUNDS: u32 = 2;

/// Asks the planner to fix its documents, and fails planning after [`MAX_FIX_ROUNDS`].
pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    turn: &TurnId,
    problems: Vec<String>,
) -> Result<(), Rejected> {
    planning::expect_committing(&draft.task, session, turn)?;
    let asked = draft.task.session(session).map_or(0, |session| session.reprompts);
    if asked >= MAX_FIX_ROUNDS {
        let message = format!(
            "The planning agent was asked {} times and its documents are still unusable: {} Retry, or choose \
             another planning agent.",
            asked + 1,
            problems.join(" ")
        );
        let failure = Failure { class: FailureClass::InvalidOutput, message, at: draft.cx.now };
        planning::fail(draft, Some(session), failure);
        return Ok(());
    }
    draft.event(Event::DocumentsInvalid { session: session.clone(), problems: problems.clone() });
    if draft.task.paused.is_some() {
        defer_planning(draft, Ask::FixDocuments { problems });
    } else {
        turn::start(draft, session, Ask::FixDocuments { problems });
    }
    Ok(())
}

/// Defers the planner's next turn until the task is resumed.
fn defer_planning(draft: &mut Draft<'_, '_>, ask: Ask) {
    let Phase::SpecGeneration { planning } = &draft.task.phase else { return };
    let queued = Planning { step: PlanningStep::Waiting, ..planning.clone() };
    if let Some(session) = planning::session(&draft.task) {
        draft.event(Event::SessionPaused { session: session.clone(), why: turn::PAUSED_BY_USER.to_owned() });
        draft.event(Event::SessionTold { session, ask });
    }
    draft.event(Event::PlanningQueued { planning: queued });
}
