//! Projects: registering repositories and how SpecTask works in them.

use crate::people::audit;
use crate::projects::catalog::known_agent;
use crate::projects::mcp_json::TRUSTED_MCP_JSON;
use crate::projects::registration;
use crate::request::caller::Caller;
use crate::request::extract::{Query, WholeBody};
use crate::request::idempotency::FreshIds;
use crate::request::page::{PageQuery, Paged, page};
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use engine::App;
use engine::clock::now;
use engine::clock::rfc3339;
use engine::failure::chain;
use engine::projects::{repositories, short_ids};
use engine::settings::mcp_server::McpServerEntry;
use engine::settings::project::{ProjectSettings, UNCONFIRMED};
use engine::settings::project_file::{
    self, EffectiveSetting, SettingsFile, TRUSTED, TRUSTED_LIMITS, TRUSTED_PROMPTS,
};
use engine::settings::variables;
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use store::Project;
use utoipa::ToSchema;
use workflow::{ProjectId, Task};

/// How many repositories are looked at at once for a list.
const MAX_CONCURRENT_PROJECTS: usize = 8;
/// How many MCP servers a project may have.
const MAX_MCP_SERVERS: usize = 20;

/// A repository and how SpecTask works in it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProjectView {
    id: String,
    name: String,
    /// What the short ids of its tasks begin with.
    key: String,
    repository_path: String,
    #[schema(required)]
    clone_url: Option<String>,
    default_branch: String,
    /// The settings that a person gave the project, with defaults for the others.
    settings: Value,
    /// The settings in force, by name, each with where its value comes from.
    effective_settings: BTreeMap<String, EffectiveSetting>,
    /// The settings file of the repository.
    settings_file: SettingsFile,
    created_at: String,
    updated_at: String,
}

impl ProjectView {
    pub(crate) async fn of(app: &App, project: &Project) -> Self {
        let in_force = app.repositories.in_force(project).await;
        let mut settings = serde_json::to_value(repositories::settings(project)).unwrap_or_default();
        if let (Some(known), Some(kept)) = (settings.as_object_mut(), project.settings.as_object()) {
            for (name, value) in kept
                .iter()
                .filter(|(name, _)| ![TRUSTED, TRUSTED_LIMITS, TRUSTED_PROMPTS].contains(&name.as_str()))
            {
                known.entry(name).or_insert_with(|| value.clone());
            }
        }
        Self {
            effective_settings: in_force.effective(&app.config),
            settings_file: in_force.file,
            id: project.id.to_string(),
            name: project.name.clone(),
            key: project.key.clone(),
            repository_path: project.repository_path.clone(),
            clone_url: project.clone_url.clone(),
            default_branch: project.default_branch.clone(),
            settings,
            created_at: rfc3339(project.created_at),
            updated_at: rfc3339(project.updated_at),
        }
    }
}

/// A repository to register: one that is on the server, or one to clone.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewProject {
    name: Option<String>,
    /// What the short ids of its tasks begin with: an upper-case letter, then up to nine letters and digits. The default is
    /// derived from the name.
    key: Option<String>,
    /// The absolute path of a repository on the server's machine.
    repository_path: Option<String>,
    /// Where to clone it from, instead of a path.
    clone_url: Option<String>,
    default_branch: Option<String>,
    settings: Option<Value>,
    /// Unknown members are ignored, except settings in the wrong place.
    #[serde(flatten)]
    #[schema(ignore)]
    others: serde_json::Map<String, Value>,
}

/// Lists the caller's projects.
#[utoipa::path(get, path = "/projects", tag = "projects", params(PageQuery),
    responses((status = 200, body = Vec<ProjectView>, headers(("X-Total-Count" = u64), ("Link" = String)))))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    uri: Uri,
    Query(query): Query<PageQuery>,
) -> Result<Paged<ProjectView>, Problem> {
    let (headers, Json(projects)) = page(&uri, &query, caller.projects(&app).await?)?;
    let views = futures::stream::iter(projects).map(|project| {
        let app = app.clone();
        async move { ProjectView::of(&app, &project).await }
    });
    Ok((headers, Json(views.buffered(MAX_CONCURRENT_PROJECTS).collect().await)))
}

