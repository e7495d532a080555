//! The one place where the server reads the clock and makes identifiers.

use std::time::{SystemTime, UNIX_EPOCH};
use workflow::{Ids, Millis};

/// Returns the time now.
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

/// Returns a time as RFC 3339 in UTC, to the millisecond.
pub fn rfc3339(at: Millis) -> String {
    let time = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::MAX);
    format!("{time:.3}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_utc_with_milliseconds() {
        assert_eq!(rfc3339(Millis(1_700_000_000_042)), "2023-11-14T22:13:20.042Z");
        assert_eq!(rfc3339(Millis(0)), "1970-01-01T00:00:00.000Z");
    }
}
