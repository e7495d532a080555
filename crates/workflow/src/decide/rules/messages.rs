//! Messages of people that wait for a session's next turn.

use super::preconditions::no_such_session;
use crate::context::Draft;
use crate::{Message, MessageId, Rejected, Session, SessionId};

/// Returns the waiting message with this name, or the only one that waits for the turn with this name.
pub(crate) fn find_waiting<'d>(
    draft: &'d Draft<'_, '_>,
    session: &SessionId,
    name: &str,
) -> Result<&'d Message, Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?;
    if let Some(message) = found.messages.iter().find(|message| message.id.as_str() == name) {
        return Ok(message);
    }
    let of_turn: Vec<&Message> =
        found.messages.iter().filter(|message| message.turn.as_str() == name).collect();
    match of_turn.as_slice() {
        [message] => Ok(message),
        [] if was_delivered(found, name) => {
            Err(Rejected::WrongState("the message was delivered; say something further instead".to_owned()))
        }
        [] => Err(Rejected::Unknown(format!("no message {name} waits for a turn"))),
        several => {
            let names: Vec<&str> = several.iter().map(|message| message.id.as_str()).collect();
            Err(Rejected::WrongState(format!(
                "{} messages wait for that turn; name one of them: {}",
                several.len(),
                names.join(", ")
            )))
        }
    }
}

fn was_delivered(session: &Session, name: &str) -> bool {
    let is_named = |id: &MessageId| id.as_str() == name;
    let now = session.turn().is_some_and(|turn| {
        turn.id.as_str() == name || turn.messages.iter().any(|message| is_named(&message.id))
    });
    now || session.ended.iter().any(|turn| turn.turn.as_str() == name || turn.messages.iter().any(is_named))
}
