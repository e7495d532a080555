//! A person adds a session to the crew.

use super::rules::{crew, new_session, plan, preconditions::wrong_state};
use crate::context::Draft;
use crate::{
    CreationMethod, CrewLimits, Event, HelixSessionId, Landing, NewSession, Phase, PlannedSession, Rejected,
    SessionPhase, ThreadId,
};

pub(super) fn handle(draft: &mut Draft<'_, '_>, new: NewSession, limits: CrewLimits) -> Result<(), Rejected> {
    if draft.task.session(&new.id).is_some() {
        return Err(Rejected::AlreadySo("the session is there".to_owned()));
    }
    let allowed = matches!(
        draft.task.phase,
        Phase::Implementation { checking: false, .. }
            | Phase::ImplementationQueued { .. }
            | Phase::ImplementationReview { landing: Landing::Undecided, .. }
            | Phase::ImplementationFailed { .. }
    );
    if !allowed {
        let advice = "sessions are added while the task is being implemented or its change is under review";
        return Err(wrong_state(&draft.task, "add a work session", advice));
    }
    new_session::expect_complete(draft, &new)?;
    new_session::expect_room(draft, limits)?;
    // A conversation's first session comes from its plan, unless it begins with a message.
    if draft.task.is_conversation() && !new.is_conversation {
        plan::plan_sessions(draft);
    }
    let rank = draft.task.sessions.iter().map(|session| session.rank + 1).max().unwrap_or(0);
    let planned = PlannedSession {
        helix_session: HelixSessionId::fresh(draft.cx.ids),
        thread: ThreadId::fresh(draft.cx.ids),
        agent: new.agent.unwrap_or_else(|| draft.task.implementation_agent.clone()),
        phase: SessionPhase::Implementation,
        method: CreationMethod::AdHoc,
        unit: None,
        parent: None,
        rank,
        branch: Some(draft.task.session_branch(&new.id, &new.name)),
        next_ask: None,
        name: new.name,
        description: new.description,
        depends_on: new.depends_on,
        wish: new.wish,
        branched_from: None,
        alternative_to: None,
        external_thread: None,
        is_conversation: new.is_conversation,
        id: new.id,
    };
    draft.event(Event::SessionPlanned { session: Box::new(planned) });
    // One that waits for a message has nothing to do yet.
    if !new.is_conversation {
        crew::requeue_or_advance(draft);
    }
    Ok(())
}
