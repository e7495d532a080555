//! Review rounds and their comments, the review of the change, and what holds a merge.

pub(crate) mod change_review;
pub(crate) mod comments;
pub(crate) mod findings;
pub(crate) mod held;
pub(crate) mod pending_review;
pub(crate) mod round;

use engine::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Returns the routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(pending_review::read, pending_review::write))
        .routes(routes!(held::list))
        .routes(routes!(held::decide))
        .routes(routes!(round::list))
        .routes(routes!(round::read))
        .routes(routes!(comments::create))
        .routes(routes!(comments::reply))
        .routes(routes!(comments::resolve))
        .routes(routes!(change_review::approve))
        .routes(routes!(findings::list))
}
