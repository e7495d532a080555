//! Threads under the names that Zed integrations know: reported ones become work sessions, and all are opened, closed
//! and configured here.

use crate::request::caller::{Caller, Reporter};
use crate::request::extract::JsonBody;
use crate::request::path::Path;
use crate::request::problem::Problem;
use crate::sessions::crew::limits;
use crate::sessions::session::{HelixSession, SessionDetail, detail, found};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use engine::App;
use engine::clock::{Ulids, now};
use engine::insight::views;
use protocol::log::UserMessage;
use protocol::{SpecTask, WorkSession, ZedThread};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use workflow::{
    CreationMethod, Ids as _, Input, InstanceId, ReportedThread, Session, SessionId, SessionRequest, Task,
    TaskId, ThreadStatus, Unit,
};

/// A thread that an editor opened in a task.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct CreateSessionBody {
    zed_instance_id: String,
    zed_thread_id: String,
    spec_task_id: String,
    parent_zed_thread_id: Option<String>,
    thread_name: Option<String>,
    thread_description: Option<String>,
    /// The task's repository; another path is refused.
    project_path: Option<String>,
    spawn_reason: Option<String>,
    #[serde(default)]
    agent_configuration: Value,
    initial_prompt: Option<String>,
    /// The index, number or id of a planned task.
    #[serde(default)]
    related_implementation_task: Value,
}

/// The work session of a thread.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedSession {
    work_session: WorkSession,
    helix_session: HelixSession,
    #[schema(required)]
    zed_thread: Option<ZedThread>,
    spec_task: SpecTask,
    creation_method: CreationMethod,
    #[schema(required)]
    parent_work_session: Option<WorkSession>,
    success: bool,
    message: String,
    warnings: Vec<String>,
}

