//! Review comments on documents, and their replies.

use crate::{Answer, CommentId, CommentKind, DiffSide, DocumentName, Millis, ReviewId};
use serde::{Deserialize, Serialize};
use specs::anchor::Lines;

/// A comment on a version of the documents; where it stands in later ones follows from their texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    pub id: CommentId,
    /// How people and agents call it within the task, from 1: `C1`.
    pub number: usize,
    /// The version it was made on.
    pub review: ReviewId,
    pub round: u32,
    pub anchor: CommentAnchor,
    pub kind: CommentKind,
    pub text: String,
    pub by: String,
    pub at: Millis,
    pub replies: Vec<Reply>,
    pub resolved: Option<Resolved>,
    /// The round whose review sent it to the planner last.
    pub sent: Option<u32>,
}

/// What a comment is about, in the version it was made on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentAnchor {
    pub document: DocumentName,
    /// The words that were selected; empty where only lines were.
    pub quote: String,
    /// First and last line; absent is the whole document.
    pub lines: Option<(usize, usize)>,
    /// What stood on these lines.
    pub excerpt: String,
}

impl CommentAnchor {
    pub fn lines(&self) -> Option<Lines> {
        self.lines.map(|(start, end)| Lines { start, end })
    }
}

/// A reply to a comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    pub by: String,
    pub text: String,
    pub at: Millis,
    /// What became of the comment, where it is the planner who replies.
    #[serde(default)]
    pub answer: Option<Answer>,
    /// The round in which the planner replies.
    #[serde(default)]
    pub round: Option<u32>,
}

/// Who was content with what came of a comment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    pub by: String,
    pub at: Millis,
}

/// A comment as a person makes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewComment {
    /// The same comment again is known by its name and changes nothing.
    pub id: CommentId,
    pub review: ReviewId,
    pub round: u32,
    /// The content that the person saw.
    pub hash: String,
    pub anchor: CommentAnchor,
    pub kind: CommentKind,
    pub text: String,
    pub by: String,
}

/// A comment on a line of the change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineComment {
    pub path: String,
    pub side: DiffSide,
    pub line: usize,
    pub quote: String,
    pub text: String,
}

impl Comment {
    /// How people and agents call it.
    pub fn label(&self) -> String {
        format!("C{}", self.number)
    }

    /// Whether the planner is to hear of it: praise asks for nothing, and is heard too.
    pub fn is_open(&self) -> bool {
        self.resolved.is_none()
    }

    /// Whether it asks for a change that is still open.
    pub fn asks(&self) -> bool {
        self.is_open() && self.kind != CommentKind::Praise
    }
}
