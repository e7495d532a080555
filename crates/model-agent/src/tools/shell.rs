//! The tool that runs commands. A command has a process group of its own, and everything in it ends with the command, with
//! its time, or with the turn.

use crate::session::Progress;
use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// How long a command may take, where the model does not say.
const TIMEOUT: u64 = 120;
/// The longest time that the model can give a command, in seconds.
const MAX_TIMEOUT: u64 = 1800;
/// How much of the begin and of the end of the output is kept, in bytes.
const HEAD: usize = 16 * 1024;
const TAIL: usize = 32 * 1024;
/// How much of the end is shown while the command runs, in bytes.
const SHOWN: usize = 4 * 1024;
/// How often that is shown.
const SHOW_INTERVAL: Duration = Duration::from_secs(1);
/// How long output of a process that left the group is waited for.
const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Shell {
    pub(crate) command: String,
    #[serde(default)]
    timeout_seconds: Option<u64>,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) enum Ended {
    Exited(ExitStatus),
    TimedOut,
    Cancelled,
}

#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) output: String,
    pub(crate) ended: Ended,
}

impl Shell {
    fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_seconds.unwrap_or(TIMEOUT).clamp(1, MAX_TIMEOUT))
    }

    /// Runs the command to its end, to that of its time, or until the turn is cancelled.
    pub(crate) async fn run(
        &self,
        cwd: &Path,
        cancel: &CancellationToken,
        progress: Option<&Progress<'_>>,
    ) -> io::Result<Ran> {
        let (child, pipe) = self.spawn(cwd)?;
        follow(child, pipe, self.timeout(), cancel, progress).await
    }

    fn spawn(&self, cwd: &Path) -> io::Result<(Child, pipe::Receiver)> {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
        let mut sh = Command::new("sh");
        sh.arg("-c").arg(&self.command).current_dir(cwd);
        sh.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        for name in key_variables() {
            sh.env_remove(name);
        }
        let child = sh.process_group(0).kill_on_drop(true).spawn()?;
        Ok((child, pipe::Receiver::from_owned_fd(reader)?))
    }
}

/// Returns the variables with keys of models, which commands and MCP servers do not need.
pub(crate) fn key_variables() -> impl Iterator<Item = &'static str> {
    agent::models::VARIABLES.iter().copied().filter(|name| name.ends_with("_KEY"))
}

/// Waits for a command and collects its output, until its time is over or the turn is cancelled.
async fn follow(
    mut child: Child,
    mut pipe: pipe::Receiver,
    timeout: Duration,
    cancel: &CancellationToken,
    progress: Option<&Progress<'_>>,
) -> io::Result<Ran> {
    let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    let end_group = || {
        if let Some(group) = group {
            // A group that has ended is what is wanted.
            let _ = kill_process_group(group, Signal::KILL);
        }
    };
    let mut output = Output::default();
    let mut chunk = vec![0; 16 * 1024];
    let deadline = tokio::time::sleep(timeout);
    tokio::pin!(deadline);
    let mut ticks = tokio::time::interval_at(Instant::now() + SHOW_INTERVAL, SHOW_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_open = true;
    let mut shown = 0;
    let ended = loop {
        tokio::select! {
            biased;
            () = cancel.cancelled() => break Ended::Cancelled,
            () = &mut deadline => break Ended::TimedOut,
            read = pipe.read(&mut chunk), if is_open => match read {
                Ok(0) | Err(_) => is_open = false,
                Ok(length) => output.push(&chunk[..length]),
            },
            status = child.wait() => break Ended::Exited(status?),
            _ = ticks.tick(), if output.total != shown => {
                shown = output.total;
                if let Some(progress) = progress {
                    progress.show(&output.end(SHOWN)).await?;
                }
            }
        }
    };
    end_group();
    child.wait().await?;
    let drain = async {
        while let Ok(length @ 1..) = pipe.read(&mut chunk).await {
            output.push(&chunk[..length]);
        }
    };
    if is_open {
        // A process that left the group may hold the pipe for ever.
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, drain).await;
    }
    Ok(Ran { output: output.text(), ended })
}

impl Ran {
    /// What the model is told, and whether the command did what it should.
    pub(crate) fn answer(&self, timeout: &Shell) -> (String, bool) {
        let output = self.output.trim_end();
        let (end, is_success) = match &self.ended {
            Ended::Exited(status) => match status.code() {
                Some(code) => (format!("[exit code {code}]"), code == 0),
                None => (format!("[ended by {status}]"), false),
            },
            Ended::TimedOut => (
                format!("[ended after {} seconds, because its time was over]", timeout.timeout().as_secs()),
                false,
            ),
            Ended::Cancelled => ("[cancelled by the user]".to_owned(), false),
        };
        let text = if output.is_empty() { end } else { format!("{output}\n{end}") };
        (text, is_success)
    }

