//! Runs the project's checks in a worktree of the task's branch; their results are part of the review.

use super::{Done, Job, blocking, failure, git_failure, repair};
use crate::clock::now;
use crate::confinement::command::{CommandEnd, ConfinedCommand};
use crate::confinement::confine::Purpose;
use crate::settings::project::ProjectSettings;
use crate::worktrees::setup::environment;
use git::WorktreeSpec;
use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;
use workflow::{CheckResult, Commit, Failure, FailureClass, Input};

/// How long one check may take.
const LIMIT: Duration = Duration::from_secs(1800);

pub(super) async fn perform(job: &Job<'_>) -> Result<Done, Failure> {
    let app = job.app;
    let project_repo =
        app.repositories.project_repo(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let path = app.repositories.data_dir().join("worktrees").join(job.task.id.as_str()).join("change");
    let (repository, branch, directory) = (project_repo.repository.clone(), job.task.branch(), path.clone());
    let head = blocking(move || {
        repository.ensure_worktree(&WorktreeSpec {
            path: directory,
            branch: Some(branch.clone()),
            start: branch.clone(),
            detached: false,
        })?;
        repository.resolve(&branch)
    })
    .await?;
    let head = head.ok_or_else(|| failure(FailureClass::Git, "The task's branch is gone.".to_owned()))?;
    let mut results = run_all(job, &project_repo.settings, &path).await;
    let head = head.to_string();
    let repair = repair::request(job, &project_repo.settings, &head, &mut results).await?;
    Ok(Done::Report(Input::ChecksRan { head: Commit(head), results, repair }))
}

/// Runs the project's setup and checks in a worktree; a setup that fails is the only result.
pub(super) async fn run_all(job: &Job<'_>, settings: &ProjectSettings, path: &Path) -> Vec<CheckResult> {
    let mut results = Vec::new();
    let checks = job.app.checks(job.task, settings).await;
    if let Some(hold) = &settings.hold {
        let mut commands: Vec<&String> =
            hold.commands.iter().chain(&settings.setup_command).chain(&checks).collect();
        let mut known = HashSet::new();
        commands.retain(|command| known.insert(*command));
        return commands.into_iter().map(|command| not_run(command, &hold.reason)).collect();
    }
    for command in settings.setup_command.iter().chain(&checks) {
        let result = run(job, command, path).await;
        let is_setup = Some(command) == settings.setup_command.as_ref();
        let passed = result.passed;
        if !is_setup || !passed {
            results.push(result);
        }
        if is_setup && !passed {
            break;
        }
    }
    environment::end_checks(job.app, job.task).await;
    results
}

/// Returns the result of a command that waits for a person.
fn not_run(command: &str, reason: &str) -> CheckResult {
    let output = format!("It was not run. {reason} Then run the checks again.");
    CheckResult {
        command: command.to_owned(),
        passed: false,
        exit_code: None,
        output,
        took_ms: 0,
        at: now(),
        fails_on_base: false,
    }
}

/// Runs one check to its end or its limit.
pub(super) async fn run(job: &Job<'_>, command: &str, directory: &Path) -> CheckResult {
    let variables = match environment::of_checks(job.app, job.task, directory).await {
        Ok(variables) => variables,
        Err(error) => return not_run(command, &format!("Its environment is not complete: {error}.")),
    };
    let confined = ConfinedCommand {
        task: job.task,
        purpose: Purpose::Check,
        command,
        directory,
        variables,
        limit: LIMIT,
    };
    let CommandEnd { passed, exit_code, output, took_ms } = confined.run(job.app).await;
    CheckResult {
        command: command.to_owned(),
        passed,
        exit_code,
        output,
        took_ms,
        at: now(),
        fails_on_base: false,
    }
}
