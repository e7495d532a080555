//! Checks requirements and plans for what would surprise their readers.

mod rules;
mod sentences;

pub use rules::lint;
