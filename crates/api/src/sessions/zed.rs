//! Agent instances and their threads, under the names that Zed integrations know.

use crate::people::audit;
use crate::request::caller::Caller;
use crate::request::extract::Query;
use crate::request::page::{PartQuery, part};
use crate::request::path::Path;
use crate::request::problem::Problem;
use crate::sessions::session;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use engine::App;
use engine::clock::now;
use engine::clock::rfc3339;
use engine::insight::views;
use engine::orchestrator::AskError;
use protocol::words::InstanceStatus;
use protocol::{SandboxView, SpecTask, ZedThread};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use workflow::{Input, Rejected, Task};

/// A task's agent instance: the process tree that serves its threads.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ZedInstance {
    spec_task_id: String,
    zed_instance_id: String,
    status: InstanceStatus,
    /// The agent's own words about itself, once it has started.
    agent: InstanceAgent,
    #[schema(required)]
    pid: Option<i64>,
    thread_count: usize,
    active_threads: usize,
    uptime_seconds: i64,
    #[schema(required)]
    last_activity: Option<String>,
    #[schema(required)]
    project_path: Option<String>,
    restarts: i64,
    /// How its processes are confined.
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox: Option<SandboxView>,
}

/// The name and version that an agent reports.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(default)]
pub(crate) struct InstanceAgent {
    #[schema(required)]
    name: Option<String>,
    #[schema(required)]
    version: Option<String>,
    #[schema(required)]
    protocol_version: Option<u32>,
}

async fn instance_of(app: &App, task: &Task) -> Result<ZedInstance, Problem> {
    let row = app.store.instance_of(&task.id).await?;
    let live = app.instances.of(&task.id).filter(|live| live.alive);
    let project = app.store.project(&task.project).await?;
    let threads = views::sessions(app, task).await?.zed_threads.len();
    // The processes that are shown as running are checked against the kernel, not against the stored rows.
    let status = match (&row, &live) {
        (_, Some(_)) => InstanceStatus::Active,
        (None, None) if task.holds_instance() => InstanceStatus::Pending,
        (None, None) => InstanceStatus::NotCreated,
        (Some(row), None) if row.status == InstanceStatus::Active => InstanceStatus::Disconnected,
        (Some(row), None) => row.status,
    };
    Ok(ZedInstance {
        spec_task_id: task.id.to_string(),
        zed_instance_id: workflow::InstanceId::of(&task.id).to_string(),
        status,
        agent: row
            .as_ref()
            .and_then(|row| serde_json::from_value(row.agent.clone()).ok())
            .unwrap_or_default(),
        pid: live.as_ref().map(|live| i64::from(live.process.pid)),
        thread_count: threads,
        active_threads: live.as_ref().map_or(0, |live| live.active_threads),
        uptime_seconds: live.as_ref().map_or(0, |live| (now().0 - live.started_at.0) / 1000),
        last_activity: live
            .as_ref()
            .and_then(|live| live.last_heard)
            .or(row.as_ref().and_then(|row| row.last_activity))
            .map(rfc3339),
        project_path: project.map(|project| project.repository_path),
        restarts: row.map_or(0, |row| row.restarts),
        sandbox: Some(views::sandbox(app, task, None, &views::network_rules(app, task).await?)),
    })
}

/// Shows a task's agent instance.
#[utoipa::path(get, path = "/spec-tasks/{id}/zed-instance", tag = "zed", params(("id" = String, Path)),
    responses((status = 200, body = ZedInstance)))]
pub(crate) async fn instance(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ZedInstance>, Problem> {
    let task = caller.task(&app, &id).await?;
    Ok(Json(instance_of(&app, &task).await?))
}

/// The result of stopping an instance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stopped {
    success: bool,
    spec_task_id: String,
    zed_instance: ZedInstance,
    message: String,
}

/// Stops a task's agent with its whole process tree and pauses the task: turns under way end, and nothing begins until
/// `POST …/resume`.
#[utoipa::path(delete, path = "/spec-tasks/{id}/zed-instance", tag = "zed", params(("id" = String, Path)),
    responses((status = 200, body = Stopped)))]
