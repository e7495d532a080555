//! The sessions of a crew, and adding one.

use super::member::{Member, shortened};
use crate::people::audit;
use crate::request::extract::JsonBody;
use crate::request::idempotency::FreshIds;
use crate::request::path::Path;
use crate::request::problem::Problem;
use crate::sessions::crew::{SpawnBody, asked, limits};
use crate::sessions::session::found;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use engine::App;
use engine::projects::session_changes;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use workflow::{Input, Session, SessionGraph, SessionId, SessionPhase, SessionStatus};

/// How much of a session's last message is shown, in bytes.
const MAX_SUMMARY: usize = 1024;
/// Of how many sessions the changed files are looked up.
const MAX_LOOKED_UP: usize = 20;
/// How many changed files of a session are named.
const MAX_FILES: usize = 20;

/// The sessions of a crew.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CrewSessions {
    /// The sessions of the task, in plan order.
    sessions: Vec<CrewSession>,
}

/// A session as the others see it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CrewSession {
    /// The id of the session.
    session_id: String,
    name: String,
    /// Whether it is the session that asks.
    is_self: bool,
    status: SessionStatus,
    /// The reason why it waits.
    #[schema(required)]
    waits_for: Option<String>,
    agent: String,
    #[schema(required)]
    branch: Option<String>,
    /// The number of the planned task that it carries out.
    #[schema(required)]
    planned_task: Option<String>,
    /// The sessions whose work it needs.
    depends_on: Vec<String>,
    /// The last message of its agent.
    #[schema(required)]
    summary: Option<String>,
    /// How many files it changed; null where that was not looked up.
    #[schema(required)]
    total_files: Option<usize>,
    /// The first of these files.
    files: Vec<String>,
}

/// Lists the sessions of a crew, with what each does and changed.
#[utoipa::path(get, path = "/spec-tasks/{id}/crew/sessions", tag = "coordination", params(("id" = String, Path)),
    responses((status = 200, body = CrewSessions), (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    member: Member,
    Path(id): Path<String>,
) -> Result<Json<CrewSessions>, Problem> {
    let task = member.task(&app, &id).await?;
    let mut sessions = Vec::new();
    let mut looked_up = 0;
    for session in task.sessions.iter().filter(|session| session.phase != SessionPhase::Planning) {
        let files = if session.turns > 0 && looked_up < MAX_LOOKED_UP {
            looked_up += 1;
            Some(session_changes::of(&app, &task, session).await?.0)
        } else {
            None
        };
        let unit = session.unit.and_then(|index| task.units().get(index));
        let graph = SessionGraph::of(&task);
        sessions.push(CrewSession {
            session_id: session.id.to_string(),
            name: session.name.clone(),
            is_self: member.session.as_ref() == Some(&session.id),
            status: graph.status(session),
            waits_for: graph.waits_for(session),
            agent: session.agent.clone(),
            branch: session.branch.clone(),
            planned_task: unit.map(|unit| unit.number.clone()),
            depends_on: session.depends_on.iter().map(ToString::to_string).collect(),
            summary: session.last_words.as_ref().map(|words| shortened(words, MAX_SUMMARY)),
            total_files: files.as_ref().map(Vec::len),
            files: files.into_iter().flatten().take(MAX_FILES).map(|file| file.path).collect(),
        });
    }
    Ok(Json(CrewSessions { sessions }))
}

/// A session that a member adds to the crew.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CrewSpawnBody {
    /// The name of the session, in a few words.
    name: String,
    /// The work of the session, complete enough for its agent to start.
    description: String,
    /// Sessions whose work it needs.
    #[serde(default)]
    depends_on: Vec<String>,
    /// The session that it is spawned from; a session's agent spawns from its own.
    parent_session_id: Option<String>,
}

/// The session that was added.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CrewSpawned {
    /// The id of the new session.
    session_id: String,
    name: String,
    status: SessionStatus,
    #[schema(required)]
    branch: Option<String>,
}

/// Adds a session to the crew, within the limits of crews; its agent starts by itself.
#[utoipa::path(post, path = "/spec-tasks/{id}/crew/sessions", tag = "coordination", params(("id" = String, Path)),
    request_body = CrewSpawnBody, responses((status = 201, body = CrewSpawned), (status = 409, body = Problem),
    (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn spawn(
    State(app): State<App>,
    member: Member,
    Path(id): Path<String>,
    mut ids: FreshIds,
    JsonBody(body): JsonBody<CrewSpawnBody>,
) -> Result<(StatusCode, Json<CrewSpawned>), Problem> {
    let task = member.task(&app, &id).await?;
    member.expect_turn(&task)?;
    let parent = match (&member.session, body.parent_session_id) {
        (Some(own), None) => own.clone(),
        (Some(own), Some(named)) if own.as_str() == named => own.clone(),
        (Some(_), Some(_)) => {
            return Err(Problem::invalid("parent_session_id", "is another session; leave the field out"));
        }
        (None, Some(named)) => found(&task, &named)?.id.clone(),
        (None, None) => return Err(Problem::invalid("parent_session_id", "is required")),
    };
    let new = SessionId::fresh(&mut ids);
    let spawn = SpawnBody {
        name: body.name,
        description: body.description,
        agent_type: None,
        agent_config: serde_json::Value::Null,
        environment_config: serde_json::Value::Null,
        priority: None,
        effort: None,
        depends_on: body.depends_on,
        initial_prompt: None,
    };
    let session = asked(&app, &task, new.clone(), spawn)?;
    let input = Input::Spawn {
        parent: parent.clone(),
        session: Box::new(session),
        by: member.person(),
        limits: limits(&app),
    };
    let task = app.orchestrator.ask(member.caller.id(), &task.id, input).await?;
    if member.session.is_none() {
        let data = json!({ "work_session_id": new, "parent_work_session_id": parent });
        audit::record(&app, &member.caller, "session_spawn", task.id.as_str(), &data).await?;
    }
    let spawned: &Session = found(&task, new.as_str())?;
    Ok((
        StatusCode::CREATED,
        Json(CrewSpawned {
            session_id: new.to_string(),
            name: spawned.name.clone(),
            status: task.session_status(spawned),
            branch: spawned.branch.clone(),
        }),
    ))
}
