//! A comment on a task's documents, as clients see it.

use super::time::rfc3339;
use serde::Serialize;
use specs::anchor::{Lines, Place, Versions};
use store::Revision;
use utoipa::ToSchema;
use workflow::{Answer, Comment, CommentKind, DocumentName, Reply, Task};

/// A comment on a place of the documents, and where it stands in the newest version of them.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CommentView {
    id: String,
    spec_task_id: String,
    /// The version it was made on.
    review_id: String,
    round: u32,
    /// How people and agents call it within the task: `C1`.
    label: String,
    #[schema(schema_with = crate::wire::document_name)]
    document: DocumentName,
    /// The words that were selected; empty where only lines were.
    quoted_text: String,
    /// In the newest version; absent for a comment on the whole document, and for an outdated one.
    #[schema(required)]
    start_line: Option<usize>,
    #[schema(required)]
    end_line: Option<usize>,
    /// `kept`, `changed` (what stands there is worded otherwise) or `outdated`.
    anchor: String,
    outdated: bool,
    /// What it is about, as it was when it was made.
    original: Original,
    #[schema(schema_with = crate::wire::comment_kind)]
    kind: CommentKind,
    comment: String,
    author: String,
    created_at: String,
    /// `open`, `answered` by the planner, or `resolved` by a person.
    status: String,
    resolved: bool,
    #[schema(required)]
    resolved_by: Option<String>,
    #[schema(required)]
    resolved_at: Option<String>,
    /// The round whose review sent it to the planner last.
    #[schema(required)]
    sent_in_round: Option<u32>,
    replies: Vec<ReplyView>,
}

/// What a comment was made on.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Original {
    #[schema(required)]
    start_line: Option<usize>,
    #[schema(required)]
    end_line: Option<usize>,
    text: String,
}

/// A reply to a comment.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct ReplyView {
    author: String,
    comment: String,
    created_at: String,
    /// What became of the comment, where it is the planner who replies.
    #[schema(required, schema_with = crate::wire::or_null::answer)]
    answer: Option<Answer>,
    /// The round in which the planner replies.
    #[schema(required)]
    round: Option<u32>,
}

impl ReplyView {
    pub(super) fn of(reply: &Reply) -> Self {
        let Reply { by, text, at, answer, round } = reply;
        let (author, comment) = (by.clone(), text.clone());
        Self { author, comment, created_at: rfc3339(*at), answer: *answer, round: *round }
    }
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

    /// Where a comment stands in the newest version; one on the whole document stands wherever that is.
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

impl CommentView {
    pub fn of(task: &Task, comment: &Comment, anchors: &Anchors<'_>) -> Self {
        let place = anchors.place(comment);
        let lines = match place {
            Place::Kept(lines) | Place::Changed(lines) if comment.anchor.lines.is_some() => Some(lines),
            Place::Kept(_) | Place::Changed(_) | Place::Outdated => None,
        };
        let answer = comment.replies.iter().rev().find(|reply| reply.round.is_some());
        let status = match (&comment.resolved, answer) {
            (Some(_), _) => "resolved",
            (None, Some(_)) => "answered",
            (None, None) => "open",
        };
        Self {
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
                Place::Kept(_) => "kept",
                Place::Changed(_) => "changed",
                Place::Outdated => "outdated",
            }
            .to_owned(),
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
            status: status.to_owned(),
            resolved: comment.resolved.is_some(),
            resolved_by: comment.resolved.as_ref().map(|resolved| resolved.by.clone()),
            resolved_at: comment.resolved.as_ref().map(|resolved| rfc3339(resolved.at)),
            sent_in_round: comment.sent,
            replies: comment.replies.iter().map(ReplyView::of).collect(),
        }
    }
}
