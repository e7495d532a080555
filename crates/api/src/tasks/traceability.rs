//! Which requirement is carried out where.

use crate::request::caller::Caller;
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use engine::App;
use engine::insight::traceability::{Traceability, traced};

/// Shows for each criterion, and for each requirement without criteria, the planned tasks, sessions and commits that carry it out.
#[utoipa::path(get, path = "/spec-tasks/{id}/traceability", tag = "spec-tasks", params(("id" = String, Path)),
    responses((status = 200, body = Traceability)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Traceability>, Problem> {
    let task = caller.task(&app, &id).await?;
    Ok(Json(traced(&app, &task).await?))
}