/// Registers a repository by path, or clones it by URL.
#[utoipa::path(post, path = "/projects", tag = "projects", request_body = NewProject,
    responses((status = 201, body = ProjectView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    mut ids: FreshIds,
    WholeBody(mut body): WholeBody<NewProject>,
) -> Result<(StatusCode, Json<ProjectView>), Problem> {
    body.name = body.name.map(|name| app.redactor.redact(&name).into_owned());
    let id = ProjectId::fresh(&mut ids);
    // A request whose answer was lost finds its project here.
    if let Ok(project) = caller.project(&app, id.as_str()).await {
        return Ok((StatusCode::CREATED, Json(ProjectView::of(&app, &project).await)));
    }
    misplaced(&body.others)?;
    let key = key_asked(body.key)?.unwrap_or_default();
    let settings = checked_settings(&app, &json!({}), body.settings)?;
    let path = body.repository_path.filter(|path| !path.trim().is_empty());
    let url = body.clone_url.filter(|url| !url.trim().is_empty());
    let git = app.repositories.git().clone();
    // Of two who register one repository at the same time, the second finds the first one's project.
    let _turn = match &path {
        Some(_) => Some(app.registering.lock().await),
        None => None,
    };
    let (field, opened) = match (path, &url) {
        (Some(path), None) => {
            // Blanks around a path are most often pasted with it, but a folder's name may end in one.
            let path = PathBuf::from(if std::path::Path::new(&path).exists() { &path } else { path.trim() });
            if !path.is_absolute() {
                return Err(Problem::invalid(
                    "repository_path",
                    "is not absolute; give the whole path, from /",
                ));
            }
            let known = registration::projects_of(&app, &path).await?;
            registration::ensure_unowned(&known, &caller)?;
            registration::ensure_unregistered(&known)?;
            let opened = engine::spawn_blocking(move || git.open(&path).map_err(|error| chain(&error)));
            ("repository_path", opened.await)
        }
        (None, Some(url)) => {
            if has_password(url) {
                let advice = "has a password in it, which git would keep in the clone's configuration; use ssh, or clone it yourself and give its path";
                return Err(Problem::invalid("clone_url", advice));
            }
            let name = body.name.clone().unwrap_or_else(|| name_of(url));
            let folder = app.repositories.owner_folder(caller.id());
            for path in registration::paths_of(url, &folder) {
                registration::ensure_unowned(&registration::projects_of(&app, &path).await?, &caller)?;
            }
            let into = free_folder(&folder, &name);
            let url = url.clone();
            (
                "clone_url",
                engine::spawn_blocking(move || git.clone_from(&url, &into).map_err(|error| chain(&error)))
                    .await,
            )
        }
        (Some(_), Some(_)) => {
            return Err(Problem::invalid("clone_url", "give either repository_path or clone_url, not both"));
        }
        (None, None) => {
            return Err(Problem::invalid(
                "repository_path",
                "is required, unless clone_url says where to clone from",
            ));
        }
    };
    let repository = opened
        .map_err(|error| Problem::internal(&error))?
        .map_err(|message| Problem::invalid(field, crate::request::problem::sentence(&message)))?;
    let docs_branch = settings["design_docs_branch"].as_str().map(str::to_owned);
    let docs_branch = docs_branch.unwrap_or_else(|| ProjectSettings::default().design_docs_branch);
    let fits = engine::spawn_blocking({
        let repository = repository.clone();
        move || {
            repository.refuse_names_in_the_way(&docs_branch).map_err(|error| chain(&error))?;
            repository.refuse_links(&docs_branch).map_err(|error| chain(&error))?;
            repository.refuse_documents_in_the_way(&docs_branch).map_err(|error| chain(&error))?;
            repository.refuse_partial().map_err(|error| chain(&error))
        }
    });
    fits.await
        .map_err(|error| Problem::internal(&error))?
        .map_err(|message| Problem::invalid(field, crate::request::problem::sentence(&message)))?;
    let path = repository.path().to_string_lossy().into_owned();
    let asked = branch_asked(body.default_branch);
    let found = engine::spawn_blocking({
        let (repository, asked) = (repository.clone(), asked.clone());
        move || match asked {
            Some(name) => Ok(repository.has_branch(&name)?.then_some(name)),
            None => repository.default_branch(),
        }
    });
    let found: Result<Option<String>, git::Error> = found.await.map_err(|error| Problem::internal(&error))?;
    let default_branch = found.map_err(|error| Problem::internal(&error))?.ok_or_else(|| match asked {
        Some(name) => Problem::invalid("default_branch", format!("the repository has no branch {name:?}")),
        None => Problem::invalid(
            "default_branch",
            "the repository has no branch checked out; name the base branch",
        ),
    })?;
    apart(&settings, &default_branch)?;
    let folder = repository
        .path()
        .file_name()
        .map_or_else(|| "repository".to_owned(), |name| name.to_string_lossy().into_owned());
    let project = Project {
        id,
        owner: caller.id().clone(),
        name: body.name.filter(|name| !name.trim().is_empty()).unwrap_or(folder),
        key,
        repository_path: path,
        clone_url: url,
        default_branch,
        settings,
        created_at: now(),
        updated_at: now(),
    };
    let project = app.store.put_project(project).await?;
    let continued = short_ids::continue_numbers(&app.store, &project, repository).await;
    continued.map_err(|error| Problem::internal(&*error))?;
    let data = json!({ "name": project.name, "repository_path": project.repository_path });
    audit::record(&app, &caller, "add_project", project.id.as_str(), &data).await?;
    Ok((StatusCode::CREATED, Json(ProjectView::of(&app, &project).await)))
}

/// The key that was asked for, in upper case; an empty one is as good as none.
fn key_asked(key: Option<String>) -> Result<Option<String>, Problem> {
    let Some(key) = key.map(|key| key.trim().to_ascii_uppercase()).filter(|key| !key.is_empty()) else {
        return Ok(None);
    };
    if workflow::is_key(&key) {
        return Ok(Some(key));
    }
    let advice = "is no key; write a letter from A to Z, then at most nine letters and digits, such as SPEC";
    Err(Problem::invalid("key", advice))
}

/// The name of a branch that was asked for, if one was; a branch's full ref is understood, too.
pub(crate) fn branch_asked(name: Option<String>) -> Option<String> {
    let name = name.map(|name| name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned());
    name.filter(|name| !name.is_empty())
}

/// Returns the caller's project that a body names.
pub(crate) async fn visible(app: &App, caller: &Caller, id: &str) -> Result<Project, Problem> {
    let unknown =
        || Problem::invalid("project_id", format!("there is no project {id:?}; see `GET /api/v1/projects`"));
    let found = caller.project(app, id).await;
    found.map_err(|problem| if problem.status == 404 { unknown() } else { problem })
}

/// Refuses a request that names another repository than its task's.
pub(crate) async fn check_path(app: &App, task: &Task, path: Option<&str>) -> Result<(), Problem> {
    let Some(path) = path.filter(|path| !path.is_empty()) else { return Ok(()) };
    let repository = app.store.project(&task.project).await?.map(|project| project.repository_path);
    let repository = repository.unwrap_or_default();
    if path == repository {
        return Ok(());
    }
    let message = format!("the task's repository is {repository:?}; leave the field out");
    Err(Problem::invalid("project_path", message))
}

/// Returns whether a URL carries a password or a token.
fn has_password(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let authority = rest.split('/').next().unwrap_or_default();
    let who = authority.rsplit_once('@').map(|(who, _)| who);
    who.is_some_and(|who| who.contains(':') || scheme.starts_with("http"))
}

/// Returns the name in a clone URL.
fn name_of(url: &str) -> String {
    let last = url.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    let name = last.trim_end_matches(".git");
    if name.is_empty() { "repository".to_owned() } else { name.to_owned() }
}

/// Returns a folder of this name that is not there yet.
fn free_folder(parent: &std::path::Path, name: &str) -> PathBuf {
    let safe: String = name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
        .collect();
    let safe = safe.trim_start_matches(['.', '-']);
    let safe = if safe.is_empty() { "repository" } else { safe };
    let plain = parent.join(safe);
    if !plain.exists() {
        return plain;
    }
    (2..10_000)
        .map(|number| parent.join(format!("{safe}-{number}")))
        .find(|path| !path.exists())
        .unwrap_or(plain)
}

/// Settings over those there are, each known one checked.
fn checked_settings(app: &App, before: &Value, asked: Option<Value>) -> Result<Value, Problem> {
    let mut settings = before.clone();
    match asked {
        None | Some(Value::Null) => {}
        Some(Value::Object(asked)) => {
            // A person who sets a project's commands has seen them.
            let names_commands = ["checks", "setup_command", "teardown_command", "test_command", "env"]
                .into_iter()
                .any(|name| asked.contains_key(name));
            if asked.get(UNCONFIRMED).is_some_and(|value| *value == true) && before[UNCONFIRMED] != true {
                let message = "is set by a rebuild alone; false confirms the project's commands";
                return Err(Problem::invalid(&format!("settings.{UNCONFIRMED}"), message));
            }
            if asked.get(TRUSTED_MCP_JSON).is_some_and(|value| *value != before[TRUSTED_MCP_JSON]) {
                let message = "is set by POST /projects/{id}/mcp-json, which names the content that was read";
                return Err(Problem::invalid(&format!("settings.{TRUSTED_MCP_JSON}"), message));
            }
            if let Some(name) = [TRUSTED, TRUSTED_LIMITS].into_iter().find(|name| asked.contains_key(*name)) {
                let message = "is set by trusting the file: POST /api/v1/projects/{id}/trust-settings";
                return Err(Problem::invalid(&format!("settings.{name}"), message));
            }
            if asked.contains_key(TRUSTED_PROMPTS) {
                let message = "is set by trusting a prompt: POST /api/v1/projects/{id}/prompts";
                return Err(Problem::invalid(&format!("settings.{TRUSTED_PROMPTS}"), message));
            }
            let fields = settings.as_object_mut();
            let fields = fields.ok_or_else(|| Problem::invalid("settings", "of the project are damaged"))?;
            for (name, value) in asked {
                // Without a value of the project's own, the file's, the server's or the default is in force.
                if value.is_null() {
                    fields.remove(&name)
                } else {
                    fields.insert(name, value)
                };
            }
            if let Some(fields) = settings.as_object_mut()
                && (names_commands || fields.get(UNCONFIRMED).is_some_and(|value| *value != true))
            {
                fields.remove(UNCONFIRMED);
            }
        }
        Some(_) => return Err(Problem::invalid("settings", "is not an object")),
    }
    // What is taken out of a command breaks it, and what stays in is recorded.
    let secret = settings.as_object().into_iter().flatten().find(|(field, value)| {
        let mut clean = (*value).clone();
        app.redactor.redact_json(&mut clean);
        clean != **value && before[field.as_str()] != **value
    });
    if let Some((field, _)) = secret {
        let message = "has a secret in it; store it with `spectask secrets set NAME --project PROJECT`, and the commands get it as the variable NAME";
        return Err(Problem::invalid(&format!("settings.{field}"), message));
    }
    let parsed: ProjectSettings = serde_path_to_error::deserialize(&settings).map_err(|error| {
        let path = error.path().to_string();
        // The hosts are one field, and what is wrong with one of them names it.
        let field = if path.starts_with("network_allow[") { "network_allow" } else { path.as_str() };
        Problem::invalid(&format!("settings.{field}"), error.inner().to_string())
    })?;
    for (field, agent) in
        [("spec_agent", &parsed.spec_agent), ("implementation_agent", &parsed.implementation_agent)]
    {
        // A setting stays when its agent is uninstalled.
        if let Some(id) = agent.as_deref().filter(|id| before[field] != **id) {
            known_agent(app, &format!("settings.{field}"), id)?;
        }
    }
    if let Some(id) = parsed.on_limit.as_deref().filter(|id| *id != "wait" && before["on_limit"] != **id) {
        known_agent(app, "settings.on_limit", id)?;
    }
    if !git::is_branch_name(&parsed.design_docs_branch) {
        let name = &parsed.design_docs_branch;
        return Err(Problem::invalid(
            "settings.design_docs_branch",
            format!("{name:?} cannot be the name of a branch"),
        ));
    }
    check_mcp_servers(&parsed.mcp_servers)?;
    variables::check(&parsed.env)
        .map_err(|message| Problem::invalid("settings.env", crate::request::problem::sentence(&message)))?;
    let resources = parsed.resources.iter().map(|(name, count)| (name.as_str(), *count as u64));
    project_file::check_resources(resources).map_err(|message| {
        Problem::invalid("settings.resources", crate::request::problem::sentence(&message))
    })?;
    protocol::check_rules(&parsed.agent_options)
        .map_err(|message| Problem::invalid("settings.agent_options", message))?;
    if parsed.daily_cost_usd.is_some_and(|cost| cost < 0.0) {
        let message = "is less than nothing; give dollars, or 0 for no limit";
        return Err(Problem::invalid("settings.daily_cost_usd", message));
    }
    parsed.repair_rounds.map_or(Ok(()), project_file::check_repair_rounds).map_err(|message| {
        Problem::invalid("settings.repair_rounds", crate::request::problem::sentence(&message))
    })?;
    if parsed.max_parallel_sessions == Some(0) {
        return Err(Problem::invalid("settings.max_parallel_sessions", "must be at least 1"));
    }
    Ok(settings)
}

/// Checks that the MCP servers have different names, and that each is complete.
fn check_mcp_servers(servers: &[McpServerEntry]) -> Result<(), Problem> {
    let wrong = |message: String| {
        Problem::invalid("settings.mcp_servers", crate::request::problem::sentence(&message))
    };
    if servers.len() > MAX_MCP_SERVERS {
        return Err(wrong(format!("there are more than {MAX_MCP_SERVERS}")));
    }
    for (at, server) in servers.iter().enumerate() {
        server.check().map_err(wrong)?;
        if servers[..at].iter().any(|before| before.name == server.name) {
            return Err(wrong(format!("two are called {:?}", server.name)));
        }
    }
    Ok(())
}

/// Checks that the branch of the documents is not the base branch.
fn apart(settings: &Value, default_branch: &str) -> Result<(), Problem> {
    if settings["design_docs_branch"] == default_branch {
        let message = "is the project's base branch; the documents have a branch of their own";
        return Err(Problem::invalid("settings.design_docs_branch", message));
    }
    Ok(())
}

/// Reads a project.
#[utoipa::path(get, path = "/projects/{id}", tag = "projects", params(("id" = String, Path)),
    responses((status = 200, body = ProjectView), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ProjectView>, Problem> {
    let project = caller.project(&app, &id).await?;
    Ok(Json(ProjectView::of(&app, &project).await))
}

/// The fields of a project that may be edited; absent fields keep their value.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ProjectEdit {
    /// The name of the project.
    name: Option<String>,
    /// What the short ids of its next tasks begin with. Tasks that have one keep it.
    key: Option<String>,
    /// The branch that changes land on.
    default_branch: Option<String>,
    /// The settings to change; those that are absent stay.
    settings: Option<Value>,
    /// Members that are not known here are ignored, but for settings in the wrong place.
    #[serde(flatten)]
    #[schema(ignore)]
    others: serde_json::Map<String, Value>,
}

/// Refuses settings beside `settings`, where they would be ignored like every unknown member.
fn misplaced(others: &serde_json::Map<String, Value>) -> Result<(), Problem> {
    let known = serde_json::to_value(ProjectSettings::default()).unwrap_or_default();
    match others.keys().find(|name| known.get(name.as_str()).is_some()) {
        Some(name) => Err(Problem::invalid(name, "is a setting; send it as a member of `settings`")),
        None => Ok(()),
    }
}

/// Edits a project.
#[utoipa::path(put, path = "/projects/{id}", tag = "projects", params(("id" = String, Path)), request_body = ProjectEdit,
    responses((status = 200, body = ProjectView), (status = 422, body = Problem)))]
