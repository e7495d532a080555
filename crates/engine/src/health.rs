//! Whether the server can work: its database, its disks and its data directory.
//!
//! While one of them is out of order, no new work begins, tasks show the reason, and `readyz` names the part. The state
//! is checked every few seconds, so that work continues by itself when the cause is gone.

use crate::App;
use crate::failure::chain;
use parking_lot::{Mutex, MutexGuard};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use store::Fault;
use tokio_util::sync::CancellationToken;
use workflow::TaskId;

/// The interval of the checks.
const INTERVAL: Duration = Duration::from_secs(2);
/// How often the repositories that the server writes to are listed again.
const LIST_INTERVAL: Duration = Duration::from_secs(30);
/// How long work that failed for lack of room keeps other work of its task from beginning, unless it fails again.
const FULL_FOR: Duration = Duration::from_secs(8);
/// How long the database, or git, may take to answer before it counts as out of order.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How many more files a disk has to take.
const MIN_FREE_INODES: u64 = 1_000;

/// A part of what the server needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    Database,
    Writer,
    Disk,
    DataDirectory,
    Git,
    Engine,
}

impl Part {
    pub const ALL: [Self; 6] =
        [Self::Database, Self::Writer, Self::Disk, Self::DataDirectory, Self::Git, Self::Engine];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Writer => "writer",
            Self::Disk => "disk",
            Self::DataDirectory => "data_directory",
            Self::Git => "git",
            Self::Engine => "engine",
        }
    }
}

/// Too little room on the disk of a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// The content of the place, such as the data directory.
    pub what: &'static str,
    pub place: PathBuf,
    /// Bytes free for this user.
    pub free: u64,
    /// Bytes that have to be free.
    pub needed: u64,
    pub free_inodes: u64,
}

impl Shortage {
    /// Returns whether the disk of a place lacks room; a place that cannot be looked at does not.
    pub fn at(what: &'static str, place: &Path, needed: u64) -> Option<Self> {
        let disk = rustix::fs::statvfs(place).ok()?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        // Some file systems count no inodes.
        let free_inodes = if disk.f_files == 0 { u64::MAX } else { disk.f_favail };
        let is_short = free < needed || (needed > 0 && free_inodes < MIN_FREE_INODES);
        is_short.then(|| Self { what, place: place.to_owned(), free, needed, free_inodes })
    }

    /// Returns what is wrong, the same for as long as it lasts.
    fn reason(&self) -> String {
        format!(
            "out of space: the disk of the {} {} has less than the {} MB free that are needed; make room there",
            self.what,
            self.place.display(),
            self.needed >> 20
        )
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, place) = (self.what, self.place.display());
        if self.free >= self.needed {
            let (free, needed) = (self.free_inodes, MIN_FREE_INODES);
            return write!(
                f,
                "out of space: the disk of the {what} {place} takes {free} more files, and {needed} are needed; remove files there"
            );
        }
        let (free, needed) = (self.free >> 20, self.needed >> 20);
        write!(
            f,
            "out of space: the disk of the {what} {place} has {free} MB free, and {needed} MB are needed; make room there"
        )
    }
}

/// Why no new work begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    pub part: Part,
    /// The problem, the same for as long as it lasts.
    pub(crate) reason: String,
    /// The same with its present figures.
    pub detail: String,
}

/// The findings of the last health check.
#[derive(Default)]
pub struct Health {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    found: BTreeMap<Part, Obstacle>,
    /// One place on each disk that the server writes to.
    places: Vec<(&'static str, PathBuf)>,
    /// The obstacle that was seen last, and when.
    past: Option<(Obstacle, Instant)>,
    /// Tasks whose work failed for lack of room, with the reason and when.
    full: HashMap<TaskId, (String, Instant)>,
}

impl Health {
    /// Returns why no new work begins on this server.
    pub(crate) fn obstacle(&self) -> Option<Obstacle> {
        self.lock().found.values().next().cloned()
    }

    /// Returns why no new work of a task begins.
    pub(crate) fn obstacle_of(&self, task: &TaskId) -> Option<Obstacle> {
        let state = self.lock();
        let full = || state.full.get(task).filter(|(_, at)| at.elapsed() < FULL_FOR);
        state.found.values().next().cloned().or_else(|| full().map(|(reason, _)| of_full(reason)))
    }

    /// Returns why work of any task begins or continues no further.
    pub fn any_obstacle(&self) -> Option<Obstacle> {
        let state = self.lock();
        let full = || state.full.values().find(|(_, at)| at.elapsed() < FULL_FOR);
        state.found.values().next().cloned().or_else(|| full().map(|(reason, _)| of_full(reason)))
    }

