//! A person edits a document: committed on the design-docs branch in their name, and reviewed again where that changes
//! what is approved.

use crate::documents::document::{DocumentKind, DocumentView, present, revision_in_force};
use crate::people::audit;
use crate::request::caller::Caller;
use crate::request::extract::JsonBody;
use crate::request::path::Path;
use crate::request::problem::{FieldError, Problem};
use axum::Json;
use axum::extract::State;
use engine::App;
use engine::clock::now;
use engine::documents::Documents;
use engine::documents::watch;
use engine::projects::repositories::{ProjectRepo, document};
use git::{Change, Commit, CommitId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use specs::checklist;
use utoipa::ToSchema;
use workflow::{DocumentName, Landing, Phase, Task, TaskStatus};

/// An edit of a document.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct DocumentEdit {
    /// The whole document.
    content: String,
    /// The `commit` with which the document was read.
    base_commit: String,
}

/// The document after an edit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EditedDocument {
    #[serde(flatten)]
    pub(crate) document: DocumentView,
    /// Where the task stands now.
    pub(crate) status: TaskStatus,
    /// Whether the edit made an approval void: the documents are to be reviewed again.
    pub(crate) approval_void: bool,
    pub(crate) message: String,
}

/// Edits a document: `requirements`, `design` or `tasks` while they are under review or in force, or `progress`.
#[utoipa::path(put, path = "/spec-tasks/{id}/documents/{doc}", tag = "documents",
    params(("id" = String, Path), ("doc" = String, Path)), request_body = DocumentEdit,
    responses((status = 200, body = EditedDocument), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn write(
    State(app): State<App>,
    caller: Caller,
    Path((id, doc)): Path<(String, String)>,
    JsonBody(body): JsonBody<DocumentEdit>,
) -> Result<Json<EditedDocument>, Problem> {
    let task = caller.task(&app, &id).await?;
    let kind = DocumentKind::of(&doc)?;
    expect_editable(&task, kind)?;
    if body.content.trim().is_empty() {
        return Err(Problem::invalid("content", "is empty"));
    }
    let DocumentEdit { content, base_commit } = body;
    save(&app, &caller, &task, Edit { kind, content: &content, base: &base_commit }).await.map(Json)
}

/// Checks and commits an edit of the caller's, and has it taken in by the task.
pub(crate) async fn save(
    app: &App,
    caller: &Caller,
    task: &Task,
    edit: Edit<'_>,
) -> Result<EditedDocument, Problem> {
    let Edit { kind, content, .. } = edit;
    let before = present(app, task, kind).await?;
    let mut after = if before.content == content {
        before
    } else {
        check(app, task, kind, content).await?;
        commit(app, caller, task, edit).await?;
        let after = present(app, task, kind).await?;
        let project_repo = app.repositories.project_repo(&task.project).await?;
        let by = caller.user.name.clone();
        watch::look_at_documents(app, &project_repo, task, &after.commit, by).await.map_err(|error| {
            // The edit is committed: the watcher of the branch, or the next start, takes it in.
            Problem::internal(error.as_ref())
        })?;
        let data = json!({ "document": kind.filename(), "commit": after.commit });
        audit::record(app, caller, "edit_document", task.id.as_str(), &data).await?;
        after
    };
    if after.content != content {
        return Err(moved_on(kind, &after.commit));
    }
    let now = caller.task(app, task.id.as_str()).await?;
    after.revision = revision_in_force(app, &now).await?;
    let approval_void = task.approved().is_some() && now.approved().is_none();
    let message = if approval_void {
        "The edit changed what was approved: the approval is void, and the documents wait for your review."
    } else if now.status() == TaskStatus::SpecReview {
        "The edit is committed and under review."
    } else {
        "The edit is committed."
    };
    let message = message.to_owned();
    Ok(EditedDocument { document: after, status: now.status(), approval_void, message })
}

/// Puts a text in the place of another wherever it stands in a document, as an edit of the caller's.
pub(crate) async fn replace(
    app: &App,
    caller: &Caller,
    task: &Task,
    kind: DocumentKind,
    (from, to): (&str, &str),
) -> Result<(), Problem> {
    expect_editable(task, kind)?;
    let before = present(app, task, kind).await?;
    let content = before.content.replace(from, to);
    if content == before.content {
        return Ok(());
    }
    check(app, task, kind, &content).await?;
    commit(app, caller, task, Edit { kind, content: &content, base: &before.commit }).await?;
    let after = present(app, task, kind).await?;
    let project_repo = app.repositories.project_repo(&task.project).await?;
    let by = caller.user.name.clone();
    let looked = watch::look_at_documents(app, &project_repo, task, &after.commit, by).await;
    looked.map_err(|error| Problem::internal(error.as_ref()))?;
    Ok(())
}

/// Documents are edited while a person may decide about them or agents work by them.
pub(crate) fn expect_editable(task: &Task, kind: DocumentKind) -> Result<(), Problem> {
    let no = |why: &str| {
        let detail =
            format!("{} cannot be edited while the task is in {}: {why}.", kind.filename(), task.status());
        Err(Problem::conflict("wrong_state", detail))
    };
    if kind == DocumentKind::Metadata {
        let message = "spec-metadata.json is made from the task and its documents; edit these instead";
        return Err(Problem::invalid("doc", message));
    }
    match &task.phase {
        Phase::Done { .. } | Phase::Cancelled { .. } => {
            no("the task is over, and its documents are its record")
        }
        _ if kind == DocumentKind::Progress => Ok(()),
        Phase::Backlog
        | Phase::SpecGeneration { .. }
        | Phase::SpecRevision { .. }
        | Phase::SpecFailed { .. } => no("the planning agent is to write it; edit it in spec_review"),
        Phase::ImplementationReview { landing: Landing::Merging { .. }, .. } => {
            no("the change is being merged")
        }
        Phase::ImplementationQueued { approved: None }
        | Phase::Implementation { approved: None, .. }
        | Phase::ImplementationReview { approved: None, .. }
        | Phase::ImplementationFailed { approved: None, .. } => Err(kind.absent()),
        Phase::SpecReview { .. }
        | Phase::SpecApproved { .. }
        | Phase::ImplementationQueued { .. }
        | Phase::Implementation { .. }
        | Phase::ImplementationReview { .. }
        | Phase::ImplementationFailed { .. } => Ok(()),
    }
}

/// Checks that the documents can be used with the edit.
pub(crate) async fn check(app: &App, task: &Task, kind: DocumentKind, content: &str) -> Result<(), Problem> {
    let docs = app.repositories.docs(task).await?;
    let DocumentKind::Reviewed(name) = kind else {
        let had_items = docs.progress.is_some_and(|text| !checklist::parse(&text).items.is_empty());
        if had_items && checklist::parse(content).items.is_empty() {
            return Err(Problem::invalid(
                "content",
                "has no checklist; its items are marked as the work continues",
            ));
        }
        return Ok(());
    };
    let text = |text: Option<String>| text.unwrap_or_default();
    let mut all = Documents {
        requirements: text(docs.requirements),
        design: text(docs.design),
        tasks: text(docs.tasks),
    };
    match name {
        DocumentName::Requirements => content.clone_into(&mut all.requirements),
        DocumentName::Design => content.clone_into(&mut all.design),
        DocumentName::Tasks => content.clone_into(&mut all.tasks),
    }
    let problems = all.problems();
    if problems.is_empty() {
        return Ok(());
    }
    let mut problem = Problem::invalid("content", problems.join(" "));
    let field = |message: String| FieldError { field: "content".to_owned(), message };
    problem.errors = problems.into_iter().map(field).collect();
    Err(problem)
}

/// The new content, and the content that it replaces.
pub(crate) struct Edit<'e> {
    pub(crate) kind: DocumentKind,
    pub(crate) content: &'e str,
    /// The commit with which the document was read.
    pub(crate) base: &'e str,
}

