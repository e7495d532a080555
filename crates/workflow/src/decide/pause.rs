//! A person stops a task's agents, and has them work again.

use super::{planning, sessions, wrong_state};
use crate::context::Draft;
use crate::{
    Ask, Effect, Event, Phase, Planning, PlanningStep, Rejected, Session, SessionId, SessionPhase,
    SessionState, Task,
};

const WHY: &str = "A person paused the task while you worked. Look at what is there.";

/// Stops what agents do for the task. Turns under way end, and are continued when a person resumes the task.
pub(super) fn pause(draft: &mut Draft<'_, '_>, by: String) -> Result<(), Rejected> {
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
        let again = Planning { step: PlanningStep::Waiting, ..planning };
        draft.event(Event::PlanningQueued { planning: again });
    }
    draft.event(Event::TaskPaused { by });
    draft.effect(Effect::StopInstance);
    Ok(())
}

/// Whether agents work on the task, will do so, or would with the approval of its documents: a task that is paused in
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
        draft.event(Event::TurnInterrupted { session: id.clone(), turn: turn.id.clone(), why });
        draft.effect(Effect::CancelTurn { session: id.clone(), turn: turn.id.clone() });
    }
    draft.event(Event::SessionPaused { session: id.clone(), why: WHY.to_owned() });
    // What was asked is asked again in its own words; a planned task is continued.
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

/// Has the task's agents work again, as soon as there is a slot.
pub(super) fn resume(draft: &mut Draft<'_, '_>, by: String) -> Result<(), Rejected> {
    if draft.task.paused.is_none() {
        if draft.task.status().is_terminal() {
            return Err(wrong_state(&draft.task, "resume", "the task is over"));
        }
        return Err(Rejected::AlreadySo("the task is not paused".to_owned()));
    }
    draft.event(Event::TaskResumed { by });
    match &draft.task.phase {
        // What begins again needs a slot like what begins.
        Phase::Implementation { .. } if draft.task.sessions.iter().any(Session::has_work_in_flight) => {
            sessions::advance(draft);
        }
        Phase::Implementation { .. } => draft.event(Event::ImplementationQueued),
        _ => {}
    }
    Ok(())
}

/// What a paused task's planner would be asked now waits until it is resumed.
pub(super) fn defer_planning(draft: &mut Draft<'_, '_>, ask: Ask) {
    let Phase::SpecGeneration { planning } = &draft.task.phase else { return };
    let again = Planning { step: PlanningStep::Waiting, ..planning.clone() };
    if let Some(session) = planning::session(&draft.task) {
        draft.event(Event::SessionPaused { session: session.clone(), why: WHY.to_owned() });
        draft.event(Event::SessionTold { session, ask });
    }
    draft.event(Event::PlanningQueued { planning: again });
}
