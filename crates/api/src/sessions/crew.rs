//! The growth of a crew: spawning sessions, forking one, keeping one of the forks.

use crate::people::audit;
use crate::projects::catalog::known_agent;
use crate::request::caller::Caller;
use crate::request::extract::JsonBody;
use crate::request::path::Path;
use crate::request::problem::Problem;
use crate::sessions::session::{SessionDetail, detail, found};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use engine::App;
use engine::agents::{MODEL, MODEL_CHAT};
use engine::clock::Ulids;
use engine::insight::views;
use protocol::{OptionValues, WorkSession};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use workflow::{
    AgentType, CrewLimits, Effort, Ids as _, Input, NewSession, Priority, SessionId, SessionRequest, Task,
    TurnId,
};

/// How long a name may be, in characters.
const NAME: usize = 200;
/// How long what is to be done may be, in bytes.
const TEXT: usize = 64 * 1024;

/// A session that is asked for.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct SpawnBody {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) agent_type: Option<AgentType>,
    /// `agent` names the agent; absent is the parent's. `options` has options that it gets, by id or category, such as
    /// `{"model": "opus"}`.
    #[serde(default)]
    pub(crate) agent_config: Value,
    #[serde(default)]
    pub(crate) environment_config: Value,
    /// Absent is the task's.
    pub(crate) priority: Option<Priority>,
    pub(crate) effort: Option<Effort>,
    /// Work sessions of the task whose work this one needs.
    #[serde(default)]
    pub(crate) depends_on: Vec<String>,
    /// The prompt of the first turn, in addition to the description.
    pub(crate) initial_prompt: Option<String>,
}

/// A work session at work spawns another, whose thread starts by itself.
#[utoipa::path(post, path = "/work-sessions/{id}/spawn", tag = "work-sessions", params(("id" = String, Path)),
    request_body = SpawnBody, responses((status = 201, body = SessionDetail), (status = 409, body = Problem),
    (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn spawn(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<SpawnBody>,
) -> Result<(StatusCode, Json<SessionDetail>), Problem> {
    let task = caller.task_of(&app, &id).await?;
    spawn_in(&app, &caller, &task, &id, body).await
}

/// A work session of a task spawns another.
#[utoipa::path(post, path = "/spec-tasks/{id}/work-sessions/{session_id}/spawn", tag = "work-sessions",
    params(("id" = String, Path), ("session_id" = String, Path)), request_body = SpawnBody,
    responses((status = 201, body = SessionDetail), (status = 409, body = Problem), (status = 422, body = Problem),
    (status = 429, body = Problem)))]
pub(crate) async fn spawn_of_task(
    State(app): State<App>,
    caller: Caller,
    Path((id, session)): Path<(String, String)>,
    JsonBody(body): JsonBody<SpawnBody>,
) -> Result<(StatusCode, Json<SessionDetail>), Problem> {
    let task = caller.task(&app, &id).await?;
    spawn_in(&app, &caller, &task, &session, body).await
}

async fn spawn_in(
    app: &App,
    caller: &Caller,
    task: &Task,
    parent: &str,
    body: SpawnBody,
) -> Result<(StatusCode, Json<SessionDetail>), Problem> {
    found(task, parent)?;
    let id = SessionId(Ulids.next(SessionId::PREFIX));
    let session = asked(app, task, id.clone(), body)?;
    let input = Input::Spawn {
        parent: SessionId::from(parent),
        session: Box::new(session),
        by: Some(caller.user.name.clone()),
        limits: limits(app),
    };
    let task = app.orchestrator.ask(caller.id(), &task.id, input).await?;
    let data = json!({ "work_session_id": id, "parent_work_session_id": parent });
    audit::record(app, caller, "session_spawn", task.id.as_str(), &data).await?;
    Ok((StatusCode::CREATED, Json(detail(app, &task, id.as_str()).await?)))
}

