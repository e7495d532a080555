//! Another agent takes over a turn whose agent reached a limit.

use super::rules::turn;
use crate::context::Draft;
use crate::{Effect, Event, Rejected, SessionId, TurnId};

pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    session: SessionId,
    turn: TurnId,
    agent: String,
) -> Result<(), Rejected> {
    turn::expect_working(draft, &session, &turn)?;
    let found = draft.task.session(&session);
    let (waits, is_other) =
        found.map_or((false, true), |found| (found.retry_at.is_some(), found.agent != agent));
    if waits {
        draft.event(Event::TurnRetried { session: session.clone(), turn: turn.clone() });
    }
    if is_other {
        draft.event(Event::SessionAssigned { session: session.clone(), agent });
    }
    // The report ends the effect that ran the turn, so that the turn needs another one in any case.
    draft.effect(Effect::RunTurn { session, turn });
    Ok(())
}
