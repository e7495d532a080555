//! The implementation of a task: its planned tasks and sessions, its change, and the review of that.

use crate::projects::project;
use crate::request::caller::Caller;
use crate::request::extract::{JsonBody, Query};
use crate::request::page::{PageQuery, PartQuery, part};
use crate::request::path::Path;
use crate::request::problem::Problem;
use crate::tasks::task::page_headers;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use engine::App;
use engine::clock::rfc3339;
use engine::insight::views;
use protocol::ChecklistView;
use protocol::words::{FileStatus, LineKind};
use protocol::{ImplementationTask, SpecTask, WorkSession};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;
use utoipa::ToSchema;
use workflow::{Phase, Session, SessionGraph, SessionPhase, SessionStatus, Task};

/// How long the sessions of a task that was just approved are waited for.
const PLANNED_WITHIN: Duration = Duration::from_secs(5);
/// How often a task is looked at while it is waited for.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// Everything about a task's sessions on one page.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Overview {
    spec_task: SpecTask,
    work_session_count: usize,
    active_sessions: usize,
    completed_sessions: usize,
    zed_thread_count: usize,
    #[schema(required)]
    zed_instance_id: Option<String>,
    last_activity: String,
    work_sessions: Vec<WorkSession>,
    implementation_tasks: Vec<ImplementationTask>,
}

async fn overview_of(app: &App, task: &Task) -> Result<Overview, Problem> {
    let scene = views::sessions(app, task).await?;
    let count = |status| scene.work_sessions.iter().filter(|session| session.status == status).count();
    let spec_task = views::task(app, task).await?;
    Ok(Overview {
        work_session_count: scene.work_sessions.len(),
        active_sessions: count(SessionStatus::Active),
        completed_sessions: count(SessionStatus::Completed),
        zed_thread_count: scene.zed_threads.len(),
        zed_instance_id: spec_task.zed_instance_id.clone(),
        last_activity: rfc3339(
            task.sessions.iter().map(|session| session.updated_at).max().unwrap_or(task.updated_at),
        ),
        work_sessions: scene.work_sessions,
        implementation_tasks: views::units(app, task).await?,
        spec_task,
    })
}

/// Shows a task with its sessions and planned tasks.
#[utoipa::path(get, path = "/spec-tasks/{id}/multi-session-overview", tag = "work-sessions", params(("id" = String, Path)),
    responses((status = 200, body = Overview)))]
pub(crate) async fn overview(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Overview>, Problem> {
    let task = caller.task(&app, &id).await?;
    Ok(Json(overview_of(&app, &task).await?))
}

/// How the implementation's sessions are to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct StartBody {
    /// The task's repository; another path is refused.
    project_path: Option<String>,
    /// The configuration that the task was created with; another one is refused.
    workspace_config: Option<Value>,
    /// Sessions are made by the plan; false is refused.
    auto_create_sessions: Option<bool>,
}

/// Makes sure that an approved task has its implementation sessions; asked again, they are the same.
#[utoipa::path(post, path = "/spec-tasks/{id}/implementation-sessions", tag = "work-sessions", params(("id" = String, Path)),
    request_body = StartBody, responses((status = 200, body = Overview), (status = 409, body = Problem)))]
pub(crate) async fn start_sessions(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<StartBody>,
) -> Result<Json<Overview>, Problem> {
    crate::request::extract::object("workspace_config", body.workspace_config.as_ref())?;
    let mut task = caller.task(&app, &id).await?;
    project::check_path(&app, &task, body.project_path.as_deref()).await?;
    let created_with = task.workspace_config.as_ref();
    let is_other = |config: &Value| {
        config.as_object().is_some_and(|fields| !fields.is_empty()) && Some(config) != created_with
    };
    if body.workspace_config.as_ref().is_some_and(is_other) {
        let message = "is set when the task is created and cannot change; leave the field out";
        return Err(Problem::invalid("workspace_config", message));
    }
    if body.auto_create_sessions == Some(false) {
        let message = "the plan says which sessions there are; leave the field out, or approve later";
        return Err(Problem::invalid("auto_create_sessions", message));
    }
    match &task.phase {
        Phase::SpecApproved { .. } | Phase::ImplementationQueued { .. } => {
            app.orchestrator.wake();
            task = with_sessions(&app, &caller, task).await?;
        }
        Phase::Implementation { .. }
        | Phase::ImplementationReview { .. }
        | Phase::ImplementationFailed { .. }
        | Phase::Done { .. } => {}
        Phase::Backlog
        | Phase::SpecGeneration { .. }
        | Phase::SpecReview { .. }
        | Phase::SpecRevision { .. }
        | Phase::SpecFailed { .. }
        | Phase::Cancelled { .. } => {
            let detail = format!(
                "The task is in {}; implementation sessions start from approved documents: approve them first.",
                task.status()
            );
            return Err(Problem::conflict("wrong_state", detail));
        }
    }
    Ok(Json(overview_of(&app, &task).await?))
}

