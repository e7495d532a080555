//! The documents of a task as they are in git.

use crate::request::caller::Caller;
use crate::request::extract::Query;
use crate::request::path::Path;
use crate::request::problem::Problem;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use engine::App;
use engine::clock::rfc3339;
use engine::documents::metadata;
use engine::insight::views;
use engine::projects::repositories::{Docs, document};
use engine::record::history;
use serde::{Deserialize, Serialize};
use specs::checklist;
use std::io::{BufWriter, Write};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use utoipa::{IntoParams, ToSchema};
use workflow::{DocumentName, Millis, SessionStatus, Task};
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
    pub(crate) content: String,
    content_type: String,
    pub(crate) revision: u32,
    pub(crate) commit: String,
    last_modified: String,
    size: usize,
}

/// Reads one document: `requirements`, `design`, `tasks`, `progress` or `metadata`.
#[utoipa::path(get, path = "/spec-tasks/{id}/documents/{doc}", tag = "documents",
    params(("id" = String, Path), ("doc" = String, Path), RevisionQuery),
    responses((status = 200, body = DocumentView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path((id, doc)): Path<(String, String)>,
    Query(query): Query<RevisionQuery>,
) -> Result<(HeaderMap, Json<DocumentView>), Problem> {
    let task = caller.task(&app, &id).await?;
    let kind = DocumentKind::of(&doc)?;
    let document = match query.revision {
        Some(number) => of_revision(&app, &task, kind, number).await?,
        None => present(&app, &task, kind).await?,
    };
    let mut headers = HeaderMap::new();
    if kind == DocumentKind::Metadata {
        let link = "</api/v1/schemas/spec-metadata.json>; rel=\"describedby\"";
        headers.insert(header::LINK, HeaderValue::from_static(link));
    }
    Ok((headers, Json(document)))
}

/// Returns the JSON Schema of `spec-metadata.json`.
#[utoipa::path(get, path = "/schemas/spec-metadata.json", tag = "documents",
    responses((status = 200, description = "A JSON Schema", content_type = "application/schema+json", body = String)))]
pub(crate) async fn metadata_schema(_caller: Caller) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/schema+json")];
    (kind, workflow::records::metadata::schema()).into_response()
}

/// One of a task's documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DocumentKind {
    Reviewed(DocumentName),
    Progress,
    Metadata,
}

impl DocumentKind {
    /// Returns the document that a path names, by its name or its file's.
    pub(crate) fn of(name: &str) -> Result<Self, Problem> {
        match name {
            "progress" | "progress.md" => return Ok(Self::Progress),
            "metadata" | "spec-metadata.json" => return Ok(Self::Metadata),
            _ => {}
        }
        name.strip_suffix(".md").unwrap_or(name).parse().map(Self::Reviewed).map_err(|_| {
            let detail = "The documents are requirements, design, tasks, progress and metadata.";
            Problem::new(StatusCode::NOT_FOUND, "unknown_document", detail)
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Reviewed(name) => name.as_str(),
            Self::Progress => "progress",
            Self::Metadata => "metadata",
        }
    }

    pub(crate) fn filename(self) -> &'static str {
        match self {
            Self::Reviewed(DocumentName::Requirements) => "requirements.md",
            Self::Reviewed(DocumentName::Design) => "design.md",
            Self::Reviewed(DocumentName::Tasks) => "tasks.md",
            Self::Progress => "progress.md",
            Self::Metadata => "spec-metadata.json",
        }
    }

    pub(crate) fn content(self, docs: Docs) -> Option<String> {
        match self {
            Self::Reviewed(DocumentName::Requirements) => docs.requirements,
            Self::Reviewed(DocumentName::Design) => docs.design,
            Self::Reviewed(DocumentName::Tasks) => docs.tasks,
            Self::Progress => docs.progress,
            Self::Metadata => docs.metadata,
        }
    }

    /// There is no such document yet.
    pub(crate) fn absent(self) -> Problem {
        let detail = format!("There is no {} yet.", self.filename());
        Problem::new(StatusCode::NOT_FOUND, "not_generated_yet", detail)
    }
}

impl DocumentView {
    fn of(task: &Task, kind: DocumentKind, content: String) -> Self {
        let content_type = match kind {
            DocumentKind::Metadata => "application/json",
            DocumentKind::Reviewed(_) | DocumentKind::Progress => "text/markdown",
        };
        Self {
            spec_task_id: task.id.to_string(),
            document_name: kind.name().to_owned(),
            filename: kind.filename().to_owned(),
            content_type: content_type.to_owned(),
            size: content.len(),
            content,
            revision: 0,
            commit: String::new(),
            last_modified: rfc3339(task.updated_at),
        }
    }
}

