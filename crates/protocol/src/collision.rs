//! Files that several sessions change, as clients see them.

use crate::words::CollisionState;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The collisions between the sessions of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Collisions {
    pub collisions: Vec<SessionCollision>,
    /// When the sessions' worktrees were looked at.
    pub checked_at: String,
}

/// Two sessions that change the same files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionCollision {
    /// Their ids.
    pub sessions: [String; 2],
    pub files: Vec<CollidingFile>,
    /// How many files both touch; more than are listed where there are very many.
    pub total_files: usize,
    pub since: String,
}

/// A file that both sessions change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CollidingFile {
    pub path: String,
    pub state: CollisionState,
    /// Why it conflicts, as a clause.
    #[schema(required)]
    pub reason: Option<String>,
    /// Where it conflicts.
    pub hunks: Vec<CollidingLines>,
}

/// A place where a file conflicts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CollidingLines {
    /// The lines of each of the sessions there, in their order.
    pub sides: [CollidingSide; 2],
}

/// One session's lines in a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CollidingSide {
    /// The first line, from 1; where there is none, the line before.
    pub start_line: u32,
    pub line_count: u32,
    pub text: String,
}
