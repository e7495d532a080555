//! What can be chosen: agents and sample repositories.

use super::caller::Caller;
use super::extract::Query;
use super::page::{PageQuery, Paged, page};
use super::problem::Problem;
use axum::extract::State;
use axum::http::Uri;
use engine::agents::AgentView;
use engine::samples::PlainPrompt;
use engine::{App, samples};
use serde::Serialize;
use utoipa::ToSchema;

/// Lists the agents that can be chosen, those that can start first. Known agents that were not started yet are started in
/// the background to find out their version and whether they want a sign-in.
#[utoipa::path(get, path = "/agents", tag = "fleet", params(PageQuery),
    responses((status = 200, body = Vec<AgentView>, headers(("X-Total-Count" = u64), ("Link" = String)))))]
pub(crate) async fn agents(
    State(app): State<App>,
    _caller: Caller,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Result<Paged<AgentView>, Problem> {
    app.agents.probe_in_background();
    page(&uri, &query, app.agents.list())
}

/// A sample repository.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DemoRepo {
    id: String,
    name: String,
    description: String,
    tech_stack: Vec<String>,
    prompts: Vec<String>,
    /// Prompts for tasks without planning.
    plain: Vec<PlainPrompt>,
}

/// Lists the sample repositories.
#[utoipa::path(get, path = "/demo-repos", tag = "projects", params(PageQuery),
    responses((status = 200, body = Vec<DemoRepo>, headers(("X-Total-Count" = u64), ("Link" = String)))))]
pub(crate) async fn demo_repos(
    _caller: Caller,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Result<Paged<DemoRepo>, Problem> {
    let all = samples::list().into_iter().map(|sample| DemoRepo {
        id: sample.id,
        name: sample.name,
        description: sample.description,
        tech_stack: sample.tech_stack,
        prompts: sample.prompts,
        plain: sample.plain,
    });
    page(&uri, &query, all.collect())
}
