//! Detects changes of the design-docs branch by any writer, and notifies watchers.

use crate::App;
use crate::clock::now;
use crate::clock::rfc3339;
use crate::documents;
use crate::documents::progress;
use crate::failure::chain;
use crate::notifications::updates;
use crate::projects::repositories::{ProjectRepo, RepositoryError};
use crate::settings::redaction;
use parking_lot::Mutex;
use protocol::feed::ProgressUpdate;
use specs::checklist;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};
use tokio::sync::mpsc;
use workflow::{Input, ItemCount, Phase, ProjectId, Specs, Task, TaskId};

/// How many changes may wait to be read; more are one change in effect, since each is read from the branch's tip.
const CHANNEL_CAPACITY: usize = 1024;
/// The polling interval of the documents' worktree while nothing moves.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How often in a row a damaged design-docs branch is repaired; what is still damaged then is for a person to look at.
const MAX_REPAIRS: u32 = 3;
/// The time for which a project without live tasks is still watched.
const RELEASE_AFTER: Duration = Duration::from_mins(10);
/// How often a watched project is asked for live tasks.
const LIVE_CHECK_INTERVAL: Duration = Duration::from_mins(1);
/// How long after a repair it counts as one that lasts.
const LASTING_REPAIR: Duration = Duration::from_secs(60);

/// The watchers of the projects at work.
#[derive(Clone, Default)]
pub struct Watch(Arc<Inner>);

#[derive(Default)]
struct Inner {
    watchers: Mutex<HashMap<ProjectId, Watched>>,
    app: std::sync::OnceLock<std::sync::Weak<crate::app::Inner>>,
}

/// A project that is watched.
struct Watched {
    _watcher: git::Watcher,
    /// When a task of the project was last known to be live.
    last_live: Instant,
}

/// A branch that moved.
enum Moved {
    /// The design-docs branch, or its end.
    Documents { old: Option<String>, new: Option<String> },
    /// Another one, which may be a base branch.
    Other { branch: String },
}

impl Watch {
    pub(crate) fn set_app(&self, app: &App) {
        // Set once, when the server starts.
        let _ = self.0.app.set(Arc::downgrade(&app.0));
    }

    /// Watches the branches of a project while it has live tasks.
    pub async fn follow(&self, project: &ProjectId) {
        if let Some(watched) = self.watchers().get_mut(project) {
            watched.last_live = Instant::now();
            return;
        }
        let Some(app) = self.0.app.get().and_then(std::sync::Weak::upgrade).map(App) else { return };
        let Ok(project_repo) = app.repositories.project_repo(project).await else { return };
        let (moves, receiver) = mpsc::channel(CHANNEL_CAPACITY);
        let branch = format!("refs/heads/{}", project_repo.settings.design_docs_branch);
        let on_change = Box::new(move |change: git::RefChange| {
            let moved = if change.refname == branch {
                let [old, new] =
                    [change.old, change.new].map(|commit| commit.map(|commit| commit.to_string()));
                Moved::Documents { old, new }
            } else {
                match change.refname.strip_prefix("refs/heads/") {
                    Some(branch) if !is_own(branch) => Moved::Other { branch: branch.to_owned() },
                    Some(_) | None => return,
                }
            };
            // A full queue holds a later look at the same tip already.
            let _ = moves.try_send(moved);
        });
        let (repository, docs) =
            (project_repo.repository.clone(), project_repo.settings.design_docs_branch.clone());
        match crate::spawn_blocking(move || repository.watch(&docs, on_change)).await {
            Ok(Ok(watcher)) => {
                let watched = Watched { _watcher: watcher, last_live: Instant::now() };
                self.watchers().insert(project.clone(), watched);
                tokio::spawn(read(Arc::downgrade(&app.0), project.clone(), receiver));
            }
            Ok(Err(error)) => tracing::error!(%error, %project, "could not watch a repository"),
            Err(error) => tracing::error!(%error, %project, "could not watch a repository"),
        }
    }

    /// Stops watching a project.
    pub fn forget(&self, project: &ProjectId) {
        self.watchers().remove(project);
    }

    /// Stops watching a project that has had no live task for [`RELEASE_AFTER`], and returns whether it did.
    fn release(&self, project: &ProjectId, is_live: bool) -> bool {
        let mut watchers = self.watchers();
        let Some(watched) = watchers.get_mut(project) else { return true };
        if is_live {
            watched.last_live = Instant::now();
        }
        if watched.last_live.elapsed() < RELEASE_AFTER {
            return false;
        }
        let released = watchers.remove(project);
        drop(watchers);
        // Joining the watcher's thread can take a while on a slow file system.
        crate::spawn_blocking(move || drop(released));
        true
    }

