//! How an agent process is started: its command, its environment, its limits.

use crate::shim::Order;
use crate::{AgentError, Watchers, catalog};
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

/// The variables of our own environment that an agent gets; everything else it needs is in [`Launch::env`].
const INHERITED: [&str; 6] = ["PATH", "HOME", "LANG", "TERM", "TMPDIR", "USER"];

/// What to start and within which limits.
#[derive(Clone, Debug)]
pub struct Launch {
    pub command: String,
    pub args: Vec<String>,
    /// Added to the few inherited variables; a variable named here wins.
    pub env: Vec<(String, String)>,
    pub cwd: PathBuf,
    /// Who watches over the agent. Without a watcher the agent's stray children outlive a killed server.
    pub watchers: Option<Watchers>,
    /// Longer lines of the agent's output are dropped.
    pub max_line_bytes: usize,
    /// How much of the end of standard error is kept.
    pub stderr_bytes: usize,
    /// How long the agent may take to answer `initialize`, `session/new` and `session/load`.
    pub start_timeout: Duration,
}

impl Launch {
    /// A launch with the usual limits: lines of 16 MiB, 64 KiB of standard error, 60 seconds to start.
    pub fn new(command: impl Into<String>, args: Vec<String>, cwd: impl Into<PathBuf>) -> Launch {
        Launch {
            command: command.into(),
            args,
            env: Vec::new(),
            cwd: cwd.into(),
            watchers: None,
            max_line_bytes: 16 * 1024 * 1024,
            stderr_bytes: 64 * 1024,
            start_timeout: Duration::from_mins(1),
        }
    }

    pub(crate) async fn spawn(&self) -> Result<Child, AgentError> {
        let path =
            self.env.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone().into());
        let path = path.or_else(|| std::env::var_os("PATH")).unwrap_or_default();
        let program = find_command(&self.command, &path, &self.cwd).ok_or_else(|| AgentError::NotFound {
            command: self.command.clone(),
            hint: catalog::hint(&self.command),
        })?;
        let inherited =
            INHERITED.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
        let env = inherited.chain(self.env.iter().cloned());
        let spawned = match &self.watchers {
            Some(watchers) => {
                let order =
                    Order { program, args: self.args.clone(), env: env.collect(), cwd: self.cwd.clone() };
                watchers.run(&order).await
            }
            None => {
                let mut command = Command::new(program);
                command.args(&self.args).current_dir(&self.cwd).env_clear().envs(env).process_group(0);
                command
                    .stdin(Stdio::piped())
                    .stdout(Stdio::piped())
                    .stderr(Stdio::piped())
                    .kill_on_drop(true);
                command.spawn()
            }
        };
        spawned.map_err(|source| AgentError::Spawn { command: self.command.clone(), source })
    }
}

/// The executable file a command names: itself when it is a path, else the first match on `path`.
pub fn find_command(command: &str, path: &OsStr, cwd: &Path) -> Option<PathBuf> {
    let is_executable = |file: &PathBuf| {
        file.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
    };
    if command.is_empty() {
        return None;
    }
    if command.contains('/') {
        return Some(cwd.join(command)).filter(is_executable);
    }
    std::env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(command))
        .find(is_executable)
}
