//! Finds secrets in text and puts tags in their place.
//!
//! Exact values (what was handed to an agent) come first, in every form they are written in; then rules for the
//! formats of known services. A tag, `[secret:KIND:8f3a]`, is the same for the same secret and says nothing of it:
//! its digits are a keyed hash. The crate works on text alone: it knows no tasks, files, clocks or runtimes.
//!
//! What a [`Stream`] publishes of chunked text is what [`Redactor::redact`] makes of the whole, however it is
//! chunked. That holds by construction: whether something is a secret depends on the word it is in (a run without
//! blanks, quotes and angle brackets) and on a bounded stretch before it, and a word is published when it is over.

mod attempts;
mod encoded;
mod exact;
mod finding;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod json;
mod kinds;
mod looks;
mod pem;
mod redactor;
mod rules;
mod scan;
mod stream;
mod words;

pub use exact::Exact;
pub use finding::{Confidence, Finding};
pub use kinds::{Removed, removed};
pub use looks::is_strong;
pub use redactor::{Redactor, Settings};
pub use rules::{OwnRule, RuleError, keywords, plain_patterns};
pub use stream::Stream;

/// How far before a secret what gives it away may begin, in bytes: `password = ` and the like.
pub(crate) const CONTEXT: usize = 256;
/// How much of a word a rule looks at, in bytes; a longer secret extends to its word's end.
pub(crate) const MAX_MATCH_BYTES: usize = 2048;
/// How much a stream holds back at most of a word without an end, in bytes.
pub(crate) const WINDOW: usize = 4096;

/// Returns whether a byte ends a word: no secret that a rule knows has one inside.
pub(crate) fn is_delimiter(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c | b'"' | b'\'' | b'`' | b'<' | b'>')
}
