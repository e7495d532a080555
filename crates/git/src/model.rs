//! Commits and their authors.

use crate::CommitId;
use serde::{Deserialize, Serialize};

/// The author of a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    pub name: String,
    pub email: String,
}

/// A commit to make on a branch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    pub branch: String,
    pub changes: Vec<Change>,
    pub message: String,
    pub author: Identity,
    /// The commit's dates, in milliseconds since 1970; given, so that a repetition makes the same commit.
    pub time_ms: i64,
    /// The effect that the commit is the result of. A branch never gets two commits of one effect.
    pub effect: Option<String>,
}

/// The change of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Relative to the repository's root, with `/` between its parts.
    pub path: String,
    /// The file's content; `None` deletes it.
    pub content: Option<Vec<u8>>,
}

/// The position of a branch after a commit was requested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Committed {
    /// The commit of the effect, or the branch's tip when there was nothing to commit.
    pub id: CommitId,
    /// Whether this call made the commit.
    pub fresh: bool,
}
