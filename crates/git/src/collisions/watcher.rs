//! Keeps a collision detector up to date while worktrees change: files are watched, and worktrees that cannot be
//! watched are scanned every few seconds.

use super::collision::Collision;
use super::detector::CollisionDetector;
use crate::error::Context as _;
use crate::{Error, Repository};
use notify::event::{CreateKind, ModifyKind, RemoveKind};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The delay before changes are scanned.
const DEBOUNCE: Duration = Duration::from_millis(60);
/// The longest delay while changes keep coming.
const GATHER_AT_MOST: Duration = Duration::from_millis(500);
/// The interval of scans of worktrees that cannot be watched.
const POLL: Duration = Duration::from_secs(3);
/// The number of polls after which watched worktrees are scanned as well, in case a watch missed something.
const POLLS: u32 = 10;

/// The number of folders that may be watched, by all watchers that share it.
#[derive(Clone, Debug)]
pub struct WatchBudget(Arc<AtomicUsize>);

impl WatchBudget {
    pub fn new(folders: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(folders)))
    }

    /// Takes one folder out of the budget; false when there is none left.
    fn take(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    fn unwatch(&self, folders: usize) {
        self.0.fetch_add(folders, Ordering::Relaxed);
    }
}

/// Called after each scan of the worktrees, with the collisions when they differ from those of the last call.
pub type OnCollisions = Box<dyn Fn(Option<Vec<Collision>>) + Send>;

/// Watches worktrees until it is dropped.
pub struct WorktreeWatcher {
    signals: Sender<Signal>,
    thread: Option<JoinHandle<()>>,
}

enum Signal {
    Follow { name: String, worktree: PathBuf },
    Leave { name: String },
    Event(notify::Result<Event>),
    Stop,
}

impl Repository {
    /// Starts to watch worktrees of this repository. `on_collisions` is called from a thread of the watcher.
    pub fn watch_worktrees(
        &self,
        budget: WatchBudget,
        on_collisions: OnCollisions,
    ) -> Result<WorktreeWatcher, Error> {
        let (signals, receiver) = mpsc::channel();
        let sender = signals.clone();
        let files = notify::recommended_watcher(move |event| {
            // The receiver is gone once the watcher was dropped.
            let _ = sender.send(Signal::Event(event));
        });
        let files = match files {
            Ok(files) => Some(files),
            Err(error) => {
                tracing::warn!(%error, "files cannot be watched; worktrees are scanned every few seconds");
                None
            }
        };
        let mut watch = Watch {
            detector: self.collision_detector(),
            roots: BTreeMap::new(),
            awaited: BTreeMap::new(),
            folders: BTreeMap::new(),
            files,
            budget,
            on_collisions,
            polls: 0,
        };
        let thread = std::thread::Builder::new()
            .name("git-watcher".to_owned())
            .spawn(move || watch.run(&receiver))
            .context("start a thread to watch the worktrees of", self.path().display())?;
        Ok(WorktreeWatcher { signals, thread: Some(thread) })
    }
}

impl WorktreeWatcher {
    /// Follows a worktree by a name; one that is followed already is scanned again.
    pub fn follow(&self, name: &str, worktree: &Path) {
        self.send(Signal::Follow { name: name.to_owned(), worktree: worktree.to_owned() });
    }

    /// Stops following a worktree.
    pub fn leave(&self, name: &str) {
        self.send(Signal::Leave { name: name.to_owned() });
    }

    fn send(&self, signal: Signal) {
        // The thread ends early only by a panic, which was reported.
        let _ = self.signals.send(signal);
    }
}

impl Drop for WorktreeWatcher {
    fn drop(&mut self) {
        self.send(Signal::Stop);
        if let Some(thread) = self.thread.take()
            && thread.thread().id() != std::thread::current().id()
        {
            // A panic of the callback was reported by its own thread.
            let _ = thread.join();
        }
    }
}

