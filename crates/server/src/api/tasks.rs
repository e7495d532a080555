//! Tasks: creating, listing, reading, editing.

use super::caller::Caller;
use super::extract::{JsonBody, Query};
use super::problem::Problem;
use super::scenes;
use crate::clock::Ulids;
use crate::repositories;
use crate::wire::{SpecTask, WorkSession, ZedThread};
use crate::{App, samples};
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Project, TaskFilter};
use utoipa::{IntoParams, ToSchema};
use workflow::{
    Budget, Complexity, Ids as _, Input, NewTask, Priority, ProjectId, TaskEdit, TaskId, TaskKind, TaskStatus,
};

/// How long a name made from a prompt may be, in characters.
const NAME: usize = 72;
/// How long a prompt may be, in bytes.
const PROMPT: usize = 256 * 1024;

/// A task as it is asked for.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct FromPrompt {
    prompt: String,
    project_id: String,
    name: Option<String>,
    description: Option<String>,
    #[serde(rename = "type")]
    #[schema(schema_with = crate::wire::task_kind)]
    kind: Option<TaskKind>,
    #[schema(schema_with = crate::wire::priority)]
    priority: Option<Priority>,
    /// The agent that plans; absent is the project's or the server's default.
    spec_agent: Option<String>,
    /// The agent that implements.
    implementation_agent: Option<String>,
    #[schema(schema_with = crate::wire::complexity)]
    complexity: Option<Complexity>,
    workspace_config: Option<Value>,
    #[serde(default)]
    depends_on: Vec<String>,
    #[serde(default)]
    labels: Vec<String>,
    base_branch: Option<String>,
    budget: Option<BudgetBody>,
    /// Whether planning starts at once; true when absent.
    start: Option<bool>,
}

/// What a task may spend.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
pub(crate) struct BudgetBody {
    max_cost_usd: Option<f64>,
    max_tokens: Option<u64>,
}

/// A task on a sample repository.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct FromDemo {
    prompt: String,
    demo_repo: String,
    #[schema(schema_with = crate::wire::priority)]
    priority: Option<Priority>,
    #[serde(rename = "type")]
    #[schema(schema_with = crate::wire::task_kind)]
    kind: Option<TaskKind>,
    name: Option<String>,
    spec_agent: Option<String>,
    implementation_agent: Option<String>,
    #[schema(schema_with = crate::wire::complexity)]
    complexity: Option<Complexity>,
}

/// Creates a task from a prompt, and starts its planning.
#[utoipa::path(post, path = "/spec-tasks/from-prompt", tag = "spec-tasks", request_body = FromPrompt,
    responses((status = 201, body = SpecTask), (status = 422, body = Problem)))]
pub(crate) async fn from_prompt(
    State(app): State<App>,
    caller: Caller,
    JsonBody(body): JsonBody<FromPrompt>,
) -> Result<(StatusCode, Json<SpecTask>), Problem> {
    let unknown = || {
        Problem::invalid(
            "project_id",
            format!("there is no project {:?}; see `GET /api/v1/projects`", body.project_id),
        )
    };
    let project = caller
        .project(&app, &body.project_id)
        .await
        .map_err(|problem| if problem.status == 404 { unknown() } else { problem })?;
    create(&app, &caller, &project, body).await
}

/// Creates a task on a fresh copy of a sample repository, and starts its planning.
#[utoipa::path(post, path = "/spec-tasks/from-demo", tag = "spec-tasks", request_body = FromDemo,
    responses((status = 201, body = SpecTask), (status = 422, body = Problem)))]
pub(crate) async fn from_demo(
    State(app): State<App>,
    caller: Caller,
    JsonBody(body): JsonBody<FromDemo>,
) -> Result<(StatusCode, Json<SpecTask>), Problem> {
    let sample = samples::find(&body.demo_repo)?;
    check_prompt(&body.prompt)?;
    let project = samples::fresh_project(&app.repositories, &app.store, caller.id(), &sample).await?;
    let body = FromPrompt {
        prompt: body.prompt,
        project_id: project.id.to_string(),
        name: body.name,
        description: None,
        kind: body.kind,
        priority: body.priority,
        spec_agent: body.spec_agent,
        implementation_agent: body.implementation_agent,
        complexity: body.complexity,
        workspace_config: None,
        depends_on: Vec::new(),
        labels: Vec::new(),
        base_branch: None,
        budget: None,
        start: None,
    };
    create(&app, &caller, &project, body).await
}