/// Returns a session as the workflow knows it, or what is wrong with it.
pub(crate) fn asked(app: &App, task: &Task, id: SessionId, body: SpawnBody) -> Result<NewSession, Problem> {
    let agent = check(app, task, &body)?;
    Ok(NewSession {
        id,
        name: body.name,
        description: body.description,
        agent,
        depends_on: body.depends_on.into_iter().map(SessionId::from).collect(),
        wish: SessionRequest {
            priority: body.priority,
            effort: body.effort,
            agent_type: body.agent_type,
            agent_config: body.agent_config,
            environment_config: body.environment_config,
            prompt: body.initial_prompt.filter(|prompt| !prompt.trim().is_empty()),
        },
        is_conversation: false,
    })
}

/// Returns how far crews may grow on this server.
pub(crate) fn limits(app: &App) -> CrewLimits {
    let limits = &app.config.limits;
    CrewLimits {
        depth: limits.max_spawn_depth,
        children: limits.max_children,
        sessions: limits.max_sessions_in_total,
    }
}

/// Returns the requested agent, or a problem that names the invalid field.
fn check(app: &App, task: &Task, body: &SpawnBody) -> Result<Option<String>, Problem> {
    check_text("name", &body.name)?;
    if body.name.chars().count() > NAME {
        return Err(Problem::invalid("name", format!("is longer than {NAME} characters")));
    }
    check_text("description", &body.description)?;
    if let Some(prompt) = &body.initial_prompt
        && prompt.len() > TEXT
    {
        return Err(Problem::invalid("initial_prompt", format!("is longer than {TEXT} bytes")));
    }
    for (field, config) in
        [("agent_config", &body.agent_config), ("environment_config", &body.environment_config)]
    {
        if !config.is_null() && !config.is_object() {
            return Err(Problem::invalid(field, "must be an object"));
        }
        if config.to_string().len() > TEXT {
            return Err(Problem::invalid(field, format!("is longer than {TEXT} bytes")));
        }
    }
    let agent = asked_agent(app, task, body)?;
    if let Some(unknown) = body
        .depends_on
        .iter()
        .find(|id| task.session(&SessionId::from(id.as_str())).is_none_or(|session| !session.is_crew()))
    {
        return Err(Problem::invalid("depends_on", format!("the task has no work session {unknown:?}")));
    }
    if let Some(options) = body.agent_config.get("options").filter(|options| !options.is_null()) {
        let field = "agent_config.options";
        let options: OptionValues = serde_json::from_value(options.clone())
            .map_err(|_| Problem::invalid(field, "is not an object of texts, true and false"))?;
        protocol::check_values(&options).map_err(|message| Problem::invalid(field, message))?;
    }
    Ok(agent)
}

/// Returns the agent that a session asks for by its type and its configuration; none is the task's.
fn asked_agent(app: &App, task: &Task, body: &SpawnBody) -> Result<Option<String>, Problem> {
    let named = body.agent_config["agent"].as_str().map(str::to_owned);
    let built_in = match body.agent_type {
        None | Some(AgentType::Zed) => None,
        Some(AgentType::Helix) => Some(MODEL),
        Some(AgentType::Simple) if task.planned => {
            return Err(Problem::invalid(
                "agent_type",
                "simple only talks, and a session of a task with a plan has to change files; use helix_agent for a model with \
                 tools, or zed_agent for another agent",
            ));
        }
        Some(AgentType::Simple) => Some(MODEL_CHAT),
    };
    match (named, built_in) {
        (Some(named), Some(built_in)) if named != built_in => Err(Problem::invalid(
            "agent_config.agent",
            format!(
                "the agent type asks for the agent {built_in}, and this names {named}; leave one of them out"
            ),
        )),
        (Some(named), _) => {
            known_agent(app, "agent_config.agent", &named)?;
            Ok(Some(named))
        }
        (None, Some(built_in)) => {
            known_agent(app, "agent_type", built_in)?;
            Ok(Some(built_in.to_owned()))
        }
        (None, None) => Ok(None),
    }
}

fn check_text(field: &str, text: &str) -> Result<(), Problem> {
    if text.trim().is_empty() {
        return Err(Problem::invalid(field, "is empty"));
    }
    if text.len() > TEXT {
        return Err(Problem::invalid(field, format!("is longer than {TEXT} bytes")));
    }
    Ok(())
}

