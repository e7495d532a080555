//! Editors: the list of a user's work sessions, and the threads that people open from a folder.

use crate::people::audit;
use crate::request::caller::{Caller, Reach};
use crate::request::extract::{JsonBody, Query};
use crate::request::idempotency::FreshIds;
use crate::request::page::{Paged, bad_cursor, limit, page_headers};
use crate::request::path::Path;
use crate::request::problem::Problem;
use crate::sessions::crew;
use crate::sessions::session::found;
use crate::tasks::create::{self, Asked};
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use engine::App;
use engine::agents::editors;
use engine::clock::now;
use engine::clock::rfc3339;
use engine::insight::views;
use protocol::WorkSession;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::PathBuf;
use store::{ListedSession, SessionDirectory, SessionFilter};
use utoipa::{IntoParams, ToSchema};
use workflow::{Input, Millis, NewSession, SessionId, SessionRequest, SessionStatus, Task, TaskId, TaskKind};

/// How long a session that was opened in an editor waits for the editor's thread, in milliseconds.
const HANDOFF_TIME: i64 = 2 * 60 * 1000;
/// The name of a thread until its first message names it.
const UNNAMED: &str = "New thread";

/// A work session in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionSummary {
    id: String,
    spec_task_id: String,
    /// The names of its task and of the session.
    title: String,
    status: SessionStatus,
    /// The absolute path of its worktree, which exists from its first turn until it is cleaned up.
    cwd: String,
    updated_at: String,
}

impl SessionSummary {
    fn of(app: &App, session: ListedSession) -> Self {
        Self {
            cwd: editors::directory(app, &session.task, &session.directory).to_string_lossy().into_owned(),
            id: session.id.to_string(),
            spec_task_id: session.task.to_string(),
            title: session.title,
            // The column has the words of the status.
            status: session.status.parse().unwrap_or(SessionStatus::Pending),
            updated_at: rfc3339(session.updated_at),
        }
    }
}

/// Which work sessions are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SessionsQuery {
    /// Only sessions whose worktree is exactly this folder.
    cwd: Option<String>,
    /// 1 to 500; 50 when absent.
    #[param(minimum = 1, maximum = 500)]
    limit: Option<u64>,
    /// Where the page before ended, from its `Link` header.
    cursor: Option<String>,
}

/// Lists the caller's work sessions, those that changed last first.
#[utoipa::path(get, path = "/work-sessions", tag = "work-sessions", params(SessionsQuery),
    responses((status = 200, body = Vec<SessionSummary>, headers(("X-Total-Count" = u64), ("Link" = String)))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
    Query(query): Query<SessionsQuery>,
) -> Result<Paged<SessionSummary>, Problem> {
    let most = limit(query.limit)?;
    let after = query.cursor.as_deref().map(|cursor| place(cursor).ok_or_else(bad_cursor)).transpose()?;
    let (project, mut task) = match &caller.rights.reach {
        Reach::All => (None, None),
        Reach::Project(project) => (Some(project.clone()), None),
        Reach::Task(task) => (None, Some(task.clone())),
    };
    let mut directory = None;
    if let Some(cwd) = &query.cwd {
        let exact = editors::find_exact(&app, &folder(cwd)?).await;
        let exact = exact.filter(|(named, _)| task.as_ref().is_none_or(|task| task == named));
        let Some((named, exact)) = exact else {
            return Ok((page_headers(&uri, 0, None), Json(Vec::new())));
        };
        task = Some(named);
        directory = Some(exact);
    }
    let owner = caller.id().clone();
    let filter = SessionFilter { owner, project, task, directory, limit: most + 1, after };
    let (mut listed, total) = app.store.list_sessions(&filter).await?;
    let has_more = u64::try_from(listed.len()).is_ok_and(|listed| listed > most);
    listed.truncate(usize::try_from(most).unwrap_or(usize::MAX));
    let next = listed.last().filter(|_| has_more).map(|last| format!("{}-{}", last.updated_at.0, last.id));
    let listed = listed.into_iter().map(|session| SessionSummary::of(&app, session)).collect();
    Ok((page_headers(&uri, total, next.as_deref()), Json(listed)))
}

fn place(cursor: &str) -> Option<(Millis, SessionId)> {
    let (at, id) = cursor.split_once('-')?;
    Some((Millis(at.parse().ok()?), SessionId::from(id)))
}

fn folder(cwd: &str) -> Result<PathBuf, Problem> {
    let path = PathBuf::from(cwd);
    if !path.is_absolute() || cwd.contains('\0') {
        return Err(Problem::invalid("cwd", "is not an absolute path"));
    }
    Ok(path)
}

