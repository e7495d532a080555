//! Work sessions: reading them, their logs and records, and acting on them.

use crate::people::audit;
use crate::request::caller::Caller;
use crate::request::extract::{JsonBody, Query};
use crate::request::page::{PageQuery, Paged, PartQuery, headers_with, limit, page, part};
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use engine::App;
use engine::agents::transcript;
use engine::clock::rfc3339;
use engine::insight::views;
use engine::record::log_archive;
use protocol::NumberedEntry;
use protocol::words::MessageRole;
use protocol::{ImplementationTask, SpecTask, WorkSession, ZedThread};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::LogRow;
use utoipa::{IntoParams, ToSchema};
use workflow::{HelixSessionId, Input, Session, SessionId, SessionPhase, SessionStatus, Task, ThreadStatus};

/// Which sessions are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PhaseQuery {
    #[param(inline)]
    phase: Option<SessionPhase>,
    /// 1 to 500; everything when absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u64>,
    /// Where the part before ended, from its `Link` header.
    cursor: Option<String>,
}

/// Sessions in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkSessions {
    work_sessions: Vec<WorkSession>,
    total: usize,
}

/// Lists a task's work sessions.
#[utoipa::path(get, path = "/spec-tasks/{id}/work-sessions", tag = "work-sessions", params(("id" = String, Path), PhaseQuery),
    responses((status = 200, body = WorkSessions, headers(("X-Total-Count" = u64), ("Link" = String)))))]
pub(crate) async fn of_task(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    Query(query): Query<PhaseQuery>,
) -> Result<(HeaderMap, Json<WorkSessions>), Problem> {
    let task = caller.task(&app, &id).await?;
    let is_asked_for = |session: &&Session| query.phase.is_none_or(|phase| session.phase == phase);
    let sessions: Vec<&Session> = task.sessions.iter().filter(is_asked_for).collect();
    let total = sessions.len();
    let asked = PartQuery { limit: query.limit, cursor: query.cursor };
    let (headers, sessions) = part(&uri, asked, sessions)?;
    let work_sessions = views::some_sessions(&app, &task, &sessions).await?.work_sessions;
    Ok((headers, Json(WorkSessions { work_sessions, total })))
}

/// A Helix session: a work session's conversation.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HelixSession {
    id: String,
    name: String,
    work_session_id: String,
    spec_task_id: String,
    phase: SessionPhase,
    status: SessionStatus,
    agent: String,
    created_at: String,
    updated_at: String,
}

impl HelixSession {
    fn of(task: &Task, session: &Session) -> Self {
        Self {
            id: session.helix_session.to_string(),
            name: session.display_name().to_owned(),
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
    pub(crate) work_session: WorkSession,
    pub(crate) spec_task: SpecTask,
    pub(crate) helix_session: HelixSession,
    #[schema(required)]
    pub(crate) zed_thread: Option<ZedThread>,
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
    Ok(Json(detail(&app, &task, &id).await?))
}

/// Returns a work session with everything that belongs to it.
pub(crate) async fn detail(app: &App, task: &Task, id: &str) -> Result<SessionDetail, Problem> {
    let session = found(task, id)?;
    let is_child = |child: &&Session| child.parent.as_ref() == Some(&session.id);
    let shown: Vec<&Session> =
        std::iter::once(session).chain(task.sessions.iter().filter(is_child)).collect();
    let views::Sessions { mut work_sessions, zed_threads } = views::some_sessions(app, task, &shown).await?;
    let child_work_sessions = work_sessions.split_off(1);
    let work_session = work_sessions.pop().ok_or_else(|| Problem::not_found("work session"))?;
    let work_session = views::with_options(app, session, work_session).await?;
    let units = views::units(app, task).await?;
    let unit = session.unit.and_then(|index| units.into_iter().nth(index));
    Ok(SessionDetail {
        work_session,
        spec_task: views::task(app, task).await?,
        helix_session: HelixSession::of(task, session),
        zed_thread: zed_threads.into_iter().find(|thread| thread.work_session_id == id),
        implementation_task: unit,
        child_work_sessions,
    })
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
            audit::record(&app, &caller, concat!("session_", stringify!($name)), task.id.as_str(), &json!({ "work_session_id": id })).await?;
            let session = found(&task, &id)?;
            Ok(Json(views::session(&app, &task, session).await?))
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

/// Stops a session's turn: a conversation waits for the next message then, any other session for a person's decision.
#[utoipa::path(post, path = "/work-sessions/{id}/stop-turn", tag = "work-sessions", params(("id" = String, Path)),
    responses((status = 200, body = WorkSession), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn stop_turn(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<WorkSession>, Problem> {
    let task = caller.task_of(&app, &id).await?;
    let input = Input::StopTurn { session: SessionId::from(id.as_str()), by: caller.user.name.clone() };
    let task = app.orchestrator.ask(caller.id(), &task.id, input).await?;
    let data = json!({ "work_session_id": id });
    audit::record(&app, &caller, "stop_turn", task.id.as_str(), &data).await?;
    Ok(Json(views::session(&app, &task, found(&task, &id)?).await?))
}

/// A move asked for by the name of its end.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct StatusBody {
    status: SessionStatus,
    name: Option<String>,
    description: Option<String>,
}

/// Moves a work session where a person may (cancelled, or pending again; a thread in an editor wherever it says), and calls
/// or describes it otherwise.
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
    if body.name.as_ref().is_some_and(|name| name.trim().is_empty()) {
        return Err(Problem::invalid("name", "is empty"));
    }
    crate::tasks::task::check_words(body.name.as_deref(), None)?;
    let now = task.session_status(present);
    let is_external = present.external_thread.is_some();
    let session = SessionId::from(id.as_str());
    let moved = |status| Input::ThreadMoved { session: session.clone(), status, detail: None };
    let input = match body.status {
        asked if asked == now => None,
        SessionStatus::Cancelled => Some(Input::CancelSession { session: session.clone() }),
        SessionStatus::Active if is_external => Some(moved(ThreadStatus::Active)),
        SessionStatus::Completed if is_external => Some(moved(ThreadStatus::Completed)),
        SessionStatus::Failed if is_external => Some(moved(ThreadStatus::Failed)),
        SessionStatus::Pending if is_external => Some(moved(ThreadStatus::Pending)),
        SessionStatus::Pending if matches!(now, SessionStatus::Failed | SessionStatus::Cancelled) => {
            Some(Input::RetrySession { session: session.clone() })
        }
        asked @ (SessionStatus::Pending
        | SessionStatus::Active
        | SessionStatus::Blocked
        | SessionStatus::Completed
        | SessionStatus::Failed) => {
            let detail = format!(
                "The session is {now}; {asked} is reached by its work, not by request. Allowed are cancelled, and pending for one that failed."
            );
            return Err(Problem::conflict("wrong_state", detail));
        }
    };
    let data = json!({ "work_session_id": id, "status": body.status });
    let mut task = match input {
        Some(input) => {
            let moved = app.orchestrator.ask(caller.id(), &task.id, input).await?;
            audit::record(&app, &caller, "session_status", task.id.as_str(), &data).await?;
            moved
        }
        None => task,
    };
    if body.name.is_some() || body.description.is_some() {
        let input = Input::RenameSession { session, name: body.name, description: body.description };
        task = app.orchestrator.ask(caller.id(), &task.id, input).await?;
    }
    Ok(Json(views::session(&app, &task, found(&task, &id)?).await?))
}

/// Which entries of a log are read.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsQuery {
    /// Entries after this number; 0 when absent.
    after: Option<u64>,
    limit: Option<u64>,
}

/// Returns a log entry: its number and time beside what it says.
pub(crate) fn numbered(row: LogRow) -> NumberedEntry {
    NumberedEntry::new(row.seq, rfc3339(row.at), row.entry)
}

/// Reads a work session's append-only log.
#[utoipa::path(get, path = "/work-sessions/{id}/events", tag = "work-sessions", params(("id" = String, Path), EventsQuery),
    responses((status = 200, body = Vec<NumberedEntry>, headers(("X-Total-Count" = u64), ("Link" = String))),
    (status = 409, description = "The log is archived in git, and the repository cannot be read", body = Problem)))]
