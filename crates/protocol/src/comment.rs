//! Comments on a task's documents, as clients see them.

use crate::words::{AnchorState, Answer, CommentKind, CommentStatus, DocumentName};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A comment on a place of the documents, and where it stands in the newest version of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CommentView {
    pub id: String,
    pub spec_task_id: String,
    /// The version it was made on.
    pub review_id: String,
    pub round: u32,
    /// How people and agents call it within the task: `C1`.
    pub label: String,
    pub document: DocumentName,
    /// The words that were selected; empty where only lines were.
    pub quoted_text: String,
    /// In the newest version; absent for a comment on the whole document, and for an outdated one.
    #[schema(required)]
    pub start_line: Option<usize>,
    #[schema(required)]
    pub end_line: Option<usize>,
    /// The state of the commented text in the newest version.
    pub anchor: AnchorState,
    pub outdated: bool,
    /// The commented text as it was when the comment was made.
    pub original: Original,
    pub kind: CommentKind,
    pub comment: String,
    pub author: String,
    pub created_at: String,
    pub status: CommentStatus,
    pub resolved: bool,
    #[schema(required)]
    pub resolved_by: Option<String>,
    #[schema(required)]
    pub resolved_at: Option<String>,
    /// The round whose review sent it to the planner last.
    #[schema(required)]
    pub sent_in_round: Option<u32>,
    pub replies: Vec<ReplyView>,
}

/// The text that a comment was made on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Original {
    #[schema(required)]
    pub start_line: Option<usize>,
    #[schema(required)]
    pub end_line: Option<usize>,
    pub text: String,
}

/// A reply to a comment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReplyView {
    pub author: String,
    pub comment: String,
    pub created_at: String,
    /// The planner's answer, if the planner replies.
    #[schema(required)]
    pub answer: Option<Answer>,
    /// The round in which the planner replies.
    #[schema(required)]
    pub round: Option<u32>,
}