    fn watchers(&self) -> parking_lot::MutexGuard<'_, HashMap<ProjectId, Watched>> {
        self.0.watchers.lock()
    }
}

/// Returns whether a branch is one that is made for tasks and never a base.
pub fn is_own(branch: &str) -> bool {
    ["task/", "spectask/", "session/", "specs/"].into_iter().any(|prefix| branch.starts_with(prefix))
}

/// Records the present tip of a base branch, if the branch is one.
async fn look_at_base(app: &App, project: &ProjectId, branch: &str) -> Result<(), RepositoryError> {
    if app.store.base_branch(project, branch).await?.is_some() {
        app.repositories.base(project, branch).await?;
    }
    Ok(())
}

async fn read(app: std::sync::Weak<crate::app::Inner>, project: ProjectId, mut moves: mpsc::Receiver<Moved>) {
    let (mut complaint, mut was_there) = (String::new(), false);
    let mut repairs = Repairs::default();
    let mut looked: HashMap<TaskId, SystemTime> = HashMap::new();
    let mut live_checked = Instant::now();
    // What happened to the branch while it was not watched.
    if let Some(app) = app.upgrade().map(App) {
        repairs.try_repair(&app, &project).await;
    }
    loop {
        let moved = match tokio::time::timeout(POLL_INTERVAL, moves.recv()).await {
            Ok(Some(moved)) => Some(moved),
            Ok(None) => return,
            Err(_) => None,
        };
        let Some(app) = app.upgrade().map(App) else { return };
        if live_checked.elapsed() >= LIVE_CHECK_INTERVAL {
            live_checked = Instant::now();
            // A database that does not answer says nothing about tasks.
            let is_live = app.store.has_live_task(&project).await.unwrap_or(true);
            if app.watch.release(&project, is_live) {
                return;
            }
        }
        if let Some(Moved::Other { branch }) = &moved
            && let Err(error) = look_at_base(&app, &project, branch).await
        {
            tracing::warn!(%error, %project, branch, "could not look at a base branch");
        }
        if let Some(Moved::Documents { old, new }) = moved {
            if let Err(error) = take_in(&app, &project, (old, new)).await {
                tracing::warn!(%error, %project, "could not read a change of the design-docs branch");
            }
            // After the watchers got it, so that they do not wait for the repair.
            repairs.try_repair(&app, &project).await;
            app.history.look_at(&project);
        }
        match is_lost(&app, &project).await {
            Ok(true) => repairs.try_repair(&app, &project).await,
            Ok(false) => {
                if repairs.reset_when_lasting() {
                    repairs.try_repair(&app, &project).await;
                }
            }
            Err(error) => tracing::debug!(%error, %project, "could not look at the design-docs branch"),
        }
        commit_ticks(&app, &project, &mut looked).await;
        // A failure to create it is logged once, not at each poll.
        let kept = keep_worktree(&app, &project).await;
        // It is no loss where it was never there: it is made with the first task, or when the server starts elsewhere.
        if was_there && matches!(kept, Ok(true)) {
            tracing::warn!(%project, "the documents' worktree had vanished, and is made again");
        }
        was_there |= folder_of(&app, &project).await.is_some_and(|folder| folder.join(".git").exists());
        let found = kept.err().map(|error| chain(&error)).unwrap_or_default();
        if found != complaint && !found.is_empty() {
            tracing::warn!(error = found, %project, "could not look after the documents' worktree");
        }
        complaint = found;
    }
}

/// Counts the repairs of a project's design-docs branch in a row, so that a repair that does not last is not repeated without end.
#[derive(Default)]
struct Repairs {
    count: u32,
    last: Option<Instant>,
}

impl Repairs {
    /// Repairs the branch where commits of it are gone, unless that was done too often.
    async fn try_repair(&mut self, app: &App, project: &ProjectId) {
        if self.count >= MAX_REPAIRS {
            return;
        }
        match restore_rewound(app, project).await {
            Ok(false) => return,
            Ok(true) => {}
            Err(error) => tracing::warn!(%error, %project, "could not restore the design-docs branch"),
        }
        (self.count, self.last) = (self.count + 1, Some(Instant::now()));
        if self.count == MAX_REPAIRS {
            let branch = app.repositories.project_repo(project).await;
            let branch = branch.map(|found| found.settings.design_docs_branch).unwrap_or_default();
            tracing::error!(%project, branch, "objects of the design-docs branch are missing after {MAX_REPAIRS} repairs; it is left as it is until they are back: run `git fsck` in the repository to see which");
        }
    }

