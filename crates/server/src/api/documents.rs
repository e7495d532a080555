//! The documents of a task as they are in git.

use super::caller::Caller;
use super::extract::Query;
use super::problem::Problem;
use super::scenes;
use crate::App;
use crate::repositories::document;
use crate::wire::rfc3339;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use std::io::{Cursor, Write as _};
use utoipa::{IntoParams, ToSchema};
use workflow::documents::checklist;
use workflow::{Millis, SessionStatus, Task};
use zip::write::SimpleFileOptions;

/// A task's documents on the design-docs branch.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DesignDocs {
    task_id: String,
    #[schema(required)]
    progress_md: Option<String>,
    #[schema(required)]
    design_md: Option<String>,
    #[schema(required)]
    requirements_md: Option<String>,
    #[schema(required)]
    tasks_md: Option<String>,
    /// The index in the checklist of what is being worked on; -1 when nothing is.
    current_task_index: i64,
    branch: String,
    #[schema(required)]
    commit: Option<String>,
    /// Where they are in the design-docs worktree.
    path: String,
}

/// Reads a task's documents from the design-docs branch.
#[utoipa::path(get, path = "/spec-tasks/{id}/design-docs", tag = "documents", params(("id" = String, Path)),
    responses((status = 200, body = DesignDocs)))]
pub(crate) async fn design_docs(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<DesignDocs>, Problem> {
    let task = caller.task(&app, &id).await?;
    let docs = app.repositories.docs(&task).await?;
    let current = docs.progress.as_deref().and_then(|text| checklist::parse(text).current_index());
    Ok(Json(DesignDocs {
        task_id: id,
        progress_md: docs.progress,
        design_md: docs.design,
        requirements_md: docs.requirements,
        tasks_md: docs.tasks,
        current_task_index: current.and_then(|index| i64::try_from(index).ok()).unwrap_or(-1),
        branch: docs.branch,
        commit: docs.commit,
        path: docs.path.to_string_lossy().into_owned(),
    }))
}

/// Which revision of a document is read.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RevisionQuery {
    /// The review round; absent is what stands on the branch.
    revision: Option<u32>,
}

/// One document.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentView {
    spec_task_id: String,
    document_name: String,
    filename: String,
    content: String,
    content_type: String,
    revision: u32,
    commit: String,
    last_modified: String,
    size: usize,
}

/// Reads one document: `requirements`, `design`, `tasks`, `progress` or `metadata`.
#[utoipa::path(get, path = "/spec-tasks/{id}/documents/{doc}", tag = "documents",
    params(("id" = String, Path), ("doc" = String, Path), RevisionQuery),
    responses((status = 200, body = DocumentView), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path((id, doc)): Path<(String, String)>,
    Query(query): Query<RevisionQuery>,
) -> Result<Json<DocumentView>, Problem> {
    let task = caller.task(&app, &id).await?;
    let (name, filename) = match doc.as_str() {
        "requirements" | "requirements.md" => ("requirements", "requirements.md"),
        "design" | "design.md" => ("design", "design.md"),
        "tasks" | "tasks.md" => ("tasks", "tasks.md"),
        "progress" | "progress.md" => ("progress", "progress.md"),
        "metadata" | "spec-metadata.json" => ("metadata", "spec-metadata.json"),
        _ => {
            let detail = "The documents are requirements, design, tasks, progress and metadata.";
            return Err(Problem::new(StatusCode::NOT_FOUND, "unknown_document", detail));
        }
    };
    let absent =
        || Problem::new(StatusCode::NOT_FOUND, "not_generated_yet", format!("There is no {filename} yet."));
    let (content, commit, revision, at) = match query.revision {
        Some(round) => {
            let rounds = app.store.revisions(&task.id).await?;
            let found = rounds.into_iter().rev().find(|revision| revision.round == round);
            let found = found.ok_or_else(|| {
                Problem::new(
                    StatusCode::NOT_FOUND,
                    "unknown_revision",
                    format!("The task has no revision {round}."),
                )
            })?;
            let content = match name {
                "requirements" => found.requirements,
                "design" => found.design,
                "tasks" => found.tasks,
                _ => {
                    return Err(Problem::invalid(
                        "revision",
                        format!("{filename} is not part of a revision"),
                    ));
                }
            };
            (content, found.commit.to_string(), round, found.created_at)
        }
        None => {
            let docs = app.repositories.docs(&task).await?;
            let content = match name {
                "requirements" => docs.requirements,
                "design" => docs.design,
                "tasks" => docs.tasks,
                "progress" => docs.progress,
                _ => docs.metadata,
            };
            let commit = docs.commit.clone().unwrap_or_default();
            let at = last_touched(&app, &task, &commit, &document(&task.id, filename)).await?;
            let round = task.specs().map_or(0, |specs| specs.round);
            (content.ok_or_else(absent)?, commit, round, at)
        }
    };
    Ok(Json(DocumentView {
        spec_task_id: id,
        document_name: name.to_owned(),
        filename: filename.to_owned(),
        content_type: if name == "metadata" { "application/json" } else { "text/markdown" }.to_owned(),
        size: content.len(),
        content,
        revision,
        commit,
        last_modified: rfc3339(at),
    }))
}

