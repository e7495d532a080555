//! The agent instance of a task: which agent served it, and how often it was started again.

use crate::Millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An agent instance, without its processes: they end with the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceRecord {
    /// What the agent says of itself.
    pub agent: Value,
    /// `active`, `disconnected`, `completed` or `failed`.
    pub status: String,
    pub restarts: i64,
    pub started_at: Option<Millis>,
    pub last_activity: Option<Millis>,
}

/// Returns the whole file; it is replaced.
pub fn render(instance: &InstanceRecord) -> String {
    // An instance is plain data, whose serialization cannot fail.
    serde_json::to_string_pretty(instance).unwrap_or_default() + "\n"
}

pub fn parse(text: &str) -> Result<InstanceRecord, super::Unreadable> {
    serde_json::from_str(text)
        .map_err(|error| super::Unreadable { line: error.line(), reason: error.to_string() })
}
