//! Plain tasks: the same tasks and sessions, requested without planning.

use crate::people::audit;
use crate::request::caller::Caller;
use crate::request::extract::{JsonBody, Query};
use crate::request::idempotency::FreshIds;
use crate::request::page::{PageQuery, Paged, page};
use crate::request::path::Path;
use crate::request::problem::Problem;
use crate::sessions::crew::{self, SpawnBody};
use crate::sessions::session::found;
use crate::tasks::create::{self, Asked};
use crate::tasks::task::{BudgetBody, EditTask, ListQuery, apply_edit};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use engine::App;
use engine::insight::views;
use engine::wire;
use protocol::{AgentOptionsRule, PlainTask, WorkSession};
use serde::Deserialize;
use serde_json::{Value, json};
use store::TaskFilter;
use utoipa::ToSchema;
use workflow::{
    AgentType, Effort, Input, NewSession, Priority, SessionId, Task, TaskEdit, TaskId, TaskKind, TaskStatus,
};

/// A task as it is asked for.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewPlainTask {
    name: String,
    /// The work to do; absent is the name.
    description: Option<String>,
    task_type: TaskKind,
    priority: Option<Priority>,
    /// Absent is the project of the newest task, or the only one there is.
    project_id: Option<String>,
    /// An object that goes to the agents; `agent` names the one that works, `base_branch` the branch it is for.
    config: Option<Value>,
    implementation_agent: Option<String>,
    base_branch: Option<String>,
    workspace_config: Option<Value>,
    /// Options that agents get in its sessions, such as the model; later entries win.
    #[serde(default)]
    agent_options: Vec<AgentOptionsRule>,
    #[serde(default)]
    labels: Vec<String>,
    #[serde(default)]
    depends_on: Vec<String>,
    budget: Option<BudgetBody>,
    /// The pattern it is made from; see `GET /templates`.
    template: Option<String>,
    #[serde(default)]
    items: Vec<String>,
    /// Whether it starts at once; true when absent.
    start: Option<bool>,
}

/// Lists tasks of every type, the newest first unless `sort` says otherwise.
#[utoipa::path(get, path = "/tasks", tag = "tasks", params(ListQuery),
    responses((status = 200, body = Vec<PlainTask>, headers(("X-Total-Count" = u64), ("Link" = String)))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
    Query(query): Query<ListQuery>,
) -> Result<(HeaderMap, Json<Vec<PlainTask>>), Problem> {
    let (headers, tasks) = query.page(&app, &caller, &uri).await?;
    let seen = views::tasks(&app, caller.id(), &tasks).await?;
    Ok((headers, Json(tasks.iter().zip(seen).map(|(task, seen)| wire::plain_task(task, seen)).collect())))
}

/// Creates a task without planning: a conversation, a batch, a coding session, or a spec task that is just done.
#[utoipa::path(post, path = "/tasks", tag = "tasks", request_body = NewPlainTask,
    responses((status = 201, body = PlainTask), (status = 422, body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    mut ids: FreshIds,
    JsonBody(body): JsonBody<NewPlainTask>,
) -> Result<(StatusCode, Json<PlainTask>), Problem> {
    if body.name.trim().is_empty() {
        return Err(Problem::invalid("name", "is empty"));
    }
    if body.config.as_ref().is_some_and(|config| !config.is_object()) {
        return Err(Problem::invalid("config", "is not an object"));
    }
    let description = body.description.filter(|text| !text.trim().is_empty());
    let prompt = description.clone().unwrap_or_else(|| body.name.clone());
    create::check_prompt("description", &prompt)?;
    let project = match &body.project_id {
        Some(id) => crate::projects::project::visible(&app, &caller, id).await?,
        None => project_at_hand(&app, &caller).await?,
    };
    let named = |key: &str| body.config.as_ref().and_then(|config| config[key].as_str()).map(str::to_owned);
    let asked = Asked {
        prompt,
        description,
        kind: Some(body.task_type),
        priority: body.priority,
        implementation_agent: body.implementation_agent.or_else(|| named("agent")),
        base_branch: body.base_branch.or_else(|| named("base_branch")),
        workspace_config: body.workspace_config,
        agent_options: body.agent_options,
        labels: body.labels,
        depends_on: body.depends_on,
        budget: body.budget,
        template: body.template,
        items: body.items,
        planning: Some(false),
        start: body.start,
        config: body.config,
        name: Some(body.name),
        ..Asked::default()
    };
    let id = TaskId::fresh(&mut ids);
    let task = create::task(&app, &caller, id, &project, asked).await?;
    Ok((StatusCode::CREATED, Json(view(&app, &task).await?)))
}

/// Returns the project that a task without one is for: that of the caller's newest task, or the only one there is.
async fn project_at_hand(app: &App, caller: &Caller) -> Result<store::Project, Problem> {
    let newest = TaskFilter { owner: Some(caller.id().clone()), limit: 1, ..TaskFilter::default() };
    if let Some(task) = app.store.tasks(&newest).await?.tasks.first()
        && let Some(project) = app.store.project(&task.project).await?
        && caller.covers_project(&project)
    {
        return Ok(project);
    }
    let mut all = caller.projects(app).await?;
    match (all.pop(), all.len()) {
        (Some(one), 0) => Ok(one),
        (None, _) => Err(Problem::invalid("project_id", "is required; make a project first")),
        (Some(_), _) => Err(Problem::invalid("project_id", "is required where there are several projects")),
    }
}

async fn view(app: &App, task: &Task) -> Result<PlainTask, Problem> {
    Ok(wire::plain_task(task, views::task(app, task).await?))
}

/// Reads a task of any type.
#[utoipa::path(get, path = "/tasks/{id}", tag = "tasks", params(("id" = String, Path)),
    responses((status = 200, body = PlainTask), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<PlainTask>, Problem> {
    let task = caller.task(&app, &id).await?;
    Ok(Json(view(&app, &task).await?))
}

/// The fields that a person may edit.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct EditPlainTask {
    name: Option<String>,
    description: Option<String>,
    priority: Option<Priority>,
    labels: Option<Vec<String>>,
    depends_on: Option<Vec<String>>,
    budget: Option<BudgetBody>,
    archived: Option<bool>,
    config: Option<Value>,
    /// Options that agents get from their next turn on, such as the model; later entries win. They replace those before.
    agent_options: Option<Vec<AgentOptionsRule>>,
    /// Not writable here; see `PUT /tasks/{id}/status`.
    #[schema(ignore)]
    status: Option<Value>,
    /// Not writable: a task stays of its type.
    task_type: Option<TaskKind>,
}

/// Edits a task.
#[utoipa::path(put, path = "/tasks/{id}", tag = "tasks", params(("id" = String, Path)), request_body = EditPlainTask,
    responses((status = 200, body = PlainTask), (status = 422, body = Problem)))]