/// Commits the edit where the document is still as it was read.
async fn commit(app: &App, caller: &Caller, task: &Task, edit: Edit<'_>) -> Result<(), Problem> {
    let Edit { kind, content, base } = edit;
    let ProjectRepo { repository, settings } = app.repositories.project_repo(&task.project).await?;
    let branch = settings.design_docs_branch;
    if base.is_empty() || !base.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let message = "is no commit; send the `commit` with which the document was read";
        return Err(Problem::invalid("base_commit", message));
    }
    let mut digest = Sha256::new();
    for part in [task.id.as_str(), kind.filename(), base, content] {
        digest.update(part.len().to_be_bytes());
        digest.update(part);
    }
    let name = kind.filename();
    let commit = Commit {
        branch: branch.clone(),
        changes: vec![Change { path: document(&task.id, name), content: Some(content.as_bytes().to_vec()) }],
        message: format!("{}: {name} edited\n\nSpecTask-Task: {}\n", task.name, task.id),
        author: caller.identity(),
        time_ms: now().0,
        effect: Some(format!("edit/{}", hex::encode(&digest.finalize()[..16]))),
    };
    let base = base.to_owned();
    let done = engine::spawn_blocking(move || {
        let found = repository.resolve(&base)?;
        let made = match found {
            Some(base) => repository.commit_on(base, &[], &commit)?.map(|made| made.id),
            None => None,
        };
        let tip = repository.resolve(&branch)?;
        Ok::<(Option<CommitId>, Option<CommitId>), git::Error>((made, tip))
    });
    let (made, tip) =
        done.await.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))?;
    match made {
        Some(_) => Ok(()),
        None => Err(moved_on(kind, &tip.map(|tip| tip.to_string()).unwrap_or_default())),
    }
}

fn moved_on(kind: DocumentKind, commit: &str) -> Problem {
    let detail = format!(
        "{} is not as it was at the base commit: it was changed since. Read it again, at commit {commit}, and make \
         your edit there.",
        kind.filename()
    );
    Problem::conflict("document_moved_on", detail)
}
