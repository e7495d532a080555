//! The views of clients: the types of [`protocol`], made from the data of the workflow and the store.

mod comment;
mod coordination;
mod evidence;
mod plain;
mod session;
mod task;

pub use comment::{Anchors, comment};
pub use coordination::{coordination_event, coordination_update};
pub use evidence::evidence;
pub use plain::plain_task;
pub use session::{
    implementation_task, plan_entry_status, queued_message, sandbox, session_update, work_session, zed_thread,
};
use task::last_error;
pub use task::{TaskSurroundings, check, spec_task, task_update, usage};

/// Returns a message as a sentence.
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let begun: String =
        letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default();
    if begun.ends_with(['.', '!', '?']) { begun } else { format!("{begun}.") }
}