/// Notes that a person opens a work session's folder in an editor: the next thread that the editor opens there within two minutes is
/// this session instead of a new one.
#[utoipa::path(post, path = "/work-sessions/{id}/editor-handoff", tag = "zed", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn hand_off(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let task = caller.task_of(&app, &id).await?;
    let (session, at) = (SessionId::from(id.as_str()), now());
    app.store.put_editor_handoff(&task.id, &session, caller.id(), at, at.plus(-HANDOFF_TIME)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A thread that an editor opens.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewEditorThread {
    /// The absolute path of the folder that the editor has open.
    cwd: String,
    /// The task that the thread belongs to, whatever the folder.
    task_id: Option<String>,
}

/// How an editor's thread got its work session.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EditorThreadOrigin {
    /// It is a new session of a task.
    NewSession,
    /// It is the session that a person opened in the editor before.
    Adopted,
    /// It is the session of a new interactive task.
    NewTask,
}

/// An editor's thread.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EditorThread {
    /// How the thread got its work session.
    origin: EditorThreadOrigin,
    work_session: WorkSession,
}

/// Opens a thread from a folder of an editor: a new work session of the task whose worktree the folder is in, or of a new
/// interactive task where it is in a project's repository. The session waits for its first message.
#[utoipa::path(post, path = "/editor-threads", tag = "zed", request_body = NewEditorThread,
    responses((status = 201, body = EditorThread), (status = 404, body = Problem), (status = 409, body = Problem),
    (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(crate) async fn open(
    State(app): State<App>,
    caller: Caller,
    mut ids: FreshIds,
    JsonBody(body): JsonBody<NewEditorThread>,
) -> Result<(StatusCode, Json<EditorThread>), Problem> {
    let cwd = folder(&body.cwd)?;
    let worktree = editors::find(&app, &cwd).await;
    if let Some(id) = &body.task_id {
        let task = caller.task(&app, id).await?;
        let directory = worktree.filter(|(named, _)| *named == task.id).and_then(|(_, directory)| directory);
        return in_task(&app, &caller, task, directory, &mut ids).await;
    }
    if let Some((named, directory)) = worktree {
        let Ok(task) = caller.task(&app, named.as_str()).await else { return Err(unknown_folder(&body.cwd)) };
        return in_task(&app, &caller, task, directory, &mut ids).await;
    }
    let project = editors::project_of(caller.projects(&app).await?, &cwd).await;
    let project = project.ok_or_else(|| unknown_folder(&body.cwd))?;
    let session = SessionId::fresh(&mut ids);
    let asked = Asked {
        prompt: format!("A conversation in an editor, opened in {}.", body.cwd),
        name: Some(format!("Conversation in {}", project.name)),
        kind: Some(TaskKind::Interactive),
        planning: Some(false),
        opening_session: Some(session.clone()),
        ..Asked::default()
    };
    let task = create::task(&app, &caller, TaskId::fresh(&mut ids), &project, asked).await?;
    answer(&app, &task, &session, EditorThreadOrigin::NewTask).await
}

fn unknown_folder(cwd: &str) -> Problem {
    let detail = format!(
        "{cwd} is in no worktree and no repository that SpecTask knows. Add its repository as a project \
         (`spectask projects add PATH`), or name a task with `spectask acp --task ID`."
    );
    Problem::new(StatusCode::NOT_FOUND, "unknown_folder", detail)
}

/// Opens a thread in a task: the session that was opened in the editor just before, else a new one.
async fn in_task(
    app: &App,
    caller: &Caller,
    task: Task,
    directory: Option<SessionDirectory>,
    ids: &mut FreshIds,
) -> Result<(StatusCode, Json<EditorThread>), Problem> {
    if let Some(directory) = directory {
        let sessions = editors::sessions_in(app, &task, &directory);
        let expired = now().plus(-HANDOFF_TIME);
        let adopted = app.store.take_editor_handoff(&task.id, sessions, caller.id(), expired).await?;
        if let Some(session) = adopted {
            return answer(app, &task, &session, EditorThreadOrigin::Adopted).await;
        }
    }
    let id = SessionId::fresh(ids);
    let session = NewSession {
        id: id.clone(),
        name: UNNAMED.to_owned(),
        description: "A conversation in an editor.".to_owned(),
        agent: None,
        depends_on: Vec::new(),
        wish: SessionRequest::default(),
        is_conversation: true,
    };
    let input = Input::AddSession { session: Box::new(session), limits: crew::limits(app) };
    let task = app.orchestrator.ask(caller.id(), &task.id, input).await?;
    let data = json!({ "work_session_id": id });
    audit::record(app, caller, "session_add", task.id.as_str(), &data).await?;
    answer(app, &task, &id, EditorThreadOrigin::NewSession).await
}

async fn answer(
    app: &App,
    task: &Task,
    session: &SessionId,
    origin: EditorThreadOrigin,
) -> Result<(StatusCode, Json<EditorThread>), Problem> {
    let mut work_session = views::session(app, task, found(task, session.as_str())?).await?;
    // Its worktree is made with its first turn; where that will be is known.
    if work_session.workspace_path.as_ref().is_none() {
        let path = editors::session_path(app, task, session);
        work_session.workspace_path = path.map(|path| path.to_string_lossy().into_owned()).into();
    }
    Ok((StatusCode::CREATED, Json(EditorThread { origin, work_session })))
}

#[cfg(test)]
mod tests {
    use crate::testing::{Api, id};
    use serde_json::{Value, json};

    /// Opens a thread and returns its session and how it came about.
    async fn open(api: &Api, cwd: &str) -> (Value, String) {
        let thread = api.post("/editor-threads", &json!({ "cwd": cwd })).await;
        let origin = thread["origin"].as_str().expect("an origin").to_owned();
        (thread["work_session"].clone(), origin)
    }

    #[tokio::test]
    async fn a_thread_belongs_to_the_folder_that_it_is_opened_in() {
        let api = Api::open().await;
        let path = api.repository("notes");
        api.post("/projects", &json!({ "name": "notes", "repository_path": path })).await;
        let (session, origin) = open(&api, &path.to_string_lossy()).await;
        assert_eq!((origin.as_str(), &session["creation_method"]), ("new_task", &json!("ad_hoc")));
        assert_eq!(session["waits_for_person"], true, "{session:#}");
        let cwd = session["workspace_path"].as_str().expect("a path").to_owned();
        // A folder in the worktree is of its task.
        let (second, origin) = open(&api, &format!("{cwd}/src")).await;
        assert_eq!(origin, "new_session");
        assert_eq!(second["spec_task_id"], session["spec_task_id"]);
        // What was opened on the page is adopted, once.
        let handoff = format!("/work-sessions/{}/editor-handoff", id(&session));
        assert_eq!(api.try_post(&handoff, &json!({})).await.status, 204);
        let (adopted, origin) = open(&api, &cwd).await;
        assert_eq!((origin.as_str(), &adopted["id"]), ("adopted", &session["id"]));
        assert_eq!(open(&api, &cwd).await.1, "new_session");
        // Others are refused in a sentence.
        let (status, problem) =
            api.try_post("/editor-threads", &json!({ "cwd": "/nowhere" })).await.problem();
        assert_eq!((status, &problem["code"]), (404, &json!("unknown_folder")));
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.contains("spectask projects add")));
        let climbing = format!("{cwd}/../../../..");
        assert_eq!(api.try_post("/editor-threads", &json!({ "cwd": climbing })).await.status, 404);
        assert_eq!(api.try_post("/editor-threads", &json!({ "cwd": "src" })).await.status, 422);
    }

    #[tokio::test]
    async fn sessions_are_listed_newest_first_and_by_folder() {
        let api = Api::open().await;
        let path = api.repository("notes");
        api.post("/projects", &json!({ "name": "notes", "repository_path": path })).await;
        let mut opened = Vec::new();
        for _ in 0..3 {
            opened.push(open(&api, &path.to_string_lossy()).await.0);
        }
        let all = api.get("/work-sessions").await;
        let listed = all.as_array().expect("a list");
        assert_eq!(listed.len(), 3);
        let times: Vec<&str> =
            listed.iter().map(|session| session["updated_at"].as_str().expect("a time")).collect();
        assert!(times.is_sorted_by(|one, other| one >= other), "{times:?}");
        let cwd = opened[1]["workspace_path"].as_str().expect("a path");
        let there = api.get(&format!("/work-sessions?cwd={cwd}")).await;
        assert_eq!(there[0]["id"], opened[1]["id"]);
        assert_eq!(there.as_array().map(Vec::len), Some(1));
        assert_eq!(api.get(&format!("/work-sessions?cwd={cwd}/src")).await, json!([]));
        let first = api.try_get("/work-sessions?limit=2").await;
        assert_eq!(first.headers["x-total-count"], "3");
        let link = first.headers["link"].to_str().expect("text").to_owned();
        let next = link.trim_start_matches("</api/v1").split('>').next().expect("a path").to_owned();
        assert_eq!(api.get(&next).await[0], all[2]);
        assert_eq!(api.try_get("/work-sessions?cursor=x").await.status, 422);
    }

    #[tokio::test]
    async fn a_first_message_names_the_thread_and_can_be_stopped_before_its_turn() {
        let api = Api::open().await;
        let path = api.repository("notes");
        api.post("/projects", &json!({ "name": "notes", "repository_path": path })).await;
        let session = open(&api, &path.to_string_lossy()).await.0;
        let stop = format!("/work-sessions/{}/stop-turn", id(&session));
        assert_eq!(api.post(&stop, &json!({})).await["waits_for_person"], true);
        let say = format!("/work-sessions/{}/messages", id(&session));
        api.post(&say, &json!({ "content": "Add due dates\nto every note" })).await;
        let listed = api.get("/work-sessions").await;
        assert_eq!((&listed[0]["title"], &listed[0]["status"]), (&json!("Add due dates"), &json!("pending")));
        let stopped = api.post(&stop, &json!({})).await;
        assert_eq!((&stopped["waits_for_person"], &stopped["queued_messages"]), (&json!(true), &json!([])));
    }
}
