//! A session reads messages in its turn.

use super::rules::preconditions::no_such_session;
use crate::context::Draft;
use crate::{Event, EventId, Rejected, SessionId, SessionState};

/// Marks the messages that wait for the session as delivered by its turn; others are left alone.
pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    events: &[EventId],
) -> Result<(), Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?;
    let SessionState::Working { turn } = &found.state else {
        return Err(Rejected::WrongState("only a session with a turn under way reads messages".to_owned()));
    };
    let turn = turn.id.clone();
    let waiting = draft.task.unread(session).into_iter().map(|event| event.id.clone());
    let read: Vec<EventId> = waiting.filter(|id| events.contains(id)).collect();
    if read.is_empty() {
        return Err(Rejected::AlreadySo("the messages were delivered".to_owned()));
    }
    draft.event(Event::CoordinationRead { session: session.clone(), turn, events: read });
    Ok(())
}
