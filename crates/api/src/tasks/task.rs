//! Tasks: creating, listing, reading, editing.

use crate::people::audit;
use crate::request::caller::Caller;
use crate::request::extract::{JsonBody, Query};
use crate::request::idempotency::FreshIds;
use crate::request::page::bad_cursor;
pub(crate) use crate::request::page::{limit, page_headers};
use crate::request::path::Path;
use crate::request::problem::Problem;
use crate::tasks::create::{self, Asked};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use engine::App;
use engine::insight::views;
use engine::projects::samples;
use protocol::{AgentOptionsRule, SpecTask, WorkSession, ZedThread};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Place, TaskFilter};
use utoipa::{IntoParams, ToSchema};
use workflow::{
    Budget, Complexity, Input, Priority, ProjectId, Task, TaskEdit, TaskId, TaskKind, TaskStatus,
};

/// How long a name or a label may be that a person gives, in characters.
const LONGEST_NAME: usize = 500;
/// How many labels a task may have.
const LABELS: usize = 100;

/// A task as it is asked for.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct FromPrompt {
    prompt: String,
    project_id: String,
    name: Option<String>,
    description: Option<String>,
    #[serde(rename = "type")]
    kind: Option<TaskKind>,
    priority: Option<Priority>,
    /// The agent that plans; absent is the project's or the server's default.
    spec_agent: Option<String>,
    /// The agent that implements.
    implementation_agent: Option<String>,
    complexity: Option<Complexity>,
    workspace_config: Option<Value>,
    /// Options that agents get in its sessions, such as the model; later entries win.
    #[serde(default)]
    agent_options: Vec<AgentOptionsRule>,
    #[serde(default)]
    depends_on: Vec<String>,
    #[serde(default)]
    labels: Vec<String>,
    base_branch: Option<String>,
    budget: Option<BudgetBody>,
    /// The pattern it is made from; see `GET /templates`.
    template: Option<String>,
    /// The items for a template that makes a planned task of each.
    #[serde(default)]
    items: Vec<String>,
    /// Whether an agent plans before work begins; absent is as the type and the template say.
    planning: Option<bool>,
    /// Whether it starts at once; true when absent.
    start: Option<bool>,
}

/// The budget of a task.
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
    priority: Option<Priority>,
    #[serde(rename = "type")]
    kind: Option<TaskKind>,
    name: Option<String>,
    spec_agent: Option<String>,
    implementation_agent: Option<String>,
    complexity: Option<Complexity>,
    template: Option<String>,
    #[serde(default)]
    items: Vec<String>,
    planning: Option<bool>,
    /// Options that agents get in its sessions, such as the model; later entries win.
    #[serde(default)]
    agent_options: Vec<AgentOptionsRule>,
}

/// Creates a task from a prompt, and starts its planning.
#[utoipa::path(post, path = "/spec-tasks/from-prompt", tag = "spec-tasks", request_body = FromPrompt,
    responses((status = 201, body = SpecTask), (status = 422, body = Problem)))]
pub(crate) async fn from_prompt(
    State(app): State<App>,
    caller: Caller,
    mut ids: FreshIds,
    JsonBody(body): JsonBody<FromPrompt>,
) -> Result<(StatusCode, Json<SpecTask>), Problem> {
    let project = crate::projects::project::visible(&app, &caller, &body.project_id).await?;
    let id = TaskId::fresh(&mut ids);
    let asked = Asked {
        prompt: body.prompt,
        name: body.name,
        description: body.description,
        kind: body.kind,
        priority: body.priority,
        spec_agent: body.spec_agent,
        implementation_agent: body.implementation_agent,
        complexity: body.complexity,
        workspace_config: body.workspace_config,
        agent_options: body.agent_options,
        depends_on: body.depends_on,
        labels: body.labels,
        base_branch: body.base_branch,
        budget: body.budget,
        template: body.template,
        items: body.items,
        planning: body.planning,
        start: body.start,
        config: None,
        opening_session: None,
    };
    let task = create::task(&app, &caller, id, &project, asked).await?;
    Ok((StatusCode::CREATED, Json(views::task(&app, &task).await?)))
}

/// Creates a task on a fresh copy of a sample repository, and starts its planning.
#[utoipa::path(post, path = "/spec-tasks/from-demo", tag = "spec-tasks", request_body = FromDemo,
    responses((status = 201, body = SpecTask), (status = 422, body = Problem)))]
