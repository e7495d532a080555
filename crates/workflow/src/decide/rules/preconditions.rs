//! The preconditions of inputs on the task and its sessions, and the rejections where these are not met.

use crate::context::Draft;
use crate::{Landing, Phase, Rejected, Session, SessionId, SessionPhase, SessionStatus, Task};

/// Returns the rejection of an action that the task's state does not allow.
pub(crate) fn wrong_state(task: &Task, action: &str, allowed: &str) -> Rejected {
    Rejected::WrongState(format!("cannot {action} while the task is in {}; {allowed}", task.status()))
}

/// Returns the rejection of a report about work that is over.
pub(crate) fn stale(what: &str) -> Rejected {
    Rejected::Stale(format!("{what} is over"))
}

/// Returns the rejection of an input that names a session which the task does not have.
pub(crate) fn no_such_session(id: &SessionId) -> Rejected {
    Rejected::Unknown(format!("the task has no work session {id}"))
}

/// Returns the rejection of an action on a session that a person decided against.
pub(crate) fn superseded(chosen: &SessionId) -> Rejected {
    Rejected::WrongState(format!(
        "the work session was given up for {chosen}; its work is kept under refs/spectask/saved"
    ))
}

/// Returns the rejection of an action that the session's state does not allow.
pub(crate) fn wrong_session_state(
    draft: &Draft<'_, '_>,
    id: &SessionId,
    action: &str,
    allowed: &str,
) -> Rejected {
    Rejected::WrongState(format!(
        "cannot {action} a work session that is {}; {allowed}",
        session_status(draft, id)
    ))
}

fn session_status(draft: &Draft<'_, '_>, id: &SessionId) -> SessionStatus {
    draft.task.session(id).map_or(SessionStatus::Cancelled, |session| draft.task.session_status(session))
}

/// Returns the work session `id` while sessions can be acted on: from the queueing of the implementation to the decision
/// about its change.
pub(crate) fn expect_crew_session<'d>(
    draft: &'d Draft<'_, '_>,
    id: &SessionId,
    action: &str,
) -> Result<&'d Session, Rejected> {
    let session = draft.task.session(id).ok_or_else(|| no_such_session(id))?;
    if session.phase == SessionPhase::Planning {
        let advice = "retry or cancel the task instead of its planning session";
        return Err(wrong_state(&draft.task, action, advice));
    }
    match &draft.task.phase {
        Phase::ImplementationQueued { .. }
        | Phase::Implementation { checking: false, .. }
        | Phase::ImplementationReview { landing: Landing::Undecided, .. }
        | Phase::ImplementationFailed { .. } => Ok(session),
        Phase::Backlog
        | Phase::SpecGeneration { .. }
        | Phase::SpecReview { .. }
        | Phase::SpecRevision { .. }
        | Phase::SpecApproved { .. }
        | Phase::Implementation { .. }
        | Phase::ImplementationReview { .. }
        | Phase::Done { .. }
        | Phase::SpecFailed { .. }
        | Phase::Cancelled { .. } => {
            Err(wrong_state(&draft.task, action, "sessions are acted on while the task is being implemented"))
        }
    }
}

/// Rejects giving up a session that has alternatives: choosing one of them gives up the others.
pub(crate) fn expect_no_alternatives(draft: &Draft<'_, '_>, session: &Session) -> Result<(), Rejected> {
    if draft.task.alternatives(session).is_empty() {
        return Ok(());
    }
    Err(Rejected::WrongState(
        "the work session has alternatives; choose the one whose work is kept".to_owned(),
    ))
}
