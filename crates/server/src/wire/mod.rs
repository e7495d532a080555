//! What clients see: the JSON shapes of the API, made from what the workflow and the store hold.

mod session;
mod task;
mod time;
mod words;

pub use session::{ImplementationTask, WorkSession, ZedThread, session_news};
pub use task::{LastError, Scene, SpecTask, task_news};
pub use time::rfc3339;
pub(crate) use words::*;
