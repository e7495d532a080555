//! Work sessions: reading them, their logs and records, and acting on them.

use super::caller::Caller;
use super::extract::{JsonBody, Query};
use super::problem::Problem;
use super::scenes;
use super::tasks::limit;
use crate::App;
use crate::clock::{Ulids, now};
use crate::wire::{ImplementationTask, SpecTask, WorkSession, ZedThread, rfc3339};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::LogRow;
use utoipa::{IntoParams, ToSchema};
use workflow::{
    HelixSessionId, Ids as _, Input, Session, SessionId, SessionPhase, SessionStatus, Task, TurnId,
};

/// Which sessions are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PhaseQuery {
    #[param(schema_with = crate::wire::session_phase)]
    phase: Option<SessionPhase>,
}

/// Sessions in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkSessions {
    work_sessions: Vec<WorkSession>,
    total: usize,
}

/// Lists a task's work sessions.
#[utoipa::path(get, path = "/spec-tasks/{id}/work-sessions", tag = "work-sessions", params(("id" = String, Path), PhaseQuery),
    responses((status = 200, body = WorkSessions)))]
pub(crate) async fn of_task(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<PhaseQuery>,
) -> Result<Json<WorkSessions>, Problem> {
    let task = caller.task(&app, &id).await?;
    let mut work_sessions = scenes::sessions(&app, &task).await?.work_sessions;
    work_sessions.retain(|session| query.phase.is_none_or(|phase| session.phase == phase));
    Ok(Json(WorkSessions { total: work_sessions.len(), work_sessions }))
}

/// A Helix session: a work session's conversation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HelixSession {
    id: String,
    name: String,
    work_session_id: String,
    spec_task_id: String,
    #[schema(schema_with = crate::wire::session_phase)]
    phase: SessionPhase,
    #[schema(schema_with = crate::wire::session_status)]
    status: SessionStatus,
    agent: String,
    created_at: String,
    updated_at: String,
}

impl HelixSession {
    fn of(task: &Task, session: &Session) -> Self {
        Self {
            id: session.helix_session.to_string(),
            name: session.name.clone(),
            work_session_id: session.id.to_string(),
            spec_task_id: task.id.to_string(),
            phase: session.phase,
            status: task.session_status(session),
            agent: session.agent.clone(),
            created_at: rfc3339(session.created_at),
            updated_at: rfc3339(session.updated_at),
        }
    }
}

/// A work session with everything that belongs to it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionDetail {
    work_session: WorkSession,
    spec_task: SpecTask,
    helix_session: HelixSession,
    #[schema(required)]
    zed_thread: Option<ZedThread>,
    #[schema(required)]
    implementation_task: Option<ImplementationTask>,
    child_work_sessions: Vec<WorkSession>,
}

/// Reads a work session.
#[utoipa::path(get, path = "/work-sessions/{id}", tag = "work-sessions", params(("id" = String, Path)),
    responses((status = 200, body = SessionDetail), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<SessionDetail>, Problem> {
    let task = caller.task_of(&app, &id).await?;
    let session = found(&task, &id)?;
    let scene = scenes::sessions(&app, &task).await?;
    let unit = session.unit.and_then(|index| task.units().get(index));
    Ok(Json(SessionDetail {
        work_session: scenes::session(&app, &task, session).await?,
        spec_task: scenes::task(&app, &task).await?,
        helix_session: HelixSession::of(&task, session),
        zed_thread: scene.zed_threads.into_iter().find(|thread| thread.work_session_id == id),
        implementation_task: unit.map(|unit| ImplementationTask::of(&task, unit)),
        child_work_sessions: scene
            .work_sessions
            .into_iter()
            .filter(|child| child.parent_work_session_id.as_ref() == Some(&id))
            .collect(),
    }))
}

pub(crate) fn found<'t>(task: &'t Task, id: &str) -> Result<&'t Session, Problem> {
    task.session(&SessionId::from(id)).ok_or_else(|| Problem::not_found("work session"))
}

