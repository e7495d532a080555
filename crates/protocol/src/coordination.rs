//! Messages between sessions and people, as clients see them.

use crate::words::CoordinationKind;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A message to one session or to all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CoordinationView {
    pub id: String,
    #[schema(required)]
    pub from_session_id: Option<String>,
    /// Null means all sessions that had not ended.
    #[schema(required)]
    pub to_session_id: Option<String>,
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
    /// The answer to a request.
    #[schema(required)]
    pub response: Option<ResponseView>,
    pub deliveries: Vec<DeliveryView>,
}

/// The answer to a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ResponseView {
    pub id: String,
    #[schema(required)]
    pub from_session_id: Option<String>,
    pub message: String,
    pub timestamp: String,
}

/// A session that is to be told, and the turn that told it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeliveryView {
    pub to_session_id: String,
    #[schema(required)]
    pub turn_id: Option<String>,
    #[schema(required)]
    pub at: Option<String>,
}