pub(crate) async fn edit(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<EditPlainTask>,
) -> Result<Json<PlainTask>, Problem> {
    let task = caller.task(&app, &id).await?;
    if body.status.is_some() {
        return Err(Problem::invalid("status", "cannot be written here; use `PUT /tasks/{id}/status`"));
    }
    if body.task_type.is_some_and(|kind| kind != task.kind) {
        return Err(Problem::invalid(
            "task_type",
            format!("cannot be changed; the task is of type {}", task.kind),
        ));
    }
    if body.config.as_ref().is_some_and(|config| !config.is_object()) {
        return Err(Problem::invalid("config", "is not an object"));
    }
    let EditPlainTask {
        name,
        description,
        priority,
        labels,
        depends_on,
        budget,
        archived,
        config,
        agent_options,
        ..
    } = body;
    let body = EditTask {
        name,
        description,
        priority,
        labels,
        depends_on,
        budget,
        archived,
        agent_options,
        status: None,
    };
    let task = apply_edit(&app, &caller, &task, body, config).await?;
    Ok(Json(view(&app, &task).await?))
}

/// Removes a task from the lists: what runs is stopped, and its branches, documents and conversations stay.
#[utoipa::path(delete, path = "/tasks/{id}", tag = "tasks", params(("id" = String, Path)),
    responses((status = 200, body = PlainTask), (status = 404, body = Problem)))]
pub(crate) async fn remove(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<PlainTask>, Problem> {
    let task = caller.task(&app, &id).await?;
    if !task.status().is_terminal() {
        let by = caller.user.name.clone();
        app.orchestrator.ask(caller.id(), &task.id, Input::Cancel { by }).await?;
    }
    let edit = TaskEdit { archived: Some(true), ..TaskEdit::default() };
    let task = app.orchestrator.ask(caller.id(), &task.id, Input::Edit { edit: Box::new(edit) }).await?;
    audit::record(&app, &caller, "delete_task", &id, &Value::Null).await?;
    Ok(Json(view(&app, &task).await?))
}

/// Where a task is to go.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TaskStatusBody {
    /// `done` (or `completed`) closes a conversation, `implementation_review` has what it made checked and reviewed,
    /// `cancelled` cancels, `implementation_queued` starts or tries again.
    status: String,
}