/// How many commits are looked through for a document's last change.
const LOOK: usize = 500;

/// When a file was last changed on the way to a commit.
async fn last_touched(app: &App, task: &Task, commit: &str, path: &str) -> Result<Millis, Problem> {
    if commit.is_empty() {
        return Ok(task.updated_at);
    }
    let workplace = app.repositories.workplace(&task.project).await?;
    let (commit, path) = (commit.to_owned(), path.to_owned());
    let log = tokio::task::spawn_blocking(move || {
        let log = workplace.repository.log(None, &commit, LOOK)?;
        Ok::<_, git::Error>(
            log.into_iter().find(|entry| entry.files_touched.contains(&path)).map(|entry| entry.time_ms),
        )
    });
    let found =
        log.await.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))?;
    Ok(found.map_or(task.updated_at, Millis))
}

/// Downloads a task's folders of the design-docs branch as a ZIP archive.
#[utoipa::path(get, path = "/spec-tasks/{id}/download-documents", tag = "documents", params(("id" = String, Path)),
    responses((status = 200, description = "A ZIP archive", content_type = "application/zip")))]
pub(crate) async fn download(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let task = caller.task(&app, &id).await?;
    let workplace = app.repositories.workplace(&task.project).await?;
    let branch = workplace.settings.design_docs_branch.clone();
    let folders = [format!("specs/{id}"), format!("sessions/{id}")];
    let archive = tokio::task::spawn_blocking(move || -> anyhow::Result<Option<Vec<u8>>> {
        let Some(tip) = workplace.repository.resolve(&branch)? else { return Ok(None) };
        let tip = tip.to_string();
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let mut is_empty = true;
        for path in folders
            .iter()
            .map(|folder| workplace.repository.list(&tip, folder))
            .collect::<Result<Vec<_>, _>>()?
            .concat()
        {
            let Some(content) = workplace.repository.read(&tip, &path)? else { continue };
            archive.start_file(path, SimpleFileOptions::default())?;
            archive.write_all(&content)?;
            is_empty = false;
        }
        let bytes = archive.finish()?.into_inner();
        Ok((!is_empty).then_some(bytes))
    });
    let bytes = archive
        .await
        .map_err(|error| Problem::internal(&error))?
        .map_err(|error| Problem::internal(error.as_ref()))?;
    let bytes = bytes.ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, "not_generated_yet", "The task has no documents in git yet.")
    })?;
    let name = format!("attachment; filename=\"{id}-documents.zip\"");
    Ok(([(header::CONTENT_TYPE, "application/zip".to_owned()), (header::CONTENT_DISPOSITION, name)], bytes)
        .into_response())
}

/// How a task stands with git.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DocumentStatus {
    spec_task_id: String,
    current_phase: String,
    /// `not_started`, `committed` or `unavailable`.
    git_integration_status: String,
    documents_generated: bool,
    session_recording_active: bool,
    #[schema(required)]
    last_commit_hash: Option<String>,
    #[schema(required)]
    last_commit_time: Option<String>,
}

/// Shows how a task stands with git.
#[utoipa::path(get, path = "/spec-tasks/{id}/document-status", tag = "documents", params(("id" = String, Path)),
    responses((status = 200, body = DocumentStatus)))]
pub(crate) async fn status(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<DocumentStatus>, Problem> {
    let task = caller.task(&app, &id).await?;
    let prefix = format!("specs/{id}/");
    let last = match app.repositories.workplace(&task.project).await {
        Ok(workplace) => {
            let branch = workplace.settings.design_docs_branch.clone();
            let read = tokio::task::spawn_blocking(move || {
                let Some(tip) = workplace.repository.resolve(&branch)? else { return Ok(None) };
                let log = workplace.repository.log(None, &tip.to_string(), LOOK)?;
                Ok::<_, git::Error>(
                    log.into_iter()
                        .find(|entry| entry.files_touched.iter().any(|file| file.starts_with(&prefix))),
                )
            });
            Ok(read
                .await
                .map_err(|error| Problem::internal(&error))?
                .map_err(|error| Problem::internal(&error))?)
        }
        Err(error) => Err(error),
    };
    let git = match &last {
        Ok(Some(_)) => "committed",
        Ok(None) => "not_started",
        Err(_) => "unavailable",
    };
    let last = last.ok().flatten();
    Ok(Json(DocumentStatus {
        spec_task_id: id,
        current_phase: task.status().to_string(),
        git_integration_status: git.to_owned(),
        documents_generated: scenes::in_force(&app, &task).await?.is_some(),
        session_recording_active: task
            .sessions
            .iter()
            .any(|session| task.session_status(session) == SessionStatus::Active),
        last_commit_hash: last.as_ref().map(|entry| entry.id.to_string()),
        last_commit_time: last.map(|entry| rfc3339(Millis(entry.time_ms))),
    }))
}