/// The turn at which a session is forked.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct BranchBody {
    /// The turn at whose end the other one begins; absent is the last that ended.
    from_turn: Option<String>,
    name: String,
    /// The instructions that make the fork different.
    prompt: String,
}

/// Forks a work session: a further one begins at the end of a turn, and has the conversation up to there.
#[utoipa::path(post, path = "/work-sessions/{id}/branch", tag = "work-sessions", params(("id" = String, Path)),
    request_body = BranchBody, responses((status = 201, body = SessionDetail), (status = 409, body = Problem),
    (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn branch(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<BranchBody>,
) -> Result<(StatusCode, Json<SessionDetail>), Problem> {
    let task = caller.task_of(&app, &id).await?;
    let original = found(&task, &id)?;
    check_text("name", &body.name)?;
    check_text("prompt", &body.prompt)?;
    let from_turn = body.from_turn.filter(|turn| !turn.is_empty()).map(TurnId::from);
    if let Some(turn) = &from_turn
        && !original.ended.iter().any(|ended| ended.turn == *turn && ended.commit.is_some())
    {
        let message = format!("the work session has no turn {turn} that ended with a commit");
        return Err(Problem::invalid("from_turn", message));
    }
    let new = SessionId(Ulids.next(SessionId::PREFIX));
    let alternative = NewSession {
        id: new.clone(),
        name: body.name,
        description: original.description.clone(),
        agent: None,
        depends_on: Vec::new(),
        wish: SessionRequest { prompt: Some(body.prompt), ..original.wish.clone() },
        is_conversation: false,
    };
    let input = Input::Branch {
        session: SessionId::from(id.as_str()),
        from_turn,
        alternative: Box::new(alternative),
        limits: limits(&app),
    };
    let task = app.orchestrator.ask(caller.id(), &task.id, input).await?;
    let data = json!({ "work_session_id": new, "branched_from": id });
    audit::record(&app, &caller, "session_branch", task.id.as_str(), &data).await?;
    Ok((StatusCode::CREATED, Json(detail(&app, &task, new.as_str()).await?)))
}

/// Keeps a work session's work instead of its alternatives'; theirs stays under `refs/spectask/saved`.
#[utoipa::path(post, path = "/work-sessions/{id}/choose", tag = "work-sessions", params(("id" = String, Path)),
    responses((status = 200, body = WorkSession), (status = 409, body = Problem)))]
pub(crate) async fn choose(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<WorkSession>, Problem> {
    let task = caller.task_of(&app, &id).await?;
    let input = Input::Choose { session: SessionId::from(id.as_str()) };
    let task = app.orchestrator.ask(caller.id(), &task.id, input).await?;
    let data = json!({ "work_session_id": id });
    audit::record(&app, &caller, "session_choose", task.id.as_str(), &data).await?;
    Ok(Json(views::session(&app, &task, found(&task, &id)?).await?))
}

#[cfg(test)]
mod tests {
    use crate::testing::Api;
    use serde_json::json;

    #[tokio::test]
    async fn the_agent_type_asks_for_the_model_agent() {
        let api = Api::open().await;
        let task = api.task(&api.project().await, "Add notes").await;
        let path = format!("/tasks/{task}/work-sessions");
        let refusals = [
            (json!({ "name": "a", "agent_type": "helix_agent" }), "model.name"),
            (json!({ "name": "a", "agent_type": "simple" }), "only talks"),
            (
                json!({ "name": "a", "agent_type": "helix_agent", "agent_config": { "agent": "scripted" } }),
                "names scripted",
            ),
        ];
        for (body, words) in refusals {
            let (status, problem) = api.try_post(&path, &body).await.problem();
            assert_eq!(status, 422, "{problem:#}");
            assert!(problem["detail"].as_str().expect("a text").contains(words), "{problem:#}");
        }
        let agents = api.get("/agents?limit=500").await;
        let model = agents.as_array().expect("a list").iter().find(|agent| agent["id"] == "model");
        assert_eq!(model.expect("the model agent")["state"], "not_installed");
    }
}