macro_rules! moves {
    ($($(#[$doc:meta])* $name:ident, $path:literal, $input:ident;)*) => {$(
        $(#[$doc])*
        #[utoipa::path(post, path = $path, tag = "work-sessions", params(("id" = String, Path)),
            responses((status = 200, body = WorkSession), (status = 409, body = Problem)))]
        pub(crate) async fn $name(
            State(app): State<App>,
            caller: Caller,
            Path(id): Path<String>,
        ) -> Result<Json<WorkSession>, Problem> {
            let task = caller.task_of(&app, &id).await?;
            let input = Input::$input { session: SessionId::from(id.as_str()) };
            let task = app.orchestrator.ask(caller.id(), &task.id, input).await?;
            scenes::audit(&app, &caller, concat!("session_", stringify!($name)), task.id.as_str(), &json!({ "work_session_id": id })).await?;
            let session = found(&task, &id)?;
            Ok(Json(scenes::session(&app, &task, session).await?))
        }
    )*};
}

moves! {
    /// Cancels a work session; what depends on it stays blocked until it is retried or skipped.
    cancel, "/work-sessions/{id}/cancel", CancelSession;
    /// Tries a failed or cancelled work session again.
    retry, "/work-sessions/{id}/retry", RetrySession;
    /// Goes on without a work session.
    skip, "/work-sessions/{id}/skip", SkipSession;
}

/// A move asked for by the name of its end.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct StatusBody {
    #[schema(schema_with = crate::wire::session_status)]
    status: SessionStatus,
    name: Option<String>,
    description: Option<String>,
}

/// Moves a work session where a person may: cancelled, or pending again.
#[utoipa::path(put, path = "/work-sessions/{id}/status", tag = "work-sessions", params(("id" = String, Path)),
    request_body = StatusBody, responses((status = 200, body = WorkSession), (status = 409, body = Problem)))]
pub(crate) async fn set_status(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<StatusBody>,
) -> Result<Json<WorkSession>, Problem> {
    let task = caller.task_of(&app, &id).await?;
    let present = found(&task, &id)?;
    if body.name.is_some_and(|name| name != present.name)
        || body.description.is_some_and(|description| description != present.description)
    {
        return Err(Problem::conflict(
            "planned",
            "A planned session's name and description come from the plan; revise the plan instead.",
        ));
    }
    let now = task.session_status(present);
    let session = SessionId::from(id.as_str());
    let input = match body.status {
        asked if asked == now => None,
        SessionStatus::Cancelled => Some(Input::CancelSession { session }),
        SessionStatus::Pending => Some(Input::RetrySession { session }),
        asked @ (SessionStatus::Active
        | SessionStatus::Blocked
        | SessionStatus::Completed
        | SessionStatus::Failed) => {
            let detail = format!(
                "The session is {now}; {asked} is reached by its work, not by request. Allowed are cancelled, and pending for one that failed."
            );
            return Err(Problem::conflict("wrong_state", detail));
        }
    };
    let task = match input {
        Some(input) => app.orchestrator.ask(caller.id(), &task.id, input).await?,
        None => task,
    };
    Ok(Json(scenes::session(&app, &task, found(&task, &id)?).await?))
}

/// What a person says to a thread.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct MessageBody {
    content: String,
    /// `queue` waits for the next turn; `interrupt` ends the present one first.
    #[serde(default)]
    mode: Mode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Mode {
    #[default]
    Queue,
    Interrupt,
}

/// The turn that will carry a message.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MessageAnswer {
    turn_id: String,
}

/// Speaks into a work session's thread.
#[utoipa::path(post, path = "/work-sessions/{id}/messages", tag = "work-sessions", params(("id" = String, Path)),
    request_body = MessageBody, responses((status = 202, body = MessageAnswer), (status = 409, body = Problem)))]
pub(crate) async fn say(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<MessageBody>,
) -> Result<(StatusCode, Json<MessageAnswer>), Problem> {
    let task = caller.task_of(&app, &id).await?;
    let turn = TurnId(Ulids.next(TurnId::PREFIX));
    // Several messages that wait for the same turn carry its name.
    let waiting = found(&task, &id)?.messages.first().map(|message| message.turn.clone());
    let turn = waiting.unwrap_or(turn);
    let input = Input::Say {
        session: SessionId::from(id.as_str()),
        turn: turn.clone(),
        by: caller.user.name.clone(),
        text: body.content,
        interrupt: body.mode == Mode::Interrupt,
    };
    app.orchestrator.ask(caller.id(), &task.id, input).await?;
    Ok((StatusCode::ACCEPTED, Json(MessageAnswer { turn_id: turn.to_string() })))
}

