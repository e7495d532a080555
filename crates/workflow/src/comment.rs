//! Review comments on documents, and their replies.

use crate::{Answer, CommentId, CommentKind, DiffSide, DocumentName, Millis, ReviewId};
use serde::{Deserialize, Serialize};
use specs::anchor::Lines;

/// A comment on a version of the documents; its position in later ones is computed from their texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    pub id: CommentId,
    /// Its number in the task, from 1; people and agents write `C1`.
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

/// The passage a comment is about, in the version it was made on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommentAnchor {
    pub document: DocumentName,
    /// The selected words; empty if only lines were selected.
    pub quote: String,
    /// First and last line; absent is the whole document.
    pub lines: Option<(usize, usize)>,
    /// The text of these lines.
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
    /// The planner's answer, if the planner replies.
    #[serde(default)]
    pub answer: Option<Answer>,
    /// The round in which the planner replied.
    #[serde(default)]
    pub round: Option<u32>,
}

/// The person who resolved a comment, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolved {
    pub by: String,
    pub at: Millis,
}

/// A comment as a person makes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewComment {
    /// A comment with a known id changes nothing.
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
    /// Returns the name that people and agents write.
    pub fn label(&self) -> String {
        format!("C{}", self.number)
    }

    /// Returns whether it goes to the planner, which gets praise too.
    pub fn is_open(&self) -> bool {
        self.resolved.is_none()
    }

    /// Returns whether it requests a change that is still open.
    pub fn asks(&self) -> bool {
        self.is_open() && self.kind != CommentKind::Praise
    }
}
