//! Tasks: created, listed, edited, and what is known of one as a whole.

pub(crate) mod assign_agent;
pub(crate) mod attachments;
pub(crate) mod collisions;
pub(crate) mod create;
pub(crate) mod fleet;
pub(crate) mod implementation;
pub(crate) mod report;
pub(crate) mod revert;
pub(crate) mod task;
pub(crate) mod timeline;
pub(crate) mod traceability;

use engine::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Returns the routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(task::from_prompt))
        .routes(routes!(task::from_demo))
        .routes(routes!(task::list))
        .routes(routes!(task::read, task::edit))
        .routes(routes!(attachments::list, attachments::add))
        .routes(routes!(attachments::read_content))
        .routes(routes!(task::start))
        .routes(routes!(task::cancel))
        .routes(routes!(task::retry))
        .routes(routes!(task::reopen))
        .routes(routes!(revert::revert))
        .routes(routes!(assign_agent::assign))
        .routes(routes!(implementation::progress))
        .routes(routes!(implementation::diff))
        .routes(routes!(collisions::read))
        .routes(routes!(traceability::read))
        .routes(routes!(report::read))
        .routes(routes!(implementation::start_sessions))
        .routes(routes!(implementation::overview))
        .routes(routes!(implementation::implementation_tasks))
        .routes(routes!(timeline::read))
        .routes(routes!(fleet::live))
}
