//! Giving a session that failed to another agent, before it is tried again.

use crate::people::audit;
use crate::projects::catalog::known_agent;
use crate::request::caller::Caller;
use crate::request::extract::JsonBody;
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use engine::App;
use engine::insight::views;
use protocol::WorkSession;
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use workflow::{Input, SessionId};

/// The agent that continues the session.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct AgentBody {
    agent: String,
}

/// Gives a work session that failed or was cancelled to another agent. It begins with the session's next try, and gets the
/// conversation so far.
#[utoipa::path(put, path = "/work-sessions/{id}/agent", tag = "work-sessions", params(("id" = String, Path)),
    request_body = AgentBody, responses((status = 200, body = WorkSession), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn assign(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<AgentBody>,
) -> Result<Json<WorkSession>, Problem> {
    let task = caller.task_of(&app, &id).await?;
    known_agent(&app, "agent", &body.agent)?;
    let session = SessionId::from(id.as_str());
    let input = Input::AssignAgent { session: session.clone(), agent: body.agent.clone() };
    let task = app.orchestrator.ask(caller.id(), &task.id, input).await?;
    // The other agent does not know the conversation of the one before.
    let mut run = app.store.session_run(&session).await?.unwrap_or_default();
    run.thread_closed = true;
    app.store.put_session_run(&session, run).await?;
    audit::record(&app, &caller, "assign_agent", &id, &json!({ "agent": body.agent })).await?;
    let found = task.session(&session).ok_or_else(|| Problem::not_found("work session"))?;
    Ok(Json(views::session(&app, &task, found).await?))
}
