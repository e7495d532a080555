//! The server rebuilt the task from its history in git.

use super::rules::{crew, planning};
use crate::context::Draft;
use crate::{
    Ask, Effect, Event, Landing, Phase, Planning, PlanningStep, Rejected, Session, SessionId, SessionPhase,
    SessionState, Task,
};

/// The message to an agent whose turn was lost.
const REBUILT: &str = "The server was rebuilt from its record. What was not committed is gone; look at what is there and go on.";

/// Continues the task: requests again the effects that its state waits for.
///
/// Worktrees and agents are lost with the machine; branches are not. A session that was at work is paused and opens its worktree
/// again from its branch. Every other effect that was in flight is repeated, which all effects allow.
pub(super) fn handle(draft: &mut Draft<'_, '_>) -> Result<(), Rejected> {
    if !was_in_flight(&draft.task) {
        return Err(Rejected::AlreadySo("nothing was under way".to_owned()));
    }
    draft.event(Event::Rebuilt);
    // Sessions finish their turns also while the documents are under review again.
    restart_sessions(draft);
    match draft.task.phase.clone() {
        Phase::SpecGeneration { planning } if draft.task.commits_its_template() => {
            draft.effect(Effect::CommitTemplate { round: planning.round });
        }
        Phase::SpecGeneration { planning } if planning.step != PlanningStep::Waiting => {
            restart_planning(draft, &planning);
        }
        Phase::SpecApproved { approved } => draft.effect(Effect::HandOff { hash: approved.specs.hash }),
        Phase::Implementation { checking: true, .. } => draft.effect(Effect::RunChecks),
        Phase::Implementation { checking: false, .. } => crew::advance(draft),
        Phase::ImplementationReview { landing: Landing::Merging { .. }, .. } => draft.effect(Effect::Land),
        Phase::SpecGeneration { .. }
        | Phase::SpecFailed { .. }
        | Phase::SpecReview { .. }
        | Phase::SpecRevision { .. }
        | Phase::ImplementationQueued { .. }
        | Phase::ImplementationReview { landing: Landing::Undecided, .. }
        | Phase::ImplementationFailed { .. }
        | Phase::Backlog
        | Phase::Done { .. }
        | Phase::Cancelled { .. } => {}
    }
    Ok(())
}

/// Returns whether git or an agent was working for the task.
fn was_in_flight(task: &Task) -> bool {
    let by_phase = match &task.phase {
        Phase::SpecGeneration { planning } => planning.step != PlanningStep::Waiting,
        Phase::SpecApproved { .. }
        | Phase::Implementation { .. }
        | Phase::ImplementationReview { landing: Landing::Merging { .. }, .. } => true,
        Phase::SpecFailed { .. }
        | Phase::SpecReview { .. }
        | Phase::SpecRevision { .. }
        | Phase::ImplementationQueued { .. }
        | Phase::ImplementationReview { landing: Landing::Undecided, .. }
        | Phase::ImplementationFailed { .. }
        | Phase::Backlog
        | Phase::Done { .. }
        | Phase::Cancelled { .. } => false,
    };
    by_phase || (!task.status().is_terminal() && task.sessions.iter().any(is_at_work))
}

/// Restarts the planner's turn in a new worktree.
fn restart_planning(draft: &mut Draft<'_, '_>, planning: &Planning) {
    let queued = Planning { step: PlanningStep::Waiting, ..planning.clone() };
    if let Some(session) = planning::session(&draft.task) {
        let ask =
            draft.task.session(&session).and_then(|session| session.turn()).map(|turn| turn.ask.clone());
        draft.event(Event::SessionPaused { session: session.clone(), why: REBUILT.to_owned() });
        // The request is repeated as it was: the documents of the turn were not committed.
        draft.event(Event::SessionTold { session, ask: ask.unwrap_or(Ask::Plan) });
    }
    draft.event(Event::PlanningQueued { planning: queued });
}

/// Pauses the sessions that were at work, and repeats the merges that were in flight.
fn restart_sessions(draft: &mut Draft<'_, '_>) {
    let live: Vec<(SessionId, SessionState, u32)> = draft
        .task
        .sessions
        .iter()
        .filter(|session| session.phase != SessionPhase::Planning)
        .map(|session| (session.id.clone(), session.state.clone(), session.turns))
        .collect();
    for (session, state, turns) in live {
        match state {
            SessionState::Opening | SessionState::Working { .. } | SessionState::Saving { .. } => {
                let first = draft.task.session(&session).and_then(|session| session.next_ask.clone());
                draft.event(Event::SessionPaused { session: session.clone(), why: REBUILT.to_owned() });
                match (state, first) {
                    // The request to resolve a conflict or to rework is repeated in its own words.
                    (SessionState::Working { turn } | SessionState::Saving { turn, .. }, _)
                        if !matches!(turn.ask, Ask::Implement | Ask::Message) =>
                    {
                        draft.event(Event::SessionTold { session, ask: turn.ask });
                    }
                    (SessionState::Opening, Some(ask)) => draft.event(Event::SessionTold { session, ask }),
                    (SessionState::Opening, None) if turns == 0 => {
                        draft.event(Event::SessionTold { session, ask: Ask::Implement });
                    }
                    _ => {}
                }
            }
            SessionState::Merging => {
                draft.effect(Effect::MergeSession { session, attempt: turns });
            }
            SessionState::Pending
            | SessionState::WaitingToMerge
            | SessionState::Idle
            | SessionState::Completed
            | SessionState::Failed { .. }
            | SessionState::Skipped
            | SessionState::Cancelled
            | SessionState::External { .. } => {}
        }
    }
}

/// Returns whether git or an agent was working for a session.
fn is_at_work(session: &Session) -> bool {
    match session.state {
        SessionState::Opening
        | SessionState::Working { .. }
        | SessionState::Saving { .. }
        | SessionState::WaitingToMerge
        | SessionState::Merging => true,
        SessionState::Pending
        | SessionState::Idle
        | SessionState::Completed
        | SessionState::Failed { .. }
        | SessionState::Skipped
        | SessionState::Cancelled
        | SessionState::External { .. } => false,
    }
}
