//! Images and files of tasks: attached by people to prompts and messages, or sent by agents.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A file of a task; its content is read at `/spec-tasks/{id}/attachments/{attachment}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attachment {
    /// The attachment's id, which follows from its name, media type and content.
    pub id: String,
    /// The name of the file.
    pub name: String,
    /// The media type of the content.
    #[schema(example = "image/png")]
    pub media_type: String,
    /// The size of the content in bytes.
    pub size: u64,
}

/// A file of a task, with what it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskAttachment {
    #[serde(flatten)]
    pub attachment: Attachment,
    /// The use of the file: `prompt`, `message` or `agent`.
    pub purpose: AttachmentPurpose,
    /// The session whose agent sent it; null for what a person attached.
    pub session_id: Option<String>,
    /// When it was attached or sent.
    pub created_at: String,
}

/// The use of a file of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentPurpose {
    /// A person attached it to the task's prompt.
    Prompt,
    /// A person attached it to a message.
    Message,
    /// An agent sent it in a message or a tool call.
    Agent,
}

impl Attachment {
    /// Returns whether it is an image of a kind that models and browsers show.
    pub fn is_image(&self) -> bool {
        matches!(self.media_type.as_str(), "image/png" | "image/jpeg" | "image/gif" | "image/webp")
    }
}
