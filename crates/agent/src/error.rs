//! What can go wrong with an agent, in a class for programs and a sentence for people.

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
    #[error("the agent wants you to sign in: {message}")]
    AuthNeeded { message: String },
    #[error("the agent answered with error {code}: {message}")]
    Refused { code: i64, message: String },
    #[error("the agent did not answer {what} in time")]
    TimedOut { what: String },
    #[error("the agent does not keep to the protocol: {message}")]
    Protocol { message: String },
    #[error("the agent process has been stopped")]
    Closed,
}

/// Words by which agents tell that the way to their model is broken, which can heal by itself.
const NETWORK: [&str; 14] = [
    "econnrefused",
    "econnreset",
    "enotfound",
    "etimedout",
    "eai_again",
    "socket hang up",
    "fetch failed",
    "network error",
    "connection refused",
    "connection reset",
    "connection error",
    "dns error",
    "error sending request",
    "service unavailable",
];

/// Words by which agents tell that a quota or a rate limit is used up.
const LIMIT: [&str; 7] = [
    "rate limit",
    "rate_limit",
    "too many requests",
    "quota",
    "usage limit",
    "overloaded",
    "insufficient credit",
];

/// Words by which agents tell that a key or a sign-in is missing, without using the code for it.
const AUTH: [&str; 6] = [
    "authentication required",
    "not logged in",
    "please log in",
    "invalid api key",
    "invalid x-api-key",
    "unauthorized",
];

impl AgentError {
    /// The class of the failure, as the rest of the program names it.
    pub fn class(&self) -> &'static str {
        match self {
            AgentError::NotFound { .. } | AgentError::Spawn { .. } => "agent_missing",
            AgentError::Crashed { stderr, .. } => by_words(stderr).unwrap_or("agent_crashed"),
            AgentError::AuthNeeded { .. } => "auth_needed",
            AgentError::Refused { message, .. } => by_words(message).unwrap_or("agent_refused"),
            AgentError::TimedOut { .. } => "agent_silent",
            AgentError::Protocol { .. } => "invalid_output",
            AgentError::Closed => "agent_crashed",
        }
    }
}

fn by_words(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if says(&LIMIT) {
        Some("limit")
    } else if says(&AUTH) {
        Some("auth_needed")
    } else if says(&NETWORK) {
        Some("network")
    } else {
        None
    }
}

/// The last lines of standard error, as the end of a sentence.
fn last_words(stderr: &str) -> String {
    let lines: Vec<&str> = stderr.lines().filter(|line| !line.trim().is_empty()).collect();
    if lines.is_empty() {
        return String::new();
    }
    format!("; its last words: {}", lines[lines.len().saturating_sub(5)..].join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_classed_by_what_it_says() {
        let class = |message: &str| AgentError::Refused { code: -32603, message: message.into() }.class();
        assert_eq!(class("Internal error: connect ECONNREFUSED 127.0.0.1:1"), "network");
        assert_eq!(class("429 Too Many Requests"), "limit");
        assert_eq!(class("Invalid API key · Please run /login"), "auth_needed");
        assert_eq!(class("I will not do that"), "agent_refused");
    }

    #[test]
    fn a_crash_shows_the_end_of_standard_error() {
        let error = AgentError::Crashed { status: "exit code 1".into(), stderr: "a\n\nb\n".into() };
        assert_eq!(error.to_string(), "the agent ended unexpectedly with exit code 1; its last words: a | b");
    }
}
