//! What users of the crate see, on real repositories.

mod cloning;
mod commits;
mod docs;
mod edits;
mod harness;
mod hostile;
mod kill;
mod landing;
mod merges;
mod opening;
mod reading;
mod recovery;
mod saving;
mod watching;
mod working;
mod worktrees;