pub(crate) async fn edit(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    WholeBody(body): WholeBody<ProjectEdit>,
) -> Result<Json<ProjectView>, Problem> {
    let mut project = caller.project(&app, &id).await?;
    misplaced(&body.others)?;
    let data = body.settings.clone().unwrap_or(Value::Null);
    project.settings = checked_settings(&app, &project.settings, body.settings)?;
    if let Some(name) = body.name.filter(|name| !name.trim().is_empty()) {
        project.name = app.redactor.redact(&name).into_owned();
    }
    let key = key_asked(body.key)?.filter(|key| *key != project.key);
    let is_renumbered = key.is_some();
    if let Some(key) = key {
        project.key = key;
    }
    if let Some(branch) = branch_asked(body.default_branch) {
        if !git::is_branch_name(&branch) {
            return Err(Problem::invalid(
                "default_branch",
                format!("{branch:?} cannot be the name of a branch"),
            ));
        }
        let project_repo = app.repositories.project_repo(&project.id).await?;
        let asked = branch.clone();
        let found = engine::spawn_blocking(move || project_repo.repository.has_branch(&asked)).await;
        if !matches!(found, Ok(Ok(true))) {
            return Err(Problem::invalid(
                "default_branch",
                format!("the repository has no branch {branch:?}"),
            ));
        }
        project.default_branch = branch;
    }
    apart(&project.settings, &project.default_branch)?;
    project.updated_at = now();
    let repository =
        if is_renumbered { Some(app.repositories.project_repo(&project.id).await?.repository) } else { None };
    let project = app.store.put_project(project).await?;
    if let Some(repository) = repository {
        let continued = short_ids::continue_numbers(&app.store, &project, repository).await;
        continued.map_err(|error| Problem::internal(&*error))?;
    }
    app.repositories.forget(&project.id);
    app.instances.update_network(&project).await?;
    audit::record(&app, &caller, "edit_project", &id, &data).await?;
    Ok(Json(ProjectView::of(&app, &project).await))
}

