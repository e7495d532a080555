//! Shows which worktrees change the same lines before their branches are merged.

mod collision;
mod detector;
mod followed;
mod known;
mod pair;
mod watcher;

pub use collision::{Collision, CollisionFile, CollisionState};
pub use detector::CollisionDetector;
pub use followed::Seen;
pub use watcher::{OnCollisions, WatchBudget, WorktreeWatcher};
