//! A person retries a failed task.

use super::rules::{planning, preconditions::wrong_state};
use crate::context::Draft;
use crate::{
    Effect, Event, Phase, Rejected, RetryPoint, Session, SessionId, SessionPhase, SessionState, Task,
};

pub(super) fn handle(draft: &mut Draft<'_, '_>, by: String) -> Result<(), Rejected> {
    match &draft.task.phase {
        Phase::SpecFailed { stuck, .. } => {
            let stuck = stuck.clone();
            draft.event(Event::Retried { by });
            match stuck {
                RetryPoint::Planning(_) => {
                    if let Some(session) = planning::session(&draft.task) {
                        draft.event(Event::SessionRetried { session });
                    } else {
                        planning::commit_template(draft);
                    }
                }
                RetryPoint::HandOff(approved) => draft.effect(Effect::HandOff { hash: approved.specs.hash }),
            }
            Ok(())
        }
        Phase::ImplementationFailed { .. } => {
            draft.event(Event::Retried { by });
            for session in blocking_sessions(&draft.task) {
                draft.event(Event::SessionRetried { session });
            }
            draft.event(Event::ImplementationQueued);
            Ok(())
        }
        Phase::Backlog
        | Phase::SpecGeneration { .. }
        | Phase::SpecReview { .. }
        | Phase::SpecRevision { .. }
        | Phase::SpecApproved { .. }
        | Phase::ImplementationQueued { .. }
        | Phase::Implementation { .. }
        | Phase::ImplementationReview { .. }
        | Phase::Done { .. }
        | Phase::Cancelled { .. } => {
            Err(wrong_state(&draft.task, "retry", "only a failed task is tried again"))
        }
    }
}

/// Returns the sessions that keep an implementation from continuing: the failed ones, or else the cancelled ones that others
/// wait for.
fn blocking_sessions(task: &Task) -> Vec<SessionId> {
    let all = |is_meant: &dyn Fn(&Session) -> bool| -> Vec<SessionId> {
        let crew = task.sessions.iter().filter(|session| {
            session.phase != SessionPhase::Planning
                && session.external_thread.is_none()
                && task.superseded_by(session).is_none()
        });
        crew.filter(|session| is_meant(session)).map(|session| session.id.clone()).collect()
    };
    let failed = all(&|session| matches!(session.state, SessionState::Failed { .. }));
    if !failed.is_empty() {
        return failed;
    }
    let blocks_others = |id: &SessionId| {
        task.sessions.iter().any(|other| {
            !other.is_ended() && (other.depends_on.contains(id) || task.parent_to_wait_for(other) == Some(id))
        })
    };
    all(&|session| session.state == SessionState::Cancelled && blocks_others(&session.id))
}