fn check_prompt(prompt: &str) -> Result<(), Problem> {
    if prompt.trim().is_empty() {
        return Err(Problem::invalid("prompt", "is empty; say what is to be done"));
    }
    if prompt.len() > PROMPT {
        return Err(Problem::invalid(
            "prompt",
            format!("is longer than {PROMPT} bytes; put the rest into a file of the repository"),
        ));
    }
    Ok(())
}

async fn create(
    app: &App,
    caller: &Caller,
    project: &Project,
    body: FromPrompt,
) -> Result<(StatusCode, Json<SpecTask>), Problem> {
    check_prompt(&body.prompt)?;
    let settings = repositories::settings(project);
    let spec_agent = body.spec_agent.filter(|id| !id.is_empty()).or(settings.spec_agent);
    let spec_agent = spec_agent.unwrap_or_else(|| app.agents.default_planning());
    let implementation_agent =
        body.implementation_agent.filter(|id| !id.is_empty()).or(settings.implementation_agent);
    let implementation_agent = implementation_agent.unwrap_or_else(|| app.agents.default_implementation());
    known_agent(app, "spec_agent", &spec_agent)?;
    known_agent(app, "implementation_agent", &implementation_agent)?;
    let depends_on = dependencies(app, caller, &body.depends_on).await?;
    let base_branch =
        body.base_branch.filter(|name| !name.is_empty()).unwrap_or_else(|| project.default_branch.clone());
    let workplace = app.repositories.workplace(&project.id).await?;
    let branch = base_branch.clone();
    let found = tokio::task::spawn_blocking(move || workplace.repository.resolve(&branch)).await;
    if !matches!(found, Ok(Ok(Some(_)))) {
        return Err(Problem::invalid("base_branch", format!("the repository has no branch {base_branch:?}")));
    }
    let kind = body.kind.unwrap_or(TaskKind::Feature);
    let complexity = body.complexity.unwrap_or(Complexity::Complex);
    let new = NewTask {
        id: Ulids.next(TaskId::PREFIX).into(),
        project: project.id.clone(),
        owner: caller.id().clone(),
        name: body.name.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| name_of(&body.prompt)),
        description: body.description.unwrap_or_default(),
        kind,
        priority: body.priority.unwrap_or(Priority::Medium),
        complexity,
        prompt: body.prompt,
        spec_agent,
        implementation_agent,
        base_branch,
        labels: body.labels,
        depends_on,
        budget: body.budget.map(BudgetBody::budget),
        workspace_config: body.workspace_config,
        max_parallel: settings
            .max_parallel_sessions
            .unwrap_or(app.config.limits.max_sessions_per_task)
            .max(1),
        planned: kind.is_planned(),
    };
    app.watch.follow(&project.id).await;
    let task = app.orchestrator.create(new, body.start.unwrap_or(true)).await?;
    Ok((StatusCode::CREATED, Json(scenes::task(app, &task).await?)))
}

fn known_agent(app: &App, field: &str, id: &str) -> Result<(), Problem> {
    if app.agents.find(id).is_some() {
        return Ok(());
    }
    let known: Vec<String> = app.agents.list().into_iter().map(|agent| agent.id).collect();
    Err(Problem::invalid(field, format!("there is no agent {id:?}; there are {}", known.join(", "))))
}

async fn dependencies(app: &App, caller: &Caller, ids: &[String]) -> Result<Vec<TaskId>, Problem> {
    let mut known = Vec::new();
    for id in ids {
        caller
            .task(app, id)
            .await
            .map_err(|_| Problem::invalid("depends_on", format!("there is no task {id:?}")))?;
        known.push(TaskId::from(id.as_str()));
    }
    Ok(known)
}

/// A name from a prompt: its first line, cut at a word.
fn name_of(prompt: &str) -> String {
    let line = prompt.trim().lines().next().unwrap_or_default().trim().trim_end_matches('.');
    if line.chars().count() <= NAME {
        return line.to_owned();
    }
    let cut: String = line.chars().take(NAME).collect();
    let cut = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    format!("{cut}…")
}

