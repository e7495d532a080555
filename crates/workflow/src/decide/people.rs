//! What people ask outside of reviews: edit, cancel, retry, skip.

use super::{coordinate, landing, no_such_session, planning, talk, template, wrong_state};
use crate::context::Draft;
use crate::{
    Effect, Event, Landing, Phase, Rejected, RetryPoint, Session, SessionId, SessionPhase, SessionState,
    SessionStatus, Task, TaskEdit, TaskStatus,
};

pub(super) fn edit(draft: &mut Draft<'_, '_>, edit: TaskEdit) -> Result<(), Rejected> {
    if edit.name.as_ref().is_some_and(|name| name.trim().is_empty()) {
        return Err(Rejected::Invalid("the name is empty".to_owned()));
    }
    if edit.depends_on.as_ref().is_some_and(|tasks| tasks.contains(&draft.task.id)) {
        return Err(Rejected::Invalid("a task cannot depend on itself".to_owned()));
    }
    let event = Event::TaskEdited { edit };
    let mut after = draft.task.clone();
    after.apply(&event, draft.cx.now);
    if after == draft.task {
        return Err(Rejected::AlreadySo("nothing is to be changed".to_owned()));
    }
    draft.event(event);
    Ok(())
}

pub(super) fn cancel(draft: &mut Draft<'_, '_>, by: String) -> Result<(), Rejected> {
    match draft.task.status() {
        TaskStatus::Cancelled => return Err(Rejected::AlreadySo("the task is cancelled".to_owned())),
        TaskStatus::Done => return Err(wrong_state(&draft.task, "cancel", "what has landed stays")),
        TaskStatus::Backlog
        | TaskStatus::SpecGeneration
        | TaskStatus::SpecReview
        | TaskStatus::SpecRevision
        | TaskStatus::SpecApproved
        | TaskStatus::ImplementationQueued
        | TaskStatus::Implementation
        | TaskStatus::ImplementationReview
        | TaskStatus::SpecFailed
        | TaskStatus::ImplementationFailed => {}
    }
    end(draft, by);
    Ok(())
}

/// Ends the task: its agents stop, and its worktrees are saved and closed.
pub(super) fn end(draft: &mut Draft<'_, '_>, by: String) {
    let open: Vec<SessionId> = draft
        .task
        .sessions
        .iter()
        .filter(|session| !session.is_ended())
        .map(|session| session.id.clone())
        .collect();
    for session in open {
        draft.event(Event::SessionCancelled { session });
    }
    draft.event(Event::Cancelled { by });
    draft.effect(Effect::StopInstance);
    draft.effect(Effect::CloseWorktrees);
}