/// Makes a work session of a thread that an editor opened; the same thread again is the same session.
#[utoipa::path(post, path = "/zed-threads/create-session", tag = "zed", request_body = CreateSessionBody,
    responses((status = 201, body = CreatedSession), (status = 200, body = CreatedSession), (status = 409, body = Problem),
    (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn create_session(
    State(app): State<App>,
    reporter: Reporter,
    JsonBody(body): JsonBody<CreateSessionBody>,
) -> Result<(StatusCode, Json<CreatedSession>), Problem> {
    let task = reporter.task(&app, &body.spec_task_id).await?;
    if body.zed_thread_id.trim().is_empty() {
        return Err(Problem::invalid("zed_thread_id", "is empty"));
    }
    crate::request::extract::object("agent_configuration", Some(&body.agent_configuration))?;
    crate::projects::project::check_path(&app, &task, body.project_path.as_deref()).await?;
    if body.zed_instance_id != workflow::InstanceId::of(&task.id).as_str() {
        let message = format!("{:?} is not the instance of that task", body.zed_instance_id);
        return Err(Problem::invalid("zed_instance_id", message));
    }
    if let Some(known) = of_thread(&app, &task, &body.zed_thread_id).await? {
        let answer =
            created(&app, &task, &known, "The thread has a work session already.", Vec::new()).await?;
        return Ok((StatusCode::OK, Json(answer)));
    }
    let mut warnings = Vec::new();
    let parent = match &body.parent_zed_thread_id {
        Some(thread) => of_thread(&app, &task, thread).await?,
        None => None,
    };
    if let Some(thread) = body.parent_zed_thread_id.as_ref().filter(|_| parent.is_none()) {
        warnings.push(format!("no work session has the thread {thread:?}; the session has no parent"));
    }
    let unit = related(&task, &body.related_implementation_task);
    if unit.is_none() && !body.related_implementation_task.is_null() {
        warnings.push("the plan has no such implementation task".to_owned());
    }
    let title = unit.map(|unit| unit.title.clone());
    let about =
        body.thread_description.or(body.spawn_reason).or_else(|| unit.map(|unit| unit.description.clone()));
    let id = SessionId(Ulids.next(SessionId::PREFIX));
    let name = body.thread_name.filter(|name| !name.trim().is_empty()).or(title);
    let thread = ReportedThread {
        id: id.clone(),
        thread: body.zed_thread_id.clone(),
        name: name.unwrap_or_else(|| "Thread in the editor".to_owned()),
        description: about.unwrap_or_default(),
        parent: parent.clone(),
        wish: SessionRequest {
            agent_config: body.agent_configuration,
            prompt: body.initial_prompt.clone().filter(|prompt| !prompt.trim().is_empty()),
            ..SessionRequest::default()
        },
    };
    let after = app
        .orchestrator
        .ask(
            reporter.caller.id(),
            &task.id,
            Input::ThreadReported { thread: Box::new(thread), limits: limits(&app) },
        )
        .await?;
    // Two reports of one thread at once make one session.
    let Some(session) = of_thread(&app, &after, &body.zed_thread_id).await? else {
        return Err(Problem::not_found("work session"));
    };
    let is_first = session == id;
    if is_first && let Some(prompt) = body.initial_prompt {
        let message = UserMessage { text: prompt, by: reporter.name().into(), ..UserMessage::default() };
        let rows = app.store.append_log(&session, now(), vec![message.into()]).await?;
        app.feed.publish_log(&session, rows);
    }
    let status = if is_first { StatusCode::CREATED } else { StatusCode::OK };
    let answer = created(&app, &after, &session, "The thread has a work session.", warnings).await?;
    Ok((status, Json(answer)))
}

async fn created(
    app: &App,
    task: &Task,
    id: &SessionId,
    message: &str,
    warnings: Vec<String>,
) -> Result<CreatedSession, Problem> {
    let session = found(task, id.as_str())?;
    let parent = match session.parent.as_ref().and_then(|parent| task.session(parent)) {
        Some(parent) => Some(views::session(app, task, parent).await?),
        None => None,
    };
    let creation_method = session.method;
    let SessionDetail { work_session, spec_task, helix_session, zed_thread, .. } =
        detail(app, task, id.as_str()).await?;
    Ok(CreatedSession {
        work_session,
        helix_session,
        zed_thread,
        spec_task,
        creation_method,
        parent_work_session: parent,
        success: true,
        message: message.to_owned(),
        warnings,
    })
}

/// Returns the session of a thread, by the editor's name for it, the agent's or our own.
async fn of_thread(app: &App, task: &Task, thread: &str) -> Result<Option<SessionId>, Problem> {
    let is_its = |session: &&Session| {
        session.external_thread.as_deref() == Some(thread) || session.thread.as_str() == thread
    };
    if let Some(session) = task.sessions.iter().find(is_its) {
        return Ok(Some(session.id.clone()));
    }
    for session in &task.sessions {
        let run = app.store.session_run(&session.id).await?;
        if run.is_some_and(|run| run.agent_sessions.iter().any(|known| known == thread)) {
            return Ok(Some(session.id.clone()));
        }
    }
    Ok(None)
}

/// Returns the planned task that a client names by its index, its number or its id.
fn related<'t>(task: &'t Task, named: &Value) -> Option<&'t Unit> {
    let is_it = |unit: &&Unit| match named {
        Value::Number(number) => number.as_u64() == u64::try_from(unit.index).ok(),
        Value::String(text) => *text == unit.number || text == unit.id.as_str() || *text == unit.title,
        _ => false,
    };
    task.units().iter().find(is_it)
}

/// An event that an editor reports.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ZedEvent {
    instance_id: String,
    event_type: ZedEventType,
    spec_task_id: Option<String>,
    thread_id: Option<String>,
    #[serde(default)]
    data: Value,
    /// When the editor saw it; the server's own time counts.
    timestamp: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ZedEventType {
    InstanceReady,
    ThreadCreated,
    ThreadStatusChanged,
    ThreadActivity,
    Heartbeat,
    InstanceDisconnected,
    InstanceError,
}

/// The result of a report.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ZedEventAnswer {
    success: bool,
    instance_id: String,
    event_type: ZedEventType,
    /// Whether it changed or recorded something.
    processed: bool,
}