/// Forgets a project that has no live task; its repository stays where it is.
#[utoipa::path(delete, path = "/projects/{id}", tag = "projects", params(("id" = String, Path)),
    responses((status = 204), (status = 409, body = Problem)))]
pub(crate) async fn remove(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let project = caller.project(&app, &id).await?;
    let live = app.store.live_tasks().await?;
    if let Some(task) = live.iter().find(|task| task.project == project.id) {
        let detail = format!(
            "The task {:?} ({}) of this project is in {}; finish or cancel it first.",
            task.name,
            task.id,
            task.status()
        );
        return Err(Problem::conflict("project_in_use", detail));
    }
    app.watch.forget(&project.id);
    app.repositories.forget(&project.id);
    app.store.remove_project(&project.id).await?;
    audit::record_named(&app, &caller, "remove_project", (&id, &project.name), &Value::Null).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_from_the_end_of_the_url() {
        assert_eq!(name_of("https://example.org/a/todo.git"), "todo");
        assert_eq!(name_of("git@example.org:a/todo.git/"), "todo");
        assert_eq!(name_of("https://"), "repository");
    }

    #[test]
    fn passwords_in_urls_are_noticed() {
        for bad in [
            "https://ada:secret@example.org/a.git",
            "https://token@example.org/a.git",
            "ssh://ada:secret@example.org/a",
        ] {
            assert!(has_password(bad), "{bad}");
        }
        for good in
            ["https://example.org/a@b.git", "ssh://git@example.org/a", "git@example.org:a.git", "/srv/a.git"]
        {
            assert!(!has_password(good), "{good}");
        }
    }

    #[test]
    fn folders_stay_inside_their_parent() {
        let parent = std::path::Path::new("/nowhere");
        assert_eq!(
            free_folder(parent, "../../etc"),
            parent.join("etc").with_file_name("-..-etc".trim_start_matches(['.', '-']))
        );
        assert_eq!(free_folder(parent, ".."), parent.join("repository"));
    }
}
