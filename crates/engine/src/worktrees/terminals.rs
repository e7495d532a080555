//! Terminals of people in sessions' worktrees.
//!
//! A terminal is a shell in a process tree of its own, confined like an agent's, and belongs to the page that shows it: it
//! ends a while after the page is gone, with the worktree, and with the server. Its output is read only while a page takes
//! it, so a program that prints without end waits. What is typed and shown is kept in memory alone, and only its end.

use crate::App;
use crate::confinement::checks::{self, Running};
use crate::confinement::confine::{self, Folders, Purpose};
use crate::paths::workdir;
use crate::worktrees::setup::KeyedLocks;
use parking_lot::Mutex;
use sandbox::Level;
pub use sandbox::{MAX_FRAME, TerminalInput, TerminalSize};
use std::collections::{HashMap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdout};
use tokio::sync::{OwnedMutexGuard, mpsc};
use tokio_util::sync::CancellationToken;
use workflow::{Session, SessionId, Task, TaskId, UserId};

/// How many terminals a user may have open.
pub const MAX_PER_USER: usize = 8;
/// How long a terminal stays without a page that shows it.
pub const GRACE: Duration = Duration::from_secs(60);
/// How long a terminal stays in which nothing is typed or printed.
pub const IDLE_LIMIT: Duration = Duration::from_secs(4 * 3600);
/// How much of the output is shown to a page that comes back, in bytes.
const SCROLLBACK: usize = 256 * 1024;
/// How many bytes of output are read at once.
const CHUNK: usize = 16 * 1024;
/// How many inputs wait for a program that does not read.
const MAX_PENDING_INPUTS: usize = 64;
/// How long a terminal may take to open.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);

/// All open terminals, by their sessions.
#[derive(Default)]
pub struct Terminals {
    open: Mutex<HashMap<SessionId, Arc<Terminal>>>,
    /// Held while a session's terminal is opened.
    opening: KeyedLocks,
}

/// Why a terminal ended before its shell did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalEnd {
    WorktreeRemoved,
    Idle,
    Unattended,
    ServerStopped,
    /// The shell ended by itself.
    Exited,
}

/// Why no terminal was opened.
#[derive(Debug, thiserror::Error)]
pub enum TerminalError {
    #[error(
        "the session has no worktree now: it is made when the session starts, and removed after its task is over"
    )]
    NoWorktree,
    #[error("{MAX_PER_USER} terminals are open, which is the limit; close one of them")]
    TooMany,
    #[error("the terminal could not be opened")]
    Failed(#[from] io::Error),
}

struct Terminal {
    task: TaskId,
    session: SessionId,
    user: UserId,
    /// Held by the page that shows the terminal.
    output: Arc<tokio::sync::Mutex<Output>>,
    input: mpsc::Sender<TerminalInput>,
    attachment: Mutex<Attachment>,
    used_at: Mutex<Instant>,
    running: Mutex<Option<Running>>,
    /// Why it was ended, once it was.
    end: Mutex<Option<TerminalEnd>>,
    ended: CancellationToken,
}

/// What a terminal prints.
struct Output {
    stdout: ChildStdout,
    child: Child,
    /// The end of what it printed.
    scrollback: VecDeque<u8>,
    /// Whether more was printed than is kept.
    is_cut: bool,
    /// Its connections end with it.
    _network: crate::confinement::network::TreeNetwork,
}

/// Which page shows a terminal.
#[derive(Default)]
struct Attachment {
    number: u64,
    replaced: CancellationToken,
}

/// A terminal as one page shows it. The terminal ends a while after this is dropped, unless a page shows it again.
pub struct AttachedTerminal {
    app: App,
    terminal: Arc<Terminal>,
    output: OwnedMutexGuard<Output>,
    number: u64,
    replaced: CancellationToken,
    /// Whether the terminal was opened for this page.
    pub is_new: bool,
}

/// Says when a page does not show a terminal any more.
pub struct TerminalWatch {
    terminal: Arc<Terminal>,
    replaced: CancellationToken,
}