pub(crate) async fn from_demo(
    State(app): State<App>,
    caller: Caller,
    mut ids: FreshIds,
    JsonBody(body): JsonBody<FromDemo>,
) -> Result<(StatusCode, Json<SpecTask>), Problem> {
    let sample = samples::find(&body.demo_repo)?;
    create::check_prompt("prompt", &body.prompt)?;
    let id = TaskId::fresh(&mut ids);
    // A request whose answer was lost finds its task here, and needs no further copy of the sample.
    if let Ok(task) = caller.task(&app, id.as_str()).await {
        return Ok((StatusCode::CREATED, Json(views::task(&app, &task).await?)));
    }
    // From finding the copy to putting a task on it, no other request looks for one.
    let _alone = app.samples.lock().await;
    let project = samples::fresh_project(&app.repositories, &app.store, caller.id(), &sample).await?;
    let asked = Asked {
        prompt: body.prompt,
        name: body.name,
        kind: body.kind,
        priority: body.priority,
        spec_agent: body.spec_agent,
        implementation_agent: body.implementation_agent,
        complexity: body.complexity,
        template: body.template,
        items: body.items,
        planning: body.planning,
        agent_options: body.agent_options,
        ..Asked::default()
    };
    let task = create::task(&app, &caller, id, &project, asked).await?;
    Ok((StatusCode::CREATED, Json(views::task(&app, &task).await?)))
}

/// Names and labels are shown in one line.
pub(crate) fn check_words(name: Option<&str>, labels: Option<&[String]>) -> Result<(), Problem> {
    if name.is_some_and(|name| name.chars().count() > LONGEST_NAME) {
        return Err(Problem::invalid("name", format!("is longer than {LONGEST_NAME} characters")));
    }
    let labels = labels.unwrap_or_default();
    if labels.len() > LABELS {
        return Err(Problem::invalid("labels", format!("a task has at most {LABELS} labels")));
    }
    if labels.iter().any(|label| label.trim().is_empty() || label.chars().count() > LONGEST_NAME) {
        return Err(Problem::invalid("labels", format!("a label has 1 to {LONGEST_NAME} characters")));
    }
    Ok(())
}

pub(crate) fn check_budget(budget: Option<BudgetBody>) -> Result<(), Problem> {
    match budget.and_then(|budget| budget.max_cost_usd) {
        Some(most) if most < 0.0 => Err(Problem::invalid("budget.max_cost_usd", "is less than nothing")),
        _ => Ok(()),
    }
}

pub(crate) async fn dependencies(app: &App, caller: &Caller, ids: &[String]) -> Result<Vec<TaskId>, Problem> {
    let mut known = Vec::new();
    for id in ids {
        let task = caller
            .task(app, id)
            .await
            .map_err(|_| Problem::invalid("depends_on", format!("there is no task {id:?}")))?;
        known.push(task.id);
    }
    Ok(known)
}

