//! What can be chosen: agents and sample repositories.

use super::caller::Caller;
use crate::agents::AgentView;
use crate::{App, samples};
use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

/// Lists the agents that can be chosen, those that can start first.
#[utoipa::path(get, path = "/agents", tag = "fleet", responses((status = 200, body = Vec<AgentView>)))]
pub(crate) async fn agents(State(app): State<App>, _caller: Caller) -> Json<Vec<AgentView>> {
    Json(app.agents.list())
}

/// A sample repository.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DemoRepo {
    id: String,
    name: String,
    description: String,
    tech_stack: Vec<String>,
    prompts: Vec<String>,
}

/// Lists the sample repositories.
#[utoipa::path(get, path = "/demo-repos", tag = "projects", responses((status = 200, body = Vec<DemoRepo>)))]
pub(crate) async fn demo_repos(_caller: Caller) -> Json<Vec<DemoRepo>> {
    let all = samples::list().into_iter().map(|sample| DemoRepo {
        id: sample.id,
        name: sample.name,
        description: sample.description,
        tech_stack: sample.tech_stack,
        prompts: sample.prompts,
    });
    Json(all.collect())
}
