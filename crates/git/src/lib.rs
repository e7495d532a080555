//! Everything SpecTask does with git repositories: objects, branches and merges in process, worktrees through
//! the `git` command.
//!
//! Each folder uses only those above it: `files`, `process`, `repository`, `objects`, `refs`, `history`, `worktrees`,
//! `commits`, `collisions`, `transport`.
//!
//! This crate knows repositories, branches, worktrees and commits. It must not know tasks, the database or
//! HTTP. Every call blocks; callers with an async runtime use its blocking threads.
//!
//! Repositories are hostile input: no hook, filter, driver or other program that a repository's files or
//! configuration name is ever run. See `process`, the only place that starts a process.

mod collisions;
mod commit_id;
mod commits;
mod error;
mod files;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod history;
pub mod metrics;
mod model;
mod names;
mod objects;
mod process;
mod refs;
mod repository;
mod shared;
mod transport;
mod worktrees;

pub use collisions::{
    Collision, CollisionDetector, CollisionFile, CollisionState, OnCollisions, Seen, WatchBudget,
    WorktreeWatcher,
};
pub use commit_id::{CommitId, NotACommitId};
pub use commits::forward::Forward;
pub use commits::gather::{Gather, Gathered};
pub use commits::land::{Land, Landed, Landing, Planned};
pub use commits::landing_turn::LandingTurn;
pub use commits::merge::{Merge, Merged};
pub use commits::move_evidence::MoveEvidence;
pub use commits::revert::{Revert, Reverted};
pub use error::{CloneError, Error, OpenError};
pub use files::dir::{Dir, Entry};
pub use history::additions::Addition;
pub use history::log::LogEntry;
pub use history::rewritten::Rewritten;
pub use model::{Change, Commit, Committed, Identity};
pub use names::is_branch_name;
pub use objects::diff::{DiffLine, FileDiff, Hunk};
pub use objects::merge::ConflictFile;
pub use objects::places::{Lines, Place};
pub use process::command::end_commands;
pub use process::installed::{Git, Settings};
pub use refs::retire::{Retire, Retired};
pub use refs::watch::{RefChange, Watcher};
pub use repository::Repository;
pub use shared::LastChange;
pub use transport::inspect::Inspection;
pub use transport::smart_http::{MalformedPush, PushCommands, Service, may_be_pushed};
pub use worktrees::agent_files::StrayFiles;
pub use worktrees::anomaly::WorktreeAnomaly;
pub use worktrees::docs::{docs_worktree, is_docs_worktree_unfinished};
pub use worktrees::recover::Finding;
pub use worktrees::untracked::{Untracked, WorktreeState};
pub use worktrees::worktree::WorktreeSpec;
