//! Reaches a port that a process of a confined tree listens on, in the network namespace of that tree.

use nix::sched::{CloneFlags, setns};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use std::fs;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

/// How long a connection to a port may take; the port is of the same machine.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What the stage sends once it is connected, before the bytes of the connection.
pub const CONNECTED: u8 = b'+';

/// Returns the command that connects to an address in the network namespace of a process. `own_command` begins a stage of
/// this binary.
///
/// The connection is on the command's standard input, which is a Unix socket: [`CONNECTED`] comes first. A connection that
/// fails ends the socket before.
pub fn reach_command(own_command: &[String], process: u32, address: SocketAddr) -> Command {
    let (own, first) = own_command.split_first().map_or(("", &[][..]), |(own, first)| (own.as_str(), first));
    let mut command = Command::new(own);
    command.args(first).args(["--reach", &process.to_string(), &address.to_string()]).env_clear();
    command
}

/// Returns the network namespace of a process; none when it has ended or belongs to another user.
pub fn network_namespace(process: u32) -> Option<u64> {
    namespace(&process.to_string(), "net").ok()
}

/// Connects, and passes bytes on until both sides have ended.
pub(crate) fn run(process: u32, address: SocketAddr) -> io::Result<()> {
    // Processes of the namespace that is joined must not look into this one.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let mut near = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    join_network(process)?;
    let far = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)?;
    far.set_nodelay(true)?;
    near.write_all(&[CONNECTED])?;
    let (near_reader, far_writer) = (near.try_clone()?, far.try_clone()?);
    let upload = std::thread::spawn(move || {
        let _ = copy(near_reader, &far_writer);
        let _ = far_writer.shutdown(Shutdown::Write);
    });
    let _ = copy(far, &near);
    let _ = near.shutdown(Shutdown::Write);
    let _ = upload.join();
    Ok(())
}

fn copy(mut from: impl Read, mut to: impl Write) -> io::Result<u64> {
    io::copy(&mut from, &mut to)
}

/// Joins the network namespace of a process, and its user namespace where that is another one. The calling process must have
/// a single thread.
fn join_network(process: u32) -> io::Result<()> {
    let pid = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw);
    let pid = pid.ok_or(io::ErrorKind::InvalidInput)?;
    let target: OwnedFd = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty())?;
    let mut kinds = CloneFlags::CLONE_NEWNET;
    // The kernel refuses to join the user namespace that a process is in already.
    if namespace(&process.to_string(), "user")? != namespace("self", "user")? {
        kinds |= CloneFlags::CLONE_NEWUSER;
    }
    Ok(setns(target, kinds)?)
}

fn namespace(process: &str, kind: &str) -> io::Result<u64> {
    Ok(fs::metadata(format!("/proc/{process}/ns/{kind}"))?.ino())
}