impl Terminals {
    /// Shows the terminal of a session, which is opened where there is none. A page that showed it before does not any more.
    pub async fn attach(
        &self,
        app: &App,
        user: &UserId,
        task: &Task,
        session: &Session,
        size: TerminalSize,
    ) -> Result<AttachedTerminal, TerminalError> {
        let _opening = self.opening.lock(session.id.as_str()).await;
        let known = self.open.lock().get(&session.id).cloned();
        let is_new = known.is_none();
        let terminal = match known {
            Some(terminal) => terminal,
            None => {
                let mine = self.open.lock().values().filter(|terminal| terminal.user == *user).count();
                if mine >= MAX_PER_USER {
                    return Err(TerminalError::TooMany);
                }
                let opened = tokio::time::timeout(OPEN_TIMEOUT, open(app, user, task, session, size)).await;
                let terminal = Arc::new(opened.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??);
                self.open.lock().insert(session.id.clone(), terminal.clone());
                terminal
            }
        };
        let replaced = CancellationToken::new();
        let number = {
            let mut attachment = terminal.attachment.lock();
            std::mem::replace(&mut attachment.replaced, replaced.clone()).cancel();
            attachment.number += 1;
            attachment.number
        };
        let output = terminal.output.clone().lock_owned().await;
        let attached = AttachedTerminal { app: app.clone(), terminal, output, number, replaced, is_new };
        attached.send(TerminalInput::Resize(size));
        Ok(attached)
    }

    /// Returns the root of the process tree in which a session's terminal runs.
    pub(crate) fn process_of(&self, session: &SessionId) -> Option<agent::ProcessIdentity> {
        let terminal = self.open.lock().get(session).cloned()?;
        let running = terminal.running.lock();
        running.as_ref().map(Running::identity)
    }

    /// Ends the terminal of a session, with everything that runs in it.
    pub async fn end(&self, app: &App, session: &SessionId, reason: TerminalEnd) {
        let _opening = self.opening.lock(session.as_str()).await;
        let ended = self.open.lock().remove(session);
        if let Some(terminal) = ended {
            terminal.end(app, reason).await;
        }
    }

    /// Ends all terminals.
    pub(crate) async fn end_all(&self, app: &App) {
        let all: Vec<Arc<Terminal>> = self.open.lock().drain().map(|(_, terminal)| terminal).collect();
        let ends = all.iter().map(|terminal| terminal.end(app, TerminalEnd::ServerStopped));
        futures::future::join_all(ends).await;
    }

    /// Ends a terminal that no page has shown since an attachment, unless it is another one by now.
    async fn end_unattended(&self, app: &App, terminal: &Arc<Terminal>, number: u64, reason: TerminalEnd) {
        let is_over = {
            let mut open = self.open.lock();
            let is_same = open.get(&terminal.session).is_some_and(|known| Arc::ptr_eq(known, terminal));
            let is_over = is_same && terminal.attachment.lock().number == number;
            if is_over {
                open.remove(&terminal.session);
            }
            is_over
        };
        if is_over {
            terminal.end(app, reason).await;
        }
    }
}

impl Terminal {
    async fn end(&self, app: &App, reason: TerminalEnd) {
        self.end.lock().get_or_insert(reason);
        self.ended.cancel();
        let running = self.running.lock().take();
        if let Some(running) = running {
            running.end().await;
        }
        let folder = confine::terminal_scratch(&app.config.data_dir, &self.task, self.session.as_str());
        // What is left is removed with the task.
        let removed = crate::spawn_blocking(move || std::fs::remove_dir_all(folder));
        drop(removed.await);
    }
}

