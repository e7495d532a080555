//! Commits of the scripted agent, through the `git` command.

use super::play::{Played, Playing, Stop};
use super::progress;
use super::step::Mark;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;

/// How often a command is tried again while another process holds a lock, and how long each wait is.
const TRIES: u32 = 50;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// The output of a git command.
pub(super) struct Said {
    pub(super) is_success: bool,
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) all: String,
}

impl Playing {
    /// Commits everything in the working directory, when there is something.
    pub(super) async fn commit(&self, message: &str) -> Played {
        let cwd = self.thread.cwd();
        let call = self.open_call(&format!("Commit: {message}"), "execute", None).await?;
        let committed = async {
            self.git(&cwd, &["add", "-A"]).await?;
            let staged = self.try_git(&cwd, &["diff", "--cached", "--quiet"]).await?;
            if staged.code == Some(1) {
                self.git(&cwd, &["commit", "--quiet", "-m", message]).await?;
            }
            Ok(())
        };
        self.finish_call(&call, committed.await).await
    }

    /// Changes the marker of an item in progress.md, with or without the items below it, and commits that file alone.
    pub(super) async fn tick(&self, number: &str, mark: Mark, with_children: bool) -> Played {
        let Some(file) = &self.told.documents.progress else {
            return Err(Stop::failed(format!(
                "item {number} cannot be marked: the prompt does not say where progress.md is"
            )));
        };
        let folder = file.parent().unwrap_or(Path::new("/"));
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let _alone = self.stage.progress.lock().await;
        let read = || {
            let text = std::fs::read_to_string(file);
            text.map_err(|error| Stop::failed(format!("{} cannot be read: {error}", file.display())))
        };
        let mut text = read()?;
        if text.trim().is_empty() {
            // Who was killed while writing it left it so.
            self.git(folder, &["checkout", "--quiet", "HEAD", "--", &name]).await?;
            text = read()?;
        }
        let marked = progress::mark(&text, number, mark, with_children);
        let marked =
            marked.ok_or_else(|| Stop::failed(format!("{} has no item {number}", file.display())))?;
        let word = match mark {
            Mark::Open => "open",
            Mark::Doing => "begun",
            Mark::Done => "done",
        };
        if marked != text {
            self.put(file, &format!("Mark {number} as {word}"), &marked).await?;
        }
        // An earlier attempt may have been interrupted between the change and its commit.
        let message = format!("Progress: {number} is {word}");
        let commit = ["commit", "--quiet", "--only", "-m", &message, "--", &name];
        let said = self.try_git(folder, &commit).await?;
        let said = if said.all.contains("did not match any file") {
            self.git(folder, &["add", "--", &name]).await?;
            self.try_git(folder, &commit).await?
        } else {
            said
        };
        let is_unchanged = ["nothing to commit", "no changes added", "nothing added"]
            .iter()
            .any(|word| said.all.contains(word));
        // In a sandbox the documents' branch is the server's to move; it commits what is marked.
        let is_refused =
            ["Read-only file system", "Permission denied"].iter().any(|word| said.all.contains(word));
        if said.is_success || is_unchanged || is_refused {
            return Ok(());
        }
        Err(Stop::failed(format!("git could not commit {name}: {}", said.all.trim())))
    }

    pub(super) async fn finish_call(&self, call: &str, result: Played) -> Played {
        self.close_call(call, if result.is_ok() { "completed" } else { "failed" }).await?;
        result
    }

    /// Runs git and fails the turn when git fails.
    pub(super) async fn git(&self, folder: &Path, arguments: &[&str]) -> Result<Said, Stop> {
        let said = self.try_git(folder, arguments).await?;
        if said.is_success {
            return Ok(said);
        }
        let what = arguments.first().copied().unwrap_or_default();
        Err(Stop::failed(format!("`git {what}` failed: {}", said.all.trim())))
    }

    /// Runs git, again and again while another process holds a lock.
    pub(super) async fn try_git(&self, folder: &Path, arguments: &[&str]) -> Result<Said, Stop> {
        let mut tries = 0;
        loop {
            let mut git = Command::new("git");
            git.arg("-C").arg(folder).args(["-c", "commit.gpgsign=false"]).args(arguments);
            git.envs([("LC_ALL", "C"), ("GIT_EDITOR", "true"), ("GIT_TERMINAL_PROMPT", "0")]);
            for role in ["AUTHOR", "COMMITTER"] {
                git.env(format!("GIT_{role}_NAME"), "Scripted agent");
                git.env(format!("GIT_{role}_EMAIL"), "scripted-agent@localhost");
            }
            // It runs to its end even when the turn is cancelled: a killed git leaves its locks behind.
            let output = git.stdin(Stdio::null()).output().await;
            let output = output.map_err(|error| Stop::failed(format!("git does not start: {error}")))?;
            let out = String::from_utf8_lossy(&output.stdout).into_owned();
            let all = format!("{out}{}", String::from_utf8_lossy(&output.stderr));
            let is_locked = all.contains(".lock': File exists") || all.contains("cannot lock ref");
            if output.status.success() || !is_locked || tries == TRIES {
                return Ok(Said {
                    is_success: output.status.success(),
                    code: output.status.code(),
                    out,
                    all,
                });
            }
            tries += 1;
            tokio::time::sleep(BETWEEN_TRIES).await;
        }
    }
}
