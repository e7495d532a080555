//! A person pauses the task.

use super::rules::{preconditions::wrong_state, turn};
use crate::context::Draft;
use crate::{
    Ask, Effect, Event, Phase, Planning, PlanningStep, Rejected, SessionId, SessionPhase, SessionState, Task,
};

/// Stops the task's agents. Interrupted turns are continued when a person resumes the task.
pub(super) fn handle(draft: &mut Draft<'_, '_>, by: String) -> Result<(), Rejected> {
    if draft.task.paused.is_some() {
        return Err(Rejected::AlreadySo("the task is paused".to_owned()));
    }
    if !can_pause(&draft.task) {
        let advice = match &draft.task.phase {
            Phase::Implementation { checking: true, .. } => {
                "its agents are done and its checks run; cancel the task to stop them"
            }
            _ => "no agent works on it, and none is about to",
        };
        return Err(wrong_state(&draft.task, "pause", advice));
    }
    let planning = match &draft.task.phase {
        Phase::SpecGeneration { planning }
            if matches!(planning.step, PlanningStep::Preparing | PlanningStep::Writing) =>
        {
            Some(planning.clone())
        }
        _ => None,
    };
    let open: Vec<SessionId> = draft
        .task
        .sessions
        .iter()
        .filter(|session| match session.state {
            SessionState::Working { .. } => true,
            SessionState::Opening => session.phase != SessionPhase::Planning || planning.is_some(),
            _ => false,
        })
        .map(|session| session.id.clone())
        .collect();
    for session in open {
        pause_session(draft, &session);
    }
    if let Some(planning) = planning {
        let queued = Planning { step: PlanningStep::Waiting, ..planning };
        draft.event(Event::PlanningQueued { planning: queued });
    }
    draft.event(Event::TaskPaused { by });
    draft.effect(Effect::StopInstance);
    Ok(())
}

/// Returns whether agents work on the task, are about to, or start with the approval of its documents. A task that is paused in
/// review is handed off when it is approved, and waits then.
fn can_pause(task: &Task) -> bool {
    match &task.phase {
        Phase::SpecGeneration { .. }
        | Phase::SpecReview { .. }
        | Phase::SpecRevision { .. }
        | Phase::SpecApproved { .. }
        | Phase::ImplementationQueued { .. } => true,
        Phase::Implementation { checking, .. } => !checking && !task.is_waiting_for_user(),
        Phase::Backlog
        | Phase::ImplementationReview { .. }
        | Phase::Done { .. }
        | Phase::SpecFailed { .. }
        | Phase::ImplementationFailed { .. }
        | Phase::Cancelled { .. } => false,
    }
}

fn pause_session(draft: &mut Draft<'_, '_>, id: &SessionId) {
    let Some(session) = draft.task.session(id) else { return };
    let turn = session.turn().cloned();
    let (asked, is_planning) = (session.next_ask.clone(), session.phase == SessionPhase::Planning);
    if let Some(turn) = &turn {
        let why = "The task was paused.".to_owned();
        draft.event(Event::TurnInterrupted {
            session: id.clone(),
            turn: turn.id.clone(),
            why,
            is_stop: false,
        });
        draft.effect(Effect::CancelTurn { session: id.clone(), turn: turn.id.clone() });
    }
    draft.event(Event::SessionPaused { session: id.clone(), why: turn::PAUSED_BY_USER.to_owned() });
    // A request is repeated in its own words; a planned task is continued.
    let again = match turn.map(|turn| turn.ask) {
        Some(Ask::Implement | Ask::Message) => None,
        Some(ask) => Some(ask),
        None if is_planning => Some(asked.unwrap_or(Ask::Plan)),
        None => Some(asked.unwrap_or(Ask::Implement)),
    };
    if let Some(ask) = again {
        draft.event(Event::SessionTold { session: id.clone(), ask });
    }
}