    /// Returns what was out of order at any time since `moment`.
    pub(crate) fn obstacle_since(&self, moment: Instant) -> Option<Obstacle> {
        let state = self.lock();
        let past =
            || state.past.as_ref().filter(|(_, at)| *at >= moment).map(|(obstacle, _)| obstacle.clone());
        state.found.values().next().cloned().or_else(past)
    }

    /// Records that work of a task failed for lack of room although its disk seems to have some: a quota may be used
    /// up.
    pub(crate) fn note_full(&self, task: &TaskId, message: &str) {
        let mut state = self.lock();
        state.full.retain(|_, (_, at)| at.elapsed() < FULL_FOR);
        let noted = (format!("out of space: {message}"), Instant::now());
        if state.full.insert(task.clone(), noted).is_none() {
            tracing::error!(%task, reason = message, "work failed for lack of room; it waits until there is some");
        }
    }

    fn set(&self, found: BTreeMap<Part, Obstacle>) -> bool {
        let mut state = self.lock();
        for (part, obstacle) in &found {
            if state.found.get(part).is_none_or(|before| before.reason != obstacle.reason) {
                tracing::error!(part = part.as_str(), reason = obstacle.detail, "no new work is started");
            }
        }
        if let Some(before) = state.found.values().next().cloned() {
            state.past = Some((before, Instant::now()));
        }
        let is_over = !state.found.is_empty() && found.is_empty();
        if is_over {
            tracing::info!("the server is healthy again");
        }
        state.found = found;
        is_over
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is a single assignment, so the content is valid after any panic.
        self.state.lock()
    }
}

fn of_full(reason: &str) -> Obstacle {
    Obstacle { part: Part::Disk, reason: reason.to_owned(), detail: reason.to_owned() }
}

/// Checks the parts until stopped.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let mut places = Vec::new();
    let mut listed: Option<Instant> = None;
    while !stop.is_cancelled() {
        if listed.is_none_or(|at| at.elapsed() >= LIST_INTERVAL) {
            places = list_places(&app).await;
            listed = Some(Instant::now());
            app.health.lock().places.clone_from(&places);
        }
        let found = look(&app, &places).await;
        if app.health.set(found) {
            app.orchestrator.wake_all();
        }
        // Ends early only when the server does.
        let _ = stop.run_until_cancelled(tokio::time::sleep(INTERVAL)).await;
    }
}

/// Returns what is out of order now.
pub async fn check(app: &App) -> BTreeMap<Part, Obstacle> {
    let known = app.health.lock().places.clone();
    let places = if known.is_empty() { list_places(app).await } else { known };
    let (mut found, git) = tokio::join!(look(app, &places), unusable_git(app));
    found.extend(git.map(|reason| (Part::Git, Obstacle { part: Part::Git, detail: reason.clone(), reason })));
    found
}

/// Returns why the `git` command cannot be used.
async fn unusable_git(app: &App) -> Option<String> {
    let git = app.repositories.git().clone();
    match tokio::time::timeout(ANSWER_WITHIN, crate::spawn_blocking(move || git.version())).await {
        Ok(Ok(Ok(_))) => None,
        Ok(Ok(Err(error))) => Some(chain(&error)),
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("git does not say its version within {} seconds", ANSWER_WITHIN.as_secs())),
    }
}

/// Returns what was out of order at any time since `begun`, including now.
pub(crate) async fn obstacle_during(app: &App, begun: Instant) -> Option<Obstacle> {
    match app.health.obstacle_since(begun) {
        Some(obstacle) => Some(obstacle),
        // It may have happened after the last check.
        None => check(app).await.into_values().next(),
    }
}

