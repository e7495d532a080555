//! Notices changes of the design-docs branch, whoever commits them, and tells who watches.

use crate::App;
use crate::clock::now;
use crate::documents;
use crate::effects::chain;
use crate::repositories::{RepositoryError, Workplace};
use crate::{news, progress};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use workflow::{Input, Phase, ProjectId, Specs, Task, TaskId};

/// How many changes may wait to be read; more are one change in effect, since each is read from the branch's tip.
const WAITING: usize = 1024;
/// How often the documents' worktree is looked at while nothing moves.
const LOOK: Duration = Duration::from_secs(1);

/// The watchers of the projects at work.
#[derive(Clone, Default)]
pub(crate) struct Watch(Arc<Inner>);

#[derive(Default)]
struct Inner {
    watchers: Mutex<HashMap<ProjectId, git::Watcher>>,
    app: std::sync::OnceLock<std::sync::Weak<crate::app::Inner>>,
}

/// A move of the design-docs branch, or its end.
struct Moved {
    old: Option<String>,
    new: Option<String>,
}

impl Watch {
    pub(crate) fn set_app(&self, app: &App) {
        // Set once, when the server starts.
        let _ = self.0.app.set(Arc::downgrade(&app.0));
    }

    /// Watches a project's design-docs branch from now on.
    pub(crate) async fn follow(&self, project: &ProjectId) {
        if self.watchers().contains_key(project) {
            return;
        }
        let Some(app) = self.0.app.get().and_then(std::sync::Weak::upgrade).map(App) else { return };
        let Ok(workplace) = app.repositories.workplace(project).await else { return };
        let (moves, receiver) = mpsc::channel(WAITING);
        let branch = format!("refs/heads/{}", workplace.settings.design_docs_branch);
        let on_change = Box::new(move |change: git::RefChange| {
            if change.refname == branch {
                let [old, new] =
                    [change.old, change.new].map(|commit| commit.map(|commit| commit.to_string()));
                // A full queue holds a later look at the same tip already.
                let _ = moves.try_send(Moved { old, new });
            }
        });
        let repository = workplace.repository.clone();
        match tokio::task::spawn_blocking(move || repository.watch(on_change)).await {
            Ok(Ok(watcher)) => {
                self.watchers().insert(project.clone(), watcher);
                tokio::spawn(read(Arc::downgrade(&app.0), project.clone(), receiver));
            }
            Ok(Err(error)) => tracing::error!(%error, %project, "could not watch a repository"),
            Err(error) => tracing::error!(%error, %project, "could not watch a repository"),
        }
    }

    /// Stops watching a project.
    pub(crate) fn forget(&self, project: &ProjectId) {
        self.watchers().remove(project);
    }

