//! Permissions that a person gave for the rest of a task.

use crate::people::audit;
use crate::request::caller::Caller;
use crate::request::extract::Query;
use crate::request::page::{PageQuery, Paged, page};
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::Uri;
use engine::App;
use engine::clock::rfc3339;
use serde::Serialize;
use serde_json::json;
use store::PermissionGrant;
use utoipa::ToSchema;

/// A permission that answers equal requests of a task's agents until it is revoked.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PermissionGrantView {
    id: String,
    /// The allowed action: the command, or the title of the request.
    #[schema(example = "npm test")]
    title: String,
    /// The person who allowed it.
    granted_by: String,
    /// When it was allowed.
    granted_at: String,
    /// How many requests it has answered since.
    uses: u64,
}

impl From<PermissionGrant> for PermissionGrantView {
    fn from(grant: PermissionGrant) -> Self {
        let PermissionGrant { id, task: _, request_key: _, title, by, at, uses } = grant;
        Self { id, title, granted_by: by, granted_at: rfc3339(at), uses }
    }
}

/// Lists what a person allowed for the rest of a task.
#[utoipa::path(get, path = "/spec-tasks/{id}/permission-grants", tag = "spec-tasks", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = Vec<PermissionGrantView>, headers(("X-Total-Count" = u64), ("Link" = String))), (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Result<Paged<PermissionGrantView>, Problem> {
    let task = caller.task(&app, &id).await?;
    let grants = app.store.permission_grants(&task.id).await?;
    page(&uri, &query, grants.into_iter().map(PermissionGrantView::from).collect())
}

/// Revokes a permission: the next equal request is asked again.
#[utoipa::path(delete, path = "/spec-tasks/{id}/permission-grants/{grant}", tag = "spec-tasks",
    params(("id" = String, Path), ("grant" = String, Path)),
    responses((status = 200, body = PermissionGrantView), (status = 404, body = Problem)))]
pub(crate) async fn revoke(
    State(app): State<App>,
    caller: Caller,
    Path((id, grant)): Path<(String, String)>,
) -> Result<Json<PermissionGrantView>, Problem> {
    let task = caller.task(&app, &id).await?;
    let revoked = app.store.revoke_permission_grant(&task.id, &grant).await?;
    let revoked = revoked.ok_or_else(|| Problem::not_found("permission"))?;
    let data = json!({ "permission_grant": revoked.id, "request": revoked.title });
    audit::record(&app, &caller, "revoke_permission", task.id.as_str(), &data).await?;
    Ok(Json(revoked.into()))
}
