//! The coordination log of a task: reading it, and adding to it.

use crate::request::caller::Caller;
use crate::request::extract::{JsonBody, Query};
use crate::request::idempotency::FreshIds;
use crate::request::page::limit;
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use engine::App;
use engine::clock::rfc3339;
use engine::wire;
use protocol::CoordinationView;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use workflow::{
    CoordinationEvent, CoordinationKind, EventId, Input, NewCoordination, Session, SessionId, SessionStatus,
    Task,
};

/// A message to send.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CoordinationBody {
    /// The work session that says it; absent is the person who asks.
    from_session_id: Option<String>,
    /// Absent means all sessions that have not ended.
    to_session_id: Option<String>,
    event_type: CoordinationKind,
    message: String,
    /// A response may name in `request_id` the request that it answers.
    #[serde(default)]
    data: Value,
}

/// Sends a message to one work session or to all at work; it is delivered with their next turn.
#[utoipa::path(post, path = "/spec-tasks/{id}/coordination-events", tag = "coordination", params(("id" = String, Path)),
    request_body = CoordinationBody,
    responses((status = 201, body = CoordinationView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn add(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    mut ids: FreshIds,
    JsonBody(body): JsonBody<CoordinationBody>,
) -> Result<(StatusCode, Json<CoordinationView>), Problem> {
    let task = caller.task(&app, &id).await?;
    let from = session_of(&task, "from_session_id", body.from_session_id)?;
    let to = session_of(&task, "to_session_id", body.to_session_id)?;
    if body.message.trim().is_empty() {
        return Err(Problem::invalid("message", "is empty"));
    }
    let answers = body.data["request_id"].as_str().map(EventId::from);
    if let Some(answers) = &answers
        && task.coordination_event(answers).is_none_or(|event| event.kind != CoordinationKind::Request)
    {
        return Err(Problem::invalid("data.request_id", format!("the task has no request {answers}")));
    }
    let event = NewCoordination {
        id: EventId::fresh(&mut ids),
        kind: body.event_type,
        from,
        to,
        by: Some(caller.user.name.clone()),
        message: body.message,
        data: body.data,
        answers,
        before_merge: true,
        person_request: None,
    };
    let view = tell(&app, &caller, &task, event).await?;
    Ok((StatusCode::CREATED, Json(view)))
}

async fn tell(
    app: &App,
    caller: &Caller,
    task: &Task,
    event: NewCoordination,
) -> Result<CoordinationView, Problem> {
    let id = event.id.clone();
    let task =
        app.orchestrator.ask(caller.id(), &task.id, Input::Coordinate { event: Box::new(event) }).await?;
    let told = task.coordination_event(&id).ok_or_else(|| Problem::not_found("coordination event"))?;
    Ok(wire::coordination_event(&task, told))
}

fn session_of(task: &Task, field: &str, id: Option<String>) -> Result<Option<SessionId>, Problem> {
    let id = id.filter(|id| !id.is_empty()).map(SessionId::from);
    match id {
        Some(id) if task.session(&id).is_none() => {
            Err(Problem::invalid(field, format!("the task has no work session {id}")))
        }
        id => Ok(id),
    }
}

/// The recipients of a recorded message.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(crate) struct RecordedCoordination {
    to_session_id: Option<String>,
    event_type: Option<CoordinationKind>,
}

/// A message that a session recorded for others.
pub(crate) struct Recorded<'a> {
    pub(crate) id: EventId,
    pub(crate) message: String,
    pub(crate) data: Value,
    pub(crate) to: Option<&'a RecordedCoordination>,
}

/// Sends the coordination that a session recorded to its recipients.
pub(crate) async fn from_record(
    app: &App,
    caller: &Caller,
    task: &Task,
    session: &Session,
    Recorded { id, message, data, to }: Recorded<'_>,
) -> Result<(), Problem> {
    let kind = to.and_then(|to| to.event_type);
    let to = to.and_then(|to| to.to_session_id.clone());
    let event = NewCoordination {
        id,
        kind: kind.unwrap_or(CoordinationKind::Notification),
        from: Some(session.id.clone()),
        to: session_of(task, "coordination_data.to_session_id", to)?,
        by: Some(caller.user.name.clone()),
        message,
        data,
        answers: None,
        before_merge: true,
        person_request: None,
    };
    tell(app, caller, task, event).await.map(|_| ())
}

/// Which events are read.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LogQuery {
    #[param(inline)]
    event_type: Option<CoordinationKind>,
    /// How many of the last events, 1 to 500; 50 when absent.
    limit: Option<u64>,
}

/// The messages of a task's sessions and people, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CoordinationLog {
    spec_task_id: String,
    total_events: usize,
    filtered_events: usize,
    events_by_type: BTreeMap<String, usize>,
    events: Vec<CoordinationView>,
    active_sessions: usize,
    completed_sessions: usize,
    #[schema(required)]
    last_activity: Option<String>,
}

/// Reads what the sessions of a task and people told each other.
#[utoipa::path(get, path = "/spec-tasks/{id}/coordination-log", tag = "coordination", params(("id" = String, Path), LogQuery),
    responses((status = 200, body = CoordinationLog)))]
pub(crate) async fn log(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<LogQuery>,
) -> Result<Json<CoordinationLog>, Problem> {
    let task = caller.task(&app, &id).await?;
    let limit = usize::try_from(limit(query.limit)?).unwrap_or(usize::MAX);
    let mut events_by_type: BTreeMap<String, usize> = BTreeMap::new();
    for event in &task.coordination {
        *events_by_type.entry(event.kind.to_string()).or_default() += 1;
    }
    let is_asked = |event: &&CoordinationEvent| query.event_type.is_none_or(|kind| event.kind == kind);
    let filtered: Vec<&CoordinationEvent> = task.coordination.iter().filter(is_asked).collect();
    let count =
        |status| task.sessions.iter().filter(|session| task.session_status(session) == status).count();
    Ok(Json(CoordinationLog {
        total_events: task.coordination.len(),
        filtered_events: filtered.len(),
        events: filtered[filtered.len().saturating_sub(limit)..]
            .iter()
            .map(|event| wire::coordination_event(&task, event))
            .collect(),
        events_by_type,
        active_sessions: count(SessionStatus::Active),
        completed_sessions: count(SessionStatus::Completed),
        last_activity: task.coordination.iter().map(|event| event.at).max().map(rfc3339),
        spec_task_id: id,
    }))
}
