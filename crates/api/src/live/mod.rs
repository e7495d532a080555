//! The live stream, over WebSockets and server-sent events.

pub(crate) mod resumption;
pub(crate) mod stream;
pub(crate) mod subscriber;

use engine::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Returns the routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(stream::socket)).routes(routes!(stream::events))
}
