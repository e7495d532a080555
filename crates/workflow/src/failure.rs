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
/// The longest time by which a delay is made longer, in milliseconds.
const MAX_SPREAD: i64 = 30_000;

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

/// Returns by how many milliseconds a delay is made longer, so that what failed together is not retried together: up to a
/// quarter of the delay and half a minute. The same seed gives the same time.
pub(crate) fn spread(seed: &str, delay: i64) -> i64 {
    let range = (delay / 4).clamp(0, MAX_SPREAD);
    // FNV-1a.
    let hash = seed.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    // The last characters of seeds differ, which the finalizer of MurmurHash3 spreads over all bits. 32 of them fit.
    let hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (i64::try_from(hash >> 32).unwrap_or(0) * range) >> 32
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

    #[test]
    fn what_failed_together_is_not_retried_together() {
        let delays: std::collections::BTreeSet<i64> =
            (0..20).map(|turn| spread(&format!("turn_{turn}"), 60_000)).collect();
        assert!(delays.len() > 15, "{delays:?}");
        assert!(delays.iter().all(|delay| (0..15_000).contains(delay)), "{delays:?}");
        assert_eq!(spread("turn_1", 60_000), spread("turn_1", 60_000));
        assert_eq!(spread("turn_1", 0), 0);
        assert!(spread("turn_2", i64::MAX) < 30_000);
    }
}