impl BudgetBody {
    fn budget(self) -> Budget {
        Budget { max_cost_usd: self.max_cost_usd, max_tokens: self.max_tokens }
    }
}

/// Which tasks are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    project_id: Option<String>,
    /// May be given several times.
    #[serde(default)]
    #[param(schema_with = crate::wire::task_status)]
    status: Vec<TaskStatus>,
    label: Option<String>,
    #[param(schema_with = crate::wire::priority)]
    priority: Option<Priority>,
    /// Words to be found in the name, the prompt or the description.
    q: Option<String>,
    archived: Option<bool>,
    /// `created_at`, `updated_at`, `priority`, `name` or `status`; with a `-` before it the other way round.
    sort: Option<String>,
    /// 1 to 500; 50 when absent.
    limit: Option<u64>,
    /// Where the page before ended, from its `Link` header.
    cursor: Option<String>,
}

/// Lists tasks, the newest first unless `sort` says otherwise.
#[utoipa::path(get, path = "/spec-tasks", tag = "spec-tasks", params(ListQuery),
    responses((status = 200, body = Vec<SpecTask>, headers(("X-Total-Count" = u64), ("Link" = String)))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: axum::http::Uri,
    Query(query): Query<ListQuery>,
) -> Result<(HeaderMap, Json<Vec<SpecTask>>), Problem> {
    const SORTS: [&str; 5] = ["created_at", "updated_at", "priority", "name", "status"];
    if let Some(sort) = &query.sort
        && !SORTS.contains(&sort.trim_start_matches('-'))
    {
        return Err(Problem::invalid(
            "sort",
            format!("{sort:?} is not one of {}, each with or without a - before it", SORTS.join(", ")),
        ));
    }
    if query.cursor.as_ref().is_some_and(|cursor| cursor.parse::<u64>().is_err()) {
        return Err(Problem::invalid("cursor", "is not a cursor of this list; take it from the Link header"));
    }
    let limit = limit(query.limit)?;
    let filter = TaskFilter {
        owner: Some(caller.id().clone()),
        project: query.project_id.map(ProjectId::from),
        statuses: query.status,
        label: query.label,
        priority: query.priority,
        q: query.q,
        archived: Some(query.archived.unwrap_or(false)),
        sort: query.sort,
        limit,
        cursor: query.cursor,
    };
    let page = app.store.tasks(&filter).await?;
    let headers = page_headers(&uri, page.total, page.next.as_deref());
    let tasks = scenes::tasks(&app, caller.id(), &page.tasks).await?;
    Ok((headers, Json(tasks)))
}

/// A list's limit within its bounds.
pub(crate) fn limit(asked: Option<u64>) -> Result<u64, Problem> {
    match asked {
        None => Ok(50),
        Some(limit @ 1..=500) => Ok(limit),
        Some(other) => Err(Problem::invalid("limit", format!("{other} is not within 1 to 500"))),
    }
}

/// `X-Total-Count`, and `Link` when there is a next page.
pub(crate) fn page_headers(uri: &axum::http::Uri, total: u64, next: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("x-total-count", HeaderValue::from(total));
    if let Some(next) = next {
        let others = uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="));
        let query: Vec<String> = others.map(str::to_owned).chain([format!("cursor={next}")]).collect();
        let link = format!(
            "</api/v1{}?{}>; rel=\"next\"",
            uri.path().trim_start_matches("/api/v1"),
            query.join("&")
        );
        if let Ok(link) = HeaderValue::from_str(&link) {
            headers.insert(header::LINK, link);
        }
    }
    headers
}

/// A task with its sessions and threads.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TaskDetail {
    #[serde(flatten)]
    task: SpecTask,
    work_sessions: Vec<WorkSession>,
    zed_threads: Vec<ZedThread>,
}

/// Reads a task.
#[utoipa::path(get, path = "/spec-tasks/{id}", tag = "spec-tasks", params(("id" = String, Path)),
    responses((status = 200, body = TaskDetail), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<TaskDetail>, Problem> {
    let task = caller.task(&app, &id).await?;
    let scene = scenes::sessions(&app, &task).await?;
    Ok(Json(TaskDetail {
        task: scenes::task(&app, &task).await?,
        work_sessions: scene.work_sessions,
        zed_threads: scene.zed_threads,
    }))
}

/// What a person may edit.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct EditBody {
    name: Option<String>,
    description: Option<String>,
    #[schema(schema_with = crate::wire::priority)]
    priority: Option<Priority>,
    labels: Option<Vec<String>>,
    depends_on: Option<Vec<String>>,
    budget: Option<BudgetBody>,
    archived: Option<bool>,
    /// Not writable: it moves by what is asked of the task.
    #[schema(ignore)]
    status: Option<Value>,
}