pub(super) fn retry(draft: &mut Draft<'_, '_>, by: String) -> Result<(), Rejected> {
    match &draft.task.phase {
        Phase::SpecFailed { stuck, .. } => {
            let stuck = stuck.clone();
            draft.event(Event::Retried { by });
            match stuck {
                RetryPoint::Planning(_) => {
                    if let Some(session) = planning::session(&draft.task) {
                        draft.event(Event::SessionRetried { session });
                    } else {
                        template::take(draft);
                    }
                }
                RetryPoint::HandOff(approved) => draft.effect(Effect::HandOff { hash: approved.specs.hash }),
            }
            Ok(())
        }
        Phase::ImplementationFailed { .. } => {
            draft.event(Event::Retried { by });
            for session in stuck(&draft.task) {
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

/// The sessions for which an implementation cannot go on: those that failed, else those that a person cancelled and
/// others wait for.
fn stuck(task: &Task) -> Vec<SessionId> {
    let all = |is_meant: &dyn Fn(&Session) -> bool| -> Vec<SessionId> {
        let crew = task.sessions.iter().filter(|session| {
            session.phase != SessionPhase::Planning
                && session.elsewhere.is_none()
                && task.superseded_by(session).is_none()
        });
        crew.filter(|session| is_meant(session)).map(|session| session.id.clone()).collect()
    };
    let failed = all(&|session| matches!(session.state, SessionState::Failed { .. }));
    if !failed.is_empty() {
        return failed;
    }
    let reports_back = |id: &SessionId| {
        task.sessions.iter().any(|other| {
            !other.is_ended() && (other.depends_on.contains(id) || task.parent_to_wait_for(other) == Some(id))
        })
    };
    all(&|session| session.state == SessionState::Cancelled && reports_back(&session.id))
}

/// Gives a session that no agent works on to another agent.
pub(super) fn assign_agent(
    draft: &mut Draft<'_, '_>,
    session: SessionId,
    agent: String,
) -> Result<(), Rejected> {
    let found = draft.task.session(&session).ok_or_else(|| no_such_session(&session))?;
    if !matches!(found.state, SessionState::Failed { .. } | SessionState::Cancelled) {
        let allowed = "only one that failed or was cancelled is given to another agent";
        return Err(session_state(draft, &session, "reassign", allowed));
    }
    if found.agent == agent {
        return Err(Rejected::AlreadySo("the session has this agent".to_owned()));
    }
    draft.event(Event::SessionAssigned { session, agent });
    Ok(())
}

/// A session is called otherwise: what people see changes, and nothing else.
pub(super) fn rename_session(
    draft: &mut Draft<'_, '_>,
    session: SessionId,
    name: Option<String>,
    description: Option<String>,
) -> Result<(), Rejected> {
    let found = draft.task.session(&session).ok_or_else(|| no_such_session(&session))?;
    if name.as_ref().is_some_and(|name| name.trim().is_empty()) {
        return Err(Rejected::Invalid("the name is empty".to_owned()));
    }
    let name = name.filter(|name| name != found.display_name());
    let description = description.filter(|description| description != found.shown_description());
    if name.is_none() && description.is_none() {
        return Err(Rejected::AlreadySo("no change".to_owned()));
    }
    draft.event(Event::SessionRenamed { session, name, description });
    Ok(())
}

pub(super) fn retry_session(draft: &mut Draft<'_, '_>, session: &SessionId) -> Result<(), Rejected> {
    let found = expect_crew(draft, session, "retry a work session")?;
    if let Some(chosen) = draft.task.superseded_by(found) {
        return Err(talk::superseded(chosen));
    }
    match draft.task.session_status(found) {
        SessionStatus::Failed | SessionStatus::Cancelled => {}
        SessionStatus::Pending | SessionStatus::Active | SessionStatus::Blocked => {
            return Err(Rejected::AlreadySo("the session is on its way".to_owned()));
        }
        SessionStatus::Completed => {
            return Err(session_state(draft, session, "retry", "only a failed one is tried again"));
        }
    }
    draft.event(Event::SessionRetried { session: session.clone() });
    coordinate::notify_unblocked(draft, session, "is tried again.");
    landing::resume(draft);
    Ok(())
}

pub(super) fn skip_session(draft: &mut Draft<'_, '_>, session: &SessionId) -> Result<(), Rejected> {
    let found = expect_crew(draft, session, "skip a work session")?;
    expect_no_choice(draft, found)?;
    match found.state.clone() {
        SessionState::Skipped => return Err(Rejected::AlreadySo("the session is skipped".to_owned())),
        SessionState::Working { turn } => {
            draft.effect(Effect::CancelTurn { session: session.clone(), turn: turn.id });
        }
        SessionState::Pending
        | SessionState::Opening
        | SessionState::Saving { .. }
        | SessionState::WaitingToMerge
        | SessionState::Idle
        | SessionState::Failed { .. }
        | SessionState::Cancelled => {}
        SessionState::Merging | SessionState::Completed | SessionState::Elsewhere { .. } => {
            let allowed = "its work is merged or is being merged";
            return Err(session_state(draft, session, "skip", allowed));
        }
    }
    draft.event(Event::SessionSkipped { session: session.clone() });
    draft.effect(Effect::MarkProgress { session: session.clone(), marker: ' ' });
    coordinate::notify_unblocked(
        draft,
        session,
        "is skipped: a person decided to continue without its work.",
    );
    landing::resume(draft);
    Ok(())
}

pub(super) fn cancel_session(draft: &mut Draft<'_, '_>, session: &SessionId) -> Result<(), Rejected> {
    let found = expect_crew(draft, session, "cancel a work session")?;
    expect_no_choice(draft, found)?;
    match found.state.clone() {
        SessionState::Cancelled | SessionState::Skipped => {
            return Err(Rejected::AlreadySo("the session is cancelled".to_owned()));
        }
        SessionState::Working { turn } => {
            draft.effect(Effect::CancelTurn { session: session.clone(), turn: turn.id });
        }
        SessionState::Pending
        | SessionState::Opening
        | SessionState::Saving { .. }
        | SessionState::WaitingToMerge
        | SessionState::Idle
        | SessionState::Failed { .. }
        | SessionState::Elsewhere { .. } => {}
        SessionState::Completed | SessionState::Merging => {
            return Err(session_state(draft, session, "cancel", "its work is merged or is being merged"));
        }
    }
    draft.event(Event::SessionCancelled { session: session.clone() });
    draft.effect(Effect::MarkProgress { session: session.clone(), marker: ' ' });
    coordinate::cancelled(draft, session);
    landing::resume(draft);
    Ok(())
}

/// Between alternatives a person chooses; giving one up is choosing another.
fn expect_no_choice(draft: &Draft<'_, '_>, session: &Session) -> Result<(), Rejected> {
    if draft.task.alternatives(session).is_empty() {
        return Ok(());
    }
    Err(Rejected::WrongState(
        "the work session has alternatives; choose the one whose work is kept".to_owned(),
    ))
}

/// Sessions are acted on while there is an implementation that is not over.
fn expect_crew<'d>(draft: &'d Draft<'_, '_>, id: &SessionId, action: &str) -> Result<&'d Session, Rejected> {
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

fn session_status(draft: &Draft<'_, '_>, id: &SessionId) -> SessionStatus {
    draft.task.session(id).map_or(SessionStatus::Cancelled, |session| draft.task.session_status(session))
}

fn session_state(draft: &Draft<'_, '_>, id: &SessionId, action: &str, allowed: &str) -> Rejected {
    Rejected::WrongState(format!(
        "cannot {action} a work session that is {}; {allowed}",
        session_status(draft, id)
    ))
}
