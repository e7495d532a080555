//! Converts errors of git, the database and the disk into failures of a task.

use crate::clock::now;
use workflow::{Failure, FailureClass};

/// Returns a failure that happens now.
pub(crate) fn failure(class: FailureClass, message: String) -> Failure {
    Failure { class, message, at: now() }
}

/// Returns a failure of git, with the whole chain of causes as its message.
pub(crate) fn git_failure(error: &dyn std::error::Error) -> Failure {
    let class = if is_out_of_space(error) { FailureClass::OutOfSpace } else { FailureClass::Git };
    failure(class, chain(error))
}

/// Returns whether a full disk or a used-up quota is the cause: the system's own words, from this process as well as
/// from git, or SQLite's.
pub fn is_out_of_space(error: &dyn std::error::Error) -> bool {
    const SIGNS: [&str; 3] = ["No space left on device", "Disk quota exceeded", "database or disk is full"];
    let message = chain(error);
    SIGNS.iter().any(|full| message.contains(full))
}

/// Returns what git said, where git is the cause.
pub fn git_cause(error: &(dyn std::error::Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<git::Error>() {
            return Some(chain(error));
        }
        cause = error.source();
    }
    None
}

/// Returns an error and its causes, in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Runs blocking work on git outside of the runtime's threads.
pub(crate) async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, Failure>
where
    T: Send + 'static,
    E: std::error::Error + Send + 'static,
{
    match crate::spawn_blocking(work).await {
        Ok(result) => result.map_err(|error| git_failure(&error)),
        Err(error) => Err(failure(FailureClass::Internal, format!("Work on git ended early: {error}."))),
    }
}

/// Returns a failure of the database.
pub(crate) fn store_failure(error: &store::StoreError) -> Failure {
    let is_full = error.fault() == Some(store::Fault::OutOfSpace);
    failure(if is_full { FailureClass::OutOfSpace } else { FailureClass::Internal }, chain(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn git_is_named_as_the_cause_wherever_it_is_in_the_chain() {
        let forged = || git::Error::Forged { id: "0a1b".to_owned() };
        let wrapped = crate::projects::repositories::RepositoryError::from(forged());
        for error in [&forged() as &(dyn std::error::Error + 'static), &wrapped] {
            assert!(git_cause(error).is_some_and(|cause| cause.contains("git fsck")), "{error}");
        }
        assert_eq!(git_cause(&std::io::Error::other("something else")), None);
    }
}
