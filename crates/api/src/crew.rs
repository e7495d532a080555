//! The crew grows and chooses: spawning sessions, continuing one as two, keeping one of them.

use super::audit;
use super::caller::Caller;
use super::extract::JsonBody;
use super::problem::Problem;
use super::sessions::{SessionDetail, detail, found};
use super::tasks::known_agent;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use engine::App;
use engine::clock::Ulids;
use engine::views;
use protocol::WorkSession;
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
    /// `agent` names the agent; absent is the parent's.
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
    /// What the first turn is asked beside the description.
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

/// A session as the workflow knows it, or what is wrong with it.
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

/// How far crews may grow on this server.
pub(crate) fn limits(app: &App) -> CrewLimits {
    let limits = &app.config.limits;
    CrewLimits {
        depth: limits.max_spawn_depth,
        children: limits.max_children,
        sessions: limits.max_sessions_in_total,
    }
}

/// What is wrong is named by its field; right, it is the agent asked for.
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
    check_agent_type(body.agent_type)?;
    if let Some(unknown) = body
        .depends_on
        .iter()
        .find(|id| task.session(&SessionId::from(id.as_str())).is_none_or(|session| !session.is_crew()))
    {
        return Err(Problem::invalid("depends_on", format!("the task has no work session {unknown:?}")));
    }
    let agent = body.agent_config["agent"].as_str().map(str::to_owned);
    if let Some(agent) = &agent {
        known_agent(app, "agent_config.agent", agent)?;
    }
    Ok(agent)
}

/// Sessions are carried out by external ACP agents. The other types mean a model that the server talks to itself, which
/// this one does not.
fn check_agent_type(asked: Option<AgentType>) -> Result<(), Problem> {
    match asked {
        None | Some(AgentType::Zed) => Ok(()),
        Some(kind @ (AgentType::Simple | AgentType::Helix)) => Err(Problem::invalid(
            "agent_type",
            format!(
                "{kind} is a built-in model agent, which this server does not have; leave the field out or use zed_agent, \
                 and name the agent in agent_config.agent (see `GET /api/v1/agents`)"
            ),
        )),
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

/// Where a session is to be continued as two.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct BranchBody {
    /// The turn at whose end the other one begins; absent is the last that ended.
    from_turn: Option<String>,
    name: String,
    /// What is to be done differently.
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
