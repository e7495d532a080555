//! Everything SpecTask does with git repositories: objects, branches and merges in process, worktrees through
//! the `git` command.
//!
//! This crate knows repositories, branches, worktrees and commits. It must not know tasks, the database or
//! HTTP. Every call blocks; callers with an async runtime use its blocking threads.
//!
//! Repositories are hostile input: no hook, filter, driver or other program that a repository's files or
//! configuration name is ever run. See `command`, the only place that starts a process.

mod add_worktree;
mod additions;
mod agent_files;
mod attach;
mod beneath;
mod branches;
mod checkouts;
mod clone;
mod command;
mod commit;
mod commit_edit;
mod commit_id;
mod commit_on;
mod convert;
mod create;
mod diff;
mod differences;
mod dir;
mod docs_worktree;
mod durable;
mod effects;
mod error;
mod files;
mod filtered;
mod follow;
mod forward;
mod gather;
mod inspect;
mod installed;
mod keep;
mod land;
mod landing_turn;
mod last_change;
mod locks;
mod log;
mod merge;
mod message;
mod model;
mod move_evidence;
mod names;
mod note;
mod objects;
mod oddity;
mod open;
mod owner;
mod pipes;
mod places;
mod plain;
mod radar;
mod read;
mod recover;
mod reflog;
mod registration;
mod remove_worktree;
mod replaced;
mod repository;
mod resolve;
mod revert;
mod rewritten;
mod save_dirty;
mod save_tip;
mod smart_http;
mod state;
mod status;
mod unchanged;
mod verify;
mod watch;
mod worktree;

pub use additions::Addition;
pub use agent_files::StrayFiles;
pub use command::end_commands;
pub use commit_id::{CommitId, NotACommitId};
pub use diff::{DiffLine, FileDiff, Hunk};
pub use dir::{Dir, Entry};
pub use docs_worktree::{docs_worktree, is_docs_worktree_unfinished};
pub use error::{CloneError, Error, OpenError};
pub use forward::Forward;
pub use gather::{Gather, Gathered};
pub use inspect::Inspection;
pub use installed::{Git, Settings};
pub use land::{Land, Landed, Landing, Planned};
pub use landing_turn::LandingTurn;
pub use last_change::LastChange;
pub use log::LogEntry;
pub use merge::{ConflictFile, Merge, Merged};
pub use model::{Change, Commit, Committed, Identity};
pub use move_evidence::MoveEvidence;
pub use names::is_branch_name;
pub use oddity::Oddity;
pub use places::{Lines, Place};
pub use radar::{Collision, CollisionFile, CollisionState, Lookout, OnLook, Radar, Seen, WatchBudget};
pub use recover::Finding;
pub use repository::Repository;
pub use revert::{Revert, Reverted};
pub use rewritten::Rewritten;
pub use smart_http::{Service, may_be_pushed, pushed_refs};
pub use watch::{RefChange, Watcher};
pub use worktree::WorktreeSpec;
