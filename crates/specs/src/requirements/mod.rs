//! The requirements, requirements.md: their criteria in EARS and their ids.

mod document;
mod ids;
mod sections;

pub use document::{Criterion, EarsPattern, Requirement, Requirements, ears, parse};
