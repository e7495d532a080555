//! The run of a session: the agent's own names for its conversation, by which it can load it again.

use crate::Millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The thread of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThreadRecord {
    /// The agent's session ids, the last one in use.
    pub agent_sessions: Vec<String>,
    pub workspace_path: Option<String>,
    /// The commit its branch began at.
    #[serde(default)]
    pub base: Option<String>,
    /// Whether a person opened it before its agent did.
    #[serde(default)]
    pub opened: bool,
    /// Whether it is closed, until the session's next turn opens it again.
    #[serde(default)]
    pub closed: bool,
    /// What an integration keeps with it.
    #[serde(default)]
    pub config: Option<Value>,
    pub last_activity: Option<Millis>,
}

/// Returns the whole file; it is replaced when the thread changes.
pub fn render(thread: &ThreadRecord) -> String {
    // A thread is plain data, whose serialization cannot fail.
    serde_json::to_string_pretty(thread).unwrap_or_default() + "\n"
}

pub fn parse(text: &str) -> Result<ThreadRecord, super::Unreadable> {
    serde_json::from_str(text)
        .map_err(|error| super::Unreadable { line: error.line(), reason: error.to_string() })
}