/// Moves a task where a person may.
#[utoipa::path(put, path = "/tasks/{id}/status", tag = "tasks", params(("id" = String, Path)), request_body = TaskStatusBody,
    responses((status = 200, body = PlainTask), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn set_status(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<TaskStatusBody>,
) -> Result<Json<PlainTask>, Problem> {
    let task = caller.task(&app, &id).await?;
    let now = task.status();
    let asked = match body.status.as_str() {
        "completed" => TaskStatus::Done,
        word => word.parse().map_err(|error: workflow::UnknownWord| {
            Problem::invalid("status", format!("{error}, and completed for done"))
        })?,
    };
    let by = caller.user.name.clone();
    let input = match asked {
        _ if asked == now => None,
        TaskStatus::Done => Some(Input::Close { by }),
        TaskStatus::ImplementationReview => Some(Input::Finish),
        TaskStatus::Cancelled => Some(Input::Cancel { by }),
        TaskStatus::SpecGeneration | TaskStatus::ImplementationQueued | TaskStatus::Implementation
            if now == TaskStatus::Backlog =>
        {
            Some(Input::Start)
        }
        TaskStatus::ImplementationQueued | TaskStatus::Implementation
            if now == TaskStatus::ImplementationFailed =>
        {
            Some(Input::Retry { by })
        }
        TaskStatus::SpecGeneration if now == TaskStatus::SpecFailed => Some(Input::Retry { by }),
        TaskStatus::Implementation if now == TaskStatus::ImplementationQueued => None,
        TaskStatus::ImplementationQueued if now == TaskStatus::Implementation => None,
        TaskStatus::Backlog
        | TaskStatus::SpecGeneration
        | TaskStatus::SpecReview
        | TaskStatus::SpecRevision
        | TaskStatus::SpecApproved
        | TaskStatus::ImplementationQueued
        | TaskStatus::Implementation
        | TaskStatus::SpecFailed
        | TaskStatus::ImplementationFailed => {
            let detail = format!(
                "The task is in {now}; {asked} is reached by its work, not by request. Allowed are {}.",
                allowed(&task).join(", ")
            );
            return Err(Problem::conflict("wrong_state", detail));
        }
    };
    let task = match input {
        Some(input) => {
            let moved = app.orchestrator.ask(caller.id(), &task.id, input).await?;
            audit::record(&app, &caller, "task_status", &id, &json!({ "status": asked })).await?;
            moved
        }
        None => task,
    };
    Ok(Json(view(&app, &task).await?))
}

/// Returns where a person may move a task from where it is.
fn allowed(task: &Task) -> Vec<&'static str> {
    let mut words = match task.status() {
        TaskStatus::Done | TaskStatus::Cancelled => return vec!["none: it is over"],
        TaskStatus::Backlog | TaskStatus::ImplementationFailed => {
            vec!["implementation_queued", "cancelled"]
        }
        TaskStatus::SpecFailed => vec!["spec_generation", "cancelled"],
        TaskStatus::SpecGeneration
        | TaskStatus::SpecReview
        | TaskStatus::SpecRevision
        | TaskStatus::SpecApproved
        | TaskStatus::ImplementationQueued
        | TaskStatus::Implementation
        | TaskStatus::ImplementationReview => vec!["cancelled"],
    };
    if task.is_conversation() {
        words.push("done");
    }
    if task.is_conversation() && task.is_waiting_for_user() {
        words.push("implementation_review");
    }
    words
}

/// Lists a task's work sessions.
#[utoipa::path(get, path = "/tasks/{id}/work-sessions", tag = "tasks", params(("id" = String, Path), PageQuery),
    responses((status = 200, body = Vec<WorkSession>, headers(("X-Total-Count" = u64), ("Link" = String)))))]
pub(crate) async fn sessions(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Result<Paged<WorkSession>, Problem> {
    let task = caller.task(&app, &id).await?;
    let (headers, Json(shown)) = page(&uri, &query, task.sessions.iter().collect())?;
    Ok((headers, Json(views::some_sessions(&app, &task, &shown).await?.work_sessions)))
}

/// Adds a work session to a task, whose thread starts by itself.
#[utoipa::path(post, path = "/tasks/{id}/work-sessions", tag = "tasks", params(("id" = String, Path)),
    request_body = AddSessionBody, responses((status = 201, body = WorkSession), (status = 409, body = Problem),
    (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn add_session(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    mut ids: FreshIds,
    JsonBody(body): JsonBody<AddSessionBody>,
) -> Result<(StatusCode, Json<WorkSession>), Problem> {
    let task = caller.task(&app, &id).await?;
    let session = SessionId::fresh(&mut ids);
    let new: NewSession = crew::asked(&app, &task, session.clone(), body.spawn())?;
    let input = Input::AddSession { session: Box::new(new), limits: crew::limits(&app) };
    let task = app.orchestrator.ask(caller.id(), &task.id, input).await?;
    let data = json!({ "work_session_id": session });
    audit::record(&app, &caller, "session_add", task.id.as_str(), &data).await?;
    let view = views::session(&app, &task, found(&task, session.as_str())?).await?;
    Ok((StatusCode::CREATED, Json(view)))
}

/// A session that is added.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct AddSessionBody {
    name: String,
    /// The work to do; absent is the name.
    description: Option<String>,
    agent_type: Option<AgentType>,
    /// `agent` names the agent; absent is the task's.
    #[serde(default)]
    agent_config: Value,
    #[serde(default)]
    environment_config: Value,
    priority: Option<Priority>,
    effort: Option<Effort>,
    /// Work sessions of the task whose work this one needs.
    #[serde(default)]
    depends_on: Vec<String>,
    /// The prompt of the first turn, in addition to the description.
    initial_prompt: Option<String>,
}

impl AddSessionBody {
    fn spawn(self) -> SpawnBody {
        let said = self.description.filter(|text| !text.trim().is_empty());
        SpawnBody {
            description: said.unwrap_or_else(|| self.name.clone()),
            name: self.name,
            agent_type: self.agent_type,
            agent_config: self.agent_config,
            environment_config: self.environment_config,
            priority: self.priority,
            effort: self.effort,
            depends_on: self.depends_on,
            initial_prompt: self.initial_prompt,
        }
    }
}