/// The watcher's thread.
struct Watch {
    detector: CollisionDetector,
    roots: BTreeMap<String, PathBuf>,
    /// Those that are to be followed as soon as they can be.
    awaited: BTreeMap<String, PathBuf>,
    /// The folders watched for each worktree; one that is not in here is polled.
    folders: BTreeMap<String, BTreeSet<PathBuf>>,
    files: Option<RecommendedWatcher>,
    budget: WatchBudget,
    on_collisions: OnCollisions,
    polls: u32,
}

/// The part of a worktree that is due for a scan.
enum Due {
    Files(Vec<PathBuf>),
    All,
}

impl Watch {
    fn run(&mut self, signals: &Receiver<Signal>) {
        let mut next_poll = Instant::now() + POLL;
        loop {
            let mut due = BTreeMap::new();
            let mut changed = false;
            match signals.recv_timeout(next_poll.saturating_duration_since(Instant::now())) {
                Ok(signal) => {
                    let begun = Instant::now();
                    let mut signal = Some(signal);
                    while let Some(next) = signal {
                        match self.take_in(next, &mut due) {
                            Some(has_changed) => changed |= has_changed,
                            None => return,
                        }
                        if begun.elapsed() >= GATHER_AT_MOST {
                            break;
                        }
                        signal = match signals.recv_timeout(DEBOUNCE) {
                            Ok(signal) => Some(signal),
                            Err(RecvTimeoutError::Timeout) => None,
                            Err(RecvTimeoutError::Disconnected) => return,
                        };
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    next_poll = Instant::now() + POLL;
                    self.polls = (self.polls + 1) % POLLS;
                    let polled = |name: &&String| self.polls == 0 || !self.folders.contains_key(*name);
                    due.extend(self.roots.keys().filter(polled).map(|name| (name.clone(), Due::All)));
                    for (name, worktree) in self.awaited.clone() {
                        changed |= self.follow(&name, worktree);
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let has_looked = changed || !due.is_empty();
            for (name, due) in due {
                changed |= self.look(&name, &due);
            }
            if has_looked {
                (self.on_collisions)(changed.then(|| self.detector.collisions()));
            }
        }
    }

    /// Handles a signal; returns whether the collisions changed, or `None` to stop.
    fn take_in(&mut self, signal: Signal, due: &mut BTreeMap<String, Due>) -> Option<bool> {
        match signal {
            Signal::Follow { name, worktree } => {
                if self.roots.get(&name) == Some(&worktree) {
                    due.insert(name, Due::All);
                    return Some(false);
                }
                let left = self.leave(&name);
                Some(self.follow(&name, worktree) || left)
            }
            Signal::Leave { name } => Some(self.leave(&name)),
            Signal::Event(Ok(event)) => {
                self.sort(&event, due);
                Some(false)
            }
            Signal::Event(Err(error)) => {
                tracing::warn!(%error, "the watch of worktrees failed; all are scanned");
                due.extend(self.roots.keys().map(|name| (name.clone(), Due::All)));
                Some(false)
            }
            Signal::Stop => None,
        }
    }

    fn follow(&mut self, name: &str, worktree: PathBuf) -> bool {
        match self.detector.follow(name, &worktree) {
            Ok(seen) => {
                self.awaited.remove(name);
                self.roots.insert(name.to_owned(), worktree);
                if self.watch(name, &seen.folders) {
                    // Another scan sees changes between the first scan and the watch.
                    return seen.changed | self.look(name, &Due::All);
                }
                seen.changed
            }
            Err(error) => {
                // It may still be being created: every poll tries again until it has a commit.
                if self.awaited.insert(name.to_owned(), worktree).is_none() {
                    tracing::info!(%error, name, "a worktree cannot be followed yet");
                }
                self.detector.leave(name)
            }
        }
    }

    fn leave(&mut self, name: &str) -> bool {
        self.unwatch(name);
        self.roots.remove(name);
        self.awaited.remove(name);
        self.detector.leave(name)
    }

    /// Scans a worktree; returns whether the collisions changed.
    fn look(&mut self, name: &str, due: &Due) -> bool {
        let seen = match due {
            Due::All => self.detector.look(name),
            Due::Files(files) => self.detector.look_at(name, files),
        };
        match seen {
            Ok(seen) => {
                let is_watched = self.folders.contains_key(name);
                if is_watched && self.watch(name, &seen.folders) {
                    return seen.changed | self.look(name, &Due::All);
                }
                seen.changed
            }
            Err(error) => {
                // The worktree may be gone, or half written; its end, or the next look, comes.
                tracing::debug!(%error, name, "a worktree cannot be scanned");
                false
            }
        }
    }

    /// Watches folders that are not watched yet; returns whether there were any. Without room for all of them, the
    /// worktree is polled instead.
    fn watch(&mut self, name: &str, folders: &BTreeSet<PathBuf>) -> bool {
        let mut wanted = folders.clone();
        wanted.extend(self.detector.git_dir(name).map(Path::to_owned));
        let known = self.folders.entry(name.to_owned()).or_default();
        wanted.retain(|folder| !known.contains(folder));
        if wanted.is_empty() {
            return false;
        }
        for folder in wanted {
            let is_watched = self.budget.take()
                && match self.files.as_mut().map(|files| files.watch(&folder, RecursiveMode::NonRecursive)) {
                    Some(Ok(())) => true,
                    Some(Err(error)) => {
                        self.budget.unwatch(1);
                        let is_gone = !folder.exists();
                        tracing::debug!(%error, folder = %folder.display(), "a folder cannot be watched");
                        if is_gone {
                            continue;
                        }
                        false
                    }
                    None => {
                        self.budget.unwatch(1);
                        false
                    }
                };
            if !is_watched {
                tracing::info!(name, "too many folders to watch; the worktree is scanned every few seconds");
                self.unwatch(name);
                return false;
            }
            known_mut(&mut self.folders, name).insert(folder);
        }
        true
    }

    fn unwatch(&mut self, name: &str) {
        let Some(folders) = self.folders.remove(name) else { return };
        self.budget.unwatch(folders.len());
        for folder in folders {
            if let Some(files) = &mut self.files {
                // A folder that is gone is watched no more.
                let _ = files.unwatch(&folder);
            }
        }
    }

    /// Finds out what an event makes due.
    fn sort(&self, event: &Event, due: &mut BTreeMap<String, Due>) {
        if event.kind.is_access() {
            return;
        }
        if event.need_rescan() {
            due.extend(self.roots.keys().map(|name| (name.clone(), Due::All)));
            return;
        }
        for path in &event.paths {
            let owner = self.roots.iter().find_map(|(name, root)| {
                let is_git = self.detector.git_dir(name).is_some_and(|git_dir| path.starts_with(git_dir));
                (is_git || path.starts_with(root)).then_some((name, is_git))
            });
            let Some((name, is_git)) = owner else { continue };
            let is_lock = path.extension().is_some_and(|extension| extension == "lock");
            if is_git && is_lock {
                continue;
            }
            let is_of_folder = matches!(
                event.kind,
                EventKind::Create(CreateKind::Folder) | EventKind::Remove(RemoveKind::Folder)
            ) || matches!(event.kind, EventKind::Modify(ModifyKind::Name(_)))
                && self.folders.get(name).is_some_and(|folders| folders.contains(path));
            let needs_all = !is_git
                && (is_of_folder
                    || path.is_dir()
                    || path.file_name().is_some_and(|name| name == ".gitignore"));
            let entry = due.entry(name.clone()).or_insert_with(|| Due::Files(Vec::new()));
            match entry {
                Due::All => {}
                Due::Files(_) if needs_all => *entry = Due::All,
                Due::Files(files) => files.push(path.clone()),
            }
        }
    }
}

fn known_mut<'a>(
    folders: &'a mut BTreeMap<String, BTreeSet<PathBuf>>,
    name: &str,
) -> &'a mut BTreeSet<PathBuf> {
    folders.entry(name.to_owned()).or_default()
}

impl Drop for Watch {
    fn drop(&mut self) {
        for folders in self.folders.values() {
            self.budget.unwatch(folders.len());
        }
    }
}