/// Which entries of a log are read.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Entries after this number; 0 when absent.
    after: Option<u64>,
    limit: Option<u64>,
}

/// A log entry: its number and time beside what it says.
pub(crate) fn log_entry(row: &LogRow) -> Value {
    let mut entry = row.entry.clone();
    if let Some(fields) = entry.as_object_mut() {
        fields.insert("seq".to_owned(), row.seq.into());
        fields.insert("at".to_owned(), rfc3339(row.at).into());
    }
    entry
}

/// Reads a work session's append-only log.
#[utoipa::path(get, path = "/work-sessions/{id}/events", tag = "work-sessions", params(("id" = String, Path), EventsQuery),
    responses((status = 200, body = Vec<Value>)))]
pub(crate) async fn events(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<EventsQuery>,
) -> Result<Json<Vec<Value>>, Problem> {
    caller.task_of(&app, &id).await?;
    let rows = app
        .store
        .read_log(&SessionId::from(id.as_str()), query.after.unwrap_or(0), limit(query.limit)?)
        .await?;
    Ok(Json(rows.iter().map(log_entry).collect()))
}

/// Which records are read.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct HistoryQuery {
    /// `conversation`, `code_change`, `decision` or `coordination`.
    activity_type: Option<ActivityType>,
    limit: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ActivityType {
    Conversation,
    CodeChange,
    Decision,
    Coordination,
}

/// What a session did, from its record.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct History {
    work_session_id: String,
    spec_task_id: String,
    #[schema(required)]
    activity_type: Option<ActivityType>,
    limit: u64,
    entries: Vec<HistoryEntry>,
    total_entries: usize,
    #[schema(required)]
    git_branch: Option<String>,
    #[schema(required)]
    last_commit: Option<String>,
}

/// One recorded activity.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HistoryEntry {
    timestamp: String,
    activity_type: ActivityType,
    content: String,
    files_affected: Vec<String>,
}

/// How many log entries a history is read from at most.
const READ: u64 = 20_000;

/// Reads what a work session did.
#[utoipa::path(get, path = "/work-sessions/{id}/history", tag = "work-sessions", params(("id" = String, Path), HistoryQuery),
    responses((status = 200, body = History)))]
pub(crate) async fn history(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<HistoryQuery>,
) -> Result<Json<History>, Problem> {
    let task = caller.task_of(&app, &id).await?;
    let session = found(&task, &id)?;
    let limit = limit(query.limit)?;
    let rows = app.store.read_log(&session.id, 0, READ).await?;
    let mut entries: Vec<HistoryEntry> = rows.iter().filter_map(activity).collect();
    entries.retain(|entry| query.activity_type.is_none_or(|kind| entry.activity_type == kind));
    let total_entries = entries.len();
    let skip = total_entries.saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(Json(History {
        work_session_id: id,
        spec_task_id: task.id.to_string(),
        activity_type: query.activity_type,
        limit,
        entries: entries.split_off(skip),
        total_entries,
        git_branch: session.branch.clone(),
        last_commit: session.last_commit.as_ref().map(ToString::to_string),
    }))
}

/// What an entry of the log records, if it records an activity.
fn activity(row: &LogRow) -> Option<HistoryEntry> {
    let text = |field: &str| row.entry[field].as_str().unwrap_or_default().to_owned();
    let mut files: Vec<String> = row.entry["files_affected"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|file| file.as_str().map(str::to_owned))
        .collect();
    let (activity_type, content) = match row.entry["kind"].as_str()? {
        "user_message" | "agent_message" => (ActivityType::Conversation, text("text")),
        "tool_call" if matches!(row.entry["tool_kind"].as_str(), Some("edit" | "delete" | "move")) => {
            let places = row.entry["locations"].as_array().into_iter().flatten();
            files.extend(places.filter_map(|place| place["path"].as_str().map(str::to_owned)));
            (ActivityType::CodeChange, text("title"))
        }
        "commit" => (ActivityType::CodeChange, format!("Commit {}", text("commit"))),
        "permission_resolved" => {
            (ActivityType::Decision, format!("{} {}", text("outcome"), text("option_id")))
        }
        "recorded" => (serde_json::from_value(row.entry["activity_type"].clone()).ok()?, text("text")),
        _ => return None,
    };
    Some(HistoryEntry { timestamp: rfc3339(row.at), activity_type, content, files_affected: files })
}

