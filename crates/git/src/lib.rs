//! Everything SpecTask does with git repositories: objects, branches and merges in process, worktrees through
//! the `git` command.
//!
//! This crate knows repositories, branches, worktrees and commits. It must not know tasks, the database or
//! HTTP. Every call blocks; callers with an async runtime use its blocking threads.
//!
//! Repositories are hostile input: no hook, filter, driver or other program that a repository's files or
//! configuration name is ever run. See `command`, the only place that starts a process.

mod beneath;
mod branches;
mod checkouts;
mod clone;
mod command;
mod commit;
mod commit_edit;
mod commit_id;
mod commit_worktree;
mod create;
mod diff;
mod differences;
mod docs_worktree;
mod durable;
mod effects;
mod error;
mod files;
mod follow;
mod inspect;
mod installed;
mod land;
mod locks;
mod log;
mod merge;
mod message;
mod model;
mod names;
mod note;
mod objects;
mod open;
mod read;
mod recover;
mod registration;
mod remove_worktree;
mod repository;
mod resolve;
mod save_dirty;
mod status;
mod watch;
mod worktree;

pub use commit_id::{CommitId, NotACommitId};
pub use diff::{DiffLine, FileDiff, Hunk};
pub use error::{CloneError, Error, OpenError};
pub use inspect::Inspection;
pub use installed::{Git, Settings};
pub use land::{Land, Landed};
pub use log::LogEntry;
pub use merge::{ConflictFile, Merge, Merged};
pub use model::{Change, Commit, Committed, Identity};
pub use recover::Finding;
pub use repository::Repository;
pub use watch::{RefChange, Watcher};
pub use worktree::WorktreeSpec;
