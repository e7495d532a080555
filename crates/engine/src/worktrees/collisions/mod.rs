//! Detects collisions of work sessions: sessions that run side by side in one repository are watched, and the watchers
//! of their tasks are notified.

mod announce;
mod view;

pub use view::{redacted, view};

use self::announce::Change;
use crate::App;
use crate::clock::now;
use crate::notifications::updates;
use crate::paths::session_directory;
use git::{Collision, WatchBudget, WorktreeWatcher};
use parking_lot::{Mutex, MutexGuard};
use protocol::feed::{CollisionsUpdate, CoordinationUpdate};
use protocol::words::CollisionsEvent;
use protocol::{Collisions, FeedMessage};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;
use workflow::{Millis, ProjectId, SessionId, SessionPhase, SessionStatus, Task, TaskId, UserId};

/// The interval in which the sessions at work are compared with the followed ones, in case a notification was missed.
const REFRESH: Duration = Duration::from_secs(30);
/// How long two sessions have to be without a conflict before they are told that it ended: files that are being written
/// conflict now and then.
const RESOLVED_AFTER: Duration = Duration::from_secs(20);
/// The share of the watches the system allows that worktrees may take, and how many that is at most.
const WATCH_FRACTION: usize = 4;
const MAX_WATCHES: usize = 16_384;
/// The number of watches where the system does not report a limit.
const UNKNOWN: usize = 8192;
/// The number of scans that may wait to be handled; further ones make the watchers wait.
const CHANNEL_CAPACITY: usize = 64;

/// Sessions are compared with those of the same owner in the same project.
type Scope = (ProjectId, UserId);

/// The sessions that are watched and what is known of them.
#[derive(Clone, Default)]
pub struct CollisionMonitor(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    scopes: HashMap<Scope, Watched>,
}

/// The sessions of one scope.
struct Watched {
    watcher: WorktreeWatcher,
    sessions: BTreeMap<SessionId, TaskId>,
    latest: Vec<Latest>,
    /// Pairs whose conflict ended and that are not notified yet.
    resolved: BTreeMap<[String; 2], Instant>,
    checked_at: Millis,
}

/// A collision and since when there is one.
#[derive(Clone, Debug)]
struct Latest {
    collision: Collision,
    since: Millis,
}

/// A message of a watcher.
struct Told {
    scope: Scope,
    /// The collisions, where they differ from the last announcement.
    collisions: Option<Vec<Collision>>,
}

/// Watches the sessions at work until stopped.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let budget = WatchBudget::new(watches());
    let (sender, mut told) = mpsc::channel(CHANNEL_CAPACITY);
    let mut rows = app.feed.subscribe();
    let mut refresh = tokio::time::interval(REFRESH);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = refresh.tick() => {
                refresh_all(&app, &budget, &sender).await;
                announce_resolved(&app).await;
            }
            row = rows.recv() => match row {
                Ok(row) => {
                    if let FeedMessage::WorkSessionUpdated(session) = &*row.message
                        && row.topic.starts_with("task:")
                    {
                        let task = TaskId::from(session.spec_task_id.as_str());
                        follow_task(&app, &budget, &sender, &task).await;
                    }
                }
                Err(broadcast::error::RecvError::Lagged(_)) => refresh_all(&app, &budget, &sender).await,
                Err(broadcast::error::RecvError::Closed) => break,
            },
            Some(told) = told.recv() => take_in(&app, told).await,
        }
    }
    // The lookouts' threads end with them, away from the runtime's threads; none waits to be heard any more.
    drop(told);
    let ended = std::mem::take(&mut app.collisions.known().scopes);
    drop(crate::spawn_blocking(move || drop(ended)).await);
}

/// Ensures that exactly the sessions at work are followed.
async fn refresh_all(app: &App, budget: &WatchBudget, sender: &mpsc::Sender<Told>) {
    let live = match app.store.live_tasks().await {
        Ok(live) => live,
        Err(error) => {
            tracing::warn!(%error, "could not read the live tasks");
            return;
        }
    };
    let gone: Vec<TaskId> = {
        let known = app.collisions.known();
        let followed = known.scopes.values().flat_map(|watched| watched.sessions.values());
        followed.filter(|id| live.iter().all(|task| task.id != **id)).cloned().collect()
    };
    for task in gone {
        leave_ended(app, &task, |_| false);
    }
    for task in live {
        follow(app, budget, sender, &task).await;
    }
}