    /// Resets the count once the last repair is long ago, and returns whether it did. What happened to the branch while
    /// repairs were held back is to be looked at then.
    fn reset_when_lasting(&mut self) -> bool {
        let has_lasted = self.last.is_some_and(|last| last.elapsed() >= LASTING_REPAIR);
        if has_lasted {
            *self = Self::default();
        }
        has_lasted
    }
}

/// Returns where a project's documents' worktree is, or would be.
async fn folder_of(app: &App, project: &ProjectId) -> Option<PathBuf> {
    let project_repo = app.repositories.project_repo(project).await.ok()?;
    Some(git::docs_worktree(project_repo.repository.path(), &project_repo.settings.design_docs_branch))
}

/// Commits what agents at work ticked in the documents' worktree since the last look.
async fn commit_ticks(app: &App, project: &ProjectId, looked: &mut HashMap<TaskId, SystemTime>) {
    let Some(folder) = folder_of(app, project).await else { return };
    let served = app.instances.served();
    looked.retain(|task, _| served.contains(task));
    for id in served {
        let path = folder.join(crate::projects::repositories::document(&id, "progress.md"));
        let Ok(changed) = tokio::fs::symlink_metadata(&path).await.and_then(|found| found.modified()) else {
            continue;
        };
        if looked.insert(id.clone(), changed) == Some(changed) {
            continue;
        }
        let task = app.store.task(&id).await.ok().flatten();
        let Some(task) = task.filter(|task| task.project == *project && task.approved().is_some()) else {
            continue;
        };
        if let Err(failure) = progress::commit_ticks(app, &task).await {
            tracing::warn!(task = %id, reason = failure.message, "could not commit what agents ticked");
        }
    }
}

/// Ensures that the documents' worktree is there, and returns whether it had to be made.
pub(crate) async fn keep_worktree(app: &App, project: &ProjectId) -> Result<bool, RepositoryError> {
    let project_repo = app.repositories.project_repo(project).await?;
    let (repository, branch) = (project_repo.repository, project_repo.settings.design_docs_branch);
    let is_made = crate::spawn_blocking(move || repository.keep_docs_worktree(&branch)).await??;
    if is_made {
        admit_again(app, project).await;
    }
    Ok(is_made)
}

/// Lets the agents at work on a project write the documents where their worktree was made again.
async fn admit_again(app: &App, project: &ProjectId) {
    for id in app.instances.served() {
        let task = app.store.task(&id).await.ok().flatten().filter(|task| task.project == *project);
        if let Some(task) = task {
            app.instances.admit_again(&task).await;
        }
    }
}

/// Returns whether the design-docs branch stands at a commit that is gone.
async fn is_lost(app: &App, project: &ProjectId) -> Result<bool, RepositoryError> {
    let project_repo = app.repositories.project_repo(project).await?;
    let (repository, branch) = (project_repo.repository, project_repo.settings.design_docs_branch);
    Ok(crate::spawn_blocking(move || repository.is_lost(&branch)).await??)
}

/// Ensures that the design-docs branch has every commit that it ever had. The watcher sees the repair like any other
/// move.
///
/// Returns whether the branch was repaired because its commit is gone.
pub(crate) async fn restore_rewound(app: &App, project: &ProjectId) -> anyhow::Result<bool> {
    let project_repo = app.repositories.project_repo(project).await?;
    let (repository, branch) = (project_repo.repository, project_repo.settings.design_docs_branch);
    match crate::spawn_blocking(move || repository.restore_rewound(&branch)).await?? {
        git::Forward::Whole => {}
        git::Forward::MadeAgain(commit) => {
            tracing::warn!(%project, %commit, "the design-docs branch was deleted, and is made again");
        }
        git::Forward::Joined { merge, lost, contested } => {
            tracing::warn!(%project, %merge, %lost, ?contested, "the design-docs branch had lost commits, and has them again");
        }
        git::Forward::Restored { lost, now } => {
            tracing::warn!(%project, %lost, %now, "the commit of the design-docs branch is gone, as after a `git gc --prune=now`; what it had is written again from the database");
            restore(app, project).await?;
            return Ok(true);
        }
    }
    Ok(false)
}

