//! The server itself: listening, access, git over HTTP, the dashboard, operation, the OpenAPI document.

pub(crate) mod access;
pub(crate) mod agents_socket;
pub(crate) mod dashboard;
pub(crate) mod git;
pub(crate) mod listen;
pub(crate) mod maintenance;
pub(crate) mod openapi;
pub(crate) mod ops;
pub(crate) mod settings;
pub(crate) mod vocabulary;

use engine::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Returns the routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(settings::read))
        .routes(routes!(maintenance::read, maintenance::run))
        .routes(routes!(openapi::read))
}
