//! The documents of a task as text: plans, checklists, requirements, their lint and their hash.

pub mod anchor;
mod boxes;
pub mod checklist;
mod drawn;
mod facts;
mod finding;
mod fold;
mod graph;
pub mod hash;
mod headings;
mod ids;
mod item;
mod labels;
pub mod lint;
pub mod metadata;
mod needs;
mod numerals;
mod outline;
mod phases;
pub mod plan;
mod plan_reader;
mod references;
mod requirement_sections;
pub mod requirements;
mod sentences;
mod stems;
mod surroundings;
mod tables;
mod units;
mod validate;

pub use finding::{Document, Finding, Severity};
pub(crate) use item::pattern as item_pattern;
pub use validate::{Problem, validate};
