//! Conversations with a person, and the reasons why they wait between turns.

use crate::context::Draft;
use crate::order::SessionGraph;
use crate::{
    CreationMethod, HelixSessionId, PlannedSession, SessionId, SessionPhase, SessionRequest, SessionState,
    SessionStatus, Task, ThreadId,
};

/// Returns the first session of a conversation that begins with a message instead of the task's prompt.
pub(crate) fn opening_session(draft: &mut Draft<'_, '_>, id: SessionId) -> PlannedSession {
    PlannedSession {
        helix_session: HelixSessionId::fresh(draft.cx.ids),
        thread: ThreadId::fresh(draft.cx.ids),
        name: draft.task.name.clone(),
        description: draft.task.prompt.clone(),
        phase: SessionPhase::Implementation,
        agent: draft.task.implementation_agent.clone(),
        method: CreationMethod::AdHoc,
        unit: None,
        parent: None,
        depends_on: Vec::new(),
        rank: 0,
        branch: Some(draft.task.session_branch(&id, &draft.task.name)),
        next_ask: None,
        wish: SessionRequest::default(),
        branched_from: None,
        alternative_to: None,
        external_thread: None,
        is_conversation: true,
        id,
    }
}

/// Returns whether a conversation without running sessions waits for a message, rather than being complete.
pub(crate) fn awaits_user(task: &Task) -> bool {
    let mut crew = task.sessions.iter().filter(|session| session.is_crew());
    let is_open = crew.any(|session| session.state == SessionState::Idle);
    let has_result = |state: &SessionState| {
        matches!(
            state,
            SessionState::Completed
                | SessionState::Failed { .. }
                | SessionState::Pending
                | SessionState::WaitingToMerge
        )
    };
    is_open || !task.sessions.iter().any(|session| session.is_crew() && has_result(&session.state))
}

/// Returns whether a conversation that waits for a message has a session to start or to merge.
pub(crate) fn is_runnable(task: &Task) -> bool {
    if !task.is_waiting_for_user() {
        return false;
    }
    let graph = SessionGraph::of(task);
    task.sessions.iter().filter(|session| session.is_crew()).any(|session| {
        let can_begin = session.state == SessionState::Pending
            && graph.status(session) == SessionStatus::Pending
            && !task.is_over_budget();
        let can_merge = session.state == SessionState::WaitingToMerge
            && !graph.has_choice(session)
            && graph.merge_blocked_by(session).is_none();
        can_begin || can_merge
    })
}
