//! The end of a cancelled or rejected task.

use crate::context::Draft;
use crate::{Effect, Event, SessionId};

/// Cancels the task: its agents stop, and its worktrees are saved and closed.
pub(crate) fn cancel_task(draft: &mut Draft<'_, '_>, by: String) {
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
