//! A comment on a task's documents, as clients see it.

use crate::clock::rfc3339;
use protocol::words::{AnchorState, CommentStatus};
use protocol::{CommentView, Original, ReplyView};
use specs::anchor::{Lines, Place, Versions};
use store::Revision;
use workflow::{Comment, DocumentName, Reply, Task};

fn reply(reply: &Reply) -> ReplyView {
    let Reply { by, text, at, answer, round } = reply;
    let (author, comment) = (by.clone(), text.clone());
    ReplyView { author, comment, created_at: rfc3339(*at), answer: *answer, round: *round }
}

/// The versions of a task's documents, by which comments are followed to the newest one.
pub struct Anchors<'r> {
    revisions: &'r [Revision],
    requirements: Versions<'r>,
    design: Versions<'r>,
    tasks: Versions<'r>,
}

impl<'r> Anchors<'r> {
    pub fn new(revisions: &'r [Revision]) -> Self {
        let of = |name| Versions::new(revisions.iter().map(move |revision| revision.text(name)));
        Self {
            revisions,
            requirements: of(DocumentName::Requirements),
            design: of(DocumentName::Design),
            tasks: of(DocumentName::Tasks),
        }
    }

    /// Returns where a comment stands in the newest version; one on the whole document stands wherever that is.
    pub(crate) fn place(&self, comment: &Comment) -> Place {
        let Some(lines) = comment.anchor.lines() else { return Place::Kept(Lines { start: 0, end: 0 }) };
        let versions = match comment.anchor.document {
            DocumentName::Requirements => &self.requirements,
            DocumentName::Design => &self.design,
            DocumentName::Tasks => &self.tasks,
        };
        match self.revisions.iter().position(|revision| revision.id == comment.review) {
            Some(version) => versions.follow(version, lines, &comment.anchor.quote),
            None => Place::Outdated,
        }
    }
}

/// Returns a comment of a task, with its place in the newest version of the documents.
pub fn comment(task: &Task, comment: &Comment, anchors: &Anchors<'_>) -> CommentView {
    let place = anchors.place(comment);
    let lines = match place {
        Place::Kept(lines) | Place::Changed(lines) if comment.anchor.lines.is_some() => Some(lines),
        Place::Kept(_) | Place::Changed(_) | Place::Outdated => None,
    };
    let answer = comment.replies.iter().rev().find(|reply| reply.round.is_some());
    let status = match (&comment.resolved, answer) {
        (Some(_), _) => CommentStatus::Resolved,
        (None, Some(_)) => CommentStatus::Answered,
        (None, None) => CommentStatus::Open,
    };
    CommentView {
        id: comment.id.to_string(),
        spec_task_id: task.id.to_string(),
        review_id: comment.review.to_string(),
        round: comment.round,
        label: comment.label(),
        document: comment.anchor.document,
        quoted_text: comment.anchor.quote.clone(),
        start_line: lines.map(|lines| lines.start),
        end_line: lines.map(|lines| lines.end),
        anchor: match place {
            Place::Kept(_) => AnchorState::Kept,
            Place::Changed(_) => AnchorState::Changed,
            Place::Outdated => AnchorState::Outdated,
        },
        outdated: place == Place::Outdated,
        original: Original {
            start_line: comment.anchor.lines.map(|(start, _)| start),
            end_line: comment.anchor.lines.map(|(_, end)| end),
            text: comment.anchor.excerpt.clone(),
        },
        kind: comment.kind,
        comment: comment.text.clone(),
        author: comment.by.clone(),
        created_at: rfc3339(comment.at),
        status,
        resolved: comment.resolved.is_some(),
        resolved_by: comment.resolved.as_ref().map(|resolved| resolved.by.clone()),
        resolved_at: comment.resolved.as_ref().map(|resolved| rfc3339(resolved.at)),
        sent_in_round: comment.sent,
        replies: comment.replies.iter().map(reply).collect(),
    }
}