    pub(crate) fn exit_code(&self) -> Option<i32> {
        match &self.ended {
            Ended::Exited(status) => status.code(),
            Ended::TimedOut | Ended::Cancelled => None,
        }
    }
}

/// The begin and the end of an output.
#[derive(Debug, Default)]
struct Output {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: usize,
}

impl Output {
    fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len();
        let (head, tail) = bytes.split_at(bytes.len().min(HEAD - self.head.len()));
        self.head.extend(head);
        self.tail.extend(tail);
        self.tail.drain(..self.tail.len().saturating_sub(TAIL));
    }

    fn text(&self) -> String {
        let tail: Vec<u8> = self.tail.iter().copied().collect();
        let dropped = self.total - self.head.len() - tail.len();
        if dropped == 0 {
            return String::from_utf8_lossy(&[self.head.as_slice(), tail.as_slice()].concat()).into_owned();
        }
        let (head, tail) = (String::from_utf8_lossy(&self.head), String::from_utf8_lossy(&tail));
        format!("{head}\n[{dropped} bytes are left out here]\n{tail}")
    }

    fn end(&self, length: usize) -> String {
        let all: Vec<u8> = self.head.iter().chain(&self.tail).copied().collect();
        String::from_utf8_lossy(&all[all.len().saturating_sub(length)..]).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn shell(command: &str, timeout_seconds: Option<u64>) -> Shell {
        Shell { command: command.to_owned(), timeout_seconds }
    }

    async fn run(command: &str, timeout_seconds: Option<u64>) -> (String, bool) {
        let folder = tempfile::tempdir().unwrap();
        let shell = shell(command, timeout_seconds);
        shell.run(folder.path(), &CancellationToken::new(), None).await.unwrap().answer(&shell)
    }

    /// Whether a process is there that is no zombie.
    fn runs(pid: &str) -> bool {
        let state = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        state.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['Z', 'X']))
    }

    /// Waits until a process that was killed has ended: the kernel ends it a moment after the signal.
    async fn has_ended(pid: &str) {
        let ended = async {
            while runs(pid) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), ended).await.unwrap();
    }

    #[tokio::test]
    async fn output_comes_in_order_with_the_exit_code() {
        assert_eq!(
            run("echo one; echo two >&2; exit 3", None).await,
            ("one\ntwo\n[exit code 3]".into(), false)
        );
        assert_eq!(run("true", None).await, ("[exit code 0]".into(), true));
        assert_eq!(run("cat", None).await, ("[exit code 0]".into(), true));
        let (text, _) = run("kill -9 $$", None).await;
        assert!(text.contains("signal: 9"), "{text}");
    }

    #[tokio::test]
    async fn a_long_output_keeps_its_begin_and_its_end() {
        let (text, _) = run("seq 1 100000", None).await;
        assert!(text.starts_with("1\n2\n") && text.ends_with("100000\n[exit code 0]"));
        assert!(text.contains("bytes are left out here") && text.len() < HEAD + TAIL + 200);
    }

    #[tokio::test]
    async fn a_command_ends_with_its_time() {
        let (text, is_success) = run("echo begun; sleep 1000", Some(1)).await;
        assert!(text.starts_with("begun\n[ended after 1 seconds") && !is_success, "{text}");
    }

    #[tokio::test]
    async fn what_a_command_leaves_behind_ends_with_it() {
        let (text, _) = run("sleep 1000 & echo $!", None).await;
        has_ended(text.lines().next().unwrap()).await;
    }

    #[tokio::test]
    async fn a_cancelled_command_ends_with_all_that_it_started() {
        let folder = tempfile::tempdir().unwrap();
        let (cwd, cancel) = (folder.path().to_owned(), CancellationToken::new());
        let command = "sleep 1000 & echo $! > child.tmp; echo $$ > self; mv child.tmp child; wait";
        let running = tokio::spawn({
            let (cwd, cancel) = (cwd.clone(), cancel.clone());
            async move { shell(command, None).run(&cwd, &cancel, None).await }
        });
        let child = Arc::new(cwd.join("child"));
        while !child.exists() {
            tokio::task::yield_now().await;
        }
        let pids =
            [std::fs::read_to_string(&*child).unwrap(), std::fs::read_to_string(cwd.join("self")).unwrap()];
        assert!(pids.iter().all(|pid| runs(pid)));
        cancel.cancel();
        let ran = running.await.unwrap().unwrap();
        assert!(matches!(ran.ended, Ended::Cancelled));
        for pid in &pids {
            has_ended(pid).await;
        }
    }
}
