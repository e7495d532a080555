//! The messages of sessions and people, from the task's events.

use workflow::Event;
use workflow::records::coordination::Coordination;
use workflow::records::events::Line;

/// Returns an event of a task as a message, if it is one.
pub(super) fn of(line: &Line) -> Option<Coordination> {
    let Event::Coordinated { coordination } = &line.event else { return None };
    let said_by = || coordination.by.clone().unwrap_or_default();
    Some(Coordination {
        id: coordination.id.to_string(),
        at: line.at,
        from: coordination.from.as_ref().map_or_else(said_by, ToString::to_string),
        to: coordination.to.as_ref().map(ToString::to_string),
        event_type: coordination.kind.to_string(),
        message: coordination.message.clone(),
        data: coordination.data.clone(),
    })
}
