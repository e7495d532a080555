//! What sessions and people tell each other, as clients see it.

use super::rfc3339;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use workflow::{CoordinationEvent, CoordinationKind, Millis, SessionId, Task};

/// A message to one session or to all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CoordinationView {
    pub id: String,
    #[schema(required)]
    pub from_session_id: Option<String>,
    /// Null means all sessions that had not ended.
    #[schema(required)]
    pub to_session_id: Option<String>,
    #[schema(schema_with = super::coordination_kind)]
    pub event_type: CoordinationKind,
    pub message: String,
    pub data: Value,
    /// The person who said it, where it was one.
    #[schema(required)]
    pub by: Option<String>,
    pub timestamp: String,
    /// Whether it was delivered to all of its recipients, by a turn.
    pub acknowledged: bool,
    #[schema(required)]
    pub acknowledged_at: Option<String>,
    /// What answers a request.
    #[schema(required)]
    pub response: Option<ResponseView>,
    pub deliveries: Vec<DeliveryView>,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ResponseView {
    pub id: String,
    #[schema(required)]
    pub from_session_id: Option<String>,
    pub message: String,
    pub timestamp: String,
}

/// A session that is to be told, and the turn that told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DeliveryView {
    pub to_session_id: String,
    #[schema(required)]
    pub turn_id: Option<String>,
    #[schema(required)]
    pub at: Option<String>,
}

impl CoordinationView {
    pub fn of(task: &Task, event: &CoordinationEvent) -> Self {
        let answer = event.answered_by.as_ref().and_then(|id| task.coordination_event(id));
        // Without recipients left it needs no delivery.
        let without_recipients = event.deliveries.is_empty().then_some(event.at);
        let acknowledged_at: Option<Millis> = event.acknowledged_at().or(without_recipients);
        let id = |session: &SessionId| session.to_string();
        Self {
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
}

/// A coordination event as watchers get it.
pub fn coordination_news(task: &Task, event: &CoordinationEvent) -> Value {
    let mut news = serde_json::to_value(CoordinationView::of(task, event)).unwrap_or_default();
    if let Some(fields) = news.as_object_mut() {
        fields.insert("spec_task_id".to_owned(), task.id.to_string().into());
    }
    news
}
