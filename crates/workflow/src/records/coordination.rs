//! coordination-log.md: the messages between the sessions of a task.

use super::Unreadable;
use super::markup::{inline, moment};
use super::sections;
use crate::Millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A message between sessions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coordination {
    pub id: String,
    pub at: Millis,
    pub from: String,
    /// Absent is to all.
    pub to: Option<String>,
    /// `handoff`, `blocking`, `notification`, …
    pub event_type: String,
    pub message: String,
    #[serde(default)]
    pub data: Value,
}

/// Returns the heading of the file.
pub fn head(task: &str) -> String {
    format!("# Coordination: {}\n\n", inline(task))
}

/// Messages to be added to the file.
pub fn render(messages: &[Coordination]) -> String {
    messages
        .iter()
        .map(|message| {
            let heading = format!(
                "\n### {}: {} → {}\n\n{}",
                inline(&message.event_type),
                inline(&message.from),
                message.to.as_deref().map_or_else(|| "all".to_owned(), inline),
                moment(message.at)
            );
            sections::section(message, "message", &heading, "")
        })
        .collect()
}

pub fn parse(text: &str) -> Result<Vec<Coordination>, Unreadable> {
    sections::items(text, "message")
}
