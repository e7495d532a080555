//! The shim between the server and an agent: it lives exactly as long as both, and ends the agent's whole tree.
//!
//! The shim leads a session of its own and is the subreaper of everything below it, so that children which detach
//! themselves stay its descendants. It waits for two things, the agent's end and the server's, and on either ends
//! whatever is left. The kernel ends the agent itself together with the shim. So nothing survives a server that is
//! killed. A confined agent lives in namespaces that end with the shim, so nothing survives a shim that is killed either;
//! without them, what both left its session and cleared its environment does.

use crate::tree::{self, MARK, ProcessIdentity};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, WaitStatus};
use sandbox::{Confinement, Limits};
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

/// Tells the second stage, which becomes the agent, from the first, which watches over it.
const STAGE: &str = "SPECTASK_SHIM_PARENT";

/// Tells the second stage by which descriptor it hands the limits of the tree to the first.
const LIMITS: &str = "SPECTASK_SHIM_LIMITS";

/// Tells the first stage to enter namespaces through which folders are admitted to the agent.
pub(crate) const NAMESPACE: &str = "SPECTASK_SHIM_NAMESPACE";

/// How often the memory and processes of a limited tree are counted.
const COUNT_INTERVAL: Duration = Duration::from_millis(250);

/// How often the size of its folders is taken, in relation to how long that takes.
const DISK_INTERVAL: Duration = Duration::from_secs(5);
const DISK_SHARE: u32 = 20;

/// How long a tree whose server is gone may take to end by itself.
const GRACE: Duration = Duration::from_millis(500);

/// How many digits the length of an order has.
const LENGTH_DIGITS: usize = 8;

/// The agent to start: what a shim that was started without a command reads from its standard input first.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) program: PathBuf,
    pub(crate) args: Vec<String>,
    /// The agent's whole environment.
    pub(crate) env: Vec<(String, String)>,
    pub(crate) cwd: PathBuf,
    pub(crate) confinement: Option<Confinement>,
}

impl Order {
    /// Returns the order as it is sent: its length in hexadecimal digits, then JSON.
    pub(crate) fn encode(&self) -> Vec<u8> {
        // Plain data, whose serialization cannot fail.
        let body = serde_json::to_string(self).unwrap_or_default();
        format!("{:0LENGTH_DIGITS$x}{body}", body.len()).into_bytes()
    }

    /// Reads an order and not a byte more: what follows is the agent's.
    fn read() -> io::Result<Order> {
        let mut length = [0; LENGTH_DIGITS];
        read_exact(&mut length)?;
        let length = std::str::from_utf8(&length).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let mut body = vec![0; length.ok_or(io::ErrorKind::InvalidData)?];
        read_exact(&mut body)?;
        Ok(serde_json::from_slice(&body)?)
    }

    fn command(self) -> Command {
        let mut command = match &self.confinement {
            Some(confinement) => {
                let arguments: Vec<OsString> = self.args.into_iter().map(OsString::from).collect();
                confinement.command(&self.program, &arguments, &self.cwd)
            }
            None => {
                let mut command = Command::new(self.program);
                command.args(self.args).current_dir(self.cwd);
                command
            }
        };
        command.env_clear().envs(self.env);
        command.envs(std::env::var_os(MARK).map(|mark| (MARK, mark)));
        command
    }
}