impl AttachedTerminal {
    /// Returns the end of what the terminal printed so far.
    pub fn scrollback(&self) -> Vec<u8> {
        let mut kept: Vec<u8> = self.output.scrollback.iter().copied().collect();
        if self.output.is_cut {
            // It begins with a whole line, not within a character or a control sequence.
            let from = kept.iter().position(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            kept.drain(..from);
        }
        kept
    }

    /// Reads what the terminal prints next; none when the shell has ended. Nothing is lost when the future is dropped.
    pub async fn read(&mut self) -> Option<Vec<u8>> {
        let mut chunk = vec![0; CHUNK];
        let output = &mut *self.output;
        let count = output.stdout.read(&mut chunk).await.unwrap_or_default();
        if count == 0 {
            return None;
        }
        chunk.truncate(count);
        output.scrollback.extend(&chunk);
        let surplus = output.scrollback.len().saturating_sub(SCROLLBACK);
        output.is_cut |= surplus > 0;
        output.scrollback.drain(..surplus);
        self.terminal.touch();
        Some(chunk)
    }

    /// Sends input; false when the program has not read what was sent before, and this is dropped.
    pub fn send(&self, input: TerminalInput) -> bool {
        self.terminal.touch();
        self.terminal.input.try_send(input).is_ok()
    }

    /// Returns what says when this page does not show the terminal any more.
    pub fn watch(&self) -> TerminalWatch {
        TerminalWatch { terminal: self.terminal.clone(), replaced: self.replaced.clone() }
    }

    /// Whether nothing was typed or printed for too long.
    pub fn is_idle(&self) -> bool {
        self.terminal.used_at.lock().elapsed() >= IDLE_LIMIT
    }

    /// Waits for the end of the shell, and returns its exit code.
    pub async fn exit_code(&mut self) -> Option<i32> {
        self.output.child.wait().await.ok().and_then(|status| status.code())
    }

    /// Ends the terminal.
    pub async fn close(self, reason: TerminalEnd) {
        let (app, terminal, number) = (self.app.clone(), self.terminal.clone(), self.number);
        app.terminals.end_unattended(&app, &terminal, number, reason).await;
    }
}

impl TerminalWatch {
    /// Returns when another page shows the terminal.
    pub async fn replaced(&self) {
        self.replaced.cancelled().await;
    }