impl BudgetBody {
    pub(crate) fn budget(self) -> Budget {
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
    #[param(inline)]
    status: Vec<TaskStatus>,
    /// Only tasks of this type; may be given several times.
    #[serde(default, rename = "type")]
    #[param(inline)]
    kind: Vec<TaskKind>,
    /// The same as `type`.
    #[serde(default)]
    #[param(inline)]
    task_type: Vec<TaskKind>,
    label: Option<String>,
    #[param(inline)]
    priority: Option<Priority>,
    /// Words to be found in the name, the prompt or the description.
    q: Option<String>,
    archived: Option<bool>,
    /// Only tasks in which a person is to act next: to review, to answer, or to say what becomes of what failed.
    needs_person: Option<bool>,
    /// `created_at`, `updated_at`, `priority`, `name`, `status` or `attention`; with a `-` before it the other way round.
    /// `-attention` lists the tasks that need a person first, then those in progress, the backlog, and what has ended.
    sort: Option<String>,
    /// 1 to 500; 50 when absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u64>,
    /// Where the page before ended, from its `Link` header.
    cursor: Option<String>,
}

/// The sort keys of a list of tasks; a `-` in front reverses the order.
pub(crate) const SORTS: [&str; 6] = ["created_at", "updated_at", "priority", "name", "status", "attention"];

/// Lists tasks, the newest first unless `sort` says otherwise.
#[utoipa::path(get, path = "/spec-tasks", tag = "spec-tasks", params(ListQuery),
    responses((status = 200, body = Vec<SpecTask>, headers(("X-Total-Count" = u64), ("Link" = String)))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: axum::http::Uri,
    Query(query): Query<ListQuery>,
) -> Result<(HeaderMap, Json<Vec<SpecTask>>), Problem> {
    let (headers, found) = query.page(&app, &caller, &uri).await?;
    let tasks = views::tasks(&app, caller.id(), &found).await?;
    Ok((headers, Json(tasks)))
}

impl ListQuery {
    /// Returns the caller's tasks that are asked for.
    pub(crate) async fn page(
        self,
        app: &App,
        caller: &Caller,
        uri: &axum::http::Uri,
    ) -> Result<(HeaderMap, Vec<Task>), Problem> {
        if let Some(sort) = &self.sort
            && !SORTS.contains(&sort.strip_prefix('-').unwrap_or(sort))
        {
            return Err(Problem::invalid(
                "sort",
                format!("{sort:?} is not one of {}, each with or without a - before it", SORTS.join(", ")),
            ));
        }
        let limit = limit(self.limit)?;
        let after = match &self.cursor {
            None => None,
            Some(cursor) => Some(Place::parse(cursor, self.sort.as_deref()).ok_or_else(bad_cursor)?),
        };
        let mut kinds = self.kind;
        kinds.extend(self.task_type);
        let filter = TaskFilter {
            owner: Some(caller.id().clone()),
            project: self.project_id.map(ProjectId::from),
            statuses: self.status,
            kinds,
            label: self.label,
            priority: self.priority,
            q: self.q,
            archived: Some(self.archived.unwrap_or(false)),
            needs_person: self.needs_person,
            asking: app.instances.open_questions().into_iter().map(|question| question.session).collect(),
            sort: self.sort,
            limit,
            after,
        };
        let page = app.store.tasks(&filter).await?;
        let next = page.next.map(|place| place.to_string());
        Ok((page_headers(uri, page.total, next.as_deref()), page.tasks))
    }
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
    let scene = views::sessions(&app, &task).await?;
    Ok(Json(TaskDetail {
        task: views::task(&app, &task).await?,
        work_sessions: scene.work_sessions,
        zed_threads: scene.zed_threads,
    }))
}

/// The fields that a person may edit.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct EditTask {
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) priority: Option<Priority>,
    pub(crate) labels: Option<Vec<String>>,
    pub(crate) depends_on: Option<Vec<String>>,
    pub(crate) budget: Option<BudgetBody>,
    pub(crate) archived: Option<bool>,
    /// Options that agents get from their next turn on, such as the model; later entries win. They replace those before.
    pub(crate) agent_options: Option<Vec<AgentOptionsRule>>,
    /// Not writable: it moves by what is asked of the task.
    #[schema(ignore)]
    pub(crate) status: Option<Value>,
}

/// Edits a task; its status moves by start, review, cancel and retry only.
#[utoipa::path(put, path = "/spec-tasks/{id}", tag = "spec-tasks", params(("id" = String, Path)), request_body = EditTask,
    responses((status = 200, body = SpecTask), (status = 422, body = Problem)))]
pub(crate) async fn edit(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<EditTask>,
) -> Result<Json<SpecTask>, Problem> {
    let task = caller.task(&app, &id).await?;
    if body.status.is_some() {
        return Err(Problem::invalid(
            "status",
            "cannot be written; use start, approve-specs, approve-implementation, cancel or retry",
        ));
    }
    let task = apply_edit(&app, &caller, &task, body, None).await?;
    Ok(Json(views::task(&app, &task).await?))
}

/// Checks an edit and applies it.
pub(crate) async fn apply_edit(
    app: &App,
    caller: &Caller,
    task: &Task,
    body: EditTask,
    config: Option<Value>,
) -> Result<Task, Problem> {
    if body.name.as_ref().is_some_and(|name| name.trim().is_empty()) {
        return Err(Problem::invalid("name", "is empty"));
    }
    check_words(body.name.as_deref(), body.labels.as_deref())?;
    check_budget(body.budget)?;
    create::check_agent_options(app, body.agent_options.as_deref().unwrap_or_default())?;
    let depends_on = match body.depends_on {
        Some(ids) => Some(dependencies(app, caller, &ids).await?),
        None => None,
    };
    let edit = TaskEdit {
        name: body.name,
        description: body.description,
        priority: body.priority,
        labels: body.labels,
        depends_on,
        budget: body.budget.map(BudgetBody::budget),
        archived: body.archived,
        config,
        agent_options: body.agent_options,
    };
    Ok(app.orchestrator.ask(caller.id(), &task.id, Input::Edit { edit: Box::new(edit) }).await?)
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
            audit::record(&app, &caller, stringify!($name), &id, &Value::Null).await?;
            Ok(Json(views::task(&app, &task).await?))
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
    /// Reopens a cancelled task where it was: approved documents stay approved, and sessions begin again on their branches.
    reopen, "/spec-tasks/{id}/reopen", |by| Input::Reopen { by };
}

