//! Ensures a session's worktree and branch, and makes the worktree ready for the agent.
//!
//! The branch begins where the task's branch stands; that of a spawned session where its parent's stands while that is
//! not merged, and that of a fork at the end of the turn that it continues.

use super::{Done, Job, blocking, git_failure};
use crate::paths::workdir;
use crate::settings::data_dir::private_directory;
use crate::worktrees::setup::{self, Preparation};
use git::WorktreeSpec;
use workflow::{Effect, Failure, Input, Isolation, Session, SessionId, Task};

pub(super) async fn perform(job: &Job<'_>, id: &SessionId) -> Result<Done, Failure> {
    ensure(job, job.session(id)?, Effect::OpenWorktree { session: id.clone() }).await?;
    Ok(Done::Report(Input::WorktreeOpened { session: id.clone() }))
}

/// Ensures that a session's worktree exists and is ready, and that the start of its work is known.
pub(super) async fn ensure(job: &Job<'_>, session: &Session, effect: Effect) -> Result<(), Failure> {
    let (app, id) = (job.app, &session.id);
    let project_repo =
        app.repositories.project_repo(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let path = workdir(app.repositories.data_dir(), job.task, session);
    let branch = session.branch.clone().unwrap_or_else(|| job.task.session_branch(id, &session.name));
    let base = app.repositories.base(&job.task.project, &job.task.base_branch).await;
    let (task_branch, base) = (job.task.branch(), base.map_err(|error| git_failure(&error))?.revision);
    let workspace = path.to_string_lossy().into_owned();
    let directory = path.clone();
    let begin = beginning(job.task, session);
    let (project, base_commit, was_there) = (project_repo.clone(), base.clone(), path.is_dir());
    let head = blocking(move || {
        project_repo.repository.ensure_exists(&task_branch)?;
        // A task without approved documents has no handoff that cuts its branch.
        if project_repo.repository.resolve(&task_branch)?.is_none() {
            project_repo.repository.create_branch(&task_branch, &base)?;
        }
        let is_there = |revision: &String| matches!(project_repo.repository.resolve(revision), Ok(Some(_)));
        project_repo.repository.ensure_worktree(&WorktreeSpec {
            path,
            branch: Some(branch),
            start: begin.filter(is_there).unwrap_or(task_branch),
            detached: false,
        })
    })
    .await?;
    let worktree = directory.clone();
    blocking(move || private_directory(&directory)).await?;
    let mut run =
        app.store.session_run(id).await.map_err(|error| super::store_failure(&error))?.unwrap_or_default();
    run.workspace_path = Some(workspace);
    run.base.get_or_insert(head.to_string());
    app.store.put_session_run(id, run).await.map_err(|error| super::store_failure(&error))?;
    app.watch.follow(&job.task.project).await;
    let preparation = Preparation {
        session,
        project: &project,
        worktree: &worktree,
        base: &base_commit,
        head: &head.to_string(),
        was_there,
        effect,
    };
    Box::pin(setup::prepare(job, preparation)).await
}

/// Returns where a branch begins that does not begin at the task's.
fn beginning(task: &Task, session: &Session) -> Option<String> {
    if task.isolation == Isolation::Shared {
        return None;
    }
    if let Some(point) = &session.branched_from {
        return Some(point.commit.to_string());
    }
    let parent = task.session(task.parent_to_wait_for(session)?)?;
    if parent.merged.is_some() { None } else { parent.branch.clone() }
}