/// Writes the documents of a project's tasks again that the design-docs branch lost, from the database. Their records follow.
async fn restore(app: &App, project: &ProjectId) -> anyhow::Result<()> {
    let project_repo = app.repositories.project_repo(project).await?;
    for task in app.store.project_tasks(project).await? {
        documents::write_again(app, &project_repo, &task).await?;
        let read = app.repositories.checklist(&task).await?.map(|found| documents::view(&task, &found));
        if let Some(checklist) = read {
            let restored = progress::restore(app, &project_repo, &task, &checklist).await;
            restored.map_err(|failure| anyhow::anyhow!(failure.message))?;
        }
    }
    app.history.look_at(project);
    Ok(())
}

/// Reports the progress of every task whose files changed, and starts a new review of changed documents.
async fn take_in(
    app: &App,
    project: &ProjectId,
    moved: (Option<String>, Option<String>),
) -> anyhow::Result<()> {
    let project_repo = app.repositories.project_repo(project).await?;
    let repository = project_repo.repository.clone();
    let (old, Some(new)) = moved else { return Ok(()) };
    let commits = crate::spawn_blocking({
        let new = new.clone();
        move || repository.log(old.as_deref(), &new, 200)
    })
    .await??;
    let mut progressed = BTreeSet::new();
    // With who changed them last.
    let mut edited: BTreeMap<TaskId, &str> = BTreeMap::new();
    for (commit, path) in
        commits.iter().flat_map(|commit| commit.files_touched.iter().map(move |path| (commit, path)))
    {
        let Some((id, name)) = path.strip_prefix("specs/").and_then(|rest| rest.split_once('/')) else {
            continue;
        };
        match name {
            "progress.md" => {
                progressed.insert(TaskId::from(id));
            }
            "requirements.md" | "design.md" | "tasks.md" => {
                edited.entry(TaskId::from(id)).or_insert(&commit.author);
            }
            _ => {}
        }
    }
    for id in progressed {
        if let Some(task) = app.store.task(&id).await?.filter(|task| task.project == *project) {
            announce(app, &project_repo, &task, &new).await?;
        }
    }
    for (id, by) in edited {
        if let Some(task) = app.store.task(&id).await?.filter(|task| task.project == *project) {
            look_at_documents(app, &project_repo, &task, &new, by.to_owned()).await?;
        }
    }
    Ok(())
}

async fn announce(app: &App, project_repo: &ProjectRepo, task: &Task, commit: &str) -> anyhow::Result<()> {
    let repository = project_repo.repository.clone();
    let (at, path) = (commit.to_owned(), crate::projects::repositories::document(&task.id, "progress.md"));
    let Some(bytes) = crate::spawn_blocking(move || repository.read(&at, &path)).await?? else {
        return Ok(());
    };
    let text = String::from_utf8_lossy(&bytes);
    let parsed = checklist::parse(&redaction::redact(&app.redactor, &text));
    let counts = ItemCount::of(task.units(), &parsed);
    let decided = app.orchestrator.decide(&task.id, Input::ItemsCounted { counts }).await?;
    let task = decided.as_ref().unwrap_or(task);
    let checklist = documents::view(task, &parsed);
    let update = ProgressUpdate {
        spec_task_id: task.id.to_string(),
        commit: commit.to_owned(),
        at: rfc3339(now()),
        checklist: checklist.clone(),
    };
    let rows = app.store.append_feed(now(), updates::entry(task, update).to_vec()).await?;
    app.feed.publish(rows);
    progress::restore(app, project_repo, task, &checklist)
        .await
        .map_err(|failure| anyhow::anyhow!(failure.message))
}

/// Compares the documents on the branch with those in force.
pub async fn look_at_documents(
    app: &App,
    project_repo: &ProjectRepo,
    task: &Task,
    commit: &str,
    by: String,
) -> anyhow::Result<()> {
    let in_force = match &task.phase {
        Phase::SpecReview { specs } => Some(specs),
        _ => task.approved().map(|approved| &approved.specs),
    };
    let Some(in_force) = in_force else { return Ok(()) };
    if documents::put_back(project_repo, task, in_force, commit).await? {
        // The branch moved, which is looked at again.
        return Ok(());
    }
    let found = documents::read(project_repo, &task.id, commit).await?;
    let Some(found) = found.filter(|found| found.hash() != in_force.hash) else { return Ok(()) };
    let specs = documents::keep(app, task, in_force.round, commit, &found, Some(&by)).await?;
    let specs = specs.unwrap_or_else(|problems| {
        tracing::info!(task = %task.id, ?problems, "the documents were changed into something unusable");
        Specs { hash: found.hash(), commit: workflow::Commit(commit.to_owned()), ..in_force.clone() }
    });
    app.orchestrator.decide(&task.id, Input::DocumentsChanged { specs, by }).await?;
    Ok(())
}