    /// Returns when the terminal was ended, with the reason.
    pub async fn ended(&self) -> TerminalEnd {
        self.terminal.ended.cancelled().await;
        let reason = *self.terminal.end.lock();
        reason.unwrap_or(TerminalEnd::Exited)
    }
}

impl Drop for AttachedTerminal {
    fn drop(&mut self) {
        let (app, terminal, number) = (self.app.clone(), self.terminal.clone(), self.number);
        if terminal.ended.is_cancelled() || self.replaced.is_cancelled() {
            return;
        }
        tokio::spawn(async move {
            tokio::select! {
                () = tokio::time::sleep(GRACE) => {}
                () = terminal.ended.cancelled() => return,
            }
            app.terminals.end_unattended(&app, &terminal, number, TerminalEnd::Unattended).await;
        });
    }
}

impl Terminal {
    fn touch(&self) {
        *self.used_at.lock() = Instant::now();
    }
}

/// Removes what the terminals of a server that was killed left.
pub(crate) fn remove_leftovers(data_dir: &Path) {
    let folders = std::fs::read_dir(data_dir.join("terminals")).into_iter().flatten().flatten();
    for folder in folders {
        // What is left is removed with the task.
        let _ = std::fs::remove_dir_all(folder.path());
    }
}

/// Starts a shell in a session's worktree.
async fn open(
    app: &App,
    user: &UserId,
    task: &Task,
    session: &Session,
    size: TerminalSize,
) -> Result<Terminal, TerminalError> {
    let (config, sandbox) = (&app.config, app.agents.sandbox());
    let worktree = workdir(&config.data_dir, task, session);
    if !worktree.join(".git").exists() {
        return Err(TerminalError::NoWorktree);
    }
    sandbox.require().map_err(io::Error::other)?;
    let purpose = Purpose::Terminal(session.id.as_str());
    let folders = Folders::new(&config.data_dir, &task.id, purpose);
    let workspace = app.instances.workspace(task).await.map_err(io::Error::other)?;
    folders.make(&workspace)?;
    let rules = app.instances.network_rules(task).await.map_err(io::Error::other)?;
    let network = app.agents.networks().open(&rules, Purpose::Check, &[])?;
    network.require(sandbox)?;
    let mut policy = confine::policy(config, &task.id, &workspace, purpose);
    policy.network = network.network.clone();
    let shell = shell();
    let own = config.own_binary.to_string_lossy().into_owned();
    let stage = ["exec-agent".to_owned(), "--terminal".to_owned()];
    let size = [size.columns.to_string(), size.rows.to_string()];
    // It says that it is there and waits, so that the worktree is admitted before the shell begins. The worktree is mounted
    // above the folder that the shell starts in, which it therefore enters again.
    let script = "echo; read -r _; cd \"$PWD\" && exec \"$0\" \"$@\"";
    let args = ["-c".to_owned(), script.to_owned(), own].into_iter().chain(stage).chain(size);
    let inherited = ["PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ"];
    let inherited = inherited.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?)));
    let fixed = [
        ("TERM", "xterm-256color".to_owned()),
        ("COLORTERM", "truecolor".to_owned()),
        ("SHELL", shell.to_string_lossy().into_owned()),
    ];
    let fixed = fixed.map(|(name, value)| (name.to_owned(), value));
    let mut env: Vec<(String, String)> = inherited.collect();
    if !env.iter().any(|(name, _)| name == "LANG" || name == "LC_ALL") {
        env.push(("LANG".to_owned(), "C.UTF-8".to_owned()));
    }
    env.extend(fixed);
    env.extend(folders.environment(sandbox.level()));
    env.extend(app.instances.session_variables(task, session).await);
    let watched = agent::WatchedCommand {
        program: "/bin/sh".into(),
        args: args.chain([shell.to_string_lossy().into_owned()]).collect(),
        env,
        cwd: worktree,
        confinement: Some(sandbox.confine(policy)),
    };
    // What an earlier server left must not work beside this one.
    checks::end(config, &task.id, purpose).await;
    let mut child = app.agents.watchers().start_command(watched).await?;
    let running = Running::record(config, &task.id, purpose, child.id())?;
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(mut stdin), Some(mut stdout), Some(stderr)) = (stdin, stdout, stderr) else {
        return Err(io::Error::from(io::ErrorKind::BrokenPipe).into());
    };
    let mut first = [0];
    if stdout.read(&mut first).await? == 0 {
        let mut reason = String::new();
        // Where it cannot be read, its end has to do.
        let _ = stderr.take(4096).read_to_string(&mut reason).await;
        return Err(io::Error::other(reason.trim().to_owned()).into());
    }
    tokio::spawn(report_complaints(stderr, session.id.clone()));
    if sandbox.level() == Level::Bubblewrap {
        let admission = confine::admission(config, task, session, &workspace, purpose);
        confine::admit(config, &admission, running.identity().pid).await.map_err(io::Error::other)?;
    }
    stdin.write_all(b"\n").await?;
    let (input, mut inputs) = mpsc::channel::<TerminalInput>(MAX_PENDING_INPUTS);
    tokio::spawn(async move {
        while let Some(input) = inputs.recv().await {
            if stdin.write_all(&input.encode()).await.is_err() {
                return;
            }
        }
    });
    let output = Output { stdout, child, scrollback: VecDeque::new(), is_cut: false, _network: network };
    Ok(Terminal {
        task: task.id.clone(),
        session: session.id.clone(),
        user: user.clone(),
        output: Arc::new(tokio::sync::Mutex::new(output)),
        input,
        attachment: Mutex::default(),
        used_at: Mutex::new(Instant::now()),
        running: Mutex::new(Some(running)),
        end: Mutex::default(),
        ended: CancellationToken::new(),
    })
}

/// Logs what the stages around a terminal's shell report. The shell itself prints to its terminal.
async fn report_complaints(mut stderr: tokio::process::ChildStderr, session: SessionId) {
    let mut chunk = vec![0; 1024];
    while let Ok(count @ 1..) = stderr.read(&mut chunk).await {
        let said = String::from_utf8_lossy(&chunk[..count]).trim().to_owned();
        tracing::info!(said, %session, "the process tree of a terminal reports");
    }
}

/// The shell of the account that runs the server; `/bin/sh` where it is not one of the system, which sandboxes show.
fn shell() -> PathBuf {
    let named = std::env::var_os("SHELL").map(PathBuf::from);
    let account = || nix::unistd::User::from_uid(nix::unistd::getuid()).ok().flatten().map(|user| user.shell);
    let is_usable = |shell: &PathBuf| {
        let refuses = |name: &str| shell.file_name().is_some_and(|file| file == name);
        ["/bin", "/usr", "/nix", "/run/current-system"].iter().any(|root| shell.starts_with(root))
            && shell.is_file()
            && !refuses("nologin")
            && !refuses("false")
    };
    let named = named.filter(is_usable).or_else(|| account().filter(is_usable));
    named.unwrap_or_else(|| PathBuf::from("/bin/sh"))
}
