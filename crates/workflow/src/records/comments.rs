//! reviews/{nnnn}-comments.md: the review comments on the documents of a round.

use super::Unreadable;
use super::markup::{inline, moment, quote};
use super::sections;
use crate::{Comment, Event, Millis};
use serde::{Deserialize, Serialize};

/// A review comment, a reply to one, or its resolution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remark {
    pub at: Millis,
    /// The comment's id.
    pub comment: String,
    /// The displayed name of the comment.
    pub label: String,
    pub by: String,
    /// The action, in a few words: `blocking comment on requirements.md, line 12`.
    pub what: String,
    /// The author's own words; for a comment, the passage it is about stands above them.
    pub text: String,
    /// The subject of the comment.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
}

/// Returns the remark that an event adds to a task's comments; `comment` is its comment after the event.
pub fn of(at: Millis, event: &Event, comment: &Comment) -> Option<Remark> {
    let remark = |by: &str, what: String, text: &str, about: &str| Remark {
        at,
        comment: comment.id.to_string(),
        label: comment.label(),
        by: by.to_owned(),
        what,
        text: text.to_owned(),
        about: about.to_owned(),
    };
    match event {
        Event::Commented { comment } => {
            let anchor = &comment.anchor;
            let place = match anchor.lines {
                None => String::new(),
                Some((start, end)) if start == end => format!(", line {start}"),
                Some((start, end)) => format!(", lines {start} to {end}"),
            };
            let what = format!("{} on {}.md{place}", comment.kind, anchor.document);
            let about = if anchor.quote.is_empty() { &anchor.excerpt } else { &anchor.quote };
            Some(remark(&comment.by, what, &comment.text, about))
        }
        Event::CommentReplied { reply, .. } => {
            let what = reply.answer.map_or_else(|| "reply".to_owned(), |answer| answer.to_string());
            Some(remark(&reply.by, what, &reply.text, ""))
        }
        Event::CommentResolved { resolved: Some(resolved), .. } => {
            Some(remark(&resolved.by, "resolved".to_owned(), "", ""))
        }
        Event::CommentResolved { resolved: None, .. } => {
            Some(remark("A person", "opened again".to_owned(), "", ""))
        }
        _ => None,
    }
}

/// Returns the heading of the file.
pub fn head(round: u32) -> String {
    format!("# Comments on round {round}\n\n")
}

/// Remarks to be added to the file.
pub fn render(remarks: &[Remark]) -> String {
    remarks
        .iter()
        .map(|remark| {
            let heading = format!(
                "\n### {}: {}, {}\n\n{}",
                inline(&remark.label),
                inline(&remark.what),
                inline(&remark.by),
                moment(remark.at)
            );
            let about = match remark.about.as_str() {
                "" => String::new(),
                about => format!("About:\n\n{}", quote(&super::markup::displayed(about))),
            };
            sections::section(remark, "text", &heading, &about)
        })
        .collect()
}

pub fn parse(text: &str) -> Result<Vec<Remark>, Unreadable> {
    sections::items(text, "text")
}
