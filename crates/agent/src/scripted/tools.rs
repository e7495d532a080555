//! The steps that touch files and start commands, each shown as a tool call.

use super::play::{Played, Playing, Stop};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use std::io;
use std::path::{Component, Path, PathBuf};
use std::process::{Output, Stdio};
use tokio::process::Command;

/// How much of the end of a command's output is shown.
const SHOWN: usize = 64 * 1024;

impl Playing {
    pub(super) async fn write(&self, path: &str, content: &str) -> Played {
        let file = self.confined(path)?;
        self.put(&file, &format!("Write {path}"), content).await
    }

    pub(super) async fn edit(&self, path: &str, find: &str, replace: &str) -> Played {
        let file = self.confined(path)?;
        let text = std::fs::read_to_string(&file);
        let text = text.map_err(|error| Stop::failed(format!("{path} cannot be edited: {error}")))?;
        let is_there = text.contains(find);
        // A turn that is repeated finds its own replacement.
        let is_done = text.contains(replace) && (!is_there || replace.contains(find));
        let edited = match (is_done, is_there) {
            (true, _) => text,
            (false, true) => text.replacen(find, replace, 1),
            (false, false) => {
                return Err(Stop::failed(format!(
                    "{path} does not contain {find:?}, which the scenario edits"
                )));
            }
        };
        self.put(&file, &format!("Edit {path}"), &edited).await
    }

    pub(super) async fn delete(&self, path: &str) -> Played {
        let file = self.confined(path)?;
        let old = std::fs::read_to_string(&file).unwrap_or_default();
        let call = self.open_call(&format!("Delete {path}"), "delete", Some(&file)).await?;
        let deleted = std::fs::remove_file(&file);
        let is_gone = deleted.as_ref().err().is_none_or(|error| error.kind() == io::ErrorKind::NotFound);
        if let (Err(error), false) = (deleted, is_gone) {
            self.close_call(&call, "failed").await?;
            return Err(Stop::failed(format!("{path} cannot be deleted: {error}")));
        }
        self.complete_call(
            &call,
            &json!([{"type": "diff", "path": file, "oldText": old, "newText": ""}]),
            &Value::Null,
        )
        .await
    }

    /// Writes a whole file and shows what changed.
    pub(super) async fn put(&self, file: &Path, title: &str, content: &str) -> Played {
        let old = std::fs::read_to_string(file).ok();
        let call = self.open_call(title, "edit", Some(file)).await?;
        if old.as_deref() != Some(content)
            && let Err(error) = write_whole(file, content)
        {
            self.close_call(&call, "failed").await?;
            return Err(Stop::failed(format!("{} cannot be written: {error}", file.display())));
        }
        let diff = json!([{"type": "diff", "path": file, "oldText": old, "newText": content}]);
        self.complete_call(&call, &diff, &Value::Null).await
    }

    pub(super) async fn run(&self, command: &str, expect: Option<i32>) -> Played {
        let call = self.open_call(command, "execute", None).await?;
        let mut sh = Command::new("sh");
        sh.arg("-c").arg(command).current_dir(self.thread.cwd());
        let Output { status, mut stdout, stderr } = match self.output(sh).await {
            Ok(output) => output,
            Err(stop) => {
                self.close_call(&call, "failed").await?;
                return Err(stop);
            }
        };
        stdout.extend(stderr);
        let text = String::from_utf8_lossy(&stdout[stdout.len().saturating_sub(SHOWN)..]).into_owned();
        let content = json!([{"type": "content", "content": {"type": "text", "text": text}}]);
        self.complete_call(&call, &content, &json!({"exitCode": status.code(), "output": text})).await?;
        match expect {
            Some(expected) if status.code() != Some(expected) => Err(Stop::failed(format!(
                "`{command}` ended with {status} where the scenario expects exit code {expected}"
            ))),
            Some(_) | None => Ok(()),
        }
    }

    /// Starts a process that leaves the agent's session and outlives the turn.
    pub(super) async fn stray(&self, command: &str) -> Played {
        let mut setsid = std::process::Command::new("setsid");
        setsid.args(["sh", "-c", command]).current_dir(self.thread.cwd());
        setsid.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child =
            setsid.spawn().map_err(|error| Stop::failed(format!("`{command}` does not start: {error}")))?;
        self.say(&format!("I left process {} behind.", child.id())).await
    }

    /// Runs a command to its end; a cancelled turn ends it and what it started.
    pub(super) async fn output(&self, mut command: Command) -> Result<Output, Stop> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.process_group(0).kill_on_drop(true).spawn();
        let child = child.map_err(|error| Stop::failed(format!("a command does not start: {error}")))?;
        let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        tokio::select! {
            output = child.wait_with_output() => output.map_err(|error| Stop::failed(format!("a command has no end: {error}"))),
            () = self.cancel.cancelled() => {
                if let Some(group) = group {
                    // A group that ended in between is what is wanted.
                    let _ = kill_process_group(group, Signal::KILL);
                }
                Err(Stop::Cancelled)
            }
        }
    }

    pub(super) async fn open_call(
        &self,
        title: &str,
        kind: &str,
        file: Option<&Path>,
    ) -> Result<String, Stop> {
        let call = self.stage.fresh("call");
        let locations: Vec<_> = file.into_iter().map(|file| json!({"path": file})).collect();
        self.update(json!({
            "sessionUpdate": "tool_call", "toolCallId": call, "title": title, "kind": kind, "status": "in_progress",
            "locations": locations,
        }))
        .await?;
        Ok(call)
    }

    pub(super) async fn complete_call(&self, call: &str, content: &Value, output: &Value) -> Played {
        let mut update = json!({"sessionUpdate": "tool_call_update", "toolCallId": call, "status": "completed", "content": content});
        if !output.is_null() {
            update["rawOutput"] = output.clone();
        }
        self.update(update).await
    }

    /// Returns the file a path of a scenario names, which is never outside the session's folder.
    fn confined(&self, path: &str) -> Result<PathBuf, Stop> {
        confined(&self.thread.cwd(), path)
            .ok_or_else(|| Stop::failed(format!("{path:?} is not inside the working directory")))
    }
}

fn confined(cwd: &Path, path: &str) -> Option<PathBuf> {
    let is_plain = |component: Component<'_>| matches!(component, Component::Normal(_) | Component::CurDir);
    if path.is_empty() || !Path::new(path).components().all(is_plain) {
        return None;
    }
    let (cwd, file) = (cwd.canonicalize().ok()?, cwd.join(path));
    // A link on the way may lead outside; what does not exist leads nowhere.
    let nearest = file.ancestors().find(|place| place.symlink_metadata().is_ok())?;
    nearest.canonicalize().ok()?.starts_with(cwd).then_some(file)
}

fn write_whole(file: &Path, content: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(file, content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc", folder.path().join("link")).unwrap();
        assert_eq!(confined(folder.path(), "a/b.txt"), Some(folder.path().join("a/b.txt")));
        for outside in ["../a", "/etc/passwd", "a/../../b", "link/passwd", ""] {
            assert_eq!(confined(folder.path(), outside), None, "{outside}");
        }
    }
}
