//! A person withdraws a message that no turn has delivered.

use super::rules::messages;
use crate::context::Draft;
use crate::{Event, Rejected, SessionId};

pub(super) fn handle(draft: &mut Draft<'_, '_>, session: &SessionId, message: &str) -> Result<(), Rejected> {
    let message = messages::find_waiting(draft, session, message)?.id.clone();
    draft.event(Event::MessageWithdrawn { session: session.clone(), message });
    Ok(())
}