async fn follow_task(app: &App, budget: &WatchBudget, sender: &mpsc::Sender<Told>, id: &TaskId) {
    match app.store.task(id).await {
        Ok(Some(task)) => follow(app, budget, sender, &task).await,
        Ok(None) => leave_ended(app, id, |_| false),
        Err(error) => tracing::warn!(%error, task = %id, "could not read a task"),
    }
}

/// Follows a task's sessions at work, and leaves those that ended.
async fn follow(app: &App, budget: &WatchBudget, sender: &mpsc::Sender<Told>, task: &Task) {
    let at_work: Vec<SessionId> = task
        .sessions
        .iter()
        .filter(|session| session.phase != SessionPhase::Planning)
        .filter(|session| task.session_status(session) == SessionStatus::Active)
        .map(|session| session.id.clone())
        .collect();
    leave_ended(app, &task.id, |session| at_work.contains(session));
    let scope = (task.project.clone(), task.owner.clone());
    for session in at_work {
        let path = session_directory(app.repositories.data_dir(), &task.id, &session);
        let is_known = {
            let known = app.collisions.known();
            known.scopes.get(&scope).is_some_and(|watched| watched.sessions.contains_key(&session))
        };
        // A worktree that is being opened is there by the session's next news.
        if is_known || !path.join(".git").exists() {
            continue;
        }
        let project_repo = match app.repositories.project_repo(&task.project).await {
            Ok(project_repo) => project_repo,
            Err(error) => {
                tracing::warn!(%error, task = %task.id, "a repository cannot be watched");
                return;
            }
        };
        let mut known = app.collisions.known();
        if !known.scopes.contains_key(&scope) {
            let (sender, told_scope) = (sender.clone(), scope.clone());
            let on_collisions = Box::new(move |collisions| {
                // The receiver is gone once the server ends.
                let _ = sender.blocking_send(Told { scope: told_scope.clone(), collisions });
            });
            match project_repo.repository.watch_worktrees(budget.clone(), on_collisions) {
                Ok(watcher) => {
                    let watched = Watched {
                        watcher,
                        sessions: BTreeMap::new(),
                        latest: Vec::new(),
                        resolved: BTreeMap::new(),
                        checked_at: now(),
                    };
                    known.scopes.insert(scope.clone(), watched);
                }
                Err(error) => {
                    tracing::warn!(%error, "worktrees cannot be watched");
                    return;
                }
            }
        }
        if let Some(watched) = known.scopes.get_mut(&scope) {
            watched.watcher.follow(session.as_str(), &path);
            watched.sessions.insert(session, task.id.clone());
        }
    }
}

/// Leaves those of a task's sessions that are not at work; a scope without sessions ends.
fn leave_ended(app: &App, task: &TaskId, is_at_work: impl Fn(&SessionId) -> bool) {
    let mut ended = Vec::new();
    let mut known = app.collisions.known();
    for watched in known.scopes.values_mut() {
        watched.sessions.retain(|session, of| {
            let stays = of != task || is_at_work(session);
            if !stays {
                watched.watcher.leave(session.as_str());
            }
            stays
        });
    }
    let empty: Vec<Scope> = known
        .scopes
        .iter()
        .filter(|(_, watched)| watched.sessions.is_empty() && watched.latest.is_empty())
        .map(|(scope, _)| scope.clone())
        .collect();
    for scope in empty {
        ended.extend(known.scopes.remove(&scope));
    }
    drop(known);
    if !ended.is_empty() {
        // A watcher waits for its thread.
        crate::spawn_blocking(move || drop(ended));
    }
}

