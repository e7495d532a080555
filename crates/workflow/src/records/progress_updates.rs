//! A progress update of a task, in a separate file.

use super::Unreadable;
use super::markup::{inline, moment};
use super::sections;
use crate::Millis;
use serde::{Deserialize, Serialize};

/// A report on the progress of a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgressUpdate {
    pub at: Millis,
    pub by: String,
    /// Where the task stood.
    pub phase: String,
    pub summary: String,
    pub details: String,
}

pub fn render(update: &ProgressUpdate) -> String {
    let heading = format!(
        "\n# {}\n\nBy {}, {}, in {}.",
        inline(&update.summary),
        inline(&update.by),
        moment(update.at),
        inline(&update.phase)
    );
    sections::section(update, "details", &heading, "")
}

pub fn parse(text: &str) -> Result<Vec<ProgressUpdate>, Unreadable> {
    sections::items(text, "details")
}
