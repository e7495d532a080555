//! The files that one work session changed, also while its work is not committed yet.

use crate::App;
use crate::paths::workdir;
use crate::projects::repositories::RepositoryError;
use git::Repository;
use std::path::PathBuf;
use workflow::{Session, Task};

/// The parameters of the git queries.
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

/// Returns the files that a session changed, without secrets, and whether uncommitted changes are among them.
pub async fn of(
    app: &App,
    task: &Task,
    session: &Session,
) -> Result<(Vec<git::FileDiff>, bool), RepositoryError> {
    let Some(branch) = session.branch.clone() else { return Ok((Vec::new(), false)) };
    let project_repo = app.repositories.project_repo(&task.project).await?;
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
    let read = crate::spawn_blocking(move || look(&project_repo.repository, &asked));
    let (mut files, with_uncommitted) = read.await??;
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

/// Returns whether a branch is there and has a commit.
fn is_in(repository: &Repository, branch: &str, commit: &str) -> Result<bool, git::Error> {
    Ok(repository.resolve(branch)?.is_some() && repository.contains(branch, commit)?)
}
