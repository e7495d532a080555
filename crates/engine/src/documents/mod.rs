//! A task's documents on the design-docs branch: read, watched, and kept in sync with the checklist.

mod branch;
pub mod metadata;
pub mod planning;
pub mod progress;
pub mod watch;

pub use branch::{Documents, keep, read, units, view};
pub(crate) use branch::{put_back, write_again};
