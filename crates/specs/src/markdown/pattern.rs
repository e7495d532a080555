//! Regular expressions that are written in code.

use regex::Regex;

/// Compiles a constant pattern of this crate.
pub fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern is tested")
}
