//! The settings file of a project's repository: trusting its content, and proposing one.

use crate::people::audit;
use crate::projects::project::{ProjectView, branch_asked};
use crate::projects::registration;
use crate::request::caller::Caller;
use crate::request::extract::WholeBody;
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use engine::App;
use engine::clock::now;
use engine::failure::chain;
use engine::settings::detect::{self, Detection};
use engine::settings::project_file::{
    self, FileState, PATH, ProjectFile, SettingsFile, TRUSTED, TRUSTED_LIMITS,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// A repository to look at.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct DetectRepository {
    /// The absolute path of the repository, or of a folder in it, on the server's machine.
    #[schema(example = "/home/me/src/shop")]
    repository_path: String,
    /// The branch to look at; absent is that of origin/HEAD, the current one, main or master.
    base_branch: Option<String>,
}

/// The tools and commands that were detected in a repository.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DetectedView {
    /// The repository's root.
    #[schema(example = "/home/me/src/shop")]
    repository_path: String,
    /// The branch that changes land on.
    #[schema(example = "main")]
    base_branch: String,
    /// Its languages and commands.
    detection: Detection,
    /// A settings file with these commands, to be committed as `.spectask/project.toml`.
    proposed_file: String,
    /// Whether the base branch has a settings file.
    has_settings_file: bool,
    /// The project that the repository is already; null where it is none.
    #[schema(required)]
    project_id: Option<String>,
}

