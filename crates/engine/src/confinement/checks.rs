//! The process trees of checks, setup commands and terminals: recorded, so that each is ended with its command, its task and its server.

use crate::confinement::confine::Purpose;
use crate::settings::config::Config;
use agent::ProcessIdentity;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use workflow::TaskId;

/// The file extension of the record of a running check.
const EXTENSION: &str = "running";

/// A check's process tree. It is ended when this is dropped.
pub(crate) struct Running {
    identity: ProcessIdentity,
    record: PathBuf,
}

impl Running {
    /// Records the tree of a process.
    pub(crate) fn record(
        config: &Config,
        task: &TaskId,
        purpose: Purpose<'_>,
        pid: Option<u32>,
    ) -> io::Result<Self> {
        let identity = pid.and_then(ProcessIdentity::of).ok_or(io::ErrorKind::NotFound)?;
        let record = record_of(config, task, purpose);
        let running = Self { identity, record };
        fs::write(&running.record, format!("{} {}\n", identity.pid, identity.start_time))?;
        Ok(running)
    }

    pub(crate) fn identity(&self) -> ProcessIdentity {
        self.identity
    }

    /// Ends what is left of the tree.
    pub(crate) async fn end(self) {
        let identity = self.identity;
        // Dropping it does the rest.
        let _ = crate::spawn_blocking(move || agent::kill_tree(identity)).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let (identity, record) = (self.identity, self.record.clone());
        // Ending a tree blocks, and a caller that gave the check up does not wait for it.
        std::thread::spawn(move || end_recorded(identity, &record));
    }
}

/// Ends the check of a task, or the setup of one of its worktrees, that is recorded as running.
pub(crate) async fn end(config: &Config, task: &TaskId, purpose: Purpose<'_>) {
    let record = record_of(config, task, purpose);
    // A failure is that of a panic, which the log has.
    let _ = crate::spawn_blocking(move || end_record(&record)).await;
}

/// Ends every check that a server which was killed left running.
pub(crate) fn kill_orphans(config: &Config) {
    let records = fs::read_dir(folder(config)).into_iter().flatten().flatten().map(|entry| entry.path());
    for record in records.filter(|path| path.extension().is_some_and(|extension| extension == EXTENSION)) {
        std::thread::spawn(move || end_record(&record));
    }
}

fn end_record(record: &Path) {
    if let Some(identity) = read(record) {
        end_recorded(identity, record);
    }
}

fn end_recorded(identity: ProcessIdentity, record: &Path) {
    agent::kill_tree(identity);
    // A later check may have written its own.
    if read(record) == Some(identity) {
        let _ = fs::remove_file(record);
    }
}

pub(crate) fn read(record: &Path) -> Option<ProcessIdentity> {
    let text = fs::read_to_string(record).ok()?;
    let (pid, start_time) = text.trim().split_once(' ')?;
    Some(ProcessIdentity { pid: pid.parse().ok()?, start_time: start_time.parse().ok()? })
}

fn record_of(config: &Config, task: &TaskId, purpose: Purpose<'_>) -> PathBuf {
    let name = match purpose {
        Purpose::Agent | Purpose::Check => task.to_string(),
        Purpose::Setup(name) => format!("{task}.{name}"),
        Purpose::Terminal(session) => format!("{task}.terminal-{session}"),
    };
    folder(config).join(format!("{name}.{EXTENSION}"))
}

fn folder(config: &Config) -> PathBuf {
    config.data_dir.join("checks")
}
