//! What clients see: the JSON shapes of the API, made from what the workflow and the store hold.

mod comment;
mod coordination;
mod evidence;
mod plain;
mod session;
mod task;
mod time;
mod words;

pub use comment::Anchors;
pub use comment::CommentView;
pub use coordination::{CoordinationView, coordination_news};
pub use evidence::EvidenceView;
pub use plain::PlainTask;
pub use session::{ImplementationTask, QueuedMessage, SandboxView, WorkSession, ZedThread, session_news};
pub use task::{CheckView, LastError, Scene, SpecTask, UsageView, task_updates};
pub use time::rfc3339;
pub use words::*;

/// A message as a sentence.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let begun: String =
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
    if begun.ends_with(['.', '!', '?']) { begun } else { format!("{begun}.") }
}