/// Returns a document as a version of the documents has it: what the planner wrote in a round, or a person's edit of
/// it.
async fn of_revision(
    app: &App,
    task: &Task,
    kind: DocumentKind,
    number: u32,
) -> Result<DocumentView, Problem> {
    let DocumentKind::Reviewed(name) = kind else {
        return Err(Problem::invalid("revision", format!("{} is not part of a revision", kind.filename())));
    };
    let revisions = app.store.revisions(&task.id).await?;
    let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
    let found = place.and_then(|place| revisions.get(place)).ok_or_else(|| {
        let detail = format!("The task has no revision {number}; its last is {}.", revisions.len());
        Problem::new(StatusCode::NOT_FOUND, "unknown_revision", detail)
    })?;
    Ok(DocumentView {
        revision: number,
        commit: found.commit.to_string(),
        last_modified: rfc3339(found.created_at),
        ..DocumentView::of(task, kind, found.text(name).to_owned())
    })
}

/// Returns which revision the documents in force are, from 1; 0 while there are none.
pub(crate) async fn revision_in_force(app: &App, task: &Task) -> Result<u32, Problem> {
    let Some(specs) = task.specs() else { return Ok(0) };
    let revisions = app.store.revisions(&task.id).await?;
    let place = revisions.iter().rposition(|one| one.round == specs.round && one.hash == specs.hash);
    Ok(u32::try_from(place.map_or(revisions.len(), |place| place + 1)).unwrap_or(u32::MAX))
}

/// Returns a document as it stands on the branch.
pub(crate) async fn present(app: &App, task: &Task, kind: DocumentKind) -> Result<DocumentView, Problem> {
    let mut docs = app.repositories.docs(task).await?;
    let commit = docs.commit.clone().unwrap_or_default();
    if kind == DocumentKind::Metadata {
        docs.metadata = present_metadata(app, task, docs.metadata).await?;
    }
    let content = kind.content(docs).ok_or_else(|| kind.absent())?;
    let at = last_change(app, task, &commit, vec![document(&task.id, kind.filename())]).await?;
    let at = at.map_or(task.updated_at, |found| Millis(found.time_ms));
    let revision = revision_in_force(app, task).await?;
    Ok(DocumentView { revision, commit, last_modified: rfc3339(at), ..DocumentView::of(task, kind, content) })
}

/// Returns the metadata as git has it, or of the documents in force, where git has that of earlier ones or none.
async fn present_metadata(
    app: &App,
    task: &Task,
    committed: Option<String>,
) -> Result<Option<String>, Problem> {
    let Some(specs) = task.specs() else { return Ok(committed) };
    let is_present =
        |text: &String| serde_json::from_str(text).is_ok_and(|file| metadata::is_of(&file, specs));
    if committed.as_ref().is_some_and(is_present) {
        return Ok(committed);
    }
    Ok(Some(metadata::of(app, task, specs, task.status(), serde_json::Map::new()).await?))
}

/// Returns the last commit on the way to another one that changed one of some files or folders.
async fn last_change(
    app: &App,
    task: &Task,
    commit: &str,
    paths: Vec<String>,
) -> Result<Option<git::LastChange>, Problem> {
    let project_repo = app.repositories.project_repo(&task.project).await?;
    let commit = commit.to_owned();
    let found = engine::spawn_blocking(move || {
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        project_repo.repository.last_change(&commit, &paths)
    });
    found.await.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))
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
    let project_repo = app.repositories.project_repo(&task.project).await?;
    let branch = project_repo.settings.design_docs_branch.clone();
    let folders = [format!("specs/{id}"), format!("sessions/{id}")];
    let repository = project_repo.repository.clone();
    let listed = engine::spawn_blocking(move || -> Result<_, git::Error> {
        let Some(tip) = repository.resolve(&branch)? else { return Ok(None) };
        let tip = tip.to_string();
        let paths =
            folders.iter().map(|folder| repository.list(&tip, folder)).collect::<Result<Vec<_>, _>>()?;
        Ok(Some((tip, paths.concat())))
    });
    let listed = listed
        .await
        .map_err(|error| Problem::internal(&error))?
        .map_err(|error| Problem::internal(&error))?;
    let (tip, paths) = listed.filter(|(_, paths)| !paths.is_empty()).ok_or_else(|| {
        Problem::new(StatusCode::NOT_FOUND, "not_generated_yet", "The task has no documents in git yet.")
    })?;
    // The archive is sent while it is made: a task's conversations may be larger than memory.
    let (sender, parts) = mpsc::channel(PARTS);
    engine::spawn_blocking(move || {
        let to = PartWriter { parts: sender.clone(), is_closed: false };
        if let Err(error) = write_archive(&project_repo.repository, &tip, paths, to)
            && !sender.is_closed()
        {
            tracing::warn!(error = format!("{error:#}"), "could not send an archive of documents");
            // The client sees a download that broke off.
            let _ = sender.blocking_send(Err(std::io::Error::other(error)));
        }
    });
    let name = format!("attachment; filename=\"{id}-documents.zip\"");
    let body = Body::from_stream(ReceiverStream::new(parts));
    Ok(([(header::CONTENT_TYPE, "application/zip".to_owned()), (header::CONTENT_DISPOSITION, name)], body)
        .into_response())
}