pub(crate) async fn events(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    Query(query): Query<EventsQuery>,
) -> Result<Paged<NumberedEntry>, Problem> {
    caller.task_of(&app, &id).await?;
    let session = SessionId::from(id.as_str());
    log_archive::ensure_present(&app, &session).await?;
    let total = app.store.log_tail(&session).await?;
    let rows = app.store.read_log(&session, query.after.unwrap_or(0), limit(query.limit)?).await?;
    let last = rows.last().map(|row| row.seq).filter(|last| *last < total).map(|last| last.to_string());
    let headers = headers_with(&uri, total, last.as_deref().map(|last| ("after", last)));
    Ok((headers, Json(rows.into_iter().map(numbered).collect())))
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
    /// The author of the message.
    role: MessageRole,
    content: String,
}

impl Message {
    fn of(said: transcript::Message) -> Self {
        let role = if said.is_agent { MessageRole::Assistant } else { MessageRole::User };
        Self { seq: said.seq, at: rfc3339(said.at), role, content: said.text }
    }
}

/// Which messages are read.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct MessagesQuery {
    /// Messages that have an entry after this one of the log, each whole; 0 when absent.
    after: Option<u64>,
    /// 1 to 500; 50 when absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u64>,
    /// Where the page before ended, from its `Link` header.
    cursor: Option<String>,
}

/// Reads a Helix session's conversation.
#[utoipa::path(get, path = "/sessions/{id}/messages", tag = "work-sessions", params(("id" = String, Path), MessagesQuery),
    responses((status = 200, body = Vec<Message>, headers(("X-Total-Count" = u64), ("Link" = String))),
    (status = 409, description = "The log is archived in git, and the repository cannot be read", body = Problem)))]
pub(crate) async fn messages(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    Query(query): Query<MessagesQuery>,
) -> Result<Paged<Message>, Problem> {
    let (_, session) = by_helix(&app, &caller, &id).await?;
    log_archive::ensure_present(&app, &session).await?;
    let after = query.after.unwrap_or(0);
    let asked = PageQuery { limit: query.limit, cursor: query.cursor };
    let part = asked.range()?;
    let is_asked_for = |said: &&transcript::Message| said.to > after;
    let choose = |all: &[transcript::Message]| {
        let shown = all.iter().filter(is_asked_for).skip(part.start).take(part.len());
        shown.map(|said| said.seq).collect()
    };
    let mut messages = transcript::read_messages(&app.store, &session, |_| {}, choose).await?;
    messages.retain(|said| said.to > after);
    let (headers, Json(shown)) = page(&uri, &asked, messages)?;
    Ok((headers, Json(shown.into_iter().map(Message::of).collect())))
}
