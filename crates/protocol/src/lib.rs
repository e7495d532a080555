//! What crosses a boundary, typed: the entries of a session's log as they are stored, recorded in git, streamed and shown.
//!
//! The crate holds shapes and no behaviour: it knows nothing of tasks, storage, HTTP, git or agents. JSON is the contract:
//! what was read is written again with the same members, whether this version knows them or not.

#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod log;
mod optional;
mod schema;

pub use log::{LogEntry, NumberedEntry};
pub use optional::Optional;
