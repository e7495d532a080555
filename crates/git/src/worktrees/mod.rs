//! Worktrees: made, removed, repaired, and brought along when their branch moves.

pub(crate) mod add;
pub(crate) mod agent_files;
pub(crate) mod anomaly;
pub(crate) mod attach;
pub(crate) mod branch_files;
pub(crate) mod checkouts;
pub(crate) mod docs;
pub(crate) mod follow;
pub(crate) mod git_files;
pub(crate) mod note;
pub(crate) mod recover;
pub(crate) mod registration;
pub(crate) mod remove;
pub(crate) mod save_dirty;
pub(crate) mod stage;
pub(crate) mod status;
pub(crate) mod untracked;
pub(crate) mod worktree;
