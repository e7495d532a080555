//! A conversation with a person: it rests between turns, and ends when the person says so.

use super::{sessions, wrong_state};
use crate::context::Draft;
use crate::order::SessionGraph;
use crate::{
    Effect, Event, Landing, Phase, Rejected, SessionId, SessionState, SessionStatus, Task, TaskStatus,
};

impl Task {
    /// Whether it waits for what a person says next, and needs no agent until then.
    pub fn is_waiting_for_user(&self) -> bool {
        self.is_conversation()
            && self.paused.is_none()
            && matches!(self.phase, Phase::Implementation { checking: false, .. })
            && !self.sessions.iter().any(|session| session.is_crew() && session.has_work_in_flight())
    }
}

/// Whether nothing at work means that a person is to speak, and not that the work is complete.
pub(super) fn awaits_user(task: &Task) -> bool {
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

/// Whether a conversation at rest has something to do.
pub(super) fn is_runnable(task: &Task) -> bool {
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

/// Ends the conversation: its agents stop, and what its sessions made stays on its branches.
pub(super) fn close(draft: &mut Draft<'_, '_>, by: String) -> Result<(), Rejected> {
    if draft.task.status() == TaskStatus::Done {
        return Err(Rejected::AlreadySo("the task is closed".to_owned()));
    }
    if !draft.task.is_conversation() {
        let advice =
            "only an interactive task is closed by a person; others end with the review of their change";
        return Err(wrong_state(&draft.task, "close", advice));
    }
    match &draft.task.phase {
        Phase::ImplementationReview { landing: Landing::Merging { .. }, .. } => {
            return Err(wrong_state(&draft.task, "close", "its change is approved and lands"));
        }
        Phase::Cancelled { .. } => return Err(wrong_state(&draft.task, "close", "it is over")),
        Phase::Backlog
        | Phase::SpecGeneration { .. }
        | Phase::SpecReview { .. }
        | Phase::SpecRevision { .. }
        | Phase::SpecApproved { .. }
        | Phase::ImplementationQueued { .. }
        | Phase::Implementation { .. }
        | Phase::ImplementationReview { .. }
        | Phase::Done { .. }
        | Phase::SpecFailed { .. }
        | Phase::ImplementationFailed { .. } => {}
    }
    let open: Vec<(SessionId, bool)> = draft
        .task
        .sessions
        .iter()
        .filter(|session| !session.is_ended())
        .map(|session| (session.id.clone(), session.state == SessionState::Idle))
        .collect();
    for (session, is_idle) in open {
        draft.event(if is_idle {
            Event::SessionCompleted { session, merged: None }
        } else {
            Event::SessionCancelled { session }
        });
    }
    draft.event(Event::Closed { by });
    draft.effect(Effect::StopInstance);
    draft.effect(Effect::CloseWorktrees);
    Ok(())
}

/// Has what the conversation made checked and reviewed, as any other change.
pub(super) fn finish(draft: &mut Draft<'_, '_>) -> Result<(), Rejected> {
    if draft.task.status() == TaskStatus::ImplementationReview {
        return Err(Rejected::AlreadySo("the change is under review".to_owned()));
    }
    if !draft.task.is_conversation() {
        let advice = "a task that is no conversation is reviewed when its sessions have ended";
        return Err(wrong_state(&draft.task, "review the change", advice));
    }
    if !draft.task.is_waiting_for_user() {
        let advice = "a conversation is reviewed when no agent is at work; wait for the end of the turn";
        return Err(wrong_state(&draft.task, "review the change", advice));
    }
    let idle: Vec<SessionId> = draft
        .task
        .sessions
        .iter()
        .filter(|session| session.state == SessionState::Idle)
        .map(|session| session.id.clone())
        .collect();
    if idle.is_empty() {
        return Err(Rejected::WrongState("cannot review the change: no session made one".to_owned()));
    }
    for session in idle {
        draft.event(Event::SessionCompleted { session, merged: None });
    }
    sessions::advance(draft);
    Ok(())
}
