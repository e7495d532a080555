//! Runs the project's checks in a worktree of the task's branch; their results are part of the review.

use super::{Done, Job, blocking, failure, git_failure};
use crate::checks;
use crate::clock::now;
use crate::config::NetworkMode;
use crate::confine::{self, Folders, Purpose};
use crate::denials;
use crate::repositories::ProjectSettings;
use git::WorktreeSpec;
use sandbox::{Admission, Level};
use secrets::Stream;
use std::collections::HashSet;
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
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
    results
}

/// The result of a command that waits for a person.
fn not_run(command: &str, reason: &str) -> CheckResult {
    let output = format!("It was not run. {reason} Then run the checks again.");
    CheckResult { command: command.to_owned(), passed: false, exit_code: None, output, took_ms: 0, at: now() }
}

/// Runs one check to its end or its limit, as a confined process tree of its own that ends with it.
async fn run(job: &Job<'_>, command: &str, directory: &Path) -> CheckResult {
    let begun = Instant::now();
    let (passed, exit_code, output) = match tokio::time::timeout(LIMIT, work(job, command, directory)).await {
        Ok(Ok((status, output))) => (status.success(), status.code(), output),
        Ok(Err(error)) => (false, None, format!("The check could not be run: {error}.")),
        Err(_) => {
            (false, None, format!("The check took longer than {} seconds and was ended.", LIMIT.as_secs()))
        }
    };
    let is_confined = job.app.agents.sandbox().level() != Level::Off;
    let output = if is_confined && !passed { with_denials(output) } else { output };
    let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    CheckResult { command: command.to_owned(), passed, exit_code, output, took_ms, at: now() }
}

/// The output of a command that failed, followed by what the sandbox denied it and how to allow that.
fn with_denials(output: String) -> String {
    let notices: Vec<String> = denials::find(&output).iter().map(denials::Denial::notice).collect();
    if notices.is_empty() { output } else { format!("{}\n\n{}", output.trim_end(), notices.join("\n")) }
}

async fn work(job: &Job<'_>, command: &str, directory: &Path) -> std::io::Result<(ExitStatus, String)> {
    let (config, sandbox) = (&job.app.config, job.app.agents.sandbox());
    sandbox.require().map_err(std::io::Error::other)?;
    let folders = Folders::new(&config.data_dir, &job.task.id, Purpose::Check);
    let workspace = job.app.instances.workspace(job.task).await.map_err(std::io::Error::other)?;
    folders.make(&workspace)?;
    let rules = job.app.instances.network_rules(job.task).await.map_err(std::io::Error::other)?;
    let mut network = job.app.agents.networks().open(&rules, Purpose::Check, &[])?;
    network.require(sandbox)?;
    let mut policy = confine::policy(config, &job.task.id, &workspace, Purpose::Check);
    policy.network = network.network.clone();
    policy.writable.push(directory.to_owned());
    policy.readable.push(directory.join(".git"));
    let inherited = ["PATH", "HOME", "LANG", "USER"];
    let inherited = inherited.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    let watched = agent::WatchedCommand {
        program: "/bin/sh".into(),
        // It says that it is there and waits, so that the package caches are admitted before it begins.
        args: vec!["-c".to_owned(), format!("echo; read -r _; exec </dev/null 2>&1; {command}")],
        env: inherited.chain(folders.environment(sandbox.level())).collect(),
        cwd: directory.to_owned(),
        confinement: Some(sandbox.confine(policy)),
    };
    // What an earlier run left must not work beside this one.
    checks::end(config, &job.task.id).await;
    let mut child = job.app.agents.watchers().start_command(watched).await?;
    let running = checks::Running::record(config, &job.task.id, child.id())?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(mut stdout)) = (stdin, stdout) else {
        return Err(std::io::ErrorKind::BrokenPipe.into());
    };
    let complaints = tail(job.app.redactor.stream(), stderr);
    let output = async {
        let mut first = [0];
        if stdout.read(&mut first).await? == 0 {
            return Ok(String::new());
        }
        if sandbox.level() == Level::Bubblewrap {
            let layers = confine::layers(config, &job.task.id, Purpose::Check);
            let admission = Admission { staging: confine::staging(config), trees: Vec::new(), layers };
            confine::admit(config, &admission, running.identity().pid)
                .await
                .map_err(std::io::Error::other)?;
        }
        stdin.write_all(b"\n").await?;
        drop(stdin);
        Ok::<_, std::io::Error>(tail(job.app.redactor.stream(), Some(stdout)).await)
    };
    let (output, complaints, status) = tokio::join!(output, complaints, child.wait());
    running.end().await;
    let mut output = output?;
    if !complaints.trim().is_empty() {
        output = format!("{}\n{}", output.trim_end(), complaints.trim());
    }
    let status = status?;
    let mut notes: Vec<String> = network.drain_refusals().iter().map(ToString::to_string).collect();
    if network.mode == NetworkMode::None && !status.success() {
        notes.push("The project's network is `none`: the command reached no host.".to_owned());
    }
    // Programs print the proxy's answer where they print any.
    notes.retain(|note| !output.contains(note.as_str()));
    for note in notes {
        output = format!("{}\n{note}", output.trim_end());
    }
    Ok((status, output.trim_start_matches('\n').to_owned()))
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
