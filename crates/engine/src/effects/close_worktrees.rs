//! Saves what is uncommitted in the task's worktrees and moves them to the trash.

use super::{Done, Job, blocking, git_failure};
use crate::instances::{session_directory, workdir};
use crate::repositories::RepositoryError;
use crate::worktree_setup;
use std::collections::BTreeSet;
use workflow::{Failure, SessionPhase};

pub(super) async fn perform(job: &Job<'_>) -> Result<Done, Failure> {
    let app = job.app;
    let workplace = match app.repositories.workplace(&job.task.project).await {
        Err(RepositoryError::NoProject(project)) => {
            // Without its repository nothing uncommitted can be saved, so nothing is removed.
            tracing::warn!(task = %job.task.id, %project, "the worktrees of a task stay, since its project was removed");
            return Ok(Done::Nothing);
        }
        workplace => workplace.map_err(|error| git_failure(&error))?,
    };
    let data_dir = app.repositories.data_dir();
    let mut paths: Vec<_> = job
        .task
        .sessions
        .iter()
        .map(|session| (session.id.to_string(), session_directory(data_dir, &job.task.id, &session.id)))
        .collect();
    for name in ["change", "landing"] {
        paths.push((name.to_owned(), data_dir.join("worktrees").join(job.task.id.as_str()).join(name)));
    }
    let mut torn_down = BTreeSet::new();
    for session in job.task.sessions.iter().filter(|session| session.phase != SessionPhase::Planning) {
        let worktree = workdir(data_dir, job.task, session);
        if torn_down.insert(worktree.clone()) {
            worktree_setup::tear_down(job, session, &workplace, &worktree).await;
        }
    }
    worktree_setup::forget(data_dir, &job.task.id);
    crate::held::forget(data_dir, &job.task.id);
    let trash = data_dir.join("trash");
    let task = job.task.id.to_string();
    let scratch = crate::confine::scratch(data_dir, &job.task.id);
    blocking(move || {
        for (name, path) in paths {
            if path.exists() {
                workplace.repository.save_dirty(&path, &format!("refs/spectask/saved/{task}/{name}"))?;
                workplace.repository.remove_worktree(&path, &trash)?;
            }
        }
        for folder in scratch {
            // What is left is in no one's way, and was made by agents that may have closed it off.
            let _ = std::fs::remove_dir_all(folder);
        }
        Ok::<_, git::Error>(())
    })
    .await?;
    Ok(Done::Nothing)
}
