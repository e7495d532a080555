//! The sandbox policy of agents and checks of a task.

use crate::paths::{agents_socket, installed_agent_of, workdir};
use crate::settings::config::Config;
use agent::{AgentError, OwnFolders};
use sandbox::{Admission, Home, Layer, Level, Limits, Policy, Tree};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use workflow::{Isolation, Session, SessionPhase, Task, TaskId};

/// The purpose of a confined process tree. Agents and checks share neither temporary files nor package caches, so that
/// an agent cannot decide what the checks of its work find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose<'a> {
    Agent,
    Check,
    /// The setup or teardown of a worktree, by its name. Each has separate folders, since what one worktree's setup
    /// runs may be an agent's work.
    Setup(&'a str),
    /// A person's terminal in the worktree of a session, by the session's id.
    Terminal(&'a str),
}

impl Purpose<'_> {
    /// Returns the folders of a task's process trees of this kind: their own files, and their layers over package caches.
    fn folders(self, data_dir: &Path, task: &TaskId) -> (PathBuf, PathBuf) {
        let layers = data_dir.join("layers").join(task.as_str());
        let own = |kind: &str| data_dir.join(kind).join(task.as_str());
        match self {
            Self::Agent => (own("instances"), layers.join("instances")),
            Self::Check => (own("checks"), layers.join("checks")),
            Self::Setup(name) => (own("setup").join(name), layers.join(format!("setup-{name}"))),
            Self::Terminal(session) => {
                let folder = terminal_scratch(data_dir, task, session);
                (folder.join("files"), folder.join("layers"))
            }
        }
    }
}

/// The repository and documents that a task works on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Workspace {
    /// The folder that the worktrees of the repository share; the check of an agent works in none.
    pub(crate) common_dir: Option<PathBuf>,
    /// The worktree of the branch with documents.
    pub(crate) documents: Option<PathBuf>,
    /// The folder below `refs` in which the task's sessions have their branches.
    pub(crate) session_refs: String,
}

/// Where a task's process trees of one kind keep what is theirs.
pub(crate) struct Folders {
    pub(crate) own: PathBuf,
    /// Where an agent's process is started, and what the scripted agent remembers.
    pub(crate) state: PathBuf,
    home: PathBuf,
    temporary: PathBuf,
    layers: PathBuf,
    worktrees: PathBuf,
}

impl Folders {
    pub(crate) fn new(data_dir: &Path, task: &TaskId, purpose: Purpose<'_>) -> Self {
        let (own, layers) = purpose.folders(data_dir, task);
        let worktrees = data_dir.join("worktrees").join(task.as_str());
        let (state, home, temporary) = (own.join("state"), own.join("home"), own.join("tmp"));
        Self { own, state, home, temporary, layers, worktrees }
    }

    /// Makes the folders.
    pub(crate) fn make(&self, workspace: &Workspace) -> io::Result<()> {
        let documents = workspace.documents.as_deref().and_then(Path::parent).map(Path::to_owned);
        let folders = [&self.state, &self.home, &self.temporary, &self.layers, &self.worktrees];
        folders.into_iter().chain(&documents).try_for_each(fs::create_dir_all)?;
        // What is mounted is a folder of the server's own, and no link to another one.
        match folders.into_iter().find(|folder| folder.is_symlink()) {
            Some(link) => Err(io::Error::other(format!("{} is a symbolic link; remove it", link.display()))),
            None => Ok(()),
        }
    }

    /// Returns the variables that name the temporary folder.
    pub(crate) fn environment(&self, level: Level) -> Vec<(String, String)> {
        // Paths of sockets are short, and under bubblewrap /tmp is this folder.
        let folder = match level {
            Level::Bubblewrap => "/tmp".to_owned(),
            Level::Landlock | Level::Off => self.temporary.to_string_lossy().into_owned(),
        };
        ["TMPDIR", "TMUX_TMPDIR"].map(|name| (name.to_owned(), folder.clone())).into()
    }
}

