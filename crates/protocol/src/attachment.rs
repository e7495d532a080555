//! Images and files that people attach to tasks and messages.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A file that a person attached; its content is read at `/spec-tasks/{id}/attachments/{attachment}`.
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

impl Attachment {
    /// Returns whether it is an image of a kind that models and browsers show.
    pub fn is_image(&self) -> bool {
        matches!(self.media_type.as_str(), "image/png" | "image/jpeg" | "image/gif" | "image/webp")
    }
}
