//! Runs the project's checks in a worktree of the task's branch; their results are part of the review.

use super::{Done, Job, blocking, failure, git_failure};
use crate::clock::now;
use crate::repositories::ProjectSettings;
use git::WorktreeSpec;
use secrets::{Redactor, Stream};
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
    let (repository, branch, directory) = (workplace.repository.clone(), job.task.branch(), path.clone());
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
    let results = run_all(job, &workplace.settings, &path).await;
    Ok(Done::Report(Input::ChecksRan { head: Commit(head.to_string()), results }))
}

/// Runs the project's setup and checks in a worktree; a setup that fails is the only result.
pub(super) async fn run_all(job: &Job<'_>, settings: &ProjectSettings, path: &Path) -> Vec<CheckResult> {
    let mut results = Vec::new();
    let checks = job.app.checks(job.task, settings).await;
    for command in settings.setup_command.iter().chain(&checks) {
        let result = run(&job.app.redactor, command, path).await;
        let is_setup = Some(command) == settings.setup_command.as_ref();
        let passed = result.passed;
        if !is_setup || !passed {
            results.push(result);
        }
        if is_setup && !passed {
            break;
        }
    }
    results
}

/// Runs one check to its end or its limit, in its own process group.
async fn run(redactor: &Redactor, command: &str, directory: &Path) -> CheckResult {
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
            let work = async { tokio::join!(tail(redactor.stream(), stdout), child.wait()) };
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

/// The end of what a process prints, without secrets; these are taken out before it is cut, so that none is cut in two.
async fn tail(mut printed: Stream, stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let mut kept = String::new();
    let mut keep = |text: &str| {
        kept.push_str(text);
        if kept.len() > 2 * KEPT {
            kept.drain(..kept.ceil_char_boundary(kept.len() - KEPT));
        }
    };
    let mut chunk = vec![0; 8192];
    let mut from = 0;
    while let Ok(read @ 1..) = stream.read(&mut chunk[from..]).await {
        let until = from + read;
        // A character that is cut in two waits for the rest of it.
        let whole = until - cut_at_end(&chunk[..until]);
        keep(&printed.push(&String::from_utf8_lossy(&chunk[..whole])));
        chunk.copy_within(whole..until, 0);
        from = until - whole;
    }
    keep(&printed.push(&String::from_utf8_lossy(&chunk[..from])));
    keep(&printed.finish());
    kept.drain(..kept.ceil_char_boundary(kept.len().saturating_sub(KEPT)));
    kept
}

/// How many bytes at the end are the beginning of a character.
fn cut_at_end(bytes: &[u8]) -> usize {
    let end = &bytes[bytes.len().saturating_sub(4)..];
    match std::str::from_utf8(end.get(first_of_character(end)..).unwrap_or_default()) {
        Err(error) if error.error_len().is_none() => {
            end.len() - first_of_character(end) - error.valid_up_to()
        }
        Ok(_) | Err(_) => 0,
    }
}

fn first_of_character(bytes: &[u8]) -> usize {
    bytes.iter().position(|byte| byte & 0xc0 != 0x80).unwrap_or(bytes.len())
}

fn end_group(pid: Option<u32>) {
    let group = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group {
        // The group may be gone already.
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
    }
}
