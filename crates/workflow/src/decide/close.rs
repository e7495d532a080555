//! A person closes a conversation.

use super::rules::preconditions::wrong_state;
use crate::context::Draft;
use crate::{Effect, Event, Landing, Phase, Rejected, SessionId, SessionState, TaskStatus};

/// Closes the conversation: its agents stop, and the work of its sessions remains on their branches.
pub(super) fn handle(draft: &mut Draft<'_, '_>, by: String) -> Result<(), Rejected> {
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
