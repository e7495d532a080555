//! A person ends a conversation with the review of its change.

use super::rules::{crew, preconditions::wrong_state};
use crate::context::Draft;
use crate::{Event, Rejected, SessionId, SessionState, TaskStatus};

/// Completes the idle sessions, so that their work is checked and reviewed as any other change.
pub(super) fn handle(draft: &mut Draft<'_, '_>) -> Result<(), Rejected> {
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
    crew::advance(draft);
    Ok(())
}
