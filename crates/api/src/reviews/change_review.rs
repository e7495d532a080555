//! A person decides about the change, with comments on its lines.

use crate::people::audit;
use crate::request::caller::Caller;
use crate::request::extract::JsonBody;
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use engine::App;
use engine::insight::views;
use protocol::SpecTask;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use workflow::{Commit, Decision, DiffSide, Input, LineComment, Task};

/// How many comments on lines a review has at most.
const MAX_LINE_COMMENTS: usize = 300;
/// How long one of them may be, in characters.
const LONGEST: usize = 10_000;

/// A reviewer's decision about the change.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ChangeReviewBody {
    decision: Decision,
    #[serde(default)]
    comments: String,
    /// The ids of findings of secrets with which the change may land all the same.
    #[serde(default)]
    acknowledged_findings: Vec<String>,
    /// Changes requested in lines of the change; with `request_changes` a work session gets them.
    #[serde(default)]
    line_comments: Vec<LineCommentBody>,
    /// The head of the change that was read, as `GET …/diff` has it; another one now is refused with 409 `change_moved`.
    commit: Option<String>,
    /// Whether a change in which no session changed a file may be approved.
    #[serde(default)]
    allow_empty: bool,
}

/// A comment on a line of the change.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct LineCommentBody {
    /// The file, as the diff names it.
    path: String,
    side: Option<DiffSide>,
    /// From 1, on that side of the diff.
    line: usize,
    /// The code that it is about.
    #[serde(default)]
    quoted_text: String,
    comment: String,
}

/// Approves the change (it is merged), asks for changes (a work session gets the comments), or rejects it.
#[utoipa::path(post, path = "/spec-tasks/{id}/approve-implementation", tag = "spec-tasks", params(("id" = String, Path)),
    request_body = ChangeReviewBody, responses((status = 200, body = SpecTask), (status = 409, body = Problem)))]
pub(crate) async fn approve(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<ChangeReviewBody>,
) -> Result<Json<SpecTask>, Problem> {
    let task = caller.task(&app, &id).await?;
    check(&app, &task, &body.line_comments).await?;
    let data = json!({
        "decision": body.decision, "comments": body.comments, "acknowledged_findings": body.acknowledged_findings,
        "line_comments": body.line_comments, "commit": body.commit, "allow_empty": body.allow_empty,
    });
    let input = Input::ReviewImplementation {
        decision: body.decision,
        by: caller.user.name.clone(),
        comments: body.comments,
        acknowledged: body.acknowledged_findings,
        line_comments: body.line_comments.into_iter().map(LineCommentBody::comment).collect(),
        commit: body.commit.filter(|commit| !commit.is_empty()).map(Commit),
        allow_empty: body.allow_empty,
    };
    let after = app.orchestrator.ask(caller.id(), &task.id, input).await?;
    // What was not sent with it is about a change that is decided.
    app.store.put_pending_review(&task.id, caller.id(), None).await?;
    if after.version != task.version {
        audit::record(&app, &caller, "review_implementation", &id, &data).await?;
    }
    Ok(Json(views::task(&app, &after).await?))
}

impl LineCommentBody {
    fn comment(self) -> LineComment {
        let Self { path, side, line, quoted_text, comment } = self;
        LineComment { path, side: side.unwrap_or(DiffSide::New), line, quote: quoted_text, text: comment }
    }
}

/// Comments are about files that the change touches, and say something.
async fn check(app: &App, task: &Task, comments: &[LineCommentBody]) -> Result<(), Problem> {
    if comments.is_empty() {
        return Ok(());
    }
    check_sizes(comments)?;
    let paths = app.repositories.change(task).await?.paths();
    for (at, comment) in comments.iter().enumerate() {
        let wrong = |field: &str, message: String| {
            Err(Problem::invalid("line_comments", format!("item {}: {field} {message}", at + 1)))
        };
        if !paths.contains(&comment.path) {
            return wrong("path", format!("{:?} is not a file of the change", comment.path));
        }
        if comment.line == 0 {
            return wrong("line", "counts from 1".to_owned());
        }
        if comment.comment.trim().is_empty() {
            return wrong("comment", "is empty; say what is to be changed".to_owned());
        }
    }
    Ok(())
}

/// Checks the number and the length of a review's comments.
pub(crate) fn check_sizes(comments: &[LineCommentBody]) -> Result<(), Problem> {
    if comments.len() > MAX_LINE_COMMENTS {
        return Err(Problem::invalid(
            "line_comments",
            format!("a review has at most {MAX_LINE_COMMENTS} of them"),
        ));
    }
    for (at, comment) in comments.iter().enumerate() {
        if [&comment.comment, &comment.quoted_text].iter().any(|text| text.chars().count() > LONGEST) {
            let message =
                format!("item {}: comment or quoted_text is longer than {LONGEST} characters", at + 1);
            return Err(Problem::invalid("line_comments", message));
        }
    }
    Ok(())
}
