//! What can go wrong with an agent, in a class for programs and a sentence for people.

use crate::failure::{FailureClass, RetryTime, by_text, reports_failure};
use crate::readable::readable;
use std::io;

/// A failure of an agent process or of one request to it.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    #[error("the command `{command}` is not there. {hint}")]
    NotFound { command: String, hint: String },
    #[error(
        "the command `{command}` does not start; check that it may be executed and that its working directory exists"
    )]
    Spawn {
        command: String,
        #[source]
        source: io::Error,
    },
    #[error("the agent ended unexpectedly with {status}{}", last_words(stderr))]
    Crashed { status: String, stderr: String },
    /// The agent process lives, and what it drives has died.
    #[error("a process that the agent needs has ended: {message}")]
    EngineDied { message: String },
    #[error("the agent wants you to sign in: {message}")]
    AuthNeeded { message: String },
    /// A turn ended because the model's server failed, whatever the agent calls it.
    #[error("the model did not answer: {message}")]
    Model {
        class: FailureClass,
        message: String,
        /// When trying again can help, where the error says so.
        retry: Option<RetryTime>,
    },
    #[error("the agent answered with error {code}: {message}")]
    Refused { code: i64, message: String },
    #[error("the agent did not answer {what} in time")]
    TimedOut { what: String },
    #[error("the agent does not keep to the protocol: {message}")]
    Protocol { message: String },
    #[error("{message}")]
    NotConfined { message: String },
    /// A session's folders could not be shown to the agent, as when the process is just ending or git moves a folder:
    /// trying again can help.
    #[error("the sandbox could not be opened for the session: {message}")]
    NotAdmitted { message: String },
    #[error("the agent process has been stopped")]
    Closed,
}

impl AgentError {
    /// Returns the error of a turn in which the agent neither sent nor did anything.
    pub fn nothing_done() -> Self {
        let message = "the agent ended its turn without a word and without doing anything".to_owned();
        Self::Model { class: FailureClass::ModelError, message, retry: None }
    }

    /// Returns the class of the failure.
    pub fn class(&self) -> FailureClass {
        match self {
            AgentError::NotFound { .. } | AgentError::Spawn { .. } | AgentError::NotConfined { .. } => {
                FailureClass::Missing
            }
            AgentError::Crashed { stderr, .. } => match reason(stderr) {
                None | Some(FailureClass::ContextExceeded | FailureClass::ModelError) => {
                    FailureClass::Crashed
                }
                Some(class) => class,
            },
            AgentError::EngineDied { .. } | AgentError::NotAdmitted { .. } | AgentError::Closed => {
                FailureClass::Crashed
            }
            AgentError::AuthNeeded { .. } => FailureClass::AuthNeeded,
            AgentError::Model { class, .. } => *class,
            AgentError::Refused { .. } => FailureClass::Refused,
            AgentError::TimedOut { .. } => FailureClass::Silent,
            AgentError::Protocol { .. } => FailureClass::InvalidOutput,
        }
    }

    /// Returns when trying again can help, where the error says so.
    pub fn retry_time(&self) -> Option<&RetryTime> {
        match self {
            AgentError::Model { retry, .. } => retry.as_ref(),
            _ => None,
        }
    }

    /// Returns whether the agent's session is gone with this failure, although its process lives: it has to be loaded
    /// again.
    pub fn loses_session(&self) -> bool {
        matches!(self, AgentError::EngineDied { .. })
    }

    /// Returns whether the agent's session is of no more use: it does not fit into the model's context.
    pub fn exhausts_session(&self) -> bool {
        matches!(self, AgentError::Model { class: FailureClass::ContextExceeded, .. })
    }

    /// Returns the failure of a turn, from the text that an agent ended it with; `otherwise` where that names no class.
    pub(crate) fn of_text(text: &str, otherwise: FailureClass) -> AgentError {
        AgentError::of_class(by_text(text).unwrap_or(otherwise), readable(text), text)
    }

    /// Returns a model's failure of a known class; its whole text says when it is over.
    pub(crate) fn of_class(class: FailureClass, message: String, text: &str) -> AgentError {
        match class {
            FailureClass::AuthNeeded => AgentError::AuthNeeded { message },
            class => AgentError::Model { class, message, retry: RetryTime::read(text) },
        }
    }
}

/// Returns the last lines of standard error, as the end of a sentence.
fn last_words(stderr: &str) -> String {
    let words = tail(stderr);
    if words.is_empty() { String::new() } else { format!("; its last words: {words}") }
}

/// Returns the last lines of standard error that say something.
fn tail(stderr: &str) -> String {
    last_lines(stderr).into_iter().map(readable).collect::<Vec<_>>().join(" | ")
}

/// Returns the class of the failure that one of the last lines of standard error reports.
fn reason(stderr: &str) -> Option<FailureClass> {
    last_lines(stderr).into_iter().rev().find(|line| reports_failure(line)).and_then(by_text)
}

fn last_lines(stderr: &str) -> Vec<&str> {
    let lines: Vec<&str> = stderr.lines().filter(|line| !readable(line).is_empty()).collect();
    lines[lines.len().saturating_sub(5)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_failed_turn_decide_its_class() {
        let class = |text: &str| AgentError::of_text(text, FailureClass::ModelError).class();
        assert_eq!(class("connect ECONNREFUSED 127.0.0.1:1"), FailureClass::Network);
        assert_eq!(class("429 Too Many Requests"), FailureClass::Limit);
        assert_eq!(class("Invalid API key · Please run /login"), FailureClass::AuthNeeded);
        assert_eq!(class("it did not work"), FailureClass::ModelError);
    }

    #[test]
    fn a_crash_has_the_class_of_what_its_last_words_report() {
        let class = |stderr: &str| {
            AgentError::Crashed { status: "exit code 1".to_owned(), stderr: stderr.to_owned() }.class()
        };
        assert_eq!(class("starting\nNot logged in. Run `agent login` first.\n"), FailureClass::AuthNeeded);
        assert_eq!(class("Error: 429 Too Many Requests\n    at main.js:1"), FailureClass::Limit);
        assert_eq!(class("warning: quota file ignored\nSegmentation fault"), FailureClass::Crashed);
        assert_eq!(class("the kernel's memory limit exceeded, terminated"), FailureClass::Crashed);
    }

    #[test]
    fn a_crash_shows_the_end_of_standard_error() {
        let error = AgentError::Crashed { status: "exit code 1".into(), stderr: "a\n\n\u{1b}[1mb\n".into() };
        assert_eq!(error.to_string(), "the agent ended unexpectedly with exit code 1; its last words: a | b");
    }
}
