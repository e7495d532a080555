//! Detects moves of branches, by any process.

use crate::error::Context as _;
use crate::refs::find::find_ref;
use crate::{CommitId, Error, Repository};
use notify::{RecursiveMode, Watcher as _};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender, TryRecvError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The shortest time between two scans, so that many moves cost few scans.
const MIN_INTERVAL: Duration = Duration::from_millis(2);
/// The polling interval of the most important branch when nothing was noticed.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// The polling interval of all branches when nothing was noticed, where the file system reports changes.
const FULL_POLL_INTERVAL: Duration = Duration::from_secs(30);

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
    Look(Seen),
    Stop,
}

/// The branches that may have moved.
enum Seen {
    Some(BTreeSet<String>),
    All,
}

impl Seen {
    fn and(&mut self, other: Seen) {
        match (&mut *self, other) {
            (Seen::Some(names), Seen::Some(more)) => names.extend(more),
            (Seen::All, _) => {}
            (Seen::Some(_), Seen::All) => *self = Seen::All,
        }
    }
}

type OnChange = Box<dyn Fn(RefChange) + Send + Sync>;

impl Repository {
    /// Calls back for each branch that is created, moved or deleted from now on. Moves in quick succession are
    /// one. The call comes from the watcher's own thread. A move of `branch` is noticed within a second also where the file
    /// system does not report it.
    pub fn watch(&self, branch: &str, on_change: OnChange) -> Result<Watcher, Error> {
        let (signals, receiver) = mpsc::channel();
        let sender = signals.clone();
        let common = self.0.common_dir.clone();
        let mut files = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            let seen = event.map_or(Some(Seen::All), |event| seen(&event, &common));
            if let Some(seen) = seen {
                // The receiver is gone once the watcher was dropped.
                let _ = sender.send(Signal::Look(seen));
            }
        })
        .context("watch", self.path().display())?;
        let common = &self.0.common_dir;
        let watched = [
            (common.join("refs/heads"), RecursiveMode::Recursive),
            // Packed refs are a file here that is replaced.
            (common.clone(), RecursiveMode::NonRecursive),
        ];
        let mut full_poll = FULL_POLL_INTERVAL;
        for (path, mode) in watched {
            if let Err(error) = files.watch(&path, mode) {
                // Polling each second is slower, and enough.
                full_poll = POLL_INTERVAL;
                tracing::warn!(%error, path = %path.display(), "a folder cannot be watched");
            }
        }
        let known = self.tips()?;
        let (repository, branch) = (self.clone(), format!("refs/heads/{branch}"));
        let thread = std::thread::Builder::new()
            .name("git-watch".to_owned())
            .spawn(move || {
                watch(&repository, known, &receiver, &Polling { branch, full_poll }, &on_change);
                drop(files);
            })
            .context("start a thread to watch", self.path().display())?;
        Ok(Watcher { signals, thread: Some(thread) })
    }

    /// Compares the present tips of the named branches with the known ones.
    fn look_at(&self, names: &BTreeSet<String>, known: &mut BTreeMap<String, CommitId>) {
        let repository = self.local();
        for name in names {
            let full = gix::refs::FullName::try_from(name.as_str()).ok();
            let found = full.and_then(|full| find_ref(&repository, full.as_ref()).ok().flatten());
            match found.and_then(|reference| Some(reference.try_id()?.detach())) {
                Some(id) => known.insert(name.clone(), CommitId(id)),
                None => known.remove(name),
            };
        }
    }

    /// Returns where every branch stands.
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

/// The polling intervals when nothing was noticed.
struct Polling {
    /// The full name of the branch that is polled each time.
    branch: String,
    /// The polling interval of all branches.
    full_poll: Duration,
}

fn watch(
    repository: &Repository,
    mut known: BTreeMap<String, CommitId>,
    signals: &Receiver<Signal>,
    polling: &Polling,
    on_change: &OnChange,
) {
    let mut full_look = Instant::now();
    loop {
        let seen = match signals.recv_timeout(POLL_INTERVAL) {
            Ok(Signal::Look(seen)) => seen,
            Err(RecvTimeoutError::Timeout) if full_look.elapsed() >= polling.full_poll => Seen::All,
            Err(RecvTimeoutError::Timeout) => Seen::Some(BTreeSet::from([polling.branch.clone()])),
            Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => return,
        };
        let Some(seen) = gather(signals, seen) else { return };
        let tips = match seen {
            Seen::Some(names) => {
                let mut tips = known.clone();
                repository.look_at(&names, &mut tips);
                Ok(tips)
            }
            Seen::All => repository.tips().map(|mut tips| {
                full_look = Instant::now();
                // A branch that is packed at this moment is in no list.
                let missing = known.keys().filter(|name| !tips.contains_key(*name)).cloned().collect();
                repository.look_at(&missing, &mut tips);
                tips
            }),
        };
        match tips {
            Ok(tips) => {
                for change in changes(&known, &tips) {
                    on_change(change);
                }
                known = tips;
            }
            Err(error) => tracing::warn!(%error, "the branches cannot be read"),
        }
        std::thread::sleep(MIN_INTERVAL);
    }
}

/// Adds what was noticed meanwhile; `None` when it is time to stop.
fn gather(signals: &Receiver<Signal>, mut seen: Seen) -> Option<Seen> {
    loop {
        match signals.try_recv() {
            Ok(Signal::Look(more)) => seen.and(more),
            Err(TryRecvError::Empty) => return Some(seen),
            Ok(Signal::Stop) | Err(TryRecvError::Disconnected) => return None,
        }
    }
}

/// Returns the branches that may have moved: refs are renamed into place, so reading them, as a look does, and locks do
/// not count.
fn seen(event: &notify::Event, common_dir: &Path) -> Option<Seen> {
    if event.kind.is_access() {
        return None;
    }
    if event.need_rescan() || event.paths.is_empty() {
        return Some(Seen::All);
    }
    let mut names = BTreeSet::new();
    for path in &event.paths {
        let Ok(inside) = path.strip_prefix(common_dir) else { return Some(Seen::All) };
        // A folder that comes or goes brings or takes its branches with it.
        if inside == Path::new("packed-refs") || inside.starts_with("refs") && path.is_dir() {
            return Some(Seen::All);
        }
        let is_lock = inside.extension().is_some_and(|extension| extension == "lock");
        if inside.starts_with("refs") && !is_lock {
            names.insert(inside.to_string_lossy().into_owned());
        }
    }
    (!names.is_empty()).then_some(Seen::Some(names))
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
