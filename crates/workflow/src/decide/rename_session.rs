//! A person changes the displayed name or description of a session.

use super::rules::preconditions::no_such_session;
use crate::context::Draft;
use crate::{Event, Rejected, SessionId};

pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    session: SessionId,
    name: Option<String>,
    description: Option<String>,
) -> Result<(), Rejected> {
    let found = draft.task.session(&session).ok_or_else(|| no_such_session(&session))?;
    if name.as_ref().is_some_and(|name| name.trim().is_empty()) {
        return Err(Rejected::Invalid("the name is empty".to_owned()));
    }
    let name = name.filter(|name| name != found.display_name());
    let description = description.filter(|description| description != found.shown_description());
    if name.is_none() && description.is_none() {
        return Err(Rejected::AlreadySo("no change".to_owned()));
    }
    draft.event(Event::SessionRenamed { session, name, description });
    Ok(())
}
