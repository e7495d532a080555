//! Comments on lines of a change that their writer has not sent yet.

use crate::request::caller::Caller;
use crate::request::extract::JsonBody;
use crate::request::path::Path;
use crate::request::problem::Problem;
use crate::reviews::change_review::{self, LineCommentBody};
use axum::Json;
use axum::extract::State;
use engine::App;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// The caller's unsent review of a change; only the caller sees it.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
pub(crate) struct PendingReview {
    line_comments: Vec<LineCommentBody>,
}

/// Reads what the caller has written about the change and not sent.
#[utoipa::path(get, path = "/spec-tasks/{id}/pending-review", tag = "spec-tasks", params(("id" = String, Path)),
    responses((status = 200, body = PendingReview), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<PendingReview>, Problem> {
    let task = caller.task(&app, &id).await?;
    let found = app.store.pending_review(&task.id, caller.id()).await?;
    Ok(Json(found.and_then(|found| serde_json::from_value(found).ok()).unwrap_or_default()))
}

/// Keeps what the caller has written about the change, in the place of what was kept before. It is sent with a decision, and
/// forgotten then.
#[utoipa::path(put, path = "/spec-tasks/{id}/pending-review", tag = "spec-tasks", params(("id" = String, Path)),
    request_body = PendingReview, responses((status = 200, body = PendingReview), (status = 404, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn write(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<PendingReview>,
) -> Result<Json<PendingReview>, Problem> {
    let task = caller.task(&app, &id).await?;
    change_review::check_sizes(&body.line_comments)?;
    let kept = (!body.line_comments.is_empty()).then(|| json!(body));
    app.store.put_pending_review(&task.id, caller.id(), kept).await?;
    Ok(Json(body))
}
