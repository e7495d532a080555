//! Scheduling: free slots, claims of effects, and worktrees that are prepared early.

pub(crate) mod prewarm;
pub(crate) mod resume;
pub(crate) mod runner;
pub mod scheduler;