/// Returns the task once its sessions are planned; as it is where it waits for a slot.
async fn with_sessions(app: &App, caller: &Caller, mut task: Task) -> Result<Task, Problem> {
    let id = task.id.clone();
    let mut news = app.feed.subscribe();
    let planned = async {
        loop {
            let has_any = task.sessions.iter().any(|session| session.phase == SessionPhase::Implementation);
            let is_coming =
                matches!(task.phase, Phase::SpecApproved { .. } | Phase::ImplementationQueued { .. });
            if has_any || !is_coming || task.queue_reason.is_some() {
                return Ok(task);
            }
            // A listener that fell behind has heard that there is something new.
            let _ = tokio::time::timeout(POLL_INTERVAL, news.recv()).await;
            task = caller.task(app, task.id.as_str()).await?;
        }
    };
    match tokio::time::timeout(PLANNED_WITHIN, planned).await {
        Ok(task) => task,
        Err(_) => caller.task(app, id.as_str()).await,
    }
}

/// Planned tasks in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImplementationTasks {
    implementation_tasks: Vec<ImplementationTask>,
    total: usize,
}

/// Lists the planned tasks of the documents in force.
#[utoipa::path(get, path = "/spec-tasks/{id}/implementation-tasks", tag = "work-sessions", params(("id" = String, Path), PartQuery),
    responses((status = 200, body = ImplementationTasks, headers(("X-Total-Count" = u64), ("Link" = String)))))]
pub(crate) async fn implementation_tasks(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    Query(query): Query<PartQuery>,
) -> Result<(HeaderMap, Json<ImplementationTasks>), Problem> {
    let task = caller.task(&app, &id).await?;
    let total = task.units().len();
    let (headers, implementation_tasks) = part(&uri, query, views::units(&app, &task).await?)?;
    Ok((headers, Json(ImplementationTasks { implementation_tasks, total })))
}

/// How far a task has come.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Progress {
    spec_task: SpecTask,
    /// The task's progress: items done of items.
    overall_progress: f64,
    /// How far each phase has come: the documents written and approved, the items done, the checks run and the change
    /// reviewed.
    phase_progress: BTreeMap<String, f64>,
    /// By the index of the planned task.
    implementation_progress: BTreeMap<String, f64>,
    active_work_sessions: Vec<WorkSession>,
    recent_activity: Vec<Activity>,
    checklist: ChecklistView,
}

/// Something that happened to a task.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Activity {
    seq: u64,
    at: String,
    kind: String,
    #[schema(required)]
    work_session_id: Option<String>,
}

/// How many of the last events are shown.
const RECENT: u64 = 20;

/// Shows how far a task has come.
#[utoipa::path(get, path = "/spec-tasks/{id}/progress", tag = "spec-tasks", params(("id" = String, Path)),
    responses((status = 200, body = Progress)))]
