//! Notices when branches move, whoever moves them.

use crate::error::Context as _;
use crate::{CommitId, Error, Repository};
use notify::{RecursiveMode, Watcher as _};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long changes are collected before the branches are looked at.
const GATHER: Duration = Duration::from_millis(2);
/// How often the branches are looked at when nothing was noticed.
const POLL: Duration = Duration::from_secs(1);

/// A branch that was made, moved or deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefChange {
    /// The full name.
    pub refname: String,
    pub old: Option<CommitId>,
    pub new: Option<CommitId>,
}

/// Watches until it is dropped.
pub struct Watcher {
    signals: Sender<Signal>,
    thread: Option<JoinHandle<()>>,
}

enum Signal {
    Look,
    Stop,
}

type OnChange = Box<dyn Fn(RefChange) + Send + Sync>;

impl Repository {
    /// Calls back for each branch that was made, moved or deleted from now on. Moves in quick succession are
    /// one. The call comes from a thread of the watcher's own.
    pub fn watch(&self, on_change: OnChange) -> Result<Watcher, Error> {
        let (signals, receiver) = mpsc::channel();
        let sender = signals.clone();
        let mut files = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            if event.is_ok_and(|event| !may_move_a_branch(&event)) {
                return;
            }
            // The receiver is gone once the watcher was dropped.
            let _ = sender.send(Signal::Look);
        })
        .context("watch", self.path().display())?;
        let common = &self.0.common_dir;
        let watched = [
            (common.join("refs/heads"), RecursiveMode::Recursive),
            // Packed refs are a file here that is replaced.
            (common.clone(), RecursiveMode::NonRecursive),
        ];
        for (path, mode) in watched {
            if let Err(error) = files.watch(&path, mode) {
                // Looking each second is slower, and enough.
                tracing::warn!(%error, path = %path.display(), "a folder cannot be watched");
            }
        }
        let known = self.tips()?;
        let repository = self.clone();
        let thread = std::thread::Builder::new()
            .name("git-watch".to_owned())
            .spawn(move || {
                watch(&repository, known, &receiver, &on_change);
                drop(files);
            })
            .context("start a thread to watch", self.path().display())?;
        Ok(Watcher { signals, thread: Some(thread) })
    }

    /// Where every branch stands.
    fn tips(&self) -> Result<BTreeMap<String, CommitId>, Error> {
        let repository = self.local();
        let shown = || self.path().display();
        let references = repository.references().context("list the refs of", shown())?;
        let branches = references.local_branches().context("list the branches of", shown())?;
        // A broken ref, or one that is being deleted, hides itself and not the others.
        let tips = branches.flatten().filter_map(|reference| {
            let id = reference.try_id()?.detach();
            Some((reference.name().as_bstr().to_string(), CommitId(id)))
        });
        Ok(tips.collect())
    }
}

fn watch(
    repository: &Repository,
    mut known: BTreeMap<String, CommitId>,
    signals: &Receiver<Signal>,
    on_change: &OnChange,
) {
    loop {
        match signals.recv_timeout(POLL) {
            Ok(Signal::Look) => {
                if gather(signals) {
                    return;
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return,
        }
        match repository.tips() {
            Ok(tips) => {
                for change in changes(&known, &tips) {
                    on_change(change);
                }
                known = tips;
            }
            Err(error) => tracing::warn!(%error, "the branches cannot be read"),
        }
    }
}

/// Takes in what is noticed within a moment; says whether to stop.
fn gather(signals: &Receiver<Signal>) -> bool {
    let end = Instant::now() + GATHER;
    loop {
        match signals.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(Signal::Look) => {}
            Err(RecvTimeoutError::Timeout) => return false,
            Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return true,
        }
    }
}

/// Whether a branch may have moved: refs are renamed into place, so reading them, as a look does, and locks do not count.
fn may_move_a_branch(event: &notify::Event) -> bool {
    let counts = |path: &PathBuf| {
        let is_lock = path.extension().is_some_and(|extension| extension == "lock");
        let is_packed = path.file_name().is_some_and(|name| name == "packed-refs");
        is_packed || !is_lock && path.components().any(|part| part.as_os_str() == "refs")
    };
    !event.kind.is_access()
        && (event.need_rescan() || event.paths.is_empty() || event.paths.iter().any(counts))
}

fn changes(old: &BTreeMap<String, CommitId>, new: &BTreeMap<String, CommitId>) -> Vec<RefChange> {
    let deleted = old.keys().filter(|name| !new.contains_key(*name));
    new.keys()
        .chain(deleted)
        .map(|name| RefChange {
            refname: name.clone(),
            old: old.get(name).copied(),
            new: new.get(name).copied(),
        })
        .filter(|change| change.old != change.new)
        .collect()
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // The thread may have ended already.
        let _ = self.signals.send(Signal::Stop);
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            // A panic of the callback was reported by its own thread.
            let _ = thread.join();
        }
    }
}
