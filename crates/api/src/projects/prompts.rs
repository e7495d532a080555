//! The prompts to agents: the built-in ones, and those that a project's repository overrides.

use crate::people::audit;
use crate::request::caller::Caller;
use crate::request::extract::JsonBody;
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use engine::App;
use engine::clock::now;
use engine::settings::project_file::{PROMPTS_FOLDER, PromptOverride, PromptState, TRUSTED_PROMPTS, hash};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::Project;
use utoipa::ToSchema;
use workflow::prompts::{PromptTemplate, TEMPLATES};

/// How many characters of a hash name a text at least.
const MIN_HASH_CHARS: usize = 12;

/// A variable of a prompt.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PromptVariable {
    /// Its name in the template.
    #[schema(example = "task_name")]
    name: &'static str,
    /// The type and meaning of its value.
    #[schema(example = "text: the name of the task")]
    about: &'static str,
}

/// Where the text of a prompt in force comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PromptSource {
    /// It is built in.
    BuiltIn,
    /// The project's repository overrides it.
    Project,
}

/// A prompt to agents.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PromptView {
    /// Its name, which is also the name of the file that overrides it.
    #[schema(example = "implement")]
    name: String,
    /// When it is sent.
    about: String,
    /// The variables that it can use.
    variables: Vec<PromptVariable>,
    /// Whether a project can override it. The others are always appended, whatever a project overrides.
    can_override: bool,
    /// Where the text in force comes from.
    source: PromptSource,
    /// The text in force.
    text: String,
    /// The SHA-256 hash of the text in force.
    hash: String,
    /// The file in the repository that overrides it; null without one.
    #[schema(required)]
    file: Option<PromptOverride>,
}

/// The prompts of a project.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PromptsView {
    /// The commit of the base branch that the overrides are read from; null where the branch has none.
    #[schema(required)]
    commit: Option<String>,
    /// The folder of the repository with the files that override prompts.
    #[schema(example = ".spectask/prompts")]
    folder: &'static str,
    /// The prompts, with those in force.
    prompts: Vec<PromptView>,
    /// Files of the folder that belong to no prompt.
    unknown_files: Vec<PromptOverride>,
}

impl PromptsView {
    async fn of(app: &App, project: &Project) -> Self {
        let in_force = app.repositories.in_force(project).await;
        let (known, unknown_files): (Vec<_>, Vec<_>) =
            in_force.prompts.into_iter().partition(|file| workflow::prompts::find(&file.name).is_some());
        let view = |template: &PromptTemplate| {
            let file = known.iter().find(|file| file.name == template.name).cloned();
            let of_project = file
                .as_ref()
                .filter(|file| file.state == PromptState::Trusted)
                .and_then(|file| file.text.clone());
            PromptView {
                name: template.name.to_owned(),
                about: template.about.to_owned(),
                variables: template
                    .variables
                    .iter()
                    .map(|variable| PromptVariable { name: variable.name, about: variable.about })
                    .collect(),
                can_override: template.can_override,
                source: if of_project.is_some() { PromptSource::Project } else { PromptSource::BuiltIn },
                hash: match (&of_project, file.as_ref().and_then(|file| file.hash.clone())) {
                    (Some(_), Some(hash)) => hash,
                    _ => hash(template.text.as_bytes()),
                },
                text: of_project.unwrap_or_else(|| template.text.to_owned()),
                file,
            }
        };
        Self {
            commit: in_force.file.commit,
            folder: PROMPTS_FOLDER,
            prompts: TEMPLATES.iter().map(view).collect(),
            unknown_files,
        }
    }
}