/// Reads from standard input without a buffer, which would keep what is the agent's.
fn read_exact(mut bytes: &mut [u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::read(rustix::stdio::stdin(), &mut *bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => bytes = &mut bytes[count..],
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Runs an agent's command under watch, and ends with its status. The main function of a program calls this before it
/// starts threads, when the program was started as a watcher of [`crate::Watchers`].
///
/// `command` is the command and its arguments, as they follow the shim's own arguments. Without a command it is read
/// from standard input.
pub fn exec_agent(command: &[OsString]) -> ExitCode {
    if let Some(code) = sandbox::run_stage(command) {
        return code;
    }
    match std::env::var(STAGE) {
        Ok(parent) => become_agent(command, &parent),
        Err(_) => watch_over_agent(),
    }
}

/// The second stage: asks to die with the shim, then becomes the agent.
fn become_agent(command: &[OsString], parent: &str) -> ExitCode {
    // Where the kernel refuses, the shim still ends the tree; only the shim's own sudden death is uncovered.
    let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    let is_watched =
        rustix::process::getppid().is_some_and(|pid| pid.as_raw_nonzero().get().to_string() == parent);
    if !is_watched {
        return failure("the shim ended before the agent began");
    }
    let mut command = match command.split_first() {
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).env_remove(STAGE).env_remove(LIMITS).env_remove(NAMESPACE);
            command
        }
        None => match Order::read() {
            Ok(order) => {
                let limits = order.confinement.as_ref().map(|confinement| &confinement.policy().limits);
                if let Err(error) = hand_over(limits) {
                    return failure(&format!("the limits of the agent cannot be handed over: {error}"));
                }
                order.command()
            }
            // The server needs no agent any more.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return ExitCode::SUCCESS,
            Err(error) => return failure(&format!("the order to start an agent cannot be read: {error}")),
        },
    };
    let error = command.exec();
    failure(&format!("{} does not start: {error}", command.get_program().to_string_lossy()))
}

/// The first stage: starts the second and waits for its end or the server's.
fn watch_over_agent() -> ExitCode {
    let Some(server) = rustix::process::getppid() else {
        return failure("there is no server to watch");
    };
    let Ok(server_alive) = rustix::process::pidfd_open(server, PidfdFlags::empty()) else {
        return failure("the server cannot be watched; Linux 5.3 or later is needed");
    };
    // The server may have ended before the descriptor was opened, and its number may belong to another process.
    if rustix::process::getppid() != Some(server) {
        return failure("the server ended before the agent began");
    }
    // These fail only where they are in force already.
    let _ = rustix::process::setsid();
    let us = rustix::process::getpid();
    let _ = rustix::process::set_child_subreaper(Some(us));
    if std::env::var_os(NAMESPACE).is_some()
        && let Err(error) = sandbox::enter_namespace()
    {
        return failure(&format!("namespaces for the agent are refused: {error}"));
    }
    let Some(root) = ProcessIdentity::of(std::process::id()) else {
        return failure("/proc is not there, so the agent's processes cannot be followed");
    };
    // The second stage inherits both ends and closes them.
    let Ok((limits, limits_sender)) = rustix::pipe::pipe() else {
        return failure("no pipe can be opened");
    };
    let agent = std::env::current_exe().and_then(|program| {
        Command::new(program)
            .args(std::env::args_os().skip(1))
            .env(STAGE, us.as_raw_nonzero().get().to_string())
            .env(LIMITS, format!("{} {}", limits.as_raw_fd(), limits_sender.as_raw_fd()))
            .env(MARK, root.mark())
            .spawn()
    });
    drop(limits_sender);
    let agent = match agent {
        Ok(agent) => agent.id(),
        Err(error) => return failure(&format!("the agent does not start: {error}")),
    };
    std::thread::spawn(move || {
        if wait_readable(&server_alive) {
            end_with_server(root);
        }
    });
    std::thread::spawn(move || {
        let mut text = String::new();
        if File::from(limits).read_to_string(&mut text).is_ok()
            && let Ok(limits) = serde_json::from_str::<Limits>(&text)
        {
            enforce(&limits, root);
        }
    });
    let status = reap_until(agent);
    tree::kill_now(root);
    end_like(status)
}

/// Hands the limits of the tree to the first stage and closes the descriptors for it.
fn hand_over(limits: Option<&Limits>) -> io::Result<()> {
    let Ok(descriptors) = std::env::var(LIMITS) else { return Ok(()) };
    let numbers: Vec<i32> = descriptors.split(' ').filter_map(|number| number.parse().ok()).collect();
    if let (Some(limits), Some(sender)) = (limits, numbers.last()) {
        let text = serde_json::to_string(limits)?;
        File::options().write(true).open(format!("/proc/self/fd/{sender}"))?.write_all(text.as_bytes())?;
    }
    for number in numbers {
        nix::unistd::close(number)?;
    }
    Ok(())
}

/// Ends the tree when it exceeds a limit, and says which on standard error.
fn enforce(limits: &Limits, root: ProcessIdentity) {
    if !limits.is_process_limited() && limits.disk_bytes.is_none() {
        return;
    }
    let mut disk_at = Instant::now() + DISK_INTERVAL;
    loop {
        std::thread::sleep(COUNT_INTERVAL);
        let mut excess = limits.process_excess(root.pid);
        if excess.is_none() && Instant::now() >= disk_at {
            let begun = Instant::now();
            excess = limits.disk_excess();
            disk_at = Instant::now() + DISK_INTERVAL.max(begun.elapsed() * DISK_SHARE);
        }
        if let Some(reason) = excess {
            // Standard error is the agent's own; its last line is what people see.
            let _ = writeln!(std::io::stderr(), "spectask: {reason}; it was ended");
            tree::kill_now(root);
            std::process::exit(1);
        }
    }
}

fn wait_readable(descriptor: &impl std::os::fd::AsFd) -> bool {
    loop {
        let mut watched = [PollFd::new(descriptor, PollFlags::IN)];
        match poll(&mut watched, None) {
            Ok(_) => return true,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}

/// Ends everything below the shim and the shim itself.
fn end_with_server(root: ProcessIdentity) -> ! {
    tree::signal_all(root, Signal::TERM, false);
    std::thread::sleep(GRACE);
    tree::kill_now(root);
    std::process::exit(1)
}

/// Reaps every child, our own and adopted ones, until the agent has ended.
fn reap_until(agent: u32) -> Option<WaitStatus> {
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if u32::try_from(pid.as_raw_nonzero().get()) == Ok(agent) => {
                return Some(status);
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return None,
        }
    }
}

/// Ends the way the agent did, so that the server sees the agent's own status.
fn end_like(status: Option<WaitStatus>) -> ExitCode {
    let Some(status) = status else { return ExitCode::FAILURE };
    if let Some(signal) = status.terminating_signal().and_then(Signal::from_named_raw) {
        let us: Pid = rustix::process::getpid();
        let _ = rustix::process::kill_process(us, signal);
    }
    let code = status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

fn failure(message: &str) -> ExitCode {
    // Standard error is the agent's own; where it is closed, the exit code has to do.
    let _ = writeln!(std::io::stderr(), "spectask: {message}");
    ExitCode::from(126)
}