    fn watchers(&self) -> std::sync::MutexGuard<'_, HashMap<ProjectId, git::Watcher>> {
        self.0.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn read(app: std::sync::Weak<crate::app::Inner>, project: ProjectId, mut moves: mpsc::Receiver<Moved>) {
    let mut complaint = String::new();
    loop {
        let moved = match tokio::time::timeout(LOOK, moves.recv()).await {
            Ok(Some(moved)) => Some(moved),
            Ok(None) => return,
            Err(_) => None,
        };
        let Some(app) = app.upgrade().map(App) else { return };
        if let Some(moved) = moved {
            if let Err(error) = take_in(&app, &project, moved).await {
                tracing::warn!(%error, %project, "could not read a change of the design-docs branch");
            }
            // After those who watch were told, so that they do not wait for it.
            if let Err(error) = keep_forward(&app, &project).await {
                tracing::warn!(%error, %project, "could not look after the design-docs branch");
            }
            app.history.look_at(&project);
        }
        // What keeps it from being made is told once, not at each look.
        let found = keep_worktree(&app, &project).await.err().map(|error| chain(&error)).unwrap_or_default();
        if found != complaint && !found.is_empty() {
            tracing::warn!(error = found, %project, "could not look after the documents' worktree");
        }
        complaint = found;
    }
}

/// Sees to it that the documents' worktree is there.
pub(crate) async fn keep_worktree(app: &App, project: &ProjectId) -> Result<(), RepositoryError> {
    let workplace = app.repositories.workplace(project).await?;
    let (repository, branch) = (workplace.repository, workplace.settings.design_docs_branch);
    if tokio::task::spawn_blocking(move || repository.keep_docs_worktree(&branch)).await?? {
        tracing::warn!(%project, "the documents' worktree had vanished, and is made again");
    }
    Ok(())
}

/// Sees to it that the design-docs branch has every commit that it ever had. What that changes is noticed as any
/// other move is.
pub(crate) async fn keep_forward(app: &App, project: &ProjectId) -> anyhow::Result<()> {
    let workplace = app.repositories.workplace(project).await?;
    let (repository, branch) = (workplace.repository, workplace.settings.design_docs_branch);
    match tokio::task::spawn_blocking(move || repository.keep_forward(&branch)).await?? {
        git::Forward::Whole => {}
        git::Forward::MadeAgain(commit) => {
            tracing::warn!(%project, %commit, "the design-docs branch was deleted, and is made again");
        }
        git::Forward::Joined { merge, lost, contested } => {
            tracing::warn!(%project, %merge, %lost, ?contested, "the design-docs branch had lost commits, and has them again");
        }
    }
    Ok(())
}

/// Tells about the progress of every task whose files changed, and has changed documents reviewed again.
async fn take_in(app: &App, project: &ProjectId, moved: Moved) -> anyhow::Result<()> {
    let workplace = app.repositories.workplace(project).await?;
    let repository = workplace.repository.clone();
    let Moved { old, new: Some(new) } = moved else { return Ok(()) };
    let commits = tokio::task::spawn_blocking({
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
            announce(app, &workplace, &task, &new).await?;
        }
    }
    for (id, by) in edited {
        if let Some(task) = app.store.task(&id).await?.filter(|task| task.project == *project) {
            look_at_documents(app, &workplace, &task, &new, by.to_owned()).await?;
        }
    }
    Ok(())
}

async fn announce(app: &App, workplace: &Workplace, task: &Task, commit: &str) -> anyhow::Result<()> {
    let repository = workplace.repository.clone();
    let (at, path) = (commit.to_owned(), crate::repositories::document(&task.id, "progress.md"));
    let Some(bytes) = tokio::task::spawn_blocking(move || repository.read(&at, &path)).await?? else {
        return Ok(());
    };
    let text = String::from_utf8_lossy(&bytes);
    let checklist = documents::checklist_view(&app.redactor.redact(&text));
    let checklist = documents::with_evidence(task, checklist);
    let data = json!({ "spec_task_id": task.id, "commit": commit, "at": now(), "checklist": checklist });
    let rows = app.store.append_feed(now(), news::entry(task, "progress", &data).to_vec()).await?;
    app.feed.publish(rows);
    progress::restore(workplace, task, &checklist).await.map_err(|failure| anyhow::anyhow!(failure.message))
}

/// Compares the documents on the branch with those in force.
pub(crate) async fn look_at_documents(
    app: &App,
    workplace: &Workplace,
    task: &Task,
    commit: &str,
    by: String,
) -> anyhow::Result<()> {
    let in_force = match &task.phase {
        Phase::SpecReview { specs } => Some(specs),
        _ => task.approved().map(|approved| &approved.specs),
    };
    let Some(in_force) = in_force else { return Ok(()) };
    if documents::put_back(workplace, task, in_force, commit).await? {
        // The branch moved, which is looked at again.
        return Ok(());
    }
    let found = documents::read(workplace, &task.id, commit).await?;
    let Some(found) = found.filter(|found| found.hash() != in_force.hash) else { return Ok(()) };
    let specs = documents::keep(app, task, in_force.round, commit, &found, Some(&by)).await?;
    let specs = specs.unwrap_or_else(|problems| {
        tracing::info!(task = %task.id, ?problems, "the documents were changed into something unusable");
        Specs { hash: found.hash(), commit: workflow::Commit(commit.to_owned()), ..in_force.clone() }
    });
    app.orchestrator.decide(&task.id, Input::DocumentsChanged { specs, by }).await?;
    Ok(())
}
