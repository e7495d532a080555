//! The context in which an effect is performed.

use crate::App;
use crate::failure::failure;
use workflow::{Failure, FailureClass, Session, SessionId, Task};

/// An effect in progress: the task as it is now and the effect's identity, which its commits carry.
pub(crate) struct Job<'a> {
    pub(crate) app: &'a App,
    pub(crate) task: &'a Task,
    pub(crate) id: &'a str,
    pub(crate) attempt: i64,
}

impl Job<'_> {
    /// Returns the session an effect names.
    pub(crate) fn session(&self, id: &SessionId) -> Result<&Session, Failure> {
        self.task
            .session(id)
            .ok_or_else(|| failure(FailureClass::Internal, format!("The task has no work session {id}.")))
    }

    /// Returns the trailer's text for the n-th commit of this effect.
    pub(crate) fn trailer(&self, part: &str) -> String {
        format!("{}/{part}", self.id)
    }
}
