//! The templates that tasks can be made from.

use crate::projects::project;
use crate::request::caller::Caller;
use crate::request::extract::Query;
use crate::request::page::{PageQuery, Paged, page};
use crate::request::problem::Problem;
use axum::extract::State;
use axum::http::Uri;
use engine::App;
use engine::projects::templates::{self, TemplateView};
use serde::Deserialize;
use utoipa::IntoParams;

/// The project whose templates are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TemplatesQuery {
    /// The project whose repository is looked into; absent lists the built-in ones alone.
    project_id: Option<String>,
    /// 1 to 500; 50 when absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u64>,
    /// Where the page before ended, from its `Link` header.
    cursor: Option<String>,
}

/// Lists templates, a repository's own first; those that cannot be used say why.
#[utoipa::path(get, path = "/templates", tag = "tasks", params(TemplatesQuery),
    responses((status = 200, body = Vec<TemplateView>, headers(("X-Total-Count" = u64), ("Link" = String)))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
    Query(query): Query<TemplatesQuery>,
) -> Result<Paged<TemplateView>, Problem> {
    let project = match &query.project_id {
        Some(id) => Some(project::visible(&app, &caller, id).await?),
        None => None,
    };
    let found = templates::list(&app, project.as_ref()).await?;
    let views = found.iter().map(|found| TemplateView::of(found, &app.redactor)).collect();
    page(&uri, &PageQuery { limit: query.limit, cursor: query.cursor }, views)
}
