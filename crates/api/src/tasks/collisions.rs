//! The collisions between the sessions of a task.

use crate::request::caller::Caller;
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use engine::App;
use engine::worktrees::collisions::redacted;
use protocol::Collisions;

/// Shows in which files the task's live sessions, and others of the project, change the same, and where they conflict.
#[utoipa::path(get, path = "/spec-tasks/{id}/collisions", tag = "spec-tasks", params(("id" = String, Path)),
    responses((status = 200, body = Collisions)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Collisions>, Problem> {
    let task = caller.task(&app, &id).await?;
    Ok(Json(redacted(app.collisions.of(&task), &app.redactor)))
}
