//! Runs the project's checks in a worktree of the task's branch; their results are part of the review.

use super::{Done, Job, blocking, failure, git_failure};
use crate::clock::now;
use git::WorktreeSpec;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use workflow::{CheckResult, Commit, Failure, FailureClass, Input};

/// How long one check may take.
const LIMIT: Duration = Duration::from_secs(1800);
/// How much of a check's output is kept, from its end, in bytes.
const KEPT: usize = 16 * 1024;

pub(super) async fn perform(job: &Job<'_>) -> Result<Done, Failure> {
    let app = job.app;
    let workplace =
        app.repositories.workplace(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let path = app.repositories.data_dir().join("worktrees").join(job.task.id.as_str()).join("change");
    let (repository, branch, directory) = (workplace.repository, job.task.branch(), path.clone());
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
    let mut results = Vec::new();
    let checks = app.checks(job.task, &workplace.settings).await;
    for command in workplace.settings.setup_command.iter().chain(&checks) {
        let result = run(command, &path).await;
        let is_setup = Some(command) == workplace.settings.setup_command.as_ref();
        let passed = result.passed;
        if !is_setup || !passed {
            results.push(result);
        }
        if is_setup && !passed {
            break;
        }
    }
    Ok(Done::Report(Input::ChecksRan { head: Commit(head.to_string()), results }))
}

/// Runs one check to its end or its limit, in its own process group.
async fn run(command: &str, directory: &Path) -> CheckResult {
    let begun = Instant::now();
    let spawned = tokio::process::Command::new("sh")
        .arg("-c")
        .arg(format!("exec 2>&1; {command}"))
        .current_dir(directory)
        .env_clear()
        .envs(
            std::env::vars()
                .filter(|(name, _)| matches!(name.as_str(), "PATH" | "HOME" | "LANG" | "TMPDIR" | "USER")),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true)
        .spawn();
    let (passed, exit_code, output) = match spawned {
        Ok(mut child) => {
            let pid = child.id();
            let stdout = child.stdout.take();
            let work = async { tokio::join!(tail(stdout), child.wait()) };
            match tokio::time::timeout(LIMIT, work).await {
                Ok((output, Ok(status))) => (status.success(), status.code(), output),
                Ok((output, Err(error))) => {
                    (false, None, format!("{output}\nThe check's end was not seen: {error}."))
                }
                Err(_) => {
                    end_group(pid);
                    (
                        false,
                        None,
                        format!("The check took longer than {} seconds and was ended.", LIMIT.as_secs()),
                    )
                }
            }
        }
        Err(error) => (false, None, format!("The check could not be started: {error}.")),
    };
    let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    CheckResult { command: command.to_owned(), passed, exit_code, output, took_ms, at: now() }
}

/// The end of what a process prints.
async fn tail(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut kept: Vec<u8> = Vec::new();
    let mut chunk = vec![0; 8192];
    while let Ok(read @ 1..) = stream.read(&mut chunk).await {
        kept.extend_from_slice(&chunk[..read]);
        if kept.len() > 2 * KEPT {
            kept.drain(..kept.len() - KEPT);
        }
    }
    kept.drain(..kept.len().saturating_sub(KEPT));
    String::from_utf8_lossy(&kept).into_owned()
}

fn end_group(pid: Option<u32>) {
    let group = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        // The group may be gone already.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}