/// Something to be recorded about a session.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct RecordBody {
    activity_type: ActivityType,
    content: String,
    timestamp: Option<String>,
    #[serde(default)]
    files_affected: Vec<String>,
    code_changes: Option<Value>,
    coordination_data: Option<Value>,
    metadata: Option<Value>,
}

/// Records an activity in a work session's log.
#[utoipa::path(post, path = "/work-sessions/{id}/record-history", tag = "work-sessions", params(("id" = String, Path)),
    request_body = RecordBody, responses((status = 200, body = Value)))]
pub(crate) async fn record(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<RecordBody>,
) -> Result<Json<Value>, Problem> {
    let task = caller.task_of(&app, &id).await?;
    let session = found(&task, &id)?;
    if body.content.trim().is_empty() {
        return Err(Problem::invalid("content", "is empty"));
    }
    let at = now();
    let entry = json!({
        "kind": "recorded",
        "activity_type": body.activity_type,
        "text": body.content,
        "by": caller.user.name,
        "timestamp": body.timestamp,
        "files_affected": body.files_affected,
        "code_changes": body.code_changes,
        "coordination_data": body.coordination_data,
        "metadata": body.metadata,
    });
    let rows = app.store.append_log(&session.id, at, vec![entry]).await?;
    app.feed.publish_log(&session.id, rows);
    Ok(Json(json!({
        "success": true,
        "work_session_id": id,
        "activity_type": body.activity_type,
        "recorded_at": rfc3339(at),
        "message": "Recorded in the session's log.",
    })))
}

async fn by_helix(app: &App, caller: &Caller, id: &str) -> Result<(Task, SessionId), Problem> {
    let unknown = || Problem::not_found("session");
    let (task, session) = app.store.session_of_helix(&HelixSessionId::from(id)).await?.ok_or_else(unknown)?;
    let task = caller.task(app, task.as_str()).await.map_err(|_| unknown())?;
    Ok((task, session))
}

/// Reads a Helix session.
#[utoipa::path(get, path = "/sessions/{id}", tag = "work-sessions", params(("id" = String, Path)),
    responses((status = 200, body = HelixSession), (status = 404, body = Problem)))]
pub(crate) async fn helix(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<HelixSession>, Problem> {
    let (task, session) = by_helix(&app, &caller, &id).await?;
    Ok(Json(HelixSession::of(&task, found(&task, session.as_str())?)))
}

/// One message of a conversation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Message {
    seq: u64,
    at: String,
    /// `user` or `assistant`.
    role: String,
    content: String,
}

/// Reads a Helix session's conversation.
#[utoipa::path(get, path = "/sessions/{id}/messages", tag = "work-sessions", params(("id" = String, Path), EventsQuery),
    responses((status = 200, body = Vec<Message>)))]
pub(crate) async fn messages(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<EventsQuery>,
) -> Result<Json<Vec<Message>>, Problem> {
    let (_, session) = by_helix(&app, &caller, &id).await?;
    let rows = app.store.read_log(&session, query.after.unwrap_or(0), READ).await?;
    let mut messages: Vec<Message> = Vec::new();
    for row in rows {
        let role = match row.entry["kind"].as_str() {
            Some("user_message") => "user",
            Some("agent_message") => "assistant",
            _ => continue,
        };
        let text = row.entry["text"].as_str().unwrap_or_default();
        match messages.last_mut().filter(|last| last.role == "assistant" && role == "assistant") {
            Some(last) => last.content.push_str(text),
            None => messages.push(Message {
                seq: row.seq,
                at: rfc3339(row.at),
                role: role.to_owned(),
                content: text.to_owned(),
            }),
        }
    }
    messages.truncate(usize::try_from(limit(query.limit)?).unwrap_or(usize::MAX));
    Ok(Json(messages))
}