pub(crate) async fn progress(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Progress>, Problem> {
    let task = caller.task(&app, &id).await?;
    let active: Vec<&Session> = {
        let graph = SessionGraph::of(&task);
        task.sessions.iter().filter(|session| graph.status(session) == SessionStatus::Active).collect()
    };
    let active = views::some_sessions(&app, &task, &active).await?;
    let implementation_progress: BTreeMap<String, f64> =
        task.units().iter().map(|unit| (unit.index.to_string(), task.unit_progress(unit.index))).collect();
    let planning = engine::documents::planning::share(&app, &task).await;
    let phases = [
        ("planning", planning),
        ("implementation", task.progress()),
        ("validation", task.validation_progress()),
    ];
    let last = app.store.last_event(&task.id).await?;
    let recent = app.store.task_events(&task.id, last.saturating_sub(RECENT), RECENT).await?;
    Ok(Json(Progress {
        spec_task: views::task(&app, &task).await?,
        overall_progress: task.progress(),
        phase_progress: phases.map(|(name, share)| (name.to_owned(), rounded(share))).into(),
        implementation_progress,
        active_work_sessions: active.work_sessions,
        recent_activity: recent
            .into_iter()
            .rev()
            .map(|logged| Activity {
                seq: logged.seq,
                at: rfc3339(logged.at),
                kind: logged.event.name(),
                work_session_id: logged.event.session().map(ToString::to_string),
            })
            .collect(),
        checklist: views::checklist(&app, &task).await.unwrap_or_default(),
    }))
}

/// Returns a share to a millionth, so that a whole is 1.
fn rounded(share: f64) -> f64 {
    (share * 1e6).round() / 1e6
}

/// The change of one file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FileDiffView {
    path: String,
    #[schema(required)]
    old_path: Option<String>,
    /// The status of the file.
    status: FileStatus,
    /// The mode before as git writes it: `100644` a file, `100755` an executable one, `120000` a symbolic link, `160000` a
    /// submodule; null where there was none.
    #[schema(required)]
    old_mode: Option<String>,
    /// The mode after.
    #[schema(required)]
    new_mode: Option<String>,
    is_binary: bool,
    additions: usize,
    deletions: usize,
    hunks: Vec<HunkView>,
}

/// A stretch of changed lines with what surrounds them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HunkView {
    header: String,
    old_start: u32,
    old_lines: u32,
    new_start: u32,
    new_lines: u32,
    lines: Vec<LineView>,
}

/// One line of a hunk.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LineView {
    /// Which sides have it.
    kind: LineKind,
    text: String,
}

/// The whole change, a page of its files.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DiffView {
    spec_task_id: String,
    base_branch: String,
    branch_name: String,
    /// The commit that is compared; a decision about the change names it.
    #[schema(required)]
    head: Option<String>,
    files: Vec<FileDiffView>,
    total_files: usize,
    additions: usize,
    deletions: usize,
}

impl FileDiffView {
    pub(crate) fn of(file: git::FileDiff) -> Self {
        let hunk = |hunk: git::Hunk| HunkView {
            header: hunk.header,
            old_start: hunk.old_start,
            old_lines: hunk.old_lines,
            new_start: hunk.new_start,
            new_lines: hunk.new_lines,
            lines: hunk
                .lines
                .into_iter()
                .map(|line| LineView { kind: line_kind(line.kind), text: line.text })
                .collect(),
        };
        Self {
            path: file.path,
            old_path: file.old_path,
            status: file.status.parse().unwrap_or(FileStatus::Modified),
            old_mode: file.old_mode,
            new_mode: file.new_mode,
            is_binary: file.is_binary,
            additions: file.additions,
            deletions: file.deletions,
            hunks: file.hunks.into_iter().map(hunk).collect(),
        }
    }
}

fn line_kind(mark: char) -> LineKind {
    match mark {
        '+' => LineKind::Added,
        '-' => LineKind::Removed,
        '\\' => LineKind::Note,
        _ => LineKind::Context,
    }
}

/// Shows the change of a task's branch against its base.
#[utoipa::path(get, path = "/spec-tasks/{id}/diff", tag = "spec-tasks", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = DiffView)))]
pub(crate) async fn diff(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    uri: axum::http::Uri,
    Query(query): Query<PageQuery>,
) -> Result<(HeaderMap, Json<DiffView>), Problem> {
    let task = caller.task(&app, &id).await?;
    let change = app.repositories.change(&task).await?;
    let (total_files, additions, deletions) = change.size();
    let part = query.range()?;
    let next = (part.end < total_files).then(|| part.end.to_string());
    let headers = page_headers(&uri, u64::try_from(total_files).unwrap_or(u64::MAX), next.as_deref());
    let files = change.files(part).into_iter().map(FileDiffView::of).collect();
    let view = DiffView {
        spec_task_id: id,
        base_branch: task.base_branch.clone(),
        branch_name: task.branch(),
        head: change.head,
        files,
        total_files,
        additions,
        deletions,
    };
    Ok((headers, Json(view)))
}
