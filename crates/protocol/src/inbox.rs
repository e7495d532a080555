//! The inbox: what waits for a person, each with the facts that an answer needs.

use crate::words::{InboxAction, InboxEvent, InboxKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Something that waits for a person. It leaves the inbox when it is answered, by whatever client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InboxItem {
    /// Stays the same as long as the item waits.
    #[schema(example = "inb_0a1b2c3d4e5f")]
    pub id: String,
    pub kind: InboxKind,
    /// The task that it belongs to.
    pub task: InboxTask,
    /// The work session that it is about; null when it is about the whole task.
    #[schema(required)]
    pub work_session: Option<InboxSession>,
    /// The request to the person.
    #[schema(example = "Review the specification")]
    pub title: String,
    /// The context of the request: a command, the reason of a failure, the extent of a review.
    pub summary: String,
    /// When it began to wait.
    pub since: String,
    /// When the answer becomes no without a person; null when it waits without limit.
    #[schema(required)]
    pub deadline: Option<String>,
    /// The possible answers, the first one first.
    pub actions: Vec<InboxAction>,
    /// The hash of the documents under review, which an approval names.
    #[schema(required)]
    pub content_hash: Option<String>,
    /// The head of the change under review, which an approval names.
    #[schema(required)]
    pub commit: Option<String>,
    /// The permission request that an answer names.
    #[schema(required)]
    pub request_id: Option<String>,
}

/// The task of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InboxTask {
    pub id: String,
    /// The short form of the id, such as `SPEC-12`.
    #[serde(default)]
    pub short_id: String,
    pub name: String,
    pub project_id: String,
}

/// The work session of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InboxSession {
    pub id: String,
    pub name: String,
}

/// A change of the inbox, as live messages have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InboxUpdate {
    /// The event of the item.
    pub event: InboxEvent,
    pub item: InboxItem,
}
