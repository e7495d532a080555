//! An editor reports a thread that it opened. It is shown, and nothing waits for it.

use super::rules::{
    new_session,
    preconditions::{no_such_session, wrong_state},
};
use crate::context::Draft;
use crate::{
    CreationMethod, CrewLimits, Event, HelixSessionId, Landing, Phase, PlannedSession, Rejected,
    ReportedThread, SessionPhase, ThreadId,
};

pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    new: ReportedThread,
    limits: CrewLimits,
) -> Result<(), Rejected> {
    let known =
        draft.task.sessions.iter().any(|session| session.external_thread.as_ref() == Some(&new.thread));
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
            new_session::expect_room_under(draft, parent, limits)?;
        }
        None => new_session::expect_room(draft, limits)?,
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
        external_thread: Some(new.thread),
        is_conversation: false,
        id: new.id,
    };
    draft.event(Event::SessionPlanned { session: Box::new(session) });
    Ok(())
}
