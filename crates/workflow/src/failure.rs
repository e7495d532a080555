//! Failures: a class for programs and a sentence for people.

use crate::{FailureClass, Millis};
use serde::{Deserialize, Serialize};

/// How many times a retryable failure is retried before a person decides.
pub const MAX_RETRIES: u32 = 3;
/// How many times a turn that ran into a limit of its agent is retried; with [`retry_delay`] that is about a day.
const MAX_LIMIT_RETRIES: u32 = 26;
/// How long the first retry after a limit waits, in milliseconds, where the agent does not say when the limit ends.
const FIRST_LIMIT_DELAY: i64 = 60_000;
/// The longest time between two retries after a limit, in milliseconds.
const MAX_LIMIT_DELAY: i64 = 3_600_000;
/// The longest delay until the end of a limit that an agent named, in milliseconds.
const MAX_RESET_DELAY: i64 = 26 * 3_600_000;

/// A failure as people see it: its class, a message and the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub class: FailureClass,
    /// A sentence that says what happened and, where there is one, what to do.
    pub message: String,
    pub at: Millis,
}

/// Returns how many times a failure of this class is retried before a person decides.
pub(crate) fn max_retries(class: FailureClass) -> u32 {
    match class {
        FailureClass::Limit => MAX_LIMIT_RETRIES,
        _ if class.is_retryable() => MAX_RETRIES,
        _ => 0,
    }
}

/// Returns the delay before the n-th retry (the first is 1), in milliseconds: until the time that the agent gave if it
/// gave one, otherwise 1, 2, 4 … minutes up to an hour after a limit, and 2 s, 8 s, 32 s after anything else.
pub(crate) fn retry_delay(class: FailureClass, attempt: u32, now: Millis, retry_at: Option<Millis>) -> i64 {
    match (class, retry_at) {
        (_, Some(at)) => (at.0 - now.0).clamp(0, MAX_RESET_DELAY),
        (FailureClass::Limit, None) => {
            (FIRST_LIMIT_DELAY << attempt.saturating_sub(1).min(6)).min(MAX_LIMIT_DELAY)
        }
        (_, None) => 500 * 4_i64.saturating_pow(attempt.min(6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_waited_for_until_its_end_and_else_for_ever_longer() {
        let now = Millis(1_000);
        let delay = |attempt, at| retry_delay(FailureClass::Limit, attempt, now, at);
        assert_eq!(delay(1, Some(Millis(91_000))), 90_000);
        assert_eq!(delay(1, Some(Millis(0))), 0);
        let minutes: Vec<i64> = (1..=8).map(|attempt| delay(attempt, None) / 60_000).collect();
        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(retry_delay(FailureClass::Network, 2, now, None), 8_000);
        assert_eq!(max_retries(FailureClass::AuthNeeded), 0);
    }
}
