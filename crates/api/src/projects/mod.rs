//! Projects, their settings, and the available agents and samples.

pub(crate) mod catalog;
pub(crate) mod mcp_json;
pub(crate) mod project;
pub(crate) mod project_settings;
pub(crate) mod prompts;
pub(crate) mod registration;
pub(crate) mod templates;
pub(crate) mod usage;

use engine::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Returns the routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(templates::list))
        .routes(routes!(catalog::agents))
        .routes(routes!(catalog::resume_agent))
        .routes(routes!(catalog::demo_repos))
        .routes(routes!(project::list, project::create))
        .routes(routes!(project::read, project::edit, project::remove))
        .routes(routes!(project_settings::detect_repository))
        .routes(routes!(project_settings::trust))
        .routes(routes!(prompts::list, prompts::trust))
        .routes(routes!(usage::read))
        .routes(routes!(mcp_json::read, mcp_json::decide))
}
