//! A turn failed.

use super::rules::turn;
use crate::context::Draft;
use crate::{Failure, Millis, Rejected, SessionId, TurnId, Usage};

pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    turn: &TurnId,
    failure: Failure,
    retry_at: Option<Millis>,
    usage: Option<Usage>,
) -> Result<(), Rejected> {
    turn::fail_or_retry(draft, session, turn, failure, retry_at, usage)
}
