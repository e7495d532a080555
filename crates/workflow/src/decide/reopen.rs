//! A person reopens a cancelled task.

use super::rules::{planning, preconditions::wrong_state, start};
use crate::context::Draft;
use crate::{
    Effect, Event, Phase, Planning, PlanningStep, Rejected, SessionId, SessionPhase, SessionState, Task,
    TaskStatus,
};

/// Reopens the task at the stage where it was cancelled.
///
/// Approved documents remain approved, documents under review return to review, and documents that were not written are
/// planned again. Cancelled sessions restart on their branches.
pub(super) fn handle(draft: &mut Draft<'_, '_>, by: String) -> Result<(), Rejected> {
    let Phase::Cancelled { was, approved, specs } = &draft.task.phase else {
        return Err(wrong_state(&draft.task, "reopen", "only a cancelled task is reopened"));
    };
    let is_handed_off = !matches!(was, TaskStatus::SpecApproved | TaskStatus::SpecFailed);
    let was_started = *was != TaskStatus::Backlog;
    let to = match (approved, specs) {
        (Some(_), _) if is_handed_off => TaskStatus::ImplementationQueued,
        (Some(_), _) => TaskStatus::SpecApproved,
        (None, Some(_)) => TaskStatus::SpecReview,
        (None, None) if was_started && !draft.task.planned => TaskStatus::ImplementationQueued,
        (None, None) => TaskStatus::Backlog,
    };
    let hash = approved.as_ref().map(|approved| approved.specs.hash.clone());
    let ended = cancelled_crew(&draft.task);
    draft.event(Event::Reopened { by, to });
    match (to, hash) {
        (TaskStatus::SpecApproved, Some(hash)) => draft.effect(Effect::HandOff { hash }),
        (TaskStatus::ImplementationQueued, _) => {
            for session in ended {
                draft.event(Event::SessionRetried { session });
            }
            draft.event(Event::ImplementationQueued);
        }
        (TaskStatus::Backlog, _) if was_started => match planning::session(&draft.task) {
            Some(session) => {
                let round = draft.task.revisions + 1;
                draft.event(Event::PlanningQueued {
                    planning: Planning { round, step: PlanningStep::Waiting },
                });
                draft.event(Event::SessionRetried { session });
            }
            None => start::leave_backlog(draft),
        },
        _ => {}
    }
    Ok(())
}

/// Returns the cancelled sessions of the crew whose work no other session replaces.
fn cancelled_crew(task: &Task) -> Vec<SessionId> {
    let crew = task.sessions.iter().filter(|session| {
        session.phase != SessionPhase::Planning
            && session.external_thread.is_none()
            && task.superseded_by(session).is_none()
    });
    crew.filter(|session| session.state == SessionState::Cancelled)
        .map(|session| session.id.clone())
        .collect()
}