async fn look(app: &App, places: &[(&'static str, PathBuf)]) -> BTreeMap<Part, Obstacle> {
    let mut found = BTreeMap::new();
    let mut add = |part, reason: String, detail: String| {
        found.entry(part).or_insert(Obstacle { part, reason, detail });
    };
    let unusable = match tokio::time::timeout(ANSWER_WITHIN, app.store.check()).await {
        Ok(Ok(())) => None,
        Ok(Err(error)) => {
            let part = match error.fault() {
                Some(Fault::OutOfSpace | Fault::Io) => Part::Writer,
                Some(Fault::FileGone | Fault::Unavailable | Fault::OutOfMemory) | None => Part::Database,
            };
            let is_gone = error.fault() == Some(Fault::FileGone);
            let saved = if is_gone { rescued(app).await } else { String::new() };
            Some((part, format!("{}{saved}", chain(&*error))))
        }
        Err(_) => {
            Some((Part::Database, format!("it did not answer within {} seconds", ANSWER_WITHIN.as_secs())))
        }
    };
    let is_unwritable = matches!(unusable, Some((Part::Writer, _)));
    if let Some((part, cause)) = unusable {
        let reason = format!("the database cannot be used: {cause}");
        add(part, reason.clone(), reason);
    }
    let directory = app.data_dir.clone();
    // After a failure a file system can refuse writes although its permissions and mount flags allow them.
    let checked =
        move || directory.check().and_then(|()| if is_unwritable { directory.try_write() } else { Ok(()) });
    match crate::spawn_blocking(checked).await {
        Ok(Ok(())) => {}
        Ok(Err(reason)) => add(Part::DataDirectory, reason.clone(), reason),
        Err(error) => add(Part::DataDirectory, error.to_string(), error.to_string()),
    }
    let needed = app.config.limits.min_free_mb << 20;
    if let Some(short) = places.iter().find_map(|(what, place)| Shortage::at(what, place, needed)) {
        add(Part::Disk, short.reason(), short.to_string());
    }
    found
}

/// Returns where what a deleted database held is, in words.
async fn rescued(app: &App) -> String {
    let store = app.store.clone();
    match crate::spawn_blocking(move || store.rescue()).await {
        Ok(Ok(Some(place))) => {
            let (place, path) = (place.display(), app.store.path().unwrap_or(Path::new("")).display());
            format!(
                "; what it held is saved: end the server, rename {place} to {path} and {place}-wal to {path}-wal, and start it again"
            )
        }
        Ok(Ok(None)) => String::new(),
        Ok(Err(error)) => format!("; what it held could not be saved: {error}"),
        Err(error) => format!("; what it held could not be saved: {error}"),
    }
}

/// Returns one place on each disk that the server writes to.
async fn list_places(app: &App) -> Vec<(&'static str, PathBuf)> {
    use std::os::unix::fs::MetadataExt as _;
    let mut places = vec![("data directory", app.config.data_dir.clone())];
    if let Some(folder) = app.store.path().and_then(Path::parent) {
        places.push(("database", folder.to_owned()));
    }
    match tokio::time::timeout(ANSWER_WITHIN, app.store.all_projects()).await {
        Ok(Ok(projects)) => {
            places.extend(projects.into_iter().map(|project| ("repository", project.repository_path.into())));
        }
        Ok(Err(error)) => tracing::debug!(%error, "could not list the repositories"),
        Err(_) => tracing::debug!("the database does not answer, so the repositories are not listed"),
    }
    let mut disks = HashSet::new();
    places.retain(|(_, place): &(_, PathBuf)| {
        std::fs::metadata(place).is_ok_and(|found| disks.insert(found.dev()))
    });
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortage_names_the_place_and_how_much_is_needed() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(Shortage::at("data directory", folder.path(), 0), None);
        let short = Shortage::at("data directory", folder.path(), u64::MAX).expect("too little");
        let (text, reason) = (short.to_string(), short.reason());
        for text in [&text, &reason] {
            assert!(text.contains(&folder.path().display().to_string()), "{text}");
            assert!(text.contains(&format!("{} MB", u64::MAX >> 20)), "{text}");
        }
    }

    #[test]
    fn an_obstacle_that_is_over_is_known_to_what_began_before() {
        let health = Health::default();
        let before = Instant::now();
        assert_eq!(health.obstacle_since(before), None);
        let obstacle = Obstacle { part: Part::Writer, reason: "full".to_owned(), detail: "full".to_owned() };
        health.set(BTreeMap::from([(Part::Writer, obstacle.clone())]));
        assert_eq!(health.obstacle_since(before), Some(obstacle.clone()));
        assert!(health.set(BTreeMap::new()), "it is over");
        assert_eq!(health.obstacle_since(before), Some(obstacle));
        assert_eq!(
            health.obstacle_since(Instant::now()),
            None,
            "what begins later has nothing to do with it"
        );
    }

    #[test]
    fn work_that_failed_for_lack_of_room_holds_back_its_own_task() {
        let health = Health::default();
        let (task, other) = (TaskId::from("spt_1"), TaskId::from("spt_2"));
        assert_eq!(health.obstacle_of(&task), None);
        health.note_full(&task, "no space left on device");
        let obstacle = health.obstacle_of(&task).expect("an obstacle");
        assert_eq!(obstacle.part, Part::Disk);
        assert!(obstacle.reason.contains("out of space"), "{obstacle:?}");
        assert_eq!((health.obstacle_of(&other), health.obstacle()), (None, None), "others continue");
        assert_eq!(health.any_obstacle(), Some(obstacle));
    }
}
