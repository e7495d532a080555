//! Shows which worktrees change the same lines before their branches are merged.

mod collisions;
mod followed;
mod known;
mod lookout;
mod pair;
mod sweep;

pub use collisions::{Collision, CollisionFile, CollisionState};
pub use followed::Seen;
pub use lookout::{Lookout, OnLook, WatchBudget};
pub use sweep::Radar;
