//! Search and analytics.

pub(crate) mod analytics;
pub(crate) mod search;

use engine::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Returns the routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(search::search)).routes(routes!(analytics::read))
}
