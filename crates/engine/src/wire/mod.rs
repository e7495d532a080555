//! What clients see: the shapes of [`protocol`], made from what the workflow and the store hold.

mod comment;
mod coordination;
mod evidence;
mod plain;
mod session;
mod task;
mod time;

pub use comment::{Anchors, comment};
pub use coordination::{coordination_event, coordination_update};
pub use evidence::evidence;
pub use plain::plain_task;
pub use session::{
    implementation_task, plan_entry_status, queued_message, sandbox, session_update, work_session, zed_thread,
};
use task::last_error;
pub use task::{Scene, check, spec_task, task_update, usage};
pub use time::rfc3339;

/// A message as a sentence.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let begun: String =
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
    if begun.ends_with(['.', '!', '?']) { begun } else { format!("{begun}.") }
}