#[cfg(test)]
mod tests {
    use crate::testing::{Api, git, id};
    use axum::body::Body;
    use axum::http::{Method, header};
    use serde_json::{Value, json};

    #[tokio::test]
    async fn wrong_types_and_values_are_named_and_null_is_absent() {
        let api = Api::open().await;
        let project = api.project().await;
        let asked = |field: &str, value: Value| {
            let mut body = json!({ "prompt": "x", "project_id": project, "start": false });
            body[field] = value;
            body
        };
        for (field, value) in [
            ("prompt", json!(["x"])),
            ("type", json!("epic")),
            ("priority", json!(3)),
            ("labels", json!([1])),
            ("labels", json!([""])),
            ("start", json!("yes")),
            ("workspace_config", json!("x")),
            ("prompt", json!("a\u{0}b")),
        ] {
            let (status, problem) =
                api.try_post("/spec-tasks/from-prompt", &asked(field, value.clone())).await.problem();
            assert_eq!(
                (status, &problem["errors"][0]["field"]),
                (422, &json!(field)),
                "{value}: {problem:#}"
            );
        }
        for budget in [json!({ "max_cost_usd": -1 }), json!({ "max_tokens": -1 }), json!(5)] {
            let (status, problem) =
                api.try_post("/spec-tasks/from-prompt", &asked("budget", budget)).await.problem();
            assert_eq!(status, 422, "{problem:#}");
            assert!(problem["errors"][0]["field"].as_str().is_some_and(|field| field.starts_with("budget")));
        }
        for field in ["name", "type", "labels", "depends_on", "budget", "workspace_config", "base_branch"] {
            api.post("/spec-tasks/from-prompt", &asked(field, Value::Null)).await;
        }
        let id = api.task(&project, "One").await;
        for (body, field) in [
            (json!({ "approved": "yes" }), "approved"),
            (json!({ "approved": true, "changes": "x" }), "changes"),
            (json!({}), "approved"),
        ] {
            for route in ["approve-specs", "approve-with-handoff"] {
                let (status, problem) =
                    api.try_post(&format!("/spec-tasks/{id}/{route}"), &body).await.problem();
                assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!(field)), "{problem:#}");
            }
        }
        let handoff = json!({ "approved": true, "handoff_config": { "commit_frequency_minutes": 0 } });
        let (status, _) =
            api.try_post(&format!("/spec-tasks/{id}/approve-with-handoff"), &handoff).await.problem();
        assert_eq!(status, 422);
        // Of what is unknown, no body is wrong.
        for path in [
            "/spec-tasks/spt_none/approve-specs",
            "/spec-tasks/spt_none/work-sessions/stws_none/spawn",
            &format!("/spec-tasks/{id}/work-sessions/stws_none/spawn"),
            "/work-sessions/stws_none/messages",
            "/tasks/spt_none/work-sessions",
        ] {
            assert_eq!(api.try_post(path, &json!({})).await.status, 404, "{path}");
        }
        for (path, status, field) in [
            ("/spec-tasks?status=backlog&status=bogus", 422, Some("status")),
            ("/spec-tasks?sort=--name", 422, Some("sort")),
            ("/spec-tasks?cursor=nonsense", 422, Some("cursor")),
            ("/projects?limit=-1", 422, Some("limit")),
            ("/agents?cursor=x", 422, Some("cursor")),
            ("/spec-tasks/%ff", 404, None),
            ("/spec-tasks/%00", 404, None),
            ("/spec-tasks?q=%00", 422, Some("query")),
        ] {
            let (answered, problem) = api.try_get(path).await.problem();
            assert_eq!(answered, status, "{path}: {problem:#}");
            assert_eq!(problem["errors"][0]["field"].as_str(), field, "{path}: {problem:#}");
        }
    }

    #[tokio::test]
    async fn wrong_fields_are_named() {
        let api = Api::open().await;
        let repository = api.repository("notes");
        git(&repository, &["tag", "v1"]);
        let project = id(&api.post("/projects", &json!({ "repository_path": repository })).await);
        for (path, body, status, field) in [
            ("/spec-tasks/from-prompt", json!({}), 422, "prompt"),
            ("/spec-tasks/from-prompt", json!({ "prompt": "  ", "project_id": project }), 422, "prompt"),
            (
                "/spec-tasks/from-prompt",
                json!({ "prompt": "x", "project_id": "prj_none" }),
                422,
                "project_id",
            ),
            (
                "/spec-tasks/from-prompt",
                json!({ "prompt": "x", "project_id": project, "priority": "urgent" }),
                422,
                "priority",
            ),
            (
                "/spec-tasks/from-prompt",
                json!({ "prompt": "x", "project_id": project, "spec_agent": "nobody" }),
                422,
                "spec_agent",
            ),
            (
                "/spec-tasks/from-prompt",
                json!({ "prompt": "x", "project_id": project, "base_branch": "--x" }),
                422,
                "base_branch",
            ),
            // A tag does not move, so nothing can land on it.
            (
                "/spec-tasks/from-prompt",
                json!({ "prompt": "x", "project_id": project, "base_branch": "v1" }),
                422,
                "base_branch",
            ),
            (
                "/spec-tasks/from-prompt",
                json!({ "prompt": "x", "project_id": project, "depends_on": ["spt_x"] }),
                422,
                "depends_on",
            ),
            ("/spec-tasks/from-demo", json!({ "prompt": "x", "demo_repo": "nothing" }), 422, "demo_repo"),
            ("/projects", json!({}), 422, "repository_path"),
            ("/projects", json!({ "repository_path": "relative" }), 422, "repository_path"),
            ("/projects", json!({ "repository_path": "/nowhere/at/all" }), 422, "repository_path"),
            ("/projects", json!({ "clone_url": "ext::sh -c id" }), 422, "clone_url"),
        ] {
            let (answered, problem) = api.try_post(path, &body).await.problem();
            assert_eq!(answered, status, "{path} {body}: {problem:#}");
            assert_eq!(problem["errors"][0]["field"], field, "{path} {body}: {problem:#}");
        }
        let again = api.try_post("/projects", &json!({ "repository_path": repository })).await;
        let (status, problem) = again.problem();
        assert_eq!((status, &problem["code"]), (409, &json!("already_registered")));
        for (path, status) in [
            ("/spec-tasks?limit=0", 422),
            ("/spec-tasks?limit=501", 422),
            ("/spec-tasks?sort=colour", 422),
            ("/spec-tasks?status=nonsense", 422),
            ("/spec-tasks/spt_none", 404),
            ("/work-sessions/stws_none", 404),
            ("/nowhere", 404),
        ] {
            assert_eq!(api.try_get(path).await.problem().0, status, "{path}");
        }
    }

    #[tokio::test]
    async fn bodies_that_are_no_json_are_refused() {
        let api = Api::open().await;
        let raw = async |kind: &str, body: Vec<u8>| {
            let request =
                api.request(Method::POST, "/spec-tasks/from-prompt").header(header::CONTENT_TYPE, kind);
            api.send_raw(request.body(Body::from(body)).expect("a request")).await.problem().0
        };
        assert_eq!(raw("application/json", b"{".to_vec()).await, 400);
        assert_eq!(raw("text/plain", b"{}".to_vec()).await, 415);
        assert_eq!(raw("application/json", vec![b' '; 3 * 1024 * 1024]).await, 413);
    }

    #[tokio::test]
    async fn unknown_fields_are_ignored_and_a_status_cannot_be_set() {
        let api = Api::open().await;
        let project = api.project().await;
        let body = json!({ "prompt": "x", "project_id": project, "start": false, "unknown": 1 });
        let task = api.post("/spec-tasks/from-prompt", &body).await;
        assert_eq!(task["status"], "backlog");
        let put = api.request(Method::PUT, &format!("/spec-tasks/{}", id(&task)));
        assert_eq!(api.send(put, &json!({ "status": "done" })).await.problem().0, 422);
    }

    #[tokio::test]
    async fn an_edit_that_changes_nothing_is_no_change() {
        let api = Api::open().await;
        let project = api.project().await;
        let path = format!("/spec-tasks/{}", api.task(&project, "One").await);
        let edit = json!({ "description": "x", "labels": ["a"], "budget": { "max_tokens": 5 } });
        let edited = api.put(&path, &edit).await;
        assert_eq!(api.put(&path, &edit).await, edited);
    }
}
