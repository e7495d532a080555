//! A task's documents: read, edited, approved, checked.

pub(crate) mod document;
pub(crate) mod edit_document;
pub(crate) mod forecast;
pub(crate) mod generate;
pub(crate) mod lint;
pub(crate) mod plan;
pub(crate) mod plan_edits;
pub(crate) mod specs;

use engine::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Returns the routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(specs::read))
        .routes(routes!(specs::approve))
        .routes(routes!(specs::approve_with_handoff))
        .routes(routes!(forecast::read))
        .routes(routes!(lint::list))
        .routes(routes!(document::design_docs))
        .routes(routes!(document::read, edit_document::write))
        .routes(routes!(plan::read))
        .routes(routes!(plan_edits::edit))
        .routes(routes!(generate::documents))
        .routes(routes!(document::metadata_schema))
        .routes(routes!(document::download))
        .routes(routes!(document::status))
}
