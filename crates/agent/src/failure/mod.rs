//! Distinguishes model errors from answers, classifies the errors, and says when a retry can help.
//!
//! Agents report failures as protocol errors, as a state of their thread, or as the usual end of a turn with the error as their
//! last message. What has structure (codes, JSON bodies) decides before words do.

mod classes;
mod message;
mod retry;

pub use classes::FailureClass;
pub(crate) use classes::{by_code, by_status, by_text};
pub(crate) use message::reports_failure;
pub use retry::RetryTime;
