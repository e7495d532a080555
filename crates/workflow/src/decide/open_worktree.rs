//! A session's worktree is open.

use super::rules::{
    preconditions::{no_such_session, stale},
    turn,
};
use crate::context::Draft;
use crate::{Ask, Effect, Rejected, SessionId, SessionPhase, SessionState};

/// Starts the session's turn.
pub(super) fn handle(draft: &mut Draft<'_, '_>, session: &SessionId) -> Result<(), Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?;
    if found.state != SessionState::Opening || found.phase == SessionPhase::Planning {
        return Err(stale("the opening of the worktree"));
    }
    let has_unread = draft.task.has_unread_messages(found);
    let is_first = found.turns == 0;
    let ask = match found.next_ask.clone() {
        Some(ask) => ask,
        None if has_unread && (!is_first || found.is_conversation) => Ask::Message,
        None if is_first => Ask::Implement,
        None => Ask::Continue { why: "The session is tried again.".to_owned() },
    };
    if found.unit.is_some() {
        draft.effect(Effect::MarkProgress { session: session.clone(), marker: '~' });
    }
    turn::start(draft, session, ask);
    Ok(())
}
