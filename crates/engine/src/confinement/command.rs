//! Runs a command of a project, confined, to its end or its limit.

use crate::App;
use crate::confinement::checks;
use crate::confinement::confine::{self, Folders, Purpose};
use crate::confinement::denials;
use crate::settings::config::NetworkMode;
use parking_lot::Mutex;
use sandbox::{Admission, Level};
use secrets::Stream;
use std::path::Path;
use std::process::ExitStatus;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use workflow::Task;

/// How much of a command's output is kept, from its end, in bytes.
const KEPT: usize = 16 * 1024;

/// A command that runs as a separate process tree, which ends with it. Its standard input is empty.
pub(crate) struct ConfinedCommand<'a> {
    pub(crate) task: &'a Task,
    /// A check, or the setup of a worktree.
    pub(crate) purpose: Purpose<'a>,
    pub(crate) command: &'a str,
    /// The worktree that it runs in and may write.
    pub(crate) directory: &'a Path,
    /// Variables that it gets besides those of every command.
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) limit: Duration,
}

/// How a command ended.
pub(crate) struct CommandEnd {
    pub(crate) passed: bool,
    /// None when it was ended, or could not be run.
    pub(crate) exit_code: Option<i32>,
    /// The end of what it printed, without secrets, or why it could not be run.
    pub(crate) output: String,
    pub(crate) took_ms: u64,
}

impl ConfinedCommand<'_> {
    /// Runs the command to its end or its limit.
    pub(crate) async fn run(&self, app: &App) -> CommandEnd {
        let begun = Instant::now();
        let printed = Mutex::new(String::new());
        let (passed, exit_code, output) = match tokio::time::timeout(self.limit, self.work(app, &printed))
            .await
        {
            Ok(Ok((status, output))) => (status.success(), status.code(), output),
            Ok(Err(error)) => (false, None, format!("The {} could not be run: {error}.", self.noun())),
            Err(_) => {
                let (noun, seconds) = (self.noun(), self.limit.as_secs());
                let mut output = printed.into_inner().trim_start_matches('\n').to_owned();
                if !output.is_empty() && !output.ends_with('\n') {
                    output.push('\n');
                }
                (false, None, format!("{output}The {noun} took longer than {seconds} seconds and was ended."))
            }
        };
        let is_confined = app.agents.sandbox().level() != Level::Off;
        let output = if is_confined && !passed { with_denials(output) } else { output };
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        CommandEnd { passed, exit_code, output, took_ms }
    }

    fn noun(&self) -> &'static str {
        match self.purpose {
            Purpose::Agent | Purpose::Check => "check",
            Purpose::Setup(_) | Purpose::Terminal(_) => "command",
        }
    }

    /// Runs the command; what it prints is in `printed` as it comes.
    async fn work(&self, app: &App, printed: &Mutex<String>) -> std::io::Result<(ExitStatus, String)> {
        let Self { task, purpose, command, directory, variables, limit: _ } = self;
        let (config, sandbox) = (&app.config, app.agents.sandbox());
        sandbox.require().map_err(std::io::Error::other)?;
        let folders = Folders::new(&config.data_dir, &task.id, *purpose);
        let workspace = app.instances.workspace(task).await.map_err(std::io::Error::other)?;
        folders.make(&workspace)?;
        let rules = app.instances.network_rules(task).await.map_err(std::io::Error::other)?;
        let mut network = app.agents.networks().open(&rules, Purpose::Check, &[])?;
        network.require(sandbox)?;
        let mut policy = confine::policy(config, &task.id, &workspace, *purpose);
        policy.network = network.network.clone();
        policy.writable.push((*directory).to_owned());
        policy.readable.push(directory.join(".git"));
        let inherited = ["PATH", "HOME", "LANG", "USER"];
        let inherited =
            inherited.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
        let watched = agent::WatchedCommand {
            program: "/bin/sh".into(),
            // The command prints a line and waits, so that the package caches are admitted before it begins.
            args: vec!["-c".to_owned(), format!("echo; read -r _; exec </dev/null 2>&1; {command}")],
            env: inherited
                .chain(folders.environment(sandbox.level()))
                .chain(variables.iter().cloned())
                .collect(),
            cwd: (*directory).to_owned(),
            confinement: Some(sandbox.confine(policy)),
        };
        // What an earlier run left must not work beside this one.
        checks::end(config, &task.id, *purpose).await;
        let mut child = app.agents.watchers().start_command(watched).await?;
        let running = checks::Running::record(config, &task.id, *purpose, child.id())?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut stdin), Some(mut stdout)) = (stdin, stdout) else {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        };
        let complained = Mutex::new(String::new());
        let complaints = tail(app.redactor.stream(), stderr, &complained);
        let output = async {
            let mut first = [0];
            if stdout.read(&mut first).await? == 0 {
                return Ok(());
            }
            if sandbox.level() == Level::Bubblewrap {
                let layers = confine::layers(config, &task.id, *purpose);
                let admission = Admission { staging: confine::staging(config), trees: Vec::new(), layers };
                confine::admit(config, &admission, running.identity().pid)
                    .await
                    .map_err(std::io::Error::other)?;
            }
            stdin.write_all(b"\n").await?;
            drop(stdin);
            tail(app.redactor.stream(), Some(stdout), printed).await;
            Ok::<_, std::io::Error>(())
        };
        let (output, (), status) = tokio::join!(output, complaints, child.wait());
        running.end().await;
        output?;
        let (mut output, complaints) = (std::mem::take(&mut *printed.lock()), complained.into_inner());
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
}

/// Returns the output of a command that failed, followed by what the sandbox denied it and how to allow that.
fn with_denials(output: String) -> String {
    let notices: Vec<String> = denials::find(&output).iter().map(denials::Denial::notice).collect();
    if notices.is_empty() { output } else { format!("{}\n\n{}", output.trim_end(), notices.join("\n")) }
}

/// Keeps the end of what a process prints, without secrets; these are taken out before it is cut, so that none is cut in two.
async fn tail(mut printed: Stream, stream: Option<impl AsyncRead + Unpin>, kept: &Mutex<String>) {
    let Some(mut stream) = stream else { return };
    let keep = |text: &str| {
        let mut kept = kept.lock();
        kept.push_str(text);
        if kept.len() > 2 * KEPT {
            let from = kept.ceil_char_boundary(kept.len() - KEPT);
            kept.drain(..from);
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
    let mut kept = kept.lock();
    let from = kept.ceil_char_boundary(kept.len().saturating_sub(KEPT));
    kept.drain(..from);
}

/// Returns how many bytes at the end are the beginning of a character.
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
