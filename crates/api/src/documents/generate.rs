//! The documents of a task on a separate branch, for reviews on a git host.

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
use engine::documents::metadata;
use engine::insight::views;
use engine::projects::repositories::{ProjectRepo, document};
use git::{Change, Commit};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use utoipa::ToSchema;
use workflow::Task;

/// Where the documents are to be committed, and how.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct GenerateBody {
    /// Absent is `specs/{id}`; a branch that does not exist is cut from the task's base branch.
    branch_name: Option<String>,
    commit_message: Option<String>,
    /// Whether documents of other content on the branch may be written over.
    #[serde(default)]
    overwrite_existing: bool,
    #[serde(default)]
    create_pull_request: bool,
    #[serde(default)]
    reviewers_needed: Vec<String>,
    /// The value of `custom_metadata` in spec-metadata.json.
    #[serde(default)]
    #[schema(value_type = Object)]
    custom_metadata: Map<String, Value>,
}

/// The committed documents.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GeneratedDocuments {
    spec_task_id: String,
    commit_hash: String,
    branch_name: String,
    files_created: Vec<String>,
    #[schema(required)]
    pull_request_url: Option<String>,
    /// Each file's content, by its path.
    generated_files: BTreeMap<String, String>,
    warnings: Vec<String>,
    success: bool,
    message: String,
}

/// Commits the documents in force to a branch, with their metadata.
#[utoipa::path(post, path = "/spec-tasks/{id}/generate-documents", tag = "documents", params(("id" = String, Path)),
    request_body = GenerateBody, responses((status = 200, body = GeneratedDocuments), (status = 404, body = Problem),
        (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn documents(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(body): JsonBody<GenerateBody>,
) -> Result<Json<GeneratedDocuments>, Problem> {
    let task = caller.task(&app, &id).await?;
    let absent = || {
        let detail = "The planning agent has not written the documents yet.";
        Problem::new(StatusCode::NOT_FOUND, "not_generated_yet", detail)
    };
    let revision = views::in_force(&app, &task).await?.ok_or_else(absent)?;
    let specs = task.specs().ok_or_else(absent)?;
    let project_repo = app.repositories.project_repo(&task.project).await?;
    let branch = branch(&task, &project_repo, body.branch_name.clone())?;
    let custom = body.custom_metadata.clone();
    let metadata = metadata::of(&app, &task, specs, task.status(), custom).await?;
    let reviewed = [
        ("requirements.md", revision.requirements),
        ("design.md", revision.design),
        ("tasks.md", revision.tasks),
    ];
    let reviewed: BTreeMap<String, String> =
        reviewed.into_iter().map(|(name, text)| (document(&task.id, name), text)).collect();
    let mut files = reviewed.clone();
    files.insert(document(&task.id, "spec-metadata.json"), metadata);
    let commit = Commit {
        branch: branch.clone(),
        changes: files
            .iter()
            .map(|(path, text)| Change { path: path.clone(), content: Some(text.as_bytes().to_vec()) })
            .collect(),
        message: message(&task, &body),
        author: caller.identity(),
        time_ms: now().0,
        // What is there already makes no commit: that is what makes it safe to repeat.
        effect: None,
    };
    let (base, overwrite) = (task.base_branch.clone(), body.overwrite_existing);
    let done = engine::spawn_blocking(move || {
        let repository = project_repo.repository;
        if !overwrite {
            for (path, text) in &reviewed {
                let there = repository.read(&commit.branch, path)?;
                if there.is_some_and(|there| there != text.as_bytes()) {
                    return Ok(Err(path.clone()));
                }
            }
        }
        repository.create_branch(&commit.branch, &base)?;
        Ok::<_, git::Error>(Ok(repository.commit(&commit)?))
    });
    let done = done.await.map_err(|error| Problem::internal(&error))?;
    let committed = done.map_err(|error| Problem::internal(&error))?.map_err(|path| {
        let detail = format!(
            "The branch {branch} has another {path}. Send `overwrite_existing: true` to write over it, or name another \
             branch."
        );
        Problem::conflict("already_exists", detail)
    })?;
    let data = json!({ "branch": branch, "commit": committed.id.to_string() });
    audit::record(&app, &caller, "generate_documents", &id, &data).await?;
    let message = if committed.fresh {
        format!("The documents are committed to {branch}.")
    } else {
        format!("The branch {branch} has the documents already.")
    };
    Ok(Json(GeneratedDocuments {
        spec_task_id: id,
        commit_hash: committed.id.to_string(),
        branch_name: branch,
        files_created: files.keys().cloned().collect(),
        pull_request_url: None,
        generated_files: files,
        warnings: warnings(&body),
        success: true,
        message,
    }))
}

/// Returns the branch that is written; nothing but documents is on it, and no one else's work.
fn branch(task: &Task, project_repo: &ProjectRepo, named: Option<String>) -> Result<String, Problem> {
    let name = named.filter(|name| !name.trim().is_empty()).unwrap_or_else(|| format!("specs/{}", task.id));
    let no = |message: String| Err(Problem::invalid("branch_name", message));
    if !git::is_branch_name(&name) {
        return no(format!("{name:?} is no name of a branch"));
    }
    if name == task.base_branch {
        return no(format!("{name} is the base branch; the documents land on it with the change"));
    }
    if name == project_repo.settings.design_docs_branch {
        return no(format!("{name} has the documents already; name another branch, or leave the field out"));
    }
    let short = name.strip_prefix("refs/heads/").unwrap_or(&name);
    if ["task/", "spectask/", "session/"].iter().any(|prefix| short.starts_with(prefix)) {
        return no(format!("{name} is for the work of agents; name another branch, or leave the field out"));
    }
    Ok(short.to_owned())
}

fn message(task: &Task, body: &GenerateBody) -> String {
    let said = body.commit_message.as_deref().map(str::trim).filter(|said| !said.is_empty());
    let mut text =
        said.map_or_else(|| format!("{} {}: documents", task.shown_id(), task.name), str::to_owned);
    text.push_str("\n\n");
    for reviewer in &body.reviewers_needed {
        let _ = writeln!(text, "Review-Needed: {}", reviewer.replace(['\n', '\r'], " "));
    }
    let _ = writeln!(text, "SpecTask-Task: {}", task.id);
    text
}

fn warnings(body: &GenerateBody) -> Vec<String> {
    let mut warnings = Vec::new();
    if body.create_pull_request {
        warnings.push(
            "No pull request was opened: the project names no forge to open one on. Push the branch and open it there."
                .to_owned(),
        );
    }
    if !body.reviewers_needed.is_empty() {
        warnings.push("The reviewers are named in the commit's message; they were not notified.".to_owned());
    }
    warnings
}
