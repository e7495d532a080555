//! A turn does not start before its agent's limit ends.

use super::rules::turn;
use crate::context::Draft;
use crate::failure::spread;
use crate::{Effect, Event, Failure, FailureClass, Millis, Rejected, SessionId, TurnId};

/// Waits until the limit ends. The turns that wait for one limit start one after the other, within seconds.
pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    session: SessionId,
    turn: TurnId,
    until: Millis,
    reason: String,
) -> Result<(), Rejected> {
    turn::expect_working(draft, &session, &turn)?;
    let now = draft.cx.now;
    let delay = turn::limit_delay(until, now);
    let delay = delay + spread(turn.as_str(), delay);
    let failure = Failure { class: FailureClass::Limit, message: reason, at: now };
    draft.event(Event::TurnParked {
        session: session.clone(),
        turn: turn.clone(),
        failure,
        until: now.plus(delay),
    });
    draft.effect_after(delay, Effect::RunTurn { session, turn });
    Ok(())
}
