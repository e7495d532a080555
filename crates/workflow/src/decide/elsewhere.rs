//! Threads that editors open by themselves and report: they are shown, and nothing here waits for them.

use super::{no_such_session, spawn, wrong_state};
use crate::context::Draft;
use crate::{
    CreationMethod, CrewLimits, Event, Failure, FailureClass, HelixSessionId, Landing, Phase, PlannedSession,
    Rejected, ReportedThread, SessionId, SessionPhase, SessionState, ThreadId, ThreadStatus,
};

pub(super) fn reported(
    draft: &mut Draft<'_, '_>,
    new: ReportedThread,
    limits: CrewLimits,
) -> Result<(), Rejected> {
    let known = draft.task.sessions.iter().any(|session| session.elsewhere.as_ref() == Some(&new.thread));
    if known || draft.task.session(&new.id).is_some() {
        return Err(Rejected::AlreadySo("the thread is known".to_owned()));
    }
    let allowed = matches!(
        draft.task.phase,
        Phase::Implementation { .. }
            | Phase::ImplementationQueued { .. }
            | Phase::ImplementationReview { landing: Landing::Undecided, .. }
            | Phase::ImplementationFailed { .. }
    );
    if !allowed {
        let advice = "editors open threads of their own while the task is being implemented or reviewed";
        return Err(wrong_state(&draft.task, "add a thread", advice));
    }
    match &new.parent {
        Some(parent) => {
            let parent = draft.task.session(parent).ok_or_else(|| no_such_session(parent))?;
            spawn::expect_room(draft, parent, limits)?;
        }
        None => spawn::expect_place(draft, limits)?,
    }
    let rank = draft.task.sessions.iter().map(|session| session.rank + 1).max().unwrap_or(0);
    let session = PlannedSession {
        helix_session: HelixSessionId::fresh(draft.cx.ids),
        thread: ThreadId::fresh(draft.cx.ids),
        name: new.name,
        description: new.description,
        phase: SessionPhase::Implementation,
        agent: draft.task.implementation_agent.clone(),
        method: if new.parent.is_some() { CreationMethod::Spawned } else { CreationMethod::AdHoc },
        unit: None,
        parent: new.parent,
        depends_on: Vec::new(),
        rank,
        branch: None,
        next_ask: None,
        wish: new.wish,
        branched_from: None,
        alternative_to: None,
        elsewhere: Some(new.thread),
        id: new.id,
    };
    draft.event(Event::SessionPlanned { session: Box::new(session) });
    Ok(())
}

pub(super) fn moved(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    status: ThreadStatus,
    detail: Option<String>,
) -> Result<(), Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?;
    let SessionState::Elsewhere { status: before } = &found.state else {
        return Err(Rejected::WrongState(format!(
            "the work session is {}; only a thread that runs in an editor is moved by reports",
            draft.task.session_status(found)
        )));
    };
    if *before == status {
        return Err(Rejected::AlreadySo(format!("the thread is {status}")));
    }
    let failure = (status == ThreadStatus::Failed).then(|| Failure {
        class: FailureClass::AgentCrashed,
        message: detail.unwrap_or_else(|| "The editor says that the thread failed.".to_owned()),
        at: draft.cx.now,
    });
    draft.event(Event::ThreadMoved { session: session.clone(), status, failure });
    Ok(())
}
