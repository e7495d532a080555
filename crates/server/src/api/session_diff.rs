//! What one work session changed, also while its work is not committed yet.

use super::caller::Caller;
use super::extract::Query;
use super::implementation::{DiffQuery, FileDiffView};
use super::problem::Problem;
use super::sessions::found;
use super::tasks::{limit, page_headers};
use crate::App;
use crate::instances::workdir;
use crate::repositories::RepositoryError;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Uri};
use git::Repository;
use serde::Serialize;
use std::path::PathBuf;
use utoipa::ToSchema;
use workflow::{Isolation, Session, Task};

/// What a work session changed, a page of its files.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionDiffView {
    work_session_id: String,
    spec_task_id: String,
    /// Null for a session that only reads.
    #[schema(required)]
    branch_name: Option<String>,
    /// Whether what is not committed is in it, because the session is at work.
    with_uncommitted: bool,
    /// Whether all sessions of the task work on this branch, so that the others' work since this one began is in it.
    is_shared: bool,
    files: Vec<FileDiffView>,
    total_files: usize,
    additions: usize,
    deletions: usize,
}

/// Shows what a work session changed: from where its branch began to its worktree as it is, to its branch, or to what
/// was merged of it.
#[utoipa::path(get, path = "/work-sessions/{id}/diff", tag = "work-sessions", params(("id" = String, Path), DiffQuery),
    responses((status = 200, body = SessionDiffView), (status = 404, body = Problem)))]
pub(crate) async fn read(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    uri: Uri,
    Query(query): Query<DiffQuery>,
) -> Result<(HeaderMap, Json<SessionDiffView>), Problem> {
    let task = caller.task_of(&app, &id).await?;
    let session = found(&task, &id)?;
    let (files, with_uncommitted) = changes(&app, &task, session).await?;
    let total_files = files.len();
    let (additions, deletions) =
        files.iter().fold((0, 0), |(plus, minus), file| (plus + file.additions, minus + file.deletions));
    let skip = query.cursor.unwrap_or(0);
    let take = usize::try_from(limit(query.limit)?).unwrap_or(usize::MAX);
    let end = skip.saturating_add(take);
    let next = (end < total_files).then(|| end.to_string());
    let headers = page_headers(&uri, u64::try_from(total_files).unwrap_or(u64::MAX), next.as_deref());
    let view = SessionDiffView {
        work_session_id: id,
        spec_task_id: task.id.to_string(),
        branch_name: session.branch.clone(),
        with_uncommitted,
        is_shared: task.isolation == Isolation::Shared && session.branch.is_some(),
        files: files.into_iter().skip(skip).take(take).map(FileDiffView::of).collect(),
        total_files,
        additions,
        deletions,
    };
    Ok((headers, Json(view)))
}

/// What git has to be asked for.
struct Asked {
    branch: String,
    task_branch: String,
    /// The commit the branch began at.
    begun: Option<String>,
    /// The commit of the last turn, and that which merged it.
    last: Option<String>,
    merged: Option<String>,
    worktree: Option<PathBuf>,
}

/// The files that a session changed, without secrets, and whether uncommitted changes are among them.
pub(super) async fn changes(
    app: &App,
    task: &Task,
    session: &Session,
) -> Result<(Vec<git::FileDiff>, bool), Problem> {
    let Some(branch) = session.branch.clone() else { return Ok((Vec::new(), false)) };
    let workplace = app.repositories.workplace(&task.project).await?;
    let run = app.store.session_run(&session.id).await?.unwrap_or_default();
    let worktree = workdir(app.repositories.data_dir(), task, session);
    let asked = Asked {
        branch,
        task_branch: task.branch(),
        begun: run.base,
        last: session.last_commit.as_ref().map(|commit| commit.0.clone()),
        merged: session.merged.as_ref().map(|commit| commit.0.clone()),
        worktree: (!session.is_ended() && worktree.join(".git").exists()).then_some(worktree),
    };
    let read = tokio::task::spawn_blocking(move || look(&workplace.repository, &asked));
    let (mut files, with_uncommitted) =
        read.await.map_err(RepositoryError::from)?.map_err(RepositoryError::from)?;
    app.repositories.clean(&mut files);
    Ok((files, with_uncommitted))
}

fn look(repository: &Repository, asked: &Asked) -> Result<(Vec<git::FileDiff>, bool), git::Error> {
    let known = |name: &Option<String>| -> Result<Option<String>, git::Error> {
        let Some(name) = name else { return Ok(None) };
        Ok(repository.resolve(name)?.map(|_| name.clone()))
    };
    let (begun, last) = (known(&asked.begun)?, known(&asked.last)?);
    if let (Some(merged), Some(last)) = (known(&asked.merged)?, &last) {
        // What the merge brought; a session that made no commit brought nothing.
        let before = known(&Some(format!("{merged}^1")))?;
        return match before {
            Some(before) if begun.as_ref() != Some(last) => Ok((repository.diff(&before, last)?, false)),
            Some(_) | None => Ok((Vec::new(), false)),
        };
    }
    // What was merged into the task's branch meanwhile, and into this one to go together, is not this session's work.
    // A branch that began at a parent's work is compared with where it began.
    let base = match begun {
        Some(begun) if !is_in(repository, &asked.task_branch, &begun)? => begun,
        Some(_) | None => asked.task_branch.clone(),
    };
    if repository.resolve(&base)?.is_none() {
        return Ok((Vec::new(), false));
    }
    if let Some(worktree) = &asked.worktree {
        return Ok((repository.diff_of_worktree(&base, worktree)?, true));
    }
    let head = match known(&Some(asked.branch.clone()))? {
        Some(branch) => Some(branch),
        None => last,
    };
    match head {
        Some(head) => Ok((repository.diff(&base, &head)?, false)),
        None => Ok((Vec::new(), false)),
    }
}

/// Whether a branch is there and has a commit.
fn is_in(repository: &Repository, branch: &str, commit: &str) -> Result<bool, git::Error> {
    Ok(repository.resolve(branch)?.is_some() && repository.contains(branch, commit)?)
}
