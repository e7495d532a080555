//! Watchers started ahead of the agents they will watch, so that an agent's start costs one program and not three.

use crate::shim::{NAMESPACE, Order};
use parking_lot::Mutex;
use sandbox::Confinement;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};

/// How long an agent that was just started has the machine for itself.
const SETTLING: Duration = Duration::from_millis(200);

/// A command to be run under a watcher.
#[derive(Clone, Debug)]
pub struct WatchedCommand {
    pub program: PathBuf,
    pub args: Vec<String>,
    /// Its whole environment.
    pub env: Vec<(String, String)>,
    pub cwd: PathBuf,
    pub confinement: Option<Confinement>,
}

/// Where watchers come from: one waits for its order while there is time.
#[derive(Clone, Debug)]
pub struct Watchers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    command: Vec<String>,
    /// Whether folders can be admitted to what runs under its watchers.
    has_namespace: bool,
    waiting: Mutex<Option<Child>>,
}

impl Watchers {
    /// Watchers of a command that ends in [`crate::exec_agent`], for example `["/usr/bin/spectask", "exec-agent"]`.
    pub fn new(command: Vec<String>) -> Watchers {
        Watchers(Arc::new(Inner { command, has_namespace: false, waiting: Mutex::default() }))
    }

    /// Watchers in namespaces of their own, through which folders are admitted to what they watch over.
    pub fn with_namespace(command: Vec<String>) -> Watchers {
        Watchers(Arc::new(Inner { command, has_namespace: true, waiting: Mutex::default() }))
    }

    /// Starts a command that is no agent under a watcher. Its standard streams are pipes.
    pub async fn start_command(&self, command: WatchedCommand) -> io::Result<Child> {
        let WatchedCommand { program, args, env, cwd, confinement } = command;
        let mut child = self.start()?;
        tell(&mut child, &Order { program, args, env, cwd, confinement }.encode()).await?;
        Ok(child)
    }

    /// Starts a watcher that waits for its order, unless one does.
    pub fn prepare(&self) {
        let mut waiting = self.0.waiting.lock();
        if waiting.as_mut().is_none_or(|child| !is_waiting(child)) {
            // Where it does not start, the agent's own start says why.
            *waiting = self.start().ok();
        }
    }

    /// Starts a watcher that waits for its order once the agent that took the last one has begun to work.
    pub(crate) async fn prepare_soon(&self) {
        tokio::time::sleep(SETTLING).await;
        self.prepare();
    }

    /// Starts an agent under a watcher.
    pub(crate) async fn run(&self, order: &Order) -> io::Result<Child> {
        let order = order.encode();
        let waiting = self.0.waiting.lock().take();
        if let Some(mut child) = waiting
            && is_waiting(&mut child)
            && tell(&mut child, &order).await.is_ok()
        {
            return Ok(child);
        }
        let mut child = self.start()?;
        tell(&mut child, &order).await?;
        Ok(child)
    }

    fn start(&self) -> io::Result<Child> {
        let [program, arguments @ ..] = self.0.command.as_slice() else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no command for watchers was given"));
        };
        let mut command = Command::new(program);
        command.args(arguments).env_clear();
        command.envs(self.0.has_namespace.then_some((NAMESPACE, "1")));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command.spawn()
    }
}

async fn tell(child: &mut Child, order: &[u8]) -> io::Result<()> {
    let stdin = child.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
    stdin.write_all(order).await
}

fn is_waiting(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(None))
}
