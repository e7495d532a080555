//! The messages of sessions and people, as clients see them.

use crate::clock::rfc3339;
use protocol::feed::{CoordinationEventUpdate, CoordinationUpdate};
use protocol::{CoordinationView, DeliveryView, ResponseView};
use workflow::{CoordinationEvent, Millis, SessionId, Task};

/// Returns a coordination event of a task.
pub fn coordination_event(task: &Task, event: &CoordinationEvent) -> CoordinationView {
    let answer = event.answered_by.as_ref().and_then(|id| task.coordination_event(id));
    // Without recipients left it needs no delivery.
    let without_recipients = event.deliveries.is_empty().then_some(event.at);
    let acknowledged_at: Option<Millis> = event.acknowledged_at().or(without_recipients);
    let id = |session: &SessionId| session.to_string();
    CoordinationView {
        id: event.id.to_string(),
        from_session_id: event.from.as_ref().map(id),
        to_session_id: event.to.as_ref().map(id),
        event_type: event.kind,
        message: event.message.clone(),
        data: event.data.clone(),
        by: event.by.clone(),
        timestamp: rfc3339(event.at),
        acknowledged: acknowledged_at.is_some(),
        acknowledged_at: acknowledged_at.map(rfc3339),
        response: answer.map(|answer| ResponseView {
            id: answer.id.to_string(),
            from_session_id: answer.from.as_ref().map(id),
            message: answer.message.clone(),
            timestamp: rfc3339(answer.at),
        }),
        deliveries: event
            .deliveries
            .iter()
            .map(|delivery| DeliveryView {
                to_session_id: delivery.to.to_string(),
                turn_id: delivery.delivered.as_ref().map(|delivered| delivered.turn.to_string()),
                at: delivery.delivered.as_ref().map(|delivered| rfc3339(delivered.at)),
            })
            .collect(),
    }
}

/// Returns a coordination event as watchers get it.
pub fn coordination_update(task: &Task, event: &CoordinationEvent) -> CoordinationUpdate {
    let (event, spec_task_id) = (coordination_event(task, event), task.id.to_string());
    CoordinationUpdate::Event(Box::new(CoordinationEventUpdate { event, spec_task_id }))
}