/// How many parts of an archive wait to be sent at most.
const PARTS: usize = 4;
/// The size of such a part in bytes.
const PART_BYTES: usize = 64 * 1024;

/// Writes files of a revision as a ZIP archive.
fn write_archive(
    repository: &git::Repository,
    tip: &str,
    paths: Vec<String>,
    to: PartWriter,
) -> anyhow::Result<()> {
    let mut archive = zip::ZipWriter::new_stream(BufWriter::with_capacity(PART_BYTES, to));
    let mut left_out = Vec::new();
    for path in paths {
        // A name that some systems take for a path out of the folder, or cannot have, is not unpacked by anyone.
        let content = if is_portable(&path) { repository.read(tip, &path)? } else { None };
        let Some(content) = content else {
            left_out.push(path);
            continue;
        };
        archive.start_file(path, SimpleFileOptions::default())?;
        archive.write_all(&content)?;
    }
    if !left_out.is_empty() {
        let names: Vec<String> = left_out.iter().map(|path| path.escape_debug().to_string()).collect();
        archive.start_file("LEFT-OUT.txt", SimpleFileOptions::default())?;
        let note = "These files of the branch are not in the archive: their names do not work on every system, or they are \
                    no regular files.\n\n";
        archive.write_all(format!("{note}{}\n", names.join("\n")).as_bytes())?;
    }
    archive.finish()?.into_inner().flush()?;
    Ok(())
}

/// Hands what is written to the body of an answer; waits while the client does not keep up.
struct PartWriter {
    parts: mpsc::Sender<std::io::Result<Bytes>>,
    /// Whether the client has gone; the archive still writes its end when it is dropped.
    is_closed: bool,
}

impl Write for PartWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if !self.is_closed && self.parts.blocking_send(Ok(Bytes::copy_from_slice(bytes))).is_err() {
            self.is_closed = true;
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Returns whether a path names the same file on every system.
fn is_portable(path: &str) -> bool {
    let is_plain = |part: &str| {
        let is_odd = |letter: char| letter.is_control() || "\\:*?\"<>|\u{fffd}".contains(letter);
        !part.is_empty()
            && part != "."
            && part != ".."
            && !part.ends_with(['.', ' '])
            && !part.contains(is_odd)
    };
    path.split('/').all(is_plain)
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
    /// Whether everything said, changed and decided so far is in git.
    fully_recorded: bool,
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
    let paths = vec![format!("specs/{id}"), format!("sessions/{id}")];
    let last = match app.repositories.project_repo(&task.project).await {
        Ok(project_repo) => {
            Ok(last_change(&app, &task, &project_repo.settings.design_docs_branch, paths).await?)
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
        documents_generated: views::in_force(&app, &task).await?.is_some(),
        session_recording_active: task
            .sessions
            .iter()
            .any(|session| task.session_status(session) == SessionStatus::Active),
        // What cannot be looked at is not known to be there.
        fully_recorded: history::is_whole(&app, &task).await.unwrap_or(false),
        last_commit_hash: last.as_ref().map(|entry| entry.id.to_string()),
        last_commit_time: last.map(|entry| rfc3339(Millis(entry.time_ms))),
    }))
}

#[cfg(test)]
mod tests {
    use super::is_portable;

    #[test]
    fn names_that_mean_something_else_elsewhere_are_not_portable() {
        for path in ["specs/1/a.md", "specs/1/.hidden", "specs/1/Ünï cødé (2).md", "specs/1/a..b"] {
            assert!(is_portable(path), "{path}");
        }
        let odd = [
            "a\\b",
            "..\\..\\x",
            "C:x",
            "a/../b",
            "a//b",
            "a\nb",
            "a\u{1b}[2Jb",
            "a.",
            "a ",
            "\u{fffd}",
            "a?",
        ];
        for path in odd {
            assert!(!is_portable(path), "{path:?}");
        }
    }
}
