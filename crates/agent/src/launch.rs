//! How an agent process is started: its command, its environment, its limits.

use crate::shim::Order;
use crate::{AgentError, Watchers, catalog};
use sandbox::Confinement;
use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};

/// The variables of our own environment that an agent gets; everything else it needs is in [`Launch::env`].
const INHERITED: [&str; 24] = [
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TERM",
    "TMPDIR",
    "USER",
    // Where programs keep their configuration, state and caches.
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "XDG_STATE_HOME",
    "XDG_CACHE_HOME",
    // How the network is reached, and whom to trust there.
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "NODE_EXTRA_CA_CERTS",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
];

/// The command to start and its limits.
#[derive(Clone, Debug)]
pub struct Launch {
    pub command: String,
    pub args: Vec<String>,
    /// Added to the few inherited variables; a variable named here wins.
    pub env: Vec<(String, String)>,
    /// Further variables of our own environment that the agent gets, where they are set.
    pub inherit: Vec<String>,
    pub cwd: PathBuf,
    /// Folders beside their working directories in which the agent's sessions may work, for agents that can be told.
    pub additional_directories: Vec<PathBuf>,
    /// The method by which to sign in before anything else; absent signs in only when the agent asks for it and a key in
    /// its environment fits.
    pub auth_method: Option<String>,
    /// The watchers of the agent. Without a watcher the agent's stray children outlive a killed server.
    pub watchers: Option<Watchers>,
    /// How the agent is confined, under a watcher; absent is not at all.
    pub confinement: Option<Confinement>,
    /// Longer lines of the agent's output are dropped.
    pub max_line_bytes: usize,
    /// How much of the end of standard error is kept.
    pub stderr_bytes: usize,
    /// How long the agent may take to answer `initialize`, `session/new` and `session/load`.
    pub start_timeout: Duration,
}

impl Launch {
    /// Returns a launch with the usual limits: lines of 16 MiB, 64 KiB of standard error, 60 seconds to start.
    pub fn new(command: impl Into<String>, args: Vec<String>, cwd: impl Into<PathBuf>) -> Launch {
        Launch {
            command: command.into(),
            args,
            env: Vec::new(),
            inherit: Vec::new(),
            cwd: cwd.into(),
            additional_directories: Vec::new(),
            auth_method: None,
            watchers: None,
            confinement: None,
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
        let env = self.environment().into_iter();
        let spawned = match &self.watchers {
            Some(watchers) => {
                let order = Order {
                    program,
                    args: self.args.clone(),
                    env: env.collect(),
                    cwd: self.cwd.clone(),
                    confinement: self.confinement.clone(),
                };
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

impl Launch {
    /// Returns the agent's whole environment; of variables named twice the last counts.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let names = INHERITED.iter().copied().chain(self.inherit.iter().map(String::as_str));
        let inherited = names.filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)));
        inherited.chain(self.env.iter().cloned()).collect()
    }
}

/// Returns the executable file a command names: itself when it is a path, else the first match on `path`.
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
