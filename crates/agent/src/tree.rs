//! Process trees as the kernel sees them: who belongs to an agent, and how all of them end.
//!
//! A process belongs to a tree when it is the root, when one of its ancestors is, when it is in the session or group the
//! root leads, or when it carries the mark that [`crate::exec_agent`] puts into the environment. Names never count.

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::collections::HashSet;
use std::fs;
use std::io;
use std::time::{Duration, Instant};

/// The variable that marks the processes of one tree; its value is [`ProcessIdentity::mark`] of the root.
pub(crate) const MARK: &str = "SPECTASK_TREE";

/// A process that cannot be confused with a later one of the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ProcessIdentity {
    pub pid: u32,
    /// When the process started, in clock ticks since the machine did.
    pub start_time: u64,
}

/// The fields of a process in `/proc/PID/stat`.
#[derive(Clone, Copy, Debug)]
struct Entry {
    pid: u32,
    parent: u32,
    group: u32,
    session: u32,
    start_time: u64,
    is_zombie: bool,
}

impl ProcessIdentity {
    /// Returns the identity of a running process.
    pub fn of(pid: u32) -> Option<ProcessIdentity> {
        entry(pid).map(|entry| ProcessIdentity { pid, start_time: entry.start_time })
    }

    pub(crate) fn mark(&self) -> String {
        format!("{}-{}", self.pid, self.start_time)
    }
}

/// Returns whether exactly this process runs; one that has ended and waits to be reaped does not.
pub fn is_alive(identity: ProcessIdentity) -> bool {
    entry(identity.pid).is_some_and(|entry| entry.start_time == identity.start_time && !entry.is_zombie)
}

/// Ends the tree of a recorded root, dead or alive: SIGTERM, two seconds, SIGKILL. It blocks until all are gone, or for
/// ten seconds where the kernel holds one back.
///
/// A tree that has ended, and a number that belongs to another process by now, are left alone.
pub fn kill_tree(identity: ProcessIdentity) {
    if members(identity, true).is_empty() {
        return;
    }
    signal_all(identity, Signal::TERM, true);
    wait_gone(identity, Duration::from_secs(2));
    kill_now(identity);
}

/// Ends a tree without asking. It blocks until all are gone, at most for some seconds.
pub(crate) fn kill_now(root: ProcessIdentity) {
    let deadline = Instant::now() + Duration::from_secs(8);
    // Processes may be started while others are being ended, so this repeats until none is left.
    while signal_all(root, Signal::KILL, true) > 0 && Instant::now() < deadline {
        wait_gone(root, Duration::from_millis(50));
    }
}

/// Sends a signal to all processes of the tree, with or without its root, and returns how many there were.
pub(crate) fn signal_all(root: ProcessIdentity, signal: Signal, with_root: bool) -> usize {
    let members = members(root, with_root);
    for member in &members {
        // A process that ended in between is what is wanted.
        let _ = send(*member, signal);
    }
    members.len()
}

/// Waits until no process of the tree is left, and returns whether that is so.
fn wait_gone(root: ProcessIdentity, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        if members(root, true).is_empty() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Returns the running descendants of a process, parents before their children, without the process itself.
pub fn descendants(root: ProcessIdentity) -> Vec<u32> {
    if !is_alive(root) {
        return Vec::new();
    }
    let entries = entries();
    let mut found = vec![root.pid];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(
            entries.iter().filter(|entry| entry.parent == parent && !entry.is_zombie).map(|entry| entry.pid),
        );
        next += 1;
    }
    found.remove(0);
    found
}

/// Returns the running processes of a tree, children before their parents.
pub(crate) fn members(root: ProcessIdentity, with_root: bool) -> Vec<ProcessIdentity> {
    // No tree begins at the kernel or at init.
    if root.pid <= 1 {
        return Vec::new();
    }
    let entries = entries();
    // While the number belongs to a later process, no group or session of the recorded one is left.
    let is_reused = entries.iter().any(|entry| entry.pid == root.pid && entry.start_time != root.start_time);
    let us = std::process::id();
    let mut found: HashSet<u32> = HashSet::new();
    for entry in entries.iter().filter(|entry| entry.start_time >= root.start_time) {
        let is_led = [entry.pid, entry.session, entry.group].contains(&root.pid);
        if (is_led && !is_reused) || is_marked(entry.pid, root) {
            found.insert(entry.pid);
        }
    }
    // Descendants of members are members, whatever session they moved to.
    loop {
        let before = found.len();
        for entry in &entries {
            if found.contains(&entry.parent) {
                found.insert(entry.pid);
            }
        }
        if found.len() == before {
            break;
        }
    }
    let mut members: Vec<_> = entries
        .iter()
        .filter(|entry| found.contains(&entry.pid) && !entry.is_zombie && entry.pid != us)
        .filter(|entry| with_root || entry.pid != root.pid)
        .map(|entry| ProcessIdentity { pid: entry.pid, start_time: entry.start_time })
        .collect();
    members.sort_by_key(|member| std::cmp::Reverse(member.start_time));
    members
}

fn is_marked(pid: u32, root: ProcessIdentity) -> bool {
    let wanted = format!("{MARK}={}", root.mark());
    fs::read(format!("/proc/{pid}/environ")).is_ok_and(|environment| {
        environment.split(|byte| *byte == 0).any(|variable| variable == wanted.as_bytes())
    })
}

/// Signals exactly this process: the descriptor pins it before its identity is checked.
fn send(identity: ProcessIdentity, signal: Signal) -> io::Result<()> {
    let pid = i32::try_from(identity.pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
    match pidfd_open(pid, PidfdFlags::empty()) {
        Ok(descriptor) => {
            if is_alive(identity) {
                pidfd_send_signal(descriptor, signal)?;
            }
        }
        // Kernels before 5.3, and sandboxes that do not know the call.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
            if is_alive(identity) {
                rustix::process::kill_process(pid, signal)?;
            }
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn entries() -> Vec<Entry> {
    let Ok(folder) = fs::read_dir("/proc") else { return Vec::new() };
    folder.flatten().filter_map(|file| entry(file.file_name().to_str()?.parse().ok()?)).collect()
}

fn entry(pid: u32) -> Option<Entry> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold anything, parentheses and spaces too.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse().ok();
    Some(Entry {
        pid,
        parent: number(1)?,
        group: number(2)?,
        session: number(3)?,
        start_time: fields.get(19)?.parse().ok()?,
        is_zombie: matches!(*fields.first()?, "Z" | "X"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_entry_is_read() {
        let ours = ProcessIdentity::of(std::process::id()).unwrap();
        assert!(is_alive(ours));
        assert!(!is_alive(ProcessIdentity { start_time: ours.start_time + 1, ..ours }));
    }

    #[test]
    fn a_number_that_belongs_to_another_process_is_left_alone() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let identity = ProcessIdentity::of(child.id()).unwrap();
        kill_tree(ProcessIdentity { start_time: identity.start_time - 1, ..identity });
        assert!(child.try_wait().unwrap().is_none());
        kill_tree(identity);
        assert!(!is_alive(identity));
        child.wait().unwrap();
    }
}
