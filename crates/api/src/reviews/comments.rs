//! Comments on the documents: made, replied to, resolved.

use crate::request::caller::Caller;
use crate::request::extract::JsonBody;
use crate::request::idempotency::FreshIds;
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use engine::App;
use engine::wire::{self, Anchors};
use protocol::CommentView;
use serde::Deserialize;
use specs::anchor::{self, Lines};
use store::Revision;
use utoipa::ToSchema;
use workflow::{CommentAnchor, CommentId, CommentKind, DocumentName, Input, NewComment, Task};

/// How long a comment or a reply may be, in characters.
const LONGEST: usize = 10_000;
/// How long a quote may be, in characters.
const QUOTE: usize = 4_000;
/// How much of the lines that a comment is about is kept beside it, in characters.
const EXCERPT: usize = 4_000;

/// A comment as it is made.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CommentBody {
    /// `requirements`, `design` or `tasks`, also with the file's name.
    document: String,
    /// The words it is about, as a person selects them in the rendered document; with neither words nor lines it is
    /// about the whole document.
    #[serde(default)]
    quoted_text: String,
    /// From 1, in the version that the review is of.
    start_line: Option<usize>,
    end_line: Option<usize>,
    comment: String,
    kind: Option<CommentKind>,
}

/// Comments on a place of the documents.
#[utoipa::path(post, path = "/spec-tasks/{id}/reviews/{review_id}/comments", tag = "documents",
    params(("id" = String, Path), ("review_id" = String, Path)), request_body = CommentBody,
    responses((status = 201, body = CommentView), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Path((id, review)): Path<(String, String)>,
    mut ids: FreshIds,
    JsonBody(body): JsonBody<CommentBody>,
) -> Result<(StatusCode, Json<CommentView>), Problem> {
    let (task, revision) = caller.review(&app, &review).await?;
    if task.id.as_str() != id {
        return Err(Problem::not_found("review"));
    }
    check_text("comment", &body.comment)?;
    let comment = NewComment {
        id: CommentId::fresh(&mut ids),
        anchor: anchor(&revision, &body)?,
        review: revision.id,
        round: revision.round,
        hash: revision.hash,
        kind: body.kind.unwrap_or(CommentKind::Suggestion),
        text: body.comment,
        by: caller.user.name.clone(),
    };
    let made = comment.id.clone();
    let input = Input::Comment { comment: Box::new(comment) };
    let task = app.orchestrator.ask(caller.id(), &task.id, input).await?;
    Ok((StatusCode::CREATED, Json(view(&app, &task, &made).await?)))
}

/// A reply to a comment.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ReplyBody {
    #[serde(alias = "content", alias = "text", alias = "message", alias = "reply")]
    comment: String,
}

/// Replies to a comment.
#[utoipa::path(post, path = "/comments/{id}/reply", tag = "documents", params(("id" = String, Path)),
    request_body = ReplyBody, responses((status = 201, body = CommentView), (status = 404, body = Problem)))]
pub(crate) async fn reply(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<ReplyBody>,
) -> Result<(StatusCode, Json<CommentView>), Problem> {
    let (task, comment) = caller.comment(&app, &id).await?;
    check_text("comment", &body.comment)?;
    let input =
        Input::ReplyToComment { comment: comment.clone(), by: caller.user.name.clone(), text: body.comment };
    let task = app.orchestrator.ask(caller.id(), &task, input).await?;
    Ok((StatusCode::CREATED, Json(view(&app, &task, &comment).await?)))
}

/// Whether a comment is resolved.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ResolveBody {
    /// False opens it again; absent is true.
    resolved: Option<bool>,
}

/// Says that a person is content with what came of a comment.
#[utoipa::path(post, path = "/comments/{id}/resolve", tag = "documents", params(("id" = String, Path)),
    request_body = ResolveBody, responses((status = 200, body = CommentView), (status = 404, body = Problem)))]
pub(crate) async fn resolve(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<ResolveBody>,
) -> Result<Json<CommentView>, Problem> {
    let (task, comment) = caller.comment(&app, &id).await?;
    let input = Input::ResolveComment {
        comment: comment.clone(),
        by: caller.user.name.clone(),
        resolved: body.resolved.unwrap_or(true),
    };
    let task = app.orchestrator.ask(caller.id(), &task, input).await?;
    Ok(Json(view(&app, &task, &comment).await?))
}

async fn view(app: &App, task: &Task, id: &CommentId) -> Result<CommentView, Problem> {
    let revisions = app.store.revisions(&task.id).await?;
    let comment = task.comments.iter().find(|comment| comment.id == *id);
    let comment = comment.ok_or_else(|| Problem::not_found("comment"))?;
    Ok(wire::comment(task, comment, &Anchors::new(&revisions)))
}

fn check_text(field: &str, text: &str) -> Result<(), Problem> {
    if text.trim().is_empty() {
        return Err(Problem::invalid(field, "is empty"));
    }
    if text.chars().count() > LONGEST {
        return Err(Problem::invalid(field, format!("is longer than {LONGEST} characters")));
    }
    Ok(())
}

/// Returns what a comment is about, as the version has it.
fn anchor(revision: &Revision, body: &CommentBody) -> Result<CommentAnchor, Problem> {
    let name = body.document.strip_suffix(".md").unwrap_or(&body.document);
    let document: DocumentName = name
        .parse()
        .map_err(|error: workflow::UnknownWord| Problem::invalid("document", error.to_string()))?;
    let text = revision.text(document);
    let count = text.lines().count();
    let named = match (body.start_line, body.end_line) {
        (None, None) => None,
        (None, Some(_)) => return Err(Problem::invalid("start_line", "is absent, and end_line is not")),
        (Some(start), end) => Some(Lines { start, end: end.unwrap_or(start) }),
    };
    if let Some(Lines { start, end }) = named {
        if start == 0 || start > count {
            return Err(Problem::invalid("start_line", format!("{document}.md has lines 1 to {count}")));
        }
        if end < start || end > count {
            return Err(Problem::invalid("end_line", format!("is not one of lines {start} to {count}")));
        }
    }
    let quote = body.quoted_text.trim();
    if quote.chars().count() > QUOTE {
        return Err(Problem::invalid("quoted_text", format!("is longer than {QUOTE} characters")));
    }
    let found = if quote.is_empty() { None } else { anchor::locate(text, quote, named) };
    if !quote.is_empty() && found.or(named).is_none() {
        let message = format!("does not stand in {document}.md, or more than once; name its lines too");
        return Err(Problem::invalid("quoted_text", message));
    }
    let lines = found.or(named);
    let excerpt = lines.map(|lines| anchor::excerpt(text, lines)).unwrap_or_default();
    Ok(CommentAnchor {
        document,
        quote: quote.to_owned(),
        lines: lines.map(|lines| (lines.start, lines.end)),
        excerpt: excerpt.chars().take(EXCERPT).collect(),
    })
}