/// Edits a task; its status moves by start, review, cancel and retry only.
#[utoipa::path(put, path = "/spec-tasks/{id}", tag = "spec-tasks", params(("id" = String, Path)), request_body = EditBody,
    responses((status = 200, body = SpecTask), (status = 422, body = Problem)))]
pub(crate) async fn edit(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<EditBody>,
) -> Result<Json<SpecTask>, Problem> {
    let task = caller.task(&app, &id).await?;
    if body.status.is_some() {
        return Err(Problem::invalid(
            "status",
            "cannot be written; use start, approve-specs, approve-implementation, cancel or retry",
        ));
    }
    let depends_on = match body.depends_on {
        Some(ids) => Some(dependencies(&app, &caller, &ids).await?),
        None => None,
    };
    if let Some(cycle) = cycle(&app, &task.id, depends_on.as_deref().unwrap_or_default()).await? {
        return Err(Problem::invalid("depends_on", format!("the tasks would wait for each other: {cycle}")));
    }
    let edit = TaskEdit {
        name: body.name,
        description: body.description,
        priority: body.priority,
        labels: body.labels,
        depends_on,
        budget: body.budget.map(BudgetBody::budget),
        archived: body.archived,
    };
    let task = app.orchestrator.ask(caller.id(), &task.id, Input::Edit { edit }).await?;
    Ok(Json(scenes::task(&app, &task).await?))
}

/// The chain by which a task would come to wait for itself.
async fn cycle(app: &App, task: &TaskId, needed: &[TaskId]) -> Result<Option<String>, Problem> {
    let mut open: Vec<Vec<TaskId>> = needed.iter().map(|id| vec![task.clone(), id.clone()]).collect();
    let mut seen = std::collections::BTreeSet::new();
    while let Some(path) = open.pop() {
        let Some(last) = path.last() else { continue };
        if last == task {
            return Ok(Some(path.iter().map(ToString::to_string).collect::<Vec<_>>().join(" → ")));
        }
        if !seen.insert(last.clone()) {
            continue;
        }
        if let Some(found) = app.store.task(last).await? {
            open.extend(found.depends_on.iter().map(|id| {
                let mut longer = path.clone();
                longer.push(id.clone());
                longer
            }));
        }
    }
    Ok(None)
}

macro_rules! moves {
    ($($(#[$doc:meta])* $name:ident, $path:literal, $input:expr;)*) => {$(
        $(#[$doc])*
        #[utoipa::path(post, path = $path, tag = "spec-tasks", params(("id" = String, Path)),
            responses((status = 200, body = SpecTask), (status = 409, body = Problem)))]
        pub(crate) async fn $name(
            State(app): State<App>,
            caller: Caller,
            Path(id): Path<String>,
        ) -> Result<Json<SpecTask>, Problem> {
            let input: fn(String) -> Input = $input;
            let task = caller.task(&app, &id).await?;
            let by = caller.user.name.clone();
            let task = app.orchestrator.ask(caller.id(), &task.id, input(by)).await?;
            scenes::audit(&app, &caller, stringify!($name), &id, &Value::Null).await?;
            Ok(Json(scenes::task(&app, &task).await?))
        }
    )*};
}

moves! {
    /// Starts a task of the backlog.
    start, "/spec-tasks/{id}/start", |_| Input::Start;
    /// Cancels a task: its agents are stopped, its branches stay.
    cancel, "/spec-tasks/{id}/cancel", |by| Input::Cancel { by };
    /// Tries a failed task again, from the step that failed.
    retry, "/spec-tasks/{id}/retry", |by| Input::Retry { by };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_first_line_cut_at_a_word() {
        assert_eq!(name_of("  Add due dates.\nAnd more."), "Add due dates");
        let long = name_of(&"word ".repeat(40));
        assert!(long.ends_with("word…") && long.chars().count() <= NAME + 1, "{long}");
    }
}