/// Takes in what an editor reports of its instance and threads.
#[utoipa::path(post, path = "/zed/events", tag = "zed", request_body = ZedEvent,
    responses((status = 200, body = ZedEventAnswer), (status = 404, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn event(
    State(app): State<App>,
    reporter: Reporter,
    JsonBody(event): JsonBody<ZedEvent>,
) -> Result<Json<ZedEventAnswer>, Problem> {
    crate::request::extract::object("data", Some(&event.data))?;
    if event.timestamp.as_ref().is_some_and(|text| text.parse::<jiff::Timestamp>().is_err()) {
        return Err(Problem::invalid("timestamp", "is no time as in 2026-01-31T12:00:00Z"));
    }
    let unknown = || Problem::not_found("instance");
    let suffix = event.instance_id.strip_prefix(&format!("{}_", InstanceId::PREFIX)).ok_or_else(unknown)?;
    let id = format!("{}_{suffix}", TaskId::PREFIX);
    let task = reporter
        .task(&app, &id)
        .await
        .map_err(|problem| if problem.status == 404 { unknown() } else { problem })?;
    if event.spec_task_id.as_ref().is_some_and(|named| *named != id) {
        return Err(Problem::invalid("spec_task_id", "is not the task of that instance"));
    }
    let processed = take_in(&app, &reporter.caller, &task, &event).await?;
    Ok(Json(ZedEventAnswer {
        success: true,
        instance_id: event.instance_id,
        event_type: event.event_type,
        processed,
    }))
}

async fn take_in(app: &App, caller: &Caller, task: &Task, event: &ZedEvent) -> Result<bool, Problem> {
    let thread = || {
        let named = event.thread_id.clone().filter(|thread| !thread.is_empty());
        named.ok_or_else(|| Problem::invalid("thread_id", "is required for this type of event"))
    };
    match event.event_type {
        ZedEventType::ThreadCreated => {
            let thread = thread()?;
            if of_thread(app, task, &thread).await?.is_some() {
                return Ok(false);
            }
            let text = |field: &str| event.data[field].as_str().map(str::to_owned);
            let thread = ReportedThread {
                id: SessionId(Ulids.next(SessionId::PREFIX)),
                thread,
                name: text("name").unwrap_or_else(|| "Thread in the editor".to_owned()),
                description: text("description").unwrap_or_default(),
                parent: None,
                wish: SessionRequest::default(),
            };
            app.orchestrator
                .ask(
                    caller.id(),
                    &task.id,
                    Input::ThreadReported { thread: Box::new(thread), limits: limits(app) },
                )
                .await?;
            Ok(true)
        }
        ZedEventType::ThreadStatusChanged => {
            let named = thread()?;
            let status = event.data["status"].as_str().unwrap_or_default();
            let status: ThreadStatus = status
                .parse()
                .map_err(|error: workflow::UnknownWord| Problem::invalid("data.status", error.to_string()))?;
            let session = of_thread(app, task, &named).await?.ok_or_else(|| Problem::not_found("thread"))?;
            let detail = event.data["error"].as_str().map(str::to_owned);
            move_thread(app, caller, task, &session, status, detail).await
        }
        ZedEventType::ThreadActivity => {
            let session = of_thread(app, task, &thread()?).await?;
            let session = session.ok_or_else(|| Problem::not_found("thread"))?;
            let mut run = app.store.session_run(&session).await?.unwrap_or_default();
            run.last_activity = Some(now());
            app.store.put_session_run(&session, run).await?;
            Ok(true)
        }
        ZedEventType::InstanceReady | ZedEventType::Heartbeat => {
            let Some(mut row) = app.store.instance_of(&task.id).await? else { return Ok(false) };
            row.last_activity = Some(now());
            app.store.put_instance(row).await?;
            Ok(true)
        }
        ZedEventType::InstanceDisconnected | ZedEventType::InstanceError => {
            let mut processed = false;
            let external = task
                .sessions
                .iter()
                .filter(|session| session.external_thread.is_some() && !session.is_ended());
            for session in external {
                processed |=
                    move_thread(app, caller, task, &session.id, ThreadStatus::Disconnected, None).await?;
            }
            Ok(processed)
        }
    }
}

/// Moves a thread that runs in an editor; how our own threads stand is known without reports.
async fn move_thread(
    app: &App,
    caller: &Caller,
    task: &Task,
    session: &SessionId,
    status: ThreadStatus,
    detail: Option<String>,
) -> Result<bool, Problem> {
    let found = found(task, session.as_str())?;
    if found.external_thread.is_none() {
        return Ok(false);
    }
    let input = Input::ThreadMoved { session: session.clone(), status, detail };
    let after = app.orchestrator.ask(caller.id(), &task.id, input).await?;
    Ok(after.version != task.version)
}

/// A session's thread as it shall be.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ThreadBody {
    status: Option<ThreadStatus>,
    thread_config: Option<Value>,
}

fn check_config(config: Option<&Value>) -> Result<(), Problem> {
    match config {
        Some(config) if !config.is_object() => Err(Problem::invalid("thread_config", "must be an object")),
        Some(_) | None => Ok(()),
    }
}

async fn shown(app: &App, task: &Task, id: &str) -> Result<ZedThread, Problem> {
    let threads = views::sessions(app, task).await?.zed_threads;
    let thread = threads.into_iter().find(|thread| thread.work_session_id == id);
    thread.ok_or_else(|| {
        let detail = "The session has no open thread; its agent opens one with its first turn, or POST does.";
        Problem::new(StatusCode::NOT_FOUND, "no_thread_yet", detail)
    })
}

/// Opens a session's thread; its agent takes it up with its next turn. Open already, it is the same thread.
#[utoipa::path(post, path = "/work-sessions/{id}/zed-thread", tag = "zed", params(("id" = String, Path)),
    request_body = ThreadBody, responses((status = 201, body = ZedThread), (status = 200, body = ZedThread),
    (status = 409, body = Problem)))]
