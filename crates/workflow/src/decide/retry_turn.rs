//! The delay after a failed turn is over.

use super::rules::turn;
use crate::context::Draft;
use crate::{Event, Rejected, SessionId, TurnId};

pub(super) fn handle(draft: &mut Draft<'_, '_>, session: SessionId, turn: TurnId) -> Result<(), Rejected> {
    turn::expect_working(draft, &session, &turn)?;
    if draft.task.session(&session).is_none_or(|session| session.retry_at.is_none()) {
        return Err(Rejected::AlreadySo("the turn does not wait".to_owned()));
    }
    draft.event(Event::TurnRetried { session, turn });
    Ok(())
}
