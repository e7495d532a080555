//! The decision about a round of documents, as text for people.

use crate::{Comment, Decision};
use std::fmt::Write as _;

/// A person's decision about a round of documents.
pub struct Review<'a> {
    pub round: u32,
    pub decision: Decision,
    pub by: &'a str,
    pub comments: &'a str,
    pub changes: &'a [String],
    /// The comments on places of the documents that go with it.
    pub points: Vec<&'a Comment>,
}

/// Renders the whole file of a decision.
pub fn render(review: &Review<'_>) -> String {
    let mut text = format!("# Review of round {}: {}\n\nBy {}.\n", review.round, review.decision, review.by);
    if !review.comments.trim().is_empty() {
        let _ = write!(text, "\n{}\n", review.comments.trim());
    }
    if !review.changes.is_empty() {
        text.push_str("\n## Changes asked for\n\n");
        for change in review.changes {
            let _ = writeln!(text, "- {change}");
        }
    }
    if !review.points.is_empty() {
        text.push_str("\n## Comments on the documents\n\n");
        for comment in &review.points {
            let _ =
                writeln!(text, "- {} ({}), {}.md", comment.label(), comment.kind, comment.anchor.document);
        }
        let _ =
            writeln!(text, "\nWhat they say is in [{0:04}-comments.md]({0:04}-comments.md).", review.round);
    }
    text
}
