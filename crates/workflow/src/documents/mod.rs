//! The documents of a task as text: plans, checklists, requirements, their lint and their hash.

pub mod checklist;
mod finding;
pub mod hash;
mod item;
pub mod lint;
pub mod metadata;
pub mod plan;
pub mod requirements;
mod units;
mod validate;

pub use finding::{Document, Finding, Severity};
pub use validate::{Problem, validate};