pub(crate) async fn stop(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Stopped>, Problem> {
    let mut task = caller.task(&app, &id).await?;
    // One that only waits for a person's words has nothing to pause.
    if task.holds_instance() || task.is_parked() || task.is_queued() {
        task = match app.orchestrator.ask(caller.id(), &task.id, Input::Pause { by: by(&caller) }).await {
            Ok(paused) => paused,
            // Checks and commits end by themselves.
            Err(AskError::Rejected(Rejected::WrongState(_))) => task,
            Err(error) => return Err(error.into()),
        };
    }
    app.instances.stop(&task).await;
    audit::record(&app, &caller, "stop_instance", &id, &Value::Null).await?;
    Ok(Json(Stopped {
        success: true,
        zed_instance: instance_of(&app, &task).await?,
        spec_task_id: id,
        message: match task.paused {
            Some(_) => {
                "The agent and everything it started have ended. Resume the task to continue.".to_owned()
            }
            None => "The agent and everything it started have ended.".to_owned(),
        },
    }))
}

fn by(caller: &Caller) -> String {
    caller.user.name.clone()
}

/// Stops what agents do for a task until it is resumed; turns under way end and are continued then.
#[utoipa::path(post, path = "/spec-tasks/{id}/pause", tag = "spec-tasks", params(("id" = String, Path)),
    responses((status = 200, body = SpecTask), (status = 409, body = Problem)))]
pub(crate) async fn pause(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<SpecTask>, Problem> {
    let task = caller.task(&app, &id).await?;
    let task = app.orchestrator.ask(caller.id(), &task.id, Input::Pause { by: by(&caller) }).await?;
    audit::record(&app, &caller, "pause", &id, &Value::Null).await?;
    Ok(Json(views::task(&app, &task).await?))
}

/// Has a paused task's agents continue as soon as there is a slot.
#[utoipa::path(post, path = "/spec-tasks/{id}/resume", tag = "spec-tasks", params(("id" = String, Path)),
    responses((status = 200, body = SpecTask), (status = 409, body = Problem)))]
pub(crate) async fn resume(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<SpecTask>, Problem> {
    let task = caller.task(&app, &id).await?;
    let task = app.orchestrator.ask(caller.id(), &task.id, Input::Resume { by: by(&caller) }).await?;
    audit::record(&app, &caller, "resume", &id, &Value::Null).await?;
    Ok(Json(views::task(&app, &task).await?))
}

/// Threads in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ZedThreads {
    zed_threads: Vec<ZedThread>,
    total: usize,
}

/// Lists a task's threads.
#[utoipa::path(get, path = "/spec-tasks/{id}/zed-threads", tag = "zed", params(("id" = String, Path), PartQuery),
    responses((status = 200, body = ZedThreads, headers(("X-Total-Count" = u64), ("Link" = String)))))]
pub(crate) async fn threads(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    Query(query): Query<PartQuery>,
) -> Result<(HeaderMap, Json<ZedThreads>), Problem> {
    let task = caller.task(&app, &id).await?;
    let zed_threads = views::sessions(&app, &task).await?.zed_threads;
    let total = zed_threads.len();
    let (headers, zed_threads) = part(&uri, query, zed_threads)?;
    Ok((headers, Json(ZedThreads { zed_threads, total })))
}

/// Reads a work session's thread.
#[utoipa::path(get, path = "/work-sessions/{id}/zed-thread", tag = "zed", params(("id" = String, Path)),
    responses((status = 200, body = ZedThread), (status = 404, body = Problem)))]
pub(crate) async fn thread(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ZedThread>, Problem> {
    let task = caller.task_of(&app, &id).await?;
    session::found(&task, &id)?;
    let threads = views::sessions(&app, &task).await?.zed_threads;
    threads.into_iter().find(|thread| thread.work_session_id == id).map(Json).ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "no_thread_yet",
            "The session's agent has not opened a thread yet.",
        )
    })
}
