//! Saves what is uncommitted in the task's worktrees and moves them to the trash; the branches of a landed task's sessions are
//! removed.

use super::{Done, Job, blocking, git_failure};
use crate::clock::now;
use crate::paths::{session_directory, workdir};
use crate::projects::repositories::RepositoryError;
use crate::worktrees::terminals::TerminalEnd;
use crate::worktrees::{retired, setup};
use std::collections::BTreeSet;
use workflow::{Failure, Phase, SessionPhase};

pub(super) async fn perform(job: &Job<'_>) -> Result<Done, Failure> {
    let app = job.app;
    let project_repo = match app.repositories.project_repo(&job.task.project).await {
        Err(RepositoryError::NoProject(project)) => {
            // Without its repository nothing uncommitted can be saved, so nothing is removed.
            tracing::warn!(task = %job.task.id, %project, "the worktrees of a task stay, since its project was removed");
            return Ok(Done::Nothing);
        }
        project_repo => project_repo.map_err(|error| git_failure(&error))?,
    };
    let data_dir = app.repositories.data_dir();
    let mut paths: Vec<_> = job
        .task
        .sessions
        .iter()
        .map(|session| (session.id.to_string(), session_directory(data_dir, &job.task.id, &session.id)))
        .collect();
    for name in ["change", "landing", "base"] {
        paths.push((name.to_owned(), data_dir.join("worktrees").join(job.task.id.as_str()).join(name)));
    }
    end_terminals(job).await;
    let mut torn_down = BTreeSet::new();
    for session in job.task.sessions.iter().filter(|session| session.phase != SessionPhase::Planning) {
        let worktree = workdir(data_dir, job.task, session);
        if torn_down.insert(worktree.clone()) {
            setup::tear_down(job, session, &project_repo, &worktree).await;
        }
    }
    setup::forget(data_dir, &job.task.id);
    crate::held::forget(data_dir, &job.task.id);
    let trash = data_dir.join("trash");
    let task = job.task.id.to_string();
    // A cancelled task can be reopened, and a setting can keep branches for ever.
    let has_landed = matches!(&job.task.phase, Phase::Done { merged: Some(_), .. });
    let landed = (has_landed && app.config.retention.branches_days > 0).then(|| job.task.clone());
    let scratch = crate::confinement::confine::scratch(data_dir, &job.task.id);
    blocking(move || {
        for (name, path) in paths {
            if path.exists() {
                project_repo.repository.save_dirty(&path, &format!("refs/spectask/saved/{task}/{name}"))?;
                project_repo.repository.remove_worktree(&path, &trash)?;
            }
        }
        if let Some(task) = landed {
            retired::remove_session_branches(&project_repo.repository, &task, now())?;
        }
        for folder in scratch {
            // Leftovers cause no harm, and were made by agents that may have closed them off.
            let _ = std::fs::remove_dir_all(folder);
        }
        Ok::<_, git::Error>(())
    })
    .await?;
    // One may have been opened while the teardown commands ran.
    end_terminals(job).await;
    Ok(Done::Nothing)
}

/// Ends the terminals in the task's worktrees.
async fn end_terminals(job: &Job<'_>) {
    for session in &job.task.sessions {
        job.app.terminals.end(job.app, &session.id, TerminalEnd::WorktreeRemoved).await;
    }
}
