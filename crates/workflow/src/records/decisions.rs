//! decisions.md: the decisions of people about a session's work, and those that its agent reports.

use super::Unreadable;
use super::markup::{inline, moment};
use super::sections;
use crate::Millis;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// A decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRecord {
    pub at: Millis,
    /// The person who decided.
    pub by: String,
    /// The decision, in a few words: `approved the documents of round 2`.
    pub what: String,
    /// The person's own words.
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rationale: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

/// Returns the heading of the file.
pub fn head(session: &str) -> String {
    format!("# Decisions: {}\n\n", inline(session))
}

/// Decisions to be added to the file.
pub fn render(decisions: &[DecisionRecord]) -> String {
    decisions
        .iter()
        .map(|decision| {
            let heading = format!(
                "\n### {} {}\n\n{}",
                inline(&decision.by),
                inline(&decision.what),
                moment(decision.at)
            );
            let mut rest = String::new();
            for (name, value) in [("Context", &decision.context), ("Why", &decision.rationale)] {
                if let Some(value) = value {
                    let _ = writeln!(rest, "{name}: {}\n", inline(value));
                }
            }
            for file in &decision.files {
                let _ = writeln!(rest, "- {}", inline(file));
            }
            sections::section(decision, "text", &heading, &rest)
        })
        .collect()
}

pub fn parse(text: &str) -> Result<Vec<DecisionRecord>, Unreadable> {
    sections::items(text, "text")
}