pub(crate) async fn open(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<ThreadBody>,
) -> Result<(StatusCode, Json<ZedThread>), Problem> {
    let task = caller.task_of(&app, &id).await?;
    let session = found(&task, &id)?;
    check_config(body.thread_config.as_ref())?;
    if let Ok(thread) = shown(&app, &task, &id).await {
        return Ok((StatusCode::OK, Json(thread)));
    }
    if session.is_ended() {
        let detail = format!(
            "The session is {}; its thread is opened by trying it again.",
            task.session_status(session)
        );
        return Err(Problem::conflict("wrong_state", detail));
    }
    let mut run = app.store.session_run(&session.id).await?.unwrap_or_default();
    run.thread_opened = true;
    run.thread_closed = false;
    run.thread_config = body.thread_config.or(run.thread_config);
    app.store.put_session_run(&session.id, run).await?;
    Ok((StatusCode::CREATED, Json(shown(&app, &task, &id).await?)))
}

/// Changes what an integration keeps with a thread, and how a thread in an editor stands.
#[utoipa::path(put, path = "/work-sessions/{id}/zed-thread", tag = "zed", params(("id" = String, Path)),
    request_body = ThreadBody, responses((status = 200, body = ZedThread), (status = 404, body = Problem),
    (status = 409, body = Problem)))]
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<ThreadBody>,
) -> Result<Json<ZedThread>, Problem> {
    let mut task = caller.task_of(&app, &id).await?;
    let thread = shown(&app, &task, &id).await?;
    check_config(body.thread_config.as_ref())?;
    let session = SessionId::from(id.as_str());
    if let Some(status) = body.status.filter(|status| *status != thread.status) {
        let input = Input::ThreadMoved { session: session.clone(), status, detail: None };
        task = app.orchestrator.ask(caller.id(), &task.id, input).await?;
    }
    if let Some(config) = body.thread_config {
        let mut run = app.store.session_run(&session).await?.unwrap_or_default();
        run.thread_config = Some(config);
        app.store.put_session_run(&session, run).await?;
    }
    Ok(Json(shown(&app, &task, &id).await?))
}

/// Closes a session's thread: its next turn opens a new one, which gets the conversation.
#[utoipa::path(delete, path = "/work-sessions/{id}/zed-thread", tag = "zed", params(("id" = String, Path)),
    responses((status = 200, body = ZedThread), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn close(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ZedThread>, Problem> {
    let task = caller.task_of(&app, &id).await?;
    let mut thread = shown(&app, &task, &id).await?;
    let session = found(&task, &id)?;
    if session.turn().is_some() {
        let detail = "The thread has a turn; cancel the session, or wait for the turn's end.";
        return Err(Problem::conflict("wrong_state", detail));
    }
    if session.external_thread.is_some() && !session.is_ended() {
        let input =
            Input::ThreadMoved { session: session.id.clone(), status: ThreadStatus::Completed, detail: None };
        app.orchestrator.ask(caller.id(), &task.id, input).await?;
    }
    let mut run = app.store.session_run(&session.id).await?.unwrap_or_default();
    run.thread_closed = true;
    run.thread_opened = false;
    app.store.put_session_run(&session.id, run).await?;
    thread.status = ThreadStatus::Completed;
    Ok(Json(thread))
}
