//! Collisions: which worktrees change the same lines, and where.

use crate::Place;
use serde::{Deserialize, Serialize};

/// Two worktrees that change the same files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collision {
    /// The names that the worktrees are followed by, in order.
    pub between: [String; 2],
    /// By path.
    pub files: Vec<CollisionFile>,
}

/// A file that both worktrees change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollisionFile {
    pub path: String,
    pub state: CollisionState,
    /// Why it conflicts, as a clause.
    pub reason: Option<String>,
    /// Where it conflicts; `ours` is the first worktree's side. Bounded.
    pub places: Vec<Place>,
}

/// Whether a file that both change can be merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CollisionState {
    /// Both changes go together, or the file is too large to be tried.
    BothTouch,
    Conflict,
}

impl Collision {
    /// Returns whether any file conflicts.
    pub fn is_conflict(&self) -> bool {
        self.files.iter().any(|file| file.state == CollisionState::Conflict)
    }
}
