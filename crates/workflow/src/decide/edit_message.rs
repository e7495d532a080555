//! A person edits a message that no turn has delivered.

use super::rules::messages;
use crate::context::Draft;
use crate::{Event, Rejected, SessionId};

pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    message: &str,
    text: String,
) -> Result<(), Rejected> {
    if text.trim().is_empty() {
        return Err(Rejected::Invalid("the message is empty; withdraw it instead".to_owned()));
    }
    let found = messages::find_waiting(draft, session, message)?;
    if found.text == text {
        return Err(Rejected::AlreadySo("no change".to_owned()));
    }
    let message = found.id.clone();
    draft.event(Event::MessageEdited { session: session.clone(), message, text });
    Ok(())
}
