//! The record in git: everything said, changed and decided, written from the events and the sessions' logs.
//!
//! The present content of a task's files is read from the branch itself, and only what is missing is added: a process
//! that dies anywhere neither skips an entry nor writes one twice. Requests that wait for the same repository
//! share one commit.

mod batch;
mod code;
mod coordination;
mod decided;
mod gather;
mod timer;
mod whole;

pub(crate) use timer::run;
pub use whole::{is_whole, reached};

use crate::App;
use crate::failure::failure;
use batch::Outcomes;
use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use tokio::sync::{Notify, oneshot};
use whole::Look;
use workflow::{Failure, FailureClass, ProjectId, TaskId};

/// The recorders of this server's projects.
#[derive(Clone, Default)]
pub struct History(Arc<Inner>);

#[derive(Default)]
struct Inner {
    places: Mutex<HashMap<ProjectId, Arc<Place>>>,
    /// The projects whose branch moved, until they are looked at.
    moved: Mutex<BTreeSet<ProjectId>>,
    moves: Notify,
}

/// One project's repository, with the requests that wait for a commit.
#[derive(Default)]
struct Place {
    waiting: Mutex<Vec<Waiting>>,
    turn: tokio::sync::Mutex<()>,
}

struct Waiting {
    tasks: BTreeSet<TaskId>,
    done: oneshot::Sender<Outcomes>,
}

impl History {
    /// Brings the record of a task up to date in git.
    pub async fn record(&self, app: &App, project: &ProjectId, task: &TaskId) -> Result<(), Failure> {
        let mut outcomes = self.record_all(app, project, BTreeSet::from([task.clone()])).await;
        outcomes.remove(task).unwrap_or(Ok(()))
    }

    /// Brings the records of a project's tasks up to date, with one commit for all that waits meanwhile.
    pub(crate) async fn record_all(
        &self,
        app: &App,
        project: &ProjectId,
        tasks: BTreeSet<TaskId>,
    ) -> Outcomes {
        let place = self.place(project);
        let (done, mut answer) = oneshot::channel();
        lock(&place.waiting).push(Waiting { tasks: tasks.clone(), done });
        let _turn = place.turn.lock().await;
        // The turn before recorded everything that waited.
        if let Ok(outcomes) = answer.try_recv() {
            return outcomes;
        }
        let waiting = std::mem::take(&mut *lock(&place.waiting));
        // A recording that was cut off did not answer: its work is done again here.
        let mut all = tasks;
        all.extend(waiting.iter().flat_map(|one| one.tasks.iter().cloned()));
        let outcomes = batch::record(app, project, &all).await;
        for one in waiting {
            // A caller that went away does not need the answer.
            let _ = one.done.send(outcomes.clone());
        }
        outcomes
    }

    /// Schedules a check of the records of a project whose branch moved.
    pub(crate) fn look_at(&self, project: &ProjectId) {
        lock(&self.0.moved).insert(project.clone());
        self.0.moves.notify_one();
    }

    /// Returns the projects to look at.
    fn moved(&self) -> BTreeSet<ProjectId> {
        std::mem::take(&mut *lock(&self.0.moved))
    }

    /// Looks for records of a project that others changed, while nothing is being recorded.
    async fn look(&self, app: &App, project: &ProjectId, since: Option<&str>) -> anyhow::Result<Look> {
        let place = self.place(project);
        let _turn = place.turn.lock().await;
        whole::look(app, project, since).await
    }

    fn place(&self, project: &ProjectId) -> Arc<Place> {
        Arc::clone(lock(&self.0.places).entry(project.clone()).or_default())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change is a single insert, push or take, so the content is valid after any panic.
    mutex.lock()
}

/// Returns the failure of a record that cannot be continued.
fn unreadable(path: &str, error: &workflow::records::Unreadable) -> Failure {
    failure(
        FailureClass::Conflict,
        format!(
            "The record {path} was changed by another writer ({error}). Restore its content to continue recording."
        ),
    )
}
