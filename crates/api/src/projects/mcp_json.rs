//! The `.mcp.json` of a project's repository: shown, and confirmed by a person before agents get its servers.

use crate::people::audit;
use crate::request::caller::Caller;
use crate::request::extract::JsonBody;
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use engine::App;
use engine::agents::mcp_servers::{self, McpFile};
use engine::clock::now;
use engine::projects::repositories;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Project;
use utoipa::ToSchema;

/// The setting that keeps what is confirmed.
pub(crate) const TRUSTED_MCP_JSON: &str = "trusted_mcp_json";

/// A repository's `.mcp.json` as it is on the base branch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct McpJsonView {
    /// Whether the repository has the file.
    exists: bool,
    /// Its text; null where there is none, or it is too large.
    #[schema(required)]
    content: Option<String>,
    /// The SHA-256 hash of its text.
    hash: String,
    /// Whether a person confirmed this content, so that agents get its servers.
    is_trusted: bool,
    /// The names of its servers.
    servers: Vec<String>,
    /// The problems of the entry.
    problems: Vec<String>,
}

impl McpJsonView {
    fn of(project: &Project, file: Option<McpFile>) -> Self {
        let trusted = repositories::settings(project).trusted_mcp_json;
        let exists = file.is_some();
        let file = file.unwrap_or_default();
        Self {
            exists,
            is_trusted: file.content.is_some() && trusted.as_ref() == Some(&file.hash),
            servers: file.servers.iter().map(|server| server.name.clone()).collect(),
            content: file.content,
            hash: file.hash,
            problems: file.problems,
        }
    }
}

async fn file_of(app: &App, project: &Project) -> Result<Option<McpFile>, Problem> {
    Ok(mcp_servers::of_project(app, &project.id, &project.default_branch).await?)
}

/// Shows the `.mcp.json` of a project's repository at its base branch.
#[utoipa::path(get, path = "/projects/{id}/mcp-json", tag = "projects", params(("id" = String, Path)),
    responses((status = 200, body = McpJsonView), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<McpJsonView>, Problem> {
    let project = caller.project(&app, &id).await?;
    let file = file_of(&app, &project).await?;
    Ok(Json(McpJsonView::of(&project, file)))
}

/// A decision about the file.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TrustBody {
    /// The hash of the content that was read.
    hash: String,
    /// Whether agents get its servers; false takes an earlier confirmation back.
    trusted: bool,
}

/// Confirms the content of the file that was read, or takes that back. Another content is asked for again.
#[utoipa::path(post, path = "/projects/{id}/mcp-json", tag = "projects", params(("id" = String, Path)),
    request_body = TrustBody, responses((status = 200, body = McpJsonView), (status = 404, body = Problem),
    (status = 409, body = Problem)))]
pub(crate) async fn decide(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<TrustBody>,
) -> Result<Json<McpJsonView>, Problem> {
    let mut project = caller.project(&app, &id).await?;
    let file = file_of(&app, &project).await?;
    if body.trusted {
        let found = file.as_ref().filter(|file| file.content.is_some() && file.hash == body.hash);
        let Some(found) = found else {
            let detail = "The repository's .mcp.json is not the one with this hash; read it again.";
            return Err(Problem::conflict("mcp_json_changed", detail));
        };
        project.settings[TRUSTED_MCP_JSON] = json!(found.hash);
    } else if let Some(settings) = project.settings.as_object_mut() {
        settings.remove(TRUSTED_MCP_JSON);
    }
    project.updated_at = now();
    app.store.put_project(project.clone()).await?;
    app.repositories.forget(&project.id);
    let data = json!({ "hash": body.hash, "trusted": body.trusted });
    audit::record(&app, &caller, "trust_mcp_json", &id, &data).await?;
    Ok(Json(McpJsonView::of(&project, file)))
}
