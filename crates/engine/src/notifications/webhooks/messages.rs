//! The messages to endpoints: the item or the task, with a link to its page. No documents, transcripts or changes.

use super::endpoints::{Endpoint, Webhooks};
use crate::clock::now;
use crate::clock::rfc3339;
use protocol::words::{InboxEvent, InboxKind, TaskStatus};
use protocol::{InboxItem, InboxUpdate};
use serde_json::{Value, json};
use store::NewDelivery;
use workflow::{Millis, Task};

/// The events that an endpoint can be sent.
pub const EVENTS: &[&str] = &["inbox.added", "inbox.resolved", "task.done", "task.failed"];
/// The event of a message that a person sends to try an endpoint.
const TEST: &str = "webhook.test";

impl Webhooks {
    /// Returns what is to be sent about a step of a task that changes the inbox so.
    pub(crate) fn of_step(
        &self,
        before: Option<&Task>,
        after: &Task,
        updates: &[InboxUpdate],
    ) -> Vec<NewDelivery> {
        if self.endpoints().is_empty() {
            return Vec::new();
        }
        let mut deliveries = self.of_inbox(after, updates);
        let was = before.map(Task::status);
        let event = match after.status() {
            status if was == Some(status) => None,
            TaskStatus::Done => Some("task.done"),
            TaskStatus::SpecFailed | TaskStatus::ImplementationFailed => Some("task.failed"),
            _ => None,
        };
        if let Some(event) = event {
            let reason = after.last_error.as_ref().map(|failure| failure.message.clone());
            let reason = reason.filter(|_| event == "task.failed");
            let task = json!({
                "id": after.id, "name": after.name, "project_id": after.project, "status": after.status(), "reason": reason,
            });
            let url = self.link(&format!("/tasks/{}", after.id));
            deliveries.extend(self.to_all(event, after, &json!({ "task": task, "url": url })));
        }
        deliveries
    }

    /// Returns what is to be sent about changes of the inbox.
    pub(crate) fn of_inbox(&self, task: &Task, updates: &[InboxUpdate]) -> Vec<NewDelivery> {
        let mut deliveries = Vec::new();
        for InboxUpdate { event, item } in updates {
            let event = match event {
                InboxEvent::Added => "inbox.added",
                InboxEvent::Resolved => "inbox.resolved",
                InboxEvent::Changed => continue,
            };
            let url = self.link(&page_of(item));
            deliveries.extend(self.to_all(event, task, &json!({ "item": item, "url": url })));
        }
        deliveries
    }

    /// Returns a message by which a person tries an endpoint.
    pub fn test(&self, endpoint: &Endpoint) -> NewDelivery {
        let data = json!({ "message": "This is a test message of SpecTask.", "url": self.link("/settings?view=webhooks") });
        delivery(endpoint, TEST, &data, now())
    }

    fn to_all(&self, event: &str, task: &Task, data: &Value) -> Vec<NewDelivery> {
        let at = now();
        let wanting = self.endpoints().iter().filter(|endpoint| endpoint.wants(event, task));
        wanting.map(|endpoint| delivery(endpoint, event, data, at)).collect()
    }
}

fn delivery(endpoint: &Endpoint, event: &str, data: &Value, at: Millis) -> NewDelivery {
    let payload = json!({ "type": event, "timestamp": rfc3339(at), "data": data });
    NewDelivery {
        endpoint: endpoint.id.clone(),
        message: format!("msg_{}", ulid::Ulid::generate()),
        event: event.to_owned(),
        payload: payload.to_string(),
        at,
    }
}

/// Returns the page where an item is answered.
pub(crate) fn page_of(item: &InboxItem) -> String {
    let task = &item.task.id;
    match (item.kind, &item.work_session) {
        (InboxKind::SpecReview, _) => format!("/tasks/{task}?tab=specification"),
        (InboxKind::ChangeReview | InboxKind::Landing, _) => format!("/tasks/{task}?tab=change"),
        (InboxKind::Permission | InboxKind::Message | InboxKind::Failure, Some(session)) => {
            format!("/tasks/{task}/sessions/{}", session.id)
        }
        _ => format!("/tasks/{task}"),
    }
}
