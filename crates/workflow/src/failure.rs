//! What went wrong, in a class a program can act on and a sentence a person can.

use crate::{FailureClass, Millis};
use serde::{Deserialize, Serialize};

/// How often a failure that can heal is tried again before a person is asked.
pub const MAX_HEALS: u32 = 3;

/// A failure as it is shown: what, in words, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub class: FailureClass,
    /// A sentence that says what happened and, where there is one, what to do.
    pub message: String,
    pub at: Millis,
}

/// How long to wait before the n-th healing attempt (the first is 1): 2 s, 8 s, 32 s.
pub(crate) fn backoff(attempt: u32) -> i64 {
    500 * 4_i64.saturating_pow(attempt.min(6))
}