/// Lists the prompts to agents in a project, with the texts in force and their variables.
#[utoipa::path(get, path = "/projects/{id}/prompts", tag = "projects", params(("id" = String, Path)),
    responses((status = 200, body = PromptsView), (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<PromptsView>, Problem> {
    let project = caller.project(&app, &id).await?;
    Ok(Json(PromptsView::of(&app, &project).await))
}

/// The text of a prompt that is trusted.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TrustPrompt {
    /// The prompt's name.
    #[schema(example = "implement")]
    name: String,
    /// The hash of the file on the base branch, as it was read, or its first twelve characters.
    #[schema(example = "3f2a91c0d4e5")]
    hash: String,
}

/// Trusts the text with which a repository overrides a prompt, so that it takes effect. Another text is asked for again.
#[utoipa::path(post, path = "/projects/{id}/prompts", tag = "projects", params(("id" = String, Path)),
    request_body = TrustPrompt,
    responses((status = 200, body = PromptsView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn trust(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<TrustPrompt>,
) -> Result<Json<PromptsView>, Problem> {
    let mut project = caller.project(&app, &id).await?;
    let found = app.repositories.in_force(&project).await;
    let file = found.prompts.iter().find(|file| file.name == body.name).ok_or_else(|| {
        let path = format!("{PROMPTS_FOLDER}/{}.md", body.name);
        let detail = format!("{} has no {path}; commit one there.", project.default_branch);
        Problem::new(StatusCode::NOT_FOUND, "no_prompt_file", &detail)
    })?;
    let hash = file.hash.clone().ok_or_else(|| {
        let detail = file.error.clone().unwrap_or_else(|| format!("{} cannot be read.", file.path));
        Problem::conflict("prompt_file_invalid", detail)
    })?;
    if body.hash.len() < MIN_HASH_CHARS || !hash.starts_with(&body.hash) {
        let detail = format!(
            "{} on {} is not what was read: its hash is {}…. Read it again, then trust it.",
            file.path,
            project.default_branch,
            &hash[..hash.len().min(MIN_HASH_CHARS)]
        );
        return Err(Problem::conflict("prompt_file_changed", detail));
    }
    if !project.settings.is_object() {
        project.settings = json!({});
    }
    if !project.settings[TRUSTED_PROMPTS].is_object() {
        project.settings[TRUSTED_PROMPTS] = json!({});
    }
    project.settings[TRUSTED_PROMPTS][&body.name] = json!(hash);
    project.updated_at = now();
    app.store.put_project(project.clone()).await?;
    let data = json!({ "path": file.path, "hash": hash, "commit": found.file.commit });
    audit::record(&app, &caller, "trust_prompt", &id, &data).await?;
    Ok(Json(PromptsView::of(&app, &project).await))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Api, git};
    use serde_json::Value;

    fn commit(repository: &std::path::Path, name: &str, text: &[u8]) {
        let folder = repository.join(PROMPTS_FOLDER);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(name), text).expect("a file");
        git(repository, &["add", "-A"]);
        git(
            repository,
            &["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", "Prompts"],
        );
    }

    fn prompt<'v>(found: &'v Value, name: &str) -> &'v Value {
        let all = found["prompts"].as_array().expect("prompts");
        all.iter().find(|prompt| prompt["name"] == name).expect("a prompt")
    }

    #[tokio::test]
    async fn an_override_is_in_force_once_its_text_is_trusted() {
        let api = Api::open().await;
        let repository = api.repository("shop");
        let project =
            crate::testing::id(&api.post("/projects", &json!({ "repository_path": repository })).await);
        let path = format!("/projects/{project}/prompts");
        let found = api.get(&path).await;
        assert_eq!(prompt(&found, "rework")["source"], "built_in");
        assert_eq!(prompt(&found, "server-plan")["can_override"], false);

        commit(&repository, "rework.md", b"Please change: {{ comments }}\n");
        let found = api.get(&path).await;
        let file = &prompt(&found, "rework")["file"];
        assert_eq!(
            (&file["state"], &prompt(&found, "rework")["source"]),
            (&json!("untrusted"), &json!("built_in"))
        );
        assert!(file["error"].as_str().is_some_and(|error| error.contains("spectask prompts trust rework")));
        let hash = file["hash"].clone();
        let (status, problem) =
            api.try_post(&path, &json!({ "name": "rework", "hash": "0".repeat(64) })).await.problem();
        assert_eq!((status, &problem["code"]), (409, &json!("prompt_file_changed")));
        let trusted = api.post(&path, &json!({ "name": "rework", "hash": hash })).await;
        let rework = prompt(&trusted, "rework");
        assert_eq!((&rework["source"], &rework["hash"]), (&json!("project"), &hash));
        assert_eq!(rework["text"], "Please change: {{ comments }}\n");

        commit(&repository, "rework.md", b"Another text for {{ task_name }}\n");
        let changed = api.get(&path).await;
        assert_eq!(prompt(&changed, "rework")["source"], "built_in");
        assert_eq!(prompt(&changed, "rework")["file"]["state"], "untrusted");
        let settings = api.get(&format!("/projects/{project}")).await["settings"].clone();
        assert_eq!(settings["trusted_prompts"], Value::Null);
        let body = json!({ "settings": { "trusted_prompts": { "rework": hash } } });
        let request = api.request(axum::http::Method::PUT, &format!("/projects/{project}"));
        assert_eq!(api.send(request, &body).await.problem().0, 422);
    }

    #[tokio::test]
    async fn an_override_that_cannot_be_used_says_why() {
        let api = Api::open().await;
        let repository = api.repository("shop");
        let project =
            crate::testing::id(&api.post("/projects", &json!({ "repository_path": repository })).await);
        let path = format!("/projects/{project}/prompts");
        for (text, said) in [
            (&b"{{ nonsense }}"[..], "it uses the unknown variable \"nonsense\"; there are task_name"),
            (&b"{% if comments %}"[..], "line 1: "),
            (&b" \n"[..], "it is empty"),
            (&b"\xff"[..], "it is not text in UTF-8"),
        ] {
            commit(&repository, "rework.md", text);
            let found = api.get(&path).await;
            let file = &prompt(&found, "rework")["file"];
            assert_eq!((&file["state"], &file["hash"]), (&json!("invalid"), &Value::Null), "{said}");
            assert!(file["error"].as_str().is_some_and(|error| error.contains(said)), "{file:#}");
            let body = json!({ "name": "rework", "hash": "0".repeat(64) });
            let (status, problem) = api.try_post(&path, &body).await.problem();
            assert_eq!((status, &problem["code"]), (409, &json!("prompt_file_invalid")));
        }
        commit(&repository, "server-plan.md", b"Write where you like.");
        commit(&repository, "other.md", b"Text.");
        let found = api.get(&path).await;
        assert!(
            prompt(&found, "server-plan")["file"]["error"]
                .as_str()
                .is_some_and(|e| e.contains("cannot be overridden"))
        );
        assert_eq!(found["unknown_files"][0]["name"], "other");
        let (status, problem) =
            api.try_post(&path, &json!({ "name": "plan", "hash": "0".repeat(64) })).await.problem();
        assert_eq!((status, &problem["code"]), (404, &json!("no_prompt_file")));
    }
}
