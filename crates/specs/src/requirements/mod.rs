//! The requirements, requirements.md: their criteria in EARS and their ids.

mod document;
mod ids;
mod sections;
mod title;

pub use document::{Criterion, EarsPattern, Requirement, Requirements, ears, parse};
pub use title::title;