/// Returns what every process tree of a task may do.
pub(crate) fn policy(config: &Config, task: &TaskId, workspace: &Workspace, purpose: Purpose<'_>) -> Policy {
    let data_dir = &config.data_dir;
    let folders = Folders::new(data_dir, task, purpose);
    let homes = homes();
    let kept_out: Vec<&Path> = homes.iter().map(PathBuf::as_path).chain([data_dir.as_path()]).collect();
    let mut policy = Policy {
        home: homes.first().map(|home| Home { path: home.clone(), backing: folders.home.clone() }),
        temporary: Some(folders.temporary.clone()),
        limits: limits(config, &folders),
        ..Policy::default()
    };
    for home in &homes {
        policy.readable.extend(sandbox::toolchains(home));
        policy.hidden.extend(sandbox::toolchain_credentials(home));
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    policy.readable.extend(sandbox::search_path(&path, &kept_out));
    policy.readable.extend(sandbox::installation_of(&config.own_binary, &kept_out));
    policy.readable.extend(config.sandbox.readable.iter().map(|path| in_home(path)));
    policy.hidden.push(data_dir.clone());
    policy.hidden.extend(config.file.clone());
    policy.hidden.extend(config.secrets.key_file.clone());
    if let Some(file) = config.database().strip_prefix("sqlite://") {
        policy.hidden.push(PathBuf::from(file));
    }
    // The folder itself is not writable: a link in the place of one of these would be mounted in its stead.
    policy.writable.extend([folders.home.clone(), folders.state.clone()]);
    policy.writable.extend(config.sandbox.writable.iter().map(|path| in_home(path)));
    let worktrees = folders.worktrees;
    policy.readable.push(worktrees.clone());
    // The worktree with documents may be made while an agent starts; the folder above it stays.
    policy.readable.extend(workspace.documents.as_deref().and_then(Path::parent).map(Path::to_owned));
    if purpose == Purpose::Agent {
        policy.readable.push(agents_socket(config));
    }
    if matches!(purpose, Purpose::Agent | Purpose::Terminal(_)) {
        if let Some(common_dir) = &workspace.common_dir {
            policy.allow_repository(common_dir, &workspace.session_refs);
        }
        policy.admissible.push(worktrees.clone());
        policy.unadmitted.push(worktrees);
        if let Some(documents) = &workspace.documents {
            let specs = documents.join("specs").join(task.as_str());
            policy.admissible.extend(documents.parent().map(Path::to_owned));
            policy.unadmitted.push(specs);
        }
    } else if let Some(common_dir) = &workspace.common_dir {
        policy.show_repository(common_dir);
    }
    policy
}

/// Adds what an agent's program needs: its installation, its own folders in the home folder, and what its environment names.
pub(crate) fn allow_agent(
    policy: &mut Policy,
    config: &Config,
    program: &Path,
    args: &[String],
    env: &[(String, String)],
    own: OwnFolders,
) {
    let homes = homes();
    let kept_out: Vec<&Path> =
        homes.iter().map(PathBuf::as_path).chain([config.data_dir.as_path()]).collect();
    let holds_others = |path: &Path| kept_out.iter().any(|other| other.starts_with(path));
    policy.readable.extend(sandbox::installation_of(program, &kept_out));
    policy.readable.extend(installed_agent_of(&config.data_dir, program));
    policy.readable.push(config.data_dir.join("scenarios"));
    // A script that an interpreter runs is named in the arguments, and may use the files beside it. What the settings let agents
    // write stays writable, as an agent's log that an argument names.
    let writable = policy.writable.clone();
    let may_write = |path: &Path| writable.iter().any(|folder| path.starts_with(folder));
    for file in args.iter().map(Path::new).filter(|path| path.is_absolute() && path.is_file()) {
        let installation = sandbox::installation_of(file, &kept_out);
        policy.readable.extend(installation.into_iter().filter(|path| !may_write(path)));
    }
    let folders = args.iter().map(Path::new).filter(|path| path.is_absolute() && path.is_dir());
    let folders = folders.filter(|path| !holds_others(path) && !may_write(path));
    policy.readable.extend(folders.map(Path::to_owned));
    for (name, value) in env {
        let path = Path::new(value);
        if name == "PATH" {
            policy.readable.extend(sandbox::search_path(OsStr::new(value), &kept_out));
        } else if sandbox::OWN_FOLDERS.iter().any(|own| path == Path::new(own)) {
            // The machine's temporary folder, which variables name, is not to take the place of the task's own.
        } else if path.is_absolute() && path.is_dir() && !holds_others(path) {
            policy.writable.push(path.to_owned());
        } else if path.is_absolute() && path.is_file() && !may_write(path) {
            policy.readable.push(path.to_owned());
        }
    }
    let Some(home) = policy.home.clone() else { return };
    for name in own.written {
        let path = home.path.join(name);
        if path.is_file() {
            // A file that is replaced by a renamed one cannot be mounted, so the task has a copy.
            let copy = home.backing.join(name);
            if !copy.exists()
                && let Err(error) = fs::copy(&path, &copy)
            {
                tracing::warn!(%error, file = %path.display(), "an agent does not get its settings");
            }
        } else if path.is_dir() {
            policy.writable.push(path);
        }
    }
    policy.readable.extend(own.settings.iter().map(|name| home.path.join(name)));
}

/// Returns what a session's agent, or a person's terminal in it, gets to write once the session's worktree is there.
pub(crate) fn admission(
    config: &Config,
    task: &Task,
    session: &Session,
    workspace: &Workspace,
    purpose: Purpose<'_>,
) -> Admission {
    let mut trees = Vec::new();
    let is_planning = session.phase == SessionPhase::Planning;
    if let Some(common_dir) = &workspace.common_dir {
        let worktree = workdir(&config.data_dir, task, session);
        let refs = match (is_planning, task.isolation) {
            (true, _) => None,
            // All sessions share the task's branch, whose folder of refs is that of every task.
            (false, Isolation::Shared) => Some("heads/task".to_owned()),
            (false, Isolation::Worktree) => Some(workspace.session_refs.clone()),
        };
        trees.extend(sandbox::worktree_trees(&worktree, common_dir, refs.as_deref()));
    }
    if let Some(documents) = &workspace.documents {
        let path = documents.join("specs").join(task.id.as_str());
        let files = fs::read_dir(&path).into_iter().flatten().flatten();
        let names = files.map(|file| PathBuf::from(file.file_name()));
        // An implementing session reads the documents and marks what is done.
        let read_only = names.filter(|name| !is_planning && name != Path::new("progress.md")).collect();
        trees.push(Tree { path, read_only, replaces: true });
    }
    Admission { staging: staging(config), trees, layers: layers(config, &task.id, purpose) }
}

/// Returns the package caches that a process tree reads from the person's and writes apart.
pub(crate) fn layers(config: &Config, task: &TaskId, purpose: Purpose<'_>) -> Vec<Layer> {
    let folders = Folders::new(&config.data_dir, task, purpose);
    let Some(home) = homes().into_iter().next() else { return Vec::new() };
    let toolchains = sandbox::toolchains(&home);
    let caches = sandbox::package_caches(&home).into_iter();
    caches
        .map(|name| {
            let lower = home.join(name);
            let layer = folders.layers.join(name.replace('/', "-"));
            let is_shown = toolchains.iter().any(|folder| lower.starts_with(folder));
            let at = if is_shown { lower.clone() } else { folders.home.join(name) };
            Layer { lower, upper: layer.join("upper"), work: layer.join("work"), at }
        })
        .collect()
}

/// Admits folders to the tree that a watcher watches over.
pub(crate) async fn admit(config: &Config, admission: &Admission, watcher: u32) -> Result<(), AgentError> {
    let own = [config.own_binary.to_string_lossy().into_owned(), "exec-agent".to_owned()];
    let mut command = tokio::process::Command::from(admission.command(&own, watcher));
    let failed = |message: String| AgentError::NotAdmitted { message };
    let output = command.stdin(std::process::Stdio::null()).output().await;
    let output = output.map_err(|error| failed(error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if !output.status.success() {
        return Err(failed(said));
    }
    if !said.is_empty() {
        tracing::info!(said, "a folder was not admitted to a sandbox");
    }
    Ok(())
}

/// Returns the folder in which mounts are put together; no confined process sees it.
pub(crate) fn staging(config: &Config) -> PathBuf {
    config.data_dir.join("staging")
}

/// Returns what a setup command leaves behind outside its worktree: temporary files, its home folder and package
/// caches.
pub(crate) fn setup_scratch(data_dir: &Path, task: &TaskId, name: &str) -> Vec<PathBuf> {
    let folders = Folders::new(data_dir, task, Purpose::Setup(name));
    vec![folders.own, folders.layers]
}

/// The folder of a session's terminal: its home folder, temporary files and package caches.
pub(crate) fn terminal_scratch(data_dir: &Path, task: &TaskId, session: &str) -> PathBuf {
    data_dir.join("terminals").join(task.as_str()).join(session)
}

/// What a task that is over leaves behind: temporary files and package caches.
pub(crate) fn scratch(data_dir: &Path, task: &TaskId) -> Vec<PathBuf> {
    let agent = Folders::new(data_dir, task, Purpose::Agent);
    let check = Folders::new(data_dir, task, Purpose::Check);
    let terminals = data_dir.join("terminals").join(task.as_str());
    vec![agent.temporary, agent.layers, check.own, check.layers, terminals]
}

fn limits(config: &Config, folders: &Folders) -> Limits {
    let some = |amount: u64, unit: u64| (amount > 0).then(|| amount.saturating_mul(unit));
    let sandbox = &config.sandbox;
    Limits {
        memory_bytes: some(sandbox.memory_mb, 1 << 20),
        processes: some(sandbox.processes, 1),
        file_bytes: some(sandbox.file_mb, 1 << 20),
        disk_bytes: some(sandbox.disk_mb, 1 << 20),
        disk_folders: vec![folders.own.clone(), folders.layers.clone(), folders.worktrees.clone()],
    }
}

/// Returns the home folder that processes know, then that of the account where it is another.
fn homes() -> Vec<PathBuf> {
    let known = std::env::var_os("HOME").map(PathBuf::from);
    let account = nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten().map(|user| user.dir);
    let mut homes: Vec<PathBuf> = Vec::new();
    for home in known.into_iter().chain(account) {
        let home = home.canonicalize().unwrap_or(home);
        if home.is_absolute() && home.parent().is_some() && !homes.contains(&home) {
            homes.push(home);
        }
    }
    homes
}

/// Returns a path of the configuration, in which `~` is the home folder.
fn in_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), homes().into_iter().next()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}
