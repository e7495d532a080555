//! The documents of a task as text: requirements, design, plan and checklist in every dialect.
//!
//! They are parsed, checked and edited byte by byte: an edit changes the marker of a box and nothing else. The crate knows no
//! tasks, runtime, database, git or HTTP; texts come in and go out as strings.

pub mod anchor;
mod finding;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod hash;
pub mod lint;
mod markdown;
mod outline;
pub mod plan;
pub mod requirements;
mod validate;

pub use finding::{Document, Finding, Severity};
pub use markdown::pattern::pattern;
pub use plan::checklist;
pub use validate::{Problem, validate};