/// Stores a watcher's message, and notifies the tasks' watchers of the differences.
async fn take_in(app: &App, told: Told) {
    let at = now();
    let (changes, owners) = {
        let mut known = app.collisions.known();
        let Some(watched) = known.scopes.get_mut(&told.scope) else { return };
        watched.checked_at = at;
        let Some(collisions) = told.collisions else { return };
        let mut changes = announce::changes(&watched.latest, &collisions);
        let latest = collisions
            .into_iter()
            .map(|collision| {
                let before =
                    watched.latest.iter().find(|latest| latest.collision.between == collision.between);
                Latest { since: before.map_or(at, |before| before.since), collision }
            })
            .collect();
        watched.latest = latest;
        // Collisions of a session that ended are not reported: it may have been merged.
        let is_followed = |name: &String| watched.sessions.contains_key(&SessionId::from(name.as_str()));
        changes.retain(|change| change.between().iter().all(is_followed) || !change.is_end());
        for change in &changes {
            match change {
                Change::Conflict { between, .. } => {
                    watched.resolved.remove(between);
                }
                Change::Resolved { between } => {
                    watched.resolved.insert(between.clone(), Instant::now());
                }
                Change::Touched { .. } => {}
            }
        }
        (changes, watched.sessions.clone())
    };
    let tasks = tasks_of(app, &owners).await;
    for task in tasks.values() {
        let concerns = |between: &[String; 2]| {
            between.iter().any(|name| owners.get(&SessionId::from(name.as_str())) == Some(&task.id))
        };
        if !changes.iter().any(|change| concerns(change.between())) {
            continue;
        }
        let update = CoordinationUpdate::Collisions(CollisionsUpdate {
            spec_task_id: task.id.to_string(),
            event: CollisionsEvent::Collisions,
            at: at.0,
            collisions: view::without_hunks(redacted(app.collisions.of(task), &app.redactor)),
        });
        match app.store.append_feed(at, updates::entry(task, update).to_vec()).await {
            Ok(rows) => app.feed.publish(rows),
            Err(error) => tracing::warn!(%error, task = %task.id, "could not publish collisions"),
        }
    }
    for change in changes.iter().filter(|change| !change.is_end()) {
        announce::announce_collision(app, &tasks, change).await;
    }
}

/// Notifies sessions of conflicts that ended and did not come back.
async fn announce_resolved(app: &App) {
    let mut ended = Vec::new();
    for watched in app.collisions.known().scopes.values_mut() {
        let sessions = watched.sessions.clone();
        watched.resolved.retain(|between, at| {
            let is_settled = at.elapsed() >= RESOLVED_AFTER;
            // A session that ended meanwhile needs no notification.
            if is_settled && between.iter().all(|name| sessions.contains_key(&SessionId::from(name.as_str())))
            {
                ended.push((Change::Resolved { between: between.clone() }, sessions.clone()));
            }
            !is_settled
        });
    }
    for (change, owners) in ended {
        let tasks = tasks_of(app, &owners).await;
        announce::announce_collision(app, &tasks, &change).await;
    }
}

/// Returns the tasks of sessions.
async fn tasks_of(app: &App, owners: &BTreeMap<SessionId, TaskId>) -> BTreeMap<TaskId, Task> {
    let mut tasks: BTreeMap<TaskId, Task> = BTreeMap::new();
    for id in owners.values() {
        if !tasks.contains_key(id)
            && let Ok(Some(task)) = app.store.task(id).await
        {
            tasks.insert(id.clone(), task);
        }
    }
    tasks
}

impl CollisionMonitor {
    /// Returns what a task's sessions collide in.
    pub fn of(&self, task: &Task) -> Collisions {
        let known = self.known();
        let scope = (task.project.clone(), task.owner.clone());
        let Some(watched) = known.scopes.get(&scope) else { return view(&[], now()) };
        let own = |name: &String| watched.sessions.get(&SessionId::from(name.as_str())) == Some(&task.id);
        let mine: Vec<_> = watched
            .latest
            .iter()
            .filter(|latest| latest.collision.between.iter().any(own))
            .map(|latest| (latest.collision.clone(), latest.since))
            .collect();
        view(&mine, watched.checked_at)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        // Every change leaves what is known whole.
        self.0.lock()
    }
}

/// Returns how many folders may be watched: a share of what the system allows each user.
fn watches() -> usize {
    let text = std::fs::read_to_string("/proc/sys/fs/inotify/max_user_watches").unwrap_or_default();
    (text.trim().parse().unwrap_or(UNKNOWN) / WATCH_FRACTION).min(MAX_WATCHES)
}
