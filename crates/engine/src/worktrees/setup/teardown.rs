//! The project's teardown command: it runs in a session's worktree before that is removed.

use super::environment;
use super::prepare::notice;
use crate::confinement::command::ConfinedCommand;
use crate::confinement::confine::{self, Purpose};
use crate::job::Job;
use crate::projects::repositories::ProjectRepo;
use std::path::Path;
use std::time::Duration;
use workflow::Session;

/// Runs the teardown command of a session's worktree. What goes wrong is a notice in the session's log: the worktree is removed
/// all the same.
pub(crate) async fn tear_down(job: &Job<'_>, session: &Session, project: &ProjectRepo, worktree: &Path) {
    let app = job.app;
    let command = project.settings.teardown_command.as_deref().map(str::trim).unwrap_or_default();
    if command.is_empty() || project.settings.hold.is_some() || !worktree.is_dir() {
        return;
    }
    let name = worktree.file_name().unwrap_or_default().to_string_lossy();
    let ports = app.store.ports_of(session.id.as_str()).await.unwrap_or_default();
    let source = project.repository.path();
    let mut variables = project.settings.variables();
    variables.extend(environment::variables(job.task, Some(&session.id), source, worktree, &ports));
    let variables = match environment::with_secrets(app, job.task, variables).await {
        Ok(variables) => variables,
        Err(error) => {
            let text = format!(
                "The teardown command was not run, and the worktree is removed all the same: {error}."
            );
            return notice(app, &session.id, text).await;
        }
    };
    let confined = ConfinedCommand {
        task: job.task,
        purpose: Purpose::Setup(&name),
        command,
        directory: worktree,
        variables,
        limit: Duration::from_secs(app.config.sessions.teardown_seconds),
    };
    let ended = confined.run(app).await;
    for folder in confine::setup_scratch(&app.config.data_dir, &job.task.id, &name) {
        // The task's folders are removed after this.
        let _ = std::fs::remove_dir_all(folder);
    }
    if !ended.passed {
        let text = format!(
            "The teardown command failed, and the worktree is removed all the same. {}",
            ended.output.trim()
        );
        notice(app, &session.id, text).await;
    }
}
