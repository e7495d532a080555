//! The one place where the server reads the clock and makes identifiers.

use std::time::{SystemTime, UNIX_EPOCH};
use workflow::{Ids, Millis};

/// The time now.
pub fn now() -> Millis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Identifiers that sort by the time they were made.
#[derive(Default)]
pub struct Ulids;

impl Ids for Ulids {
    fn next(&mut self, prefix: &str) -> String {
        format!("{prefix}_{}", ulid::Ulid::generate())
    }
}