/// Finds out what a repository is made with: languages, and commands that set it up, test and check it. Nothing is changed.
#[utoipa::path(post, path = "/projects/detect", tag = "projects", request_body = DetectRepository,
    responses((status = 200, body = DetectedView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn detect_repository(
    State(app): State<App>,
    caller: Caller,
    WholeBody(body): WholeBody<DetectRepository>,
) -> Result<Json<DetectedView>, Problem> {
    let path = std::path::PathBuf::from(body.repository_path.trim());
    if !path.is_absolute() {
        return Err(Problem::invalid("repository_path", "is not absolute; give the whole path, from /"));
    }
    let known = registration::projects_of(&app, &path).await?;
    registration::ensure_unowned(&known, &caller)?;
    let (git, branch) = (app.repositories.git().clone(), branch_asked(body.base_branch));
    let found = engine::spawn_blocking(move || {
        detect::detect_at(&git, &path, branch.as_deref()).map_err(|error| chain(&error))
    });
    let found = found.await.map_err(|error| Problem::internal(&error))?.map_err(|message| {
        Problem::invalid("repository_path", crate::request::problem::sentence(&message))
    })?;
    Ok(Json(DetectedView {
        repository_path: found.root.to_string_lossy().into_owned(),
        base_branch: found.base_branch,
        proposed_file: detect::project_file(&found.detection),
        detection: found.detection,
        has_settings_file: found.has_settings_file,
        project_id: known.first().map(|project| project.id.to_string()),
    }))
}

/// The content that is trusted: by its hash, or whole when the base branch does not have it yet.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct TrustSettings {
    /// The hash of the file on the base branch, as it was read.
    #[schema(example = "3f2a91c0d4e5")]
    hash: Option<String>,
    /// The text of a file that is to be committed; it takes effect once the base branch has it.
    #[schema(example = "test_command = \"npm test\"\n")]
    content: Option<String>,
}

/// Trusts the content of a project's settings file, so that it takes effect. Another content is asked for again.
#[utoipa::path(post, path = "/projects/{id}/trust-settings", tag = "projects", params(("id" = String, Path)),
    request_body = TrustSettings,
    responses((status = 200, body = ProjectView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn trust(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    WholeBody(body): WholeBody<TrustSettings>,
) -> Result<Json<ProjectView>, Problem> {
    let mut project = caller.project(&app, &id).await?;
    let found = app.repositories.in_force(&project).await;
    let offered = found.offered_limits();
    let file = found.file;
    let (hash, limits) = match (body.hash, body.content) {
        (Some(hash), None) => (on_base_branch(&file, &project.default_branch, &hash)?, offered),
        (None, Some(content)) => {
            let read = ProjectFile::parse(&content).map_err(|error| Problem::invalid("content", error))?;
            (project_file::hash(content.as_bytes()), project_file::limits_of(read.settings()))
        }
        (Some(_), Some(_)) => {
            return Err(Problem::invalid("content", "give either hash or content, not both"));
        }
        (None, None) => {
            return Err(Problem::invalid(
                "hash",
                "is required, unless content has a file that is not committed yet",
            ));
        }
    };
    // What is in force stays so until the base branch has the new content.
    let known = project.settings[TRUSTED].as_array().cloned().unwrap_or_default();
    let mut trusted = vec![json!(hash)];
    trusted.extend(file.hash.iter().map(|hash| json!(hash)).filter(|hash| known.contains(hash)));
    trusted.dedup();
    if !project.settings.is_object() {
        project.settings = json!({});
    }
    project.settings[TRUSTED] = json!(trusted);
    project.settings[TRUSTED_LIMITS] = json!(limits);
    project.updated_at = now();
    app.store.put_project(project.clone()).await?;
    app.instances.update_network(&project).await?;
    let data = json!({ "path": PATH, "hash": hash, "commit": file.commit, "changes": file.changes });
    audit::record(&app, &caller, "trust_settings", &id, &data).await?;
    Ok(Json(ProjectView::of(&app, &project).await))
}

/// Returns the whole hash of the file on the base branch, which a person read.
fn on_base_branch(file: &SettingsFile, branch: &str, read: &str) -> Result<String, Problem> {
    match (file.state, &file.hash) {
        (FileState::Absent, _) => {
            let detail = format!("{branch} has no {PATH}; commit one there.");
            Err(Problem::conflict("no_settings_file", detail))
        }
        (FileState::Invalid, _) | (_, None) => {
            let detail = file.error.clone().unwrap_or_else(|| format!("{PATH} cannot be read."));
            Err(Problem::conflict("settings_file_invalid", detail))
        }
        (_, Some(hash)) if read.len() >= MIN_HASH_CHARS && hash.starts_with(read) => Ok(hash.clone()),
        (_, Some(hash)) => {
            let short = &hash[..hash.len().min(MIN_HASH_CHARS)];
            let detail = format!(
                "{PATH} on {branch} is not what was read: its hash is {short}…. Read it again, then trust it."
            );
            Err(Problem::conflict("settings_file_changed", detail))
        }
    }
}

/// How many characters of a hash name a content at least.
const MIN_HASH_CHARS: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Api, git};
    use axum::http::Method;
    use serde_json::Value;
    use std::path::PathBuf;

    struct Case {
        api: Api,
        repository: PathBuf,
        project: String,
    }

    impl Case {
        async fn open() -> Self {
            let api = Api::open().await;
            let repository = api.repository("shop");
            let body = json!({ "repository_path": repository });
            let project = crate::testing::id(&api.post("/projects", &body).await);
            Self { api, repository, project }
        }

        fn commit(&self, text: &[u8]) {
            let folder = self.repository.join(".spectask");
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(folder.join("project.toml"), text).expect("a file");
            git(&self.repository, &["add", "-A"]);
            git(
                &self.repository,
                &["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", "Settings"],
            );
        }

        async fn read(&self) -> Value {
            self.api.get(&format!("/projects/{}", self.project)).await
        }

        async fn trust(&self, body: &Value) -> crate::testing::Answer {
            self.api.try_post(&format!("/projects/{}/trust-settings", self.project), body).await
        }
    }

    fn state(project: &Value) -> &str {
        project["settings_file"]["state"].as_str().expect("a state")
    }

    #[tokio::test]
    async fn a_file_takes_effect_when_its_content_is_trusted_and_no_longer_when_it_changes() {
        let case = Case::open().await;
        assert_eq!(state(&case.read().await), "absent");
        case.commit(b"checks = [\"make test\"]\nnetwork = \"none\"\n");
        let found = case.read().await;
        assert_eq!(state(&found), "untrusted", "{found:#}");
        let file = &found["settings_file"];
        assert!(file["content"].as_str().expect("text").contains("make test"));
        assert_eq!(
            file["changes"][0],
            json!({
                "setting": "checks", "kind": "command", "before": null, "after": ["make test"],
            })
        );
        assert_eq!(found["effective_settings"]["checks"], json!({ "value": [], "source": "default" }));
        let (status, problem) = case.trust(&json!({ "hash": "0".repeat(64) })).await.problem();
        assert_eq!((status, &problem["code"]), (409, &json!("settings_file_changed")));
        let hash = file["hash"].clone();
        let trusted = case.trust(&json!({ "hash": hash })).await;
        assert_eq!((trusted.status, state(&trusted.body)), (200, "trusted"), "{:#}", trusted.body);
        let checks = &trusted.body["effective_settings"]["checks"];
        assert_eq!(*checks, json!({ "value": ["make test"], "source": "file" }));
        let audit = case.api.get("/audit?action=trust_settings").await;
        assert_eq!(audit[0]["data"]["hash"], hash);

        case.commit(b"checks = [\"make other\"]\n");
        let changed = case.read().await;
        assert_eq!(state(&changed), "untrusted");
        assert_eq!(changed["effective_settings"]["checks"]["value"], json!([]));
        let (status, _) = case.trust(&json!({ "hash": hash })).await.problem();
        assert_eq!(status, 409);
    }

    #[tokio::test]
    async fn a_working_tree_and_another_branch_change_nothing() {
        let case = Case::open().await;
        git(&case.repository, &["switch", "-qc", "aside"]);
        case.commit(b"checks = [\"make test\"]\n");
        assert_eq!(state(&case.read().await), "absent");
        git(&case.repository, &["switch", "-q", "main"]);
        std::fs::create_dir_all(case.repository.join(".spectask")).expect("a folder");
        std::fs::write(case.repository.join(".spectask/project.toml"), "isolation = \"shared\"\n")
            .expect("a file");
        assert_eq!(state(&case.read().await), "absent");
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_used_is_named() {
        let case = Case::open().await;
        let large = vec![b'#'; 10 << 20];
        for (text, said) in [
            (&b"check = 1\n"[..], "line 1: unknown field `check`"),
            (&b"checks = 1\n"[..], "line 1: invalid type"),
            (&b"\xff\xfe"[..], "it is not text in UTF-8"),
            (&large[..], "it has 10485760 bytes"),
        ] {
            case.commit(text);
            let found = case.read().await;
            assert_eq!(state(&found), "invalid", "{said}");
            let error = found["settings_file"]["error"].as_str().expect("a sentence");
            assert!(error.contains(said) && error.contains(".spectask/project.toml on main"), "{error}");
            let (status, problem) = case.trust(&json!({ "hash": "0".repeat(64) })).await.problem();
            assert_eq!((status, &problem["code"]), (409, &json!("settings_file_invalid")));
        }
    }

    #[tokio::test]
    async fn content_is_trusted_before_it_is_committed_and_what_is_in_force_stays() {
        let case = Case::open().await;
        let (first, second) = ("checks = [\"one\"]\n", "checks = [\"two\"]\n");
        case.commit(first.as_bytes());
        assert_eq!(case.trust(&json!({ "content": first })).await.status, 200);
        assert_eq!(case.trust(&json!({ "content": second })).await.status, 200);
        assert_eq!(state(&case.read().await), "trusted");
        case.commit(second.as_bytes());
        let found = case.read().await;
        assert_eq!(state(&found), "trusted");
        assert_eq!(found["effective_settings"]["checks"]["value"], json!(["two"]));
        let (status, problem) = case.trust(&json!({ "content": "check = 1" })).await.problem();
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("content")));
    }

    #[tokio::test]
    async fn trust_is_given_by_its_own_route_and_by_owners_alone() {
        let case = Case::open().await;
        let path = format!("/projects/{}", case.project);
        let edit = json!({ "settings": { (TRUSTED): ["0"] } });
        let (status, problem) = case.api.send(case.api.request(Method::PUT, &path), &edit).await.problem();
        assert_eq!((status, &problem["code"]), (422, &json!("invalid")), "{problem:#}");
        for scope in ["project", "read"] {
            let body = json!({ "name": scope, "scope": scope, "can_decide": scope == "project",
                "project_id": (scope == "project").then_some(&case.project) });
            let token = case.api.post("/tokens", &body).await["token"].as_str().expect("a token").to_owned();
            let request = crate::testing::anonymous(Method::POST, &format!("/api/v1{path}/trust-settings"))
                .header("authorization", format!("Bearer {token}"));
            let answer = case.api.send(request, &json!({ "content": "" })).await;
            assert_eq!(answer.status, 403, "{scope}: {:#}", answer.body);
        }
    }

    #[tokio::test]
    async fn a_repository_is_looked_at_without_registering_it() {
        let api = Api::open().await;
        let repository = api.repository("shop");
        std::fs::create_dir(repository.join("docs")).expect("a folder");
        std::fs::write(repository.join("docs/a.md"), "").expect("a file");
        std::fs::write(repository.join("go.mod"), "module shop\n").expect("a file");
        git(&repository, &["add", "-A"]);
        git(&repository, &["-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "Go"]);
        for path in [repository.clone(), repository.join("docs")] {
            let found = api.post("/projects/detect", &json!({ "repository_path": path })).await;
            assert_eq!(found["detection"]["test_command"], "go test ./...", "{found:#}");
            assert_eq!((&found["base_branch"], &found["project_id"]), (&json!("main"), &Value::Null));
            assert_eq!(found["repository_path"], json!(repository.canonicalize().expect("a path")));
        }
        assert_eq!(api.get("/projects").await, json!([]));
        for (path, said) in [
            ("shop", "is not absolute"),
            ("/proc", "is not a git repository"),
            ("/nowhere", "no folder /nowhere"),
        ] {
            let (status, problem) =
                api.try_post("/projects/detect", &json!({ "repository_path": path })).await.problem();
            assert_eq!(status, 422);
            assert!(problem["errors"][0]["message"].as_str().expect("text").contains(said), "{problem:#}");
        }
    }

    #[tokio::test]
    async fn null_gives_a_setting_back_to_the_file() {
        let case = Case::open().await;
        let text = "isolation = \"shared\"\n";
        case.commit(text.as_bytes());
        case.trust(&json!({ "content": text })).await;
        let path = format!("/projects/{}", case.project);
        let set = case.api.put(&path, &json!({ "settings": { "isolation": "worktree" } })).await;
        assert_eq!(
            set["effective_settings"]["isolation"],
            json!({ "value": "worktree", "source": "project" })
        );
        let cleared = case.api.put(&path, &json!({ "settings": { "isolation": null } })).await;
        assert_eq!(
            cleared["effective_settings"]["isolation"],
            json!({ "value": "shared", "source": "file" })
        );
    }
}
