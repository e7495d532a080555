//! code-changes.md: the commits of a session, the files they touch, and why.

use super::Unreadable;
use super::markup::{inline, moment};
use super::sections;
use crate::{Commit, Millis};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// A commit of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CodeChange {
    pub commit: Commit,
    pub at: Millis,
    pub author: String,
    pub subject: String,
    /// The reason, in the words of its message or of the agent.
    pub reasoning: String,
    pub files: Vec<ChangedFile>,
}

/// The change of a file in a commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedFile {
    pub path: String,
    /// `added`, `modified`, `deleted` or `renamed`.
    pub status: String,
    pub added: usize,
    pub removed: usize,
}

/// Returns the heading of the file.
pub fn head(session: &str) -> String {
    format!("# Code changes: {}\n\n", inline(session))
}

/// Commits to be added to the file.
pub fn render(changes: &[CodeChange]) -> String {
    changes
        .iter()
        .map(|change| {
            let short = change.commit.0.get(..12).unwrap_or(&change.commit.0);
            let heading = format!(
                "\n### {}\n\n{} by {}, {}",
                inline(&change.subject),
                inline(short),
                inline(&change.author),
                moment(change.at)
            );
            let mut rest = String::new();
            if !change.files.is_empty() {
                rest.push_str("| file | | added | removed |\n|---|---|---|---|\n");
            }
            for file in &change.files {
                let _ = writeln!(
                    rest,
                    "| {} | {} | +{} | −{} |",
                    inline(&file.path),
                    inline(&file.status),
                    file.added,
                    file.removed
                );
            }
            sections::section(change, "reasoning", &heading, &rest)
        })
        .collect()
}

pub fn parse(text: &str) -> Result<Vec<CodeChange>, Unreadable> {
    sections::items(text, "reasoning")
}
