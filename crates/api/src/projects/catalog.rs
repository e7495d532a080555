//! The available agents and sample repositories.

use crate::people::audit;
use crate::request::caller::Caller;
use crate::request::extract::Query;
use crate::request::page::{PageQuery, Paged, page};
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use engine::App;
use engine::agents::AgentView;
use engine::projects::samples;
use engine::projects::samples::PlainPrompt;
use serde::Serialize;
use serde_json::json;
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

/// Ends the wait for the limit of an agent's account: sessions of the agent that wait continue at once. The agent waits again
/// if it reaches the limit again.
#[utoipa::path(post, path = "/agents/{id}/resume", tag = "fleet",
    params(("id" = String, Path, description = "The id of the agent.", example = "claude")),
    responses((status = 200, description = "The agent, without a limit", body = AgentView),
        (status = 403, description = "The caller is not the owner", body = Problem),
        (status = 404, description = "There is no such agent", body = Problem)))]
pub(crate) async fn resume_agent(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<AgentView>, Problem> {
    if app.agents.find(&id).is_none() {
        return Err(Problem::not_found("agent"));
    }
    if app.agents.end_limit(&id) {
        audit::record(&app, &caller, "resume_agent", &id, &json!({})).await?;
    }
    let agent = app.agents.find(&id).ok_or_else(|| Problem::not_found("agent"))?;
    Ok(Json(agent))
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

/// Refuses an agent that is not known or not installed; the built-in one always is.
pub(crate) fn known_agent(app: &App, field: &str, id: &str) -> Result<(), Problem> {
    let Some(agent) = app.agents.find(id) else {
        let known: Vec<String> = app.agents.list().into_iter().map(|agent| agent.id).collect();
        let detail = format!("there is no agent {id:?}; there are {}", known.join(", "));
        return Err(Problem::invalid(field, detail));
    };
    if agent.installed || agent.kind == protocol::words::AgentKind::BuiltIn {
        return Ok(());
    }
    if [engine::agents::MODEL, engine::agents::MODEL_CHAT].contains(&agent.id.as_str()) {
        let detail = format!("The agent {} is not set up. {}", agent.name, agent.how_to_install);
        return Err(Problem { code: "agent_not_installed", ..Problem::refused(field, detail) });
    }
    let command = agent.command.split(' ').next().unwrap_or_default();
    let detail = format!(
        "The agent {} is not installed: there is no command `{command}`. {}",
        agent.name, agent.how_to_install
    );
    Err(Problem { code: "agent_not_installed", ..Problem::refused(field, detail.trim_end().to_owned()) })
}
