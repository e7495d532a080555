//! An agent reported what a conversation has cost so far.

use super::rules::preconditions::no_such_session;
use crate::context::Draft;
use crate::{Event, Rejected, SessionId};

/// Adds the difference to the last report. An agent that reports less than before has restarted its count.
pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    conversation: String,
    total_usd: f64,
) -> Result<(), Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?;
    let before = found.cost.as_ref().filter(|cost| cost.conversation == conversation);
    let before = before.map_or(0.0, |cost| cost.usd);
    if !total_usd.is_finite() || total_usd < 0.0 || total_usd.to_bits() == before.to_bits() {
        return Err(Rejected::AlreadySo("the cost is known".to_owned()));
    }
    let usd = if total_usd > before { total_usd - before } else { total_usd };
    draft.event(Event::Spent { session: session.clone(), conversation, total_usd, usd });
    Ok(())
}
