//! What users of the crate see, on real repositories.

mod additions;
mod cloning;
mod collisions;
mod commits;
mod docs;
mod edits;
mod forward;
mod gathering;
mod harness;
mod hostile;
mod kill;
mod landing;
mod merges;
mod opening;
mod reading;
mod recovery;
mod retiring;
mod saving;
mod tampering;
mod watcher;
mod watching;
mod working;
mod worktrees;
