//! Ensures the design-docs worktree and a worktree of the base branch for the planner to read.

use super::{Done, Job, blocking, git_failure};
use crate::App;
use crate::data_dir::private_directory;
use crate::instances::session_directory;
use crate::maintenance;
use crate::tracing_context::spawn_in_span;
use git::WorktreeSpec;
use sandbox::Level;
use tokio::task::JoinHandle;
use workflow::{Failure, Input, Session, SessionId, Task};

pub(super) async fn perform(job: &Job<'_>, session: &SessionId) -> Result<Done, Failure> {
    let app = job.app;
    prestart(app, job.task, job.session(session)?);
    let folder =
        app.repositories.docs_worktree(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let documents = format!("specs/{}", job.task.id);
    blocking(move || git::Dir::at(folder).create_dir_all(&documents)).await?;
    make_worktree(app, job.task, session).await?;
    app.watch.follow(&job.task.project).await;
    Ok(Done::Report(Input::PlanningReady { session: session.clone() }))
}

/// Sees to it that the planner has the base branch to read.
async fn make_worktree(app: &App, task: &Task, session: &SessionId) -> Result<(), Failure> {
    let workplace = app.repositories.workplace(&task.project).await.map_err(|error| git_failure(&error))?;
    let path = session_directory(app.repositories.data_dir(), &task.id, session);
    let base = app.repositories.base(&task.project, &task.base_branch).await;
    let start = base.map_err(|error| git_failure(&error))?.revision;
    let spec = WorktreeSpec { path: path.clone(), branch: None, start, detached: true };
    blocking(move || workplace.repository.ensure_worktree(&spec)).await?;
    blocking(move || private_directory(&path)).await
}

/// What is made for a task's planner while the task itself is brought to the disk; the effects find it there.
pub(crate) struct Prewarm {
    task: Task,
    planner: SessionId,
    worktree: JoinHandle<()>,
}

/// Starts the agent and makes the worktree of a task that is about to be kept.
pub(crate) fn prewarm(app: &App, task: &Task) -> Option<Prewarm> {
    let planner = task.sessions.first()?;
    prestart(app, task, planner);
    let worktree = spawn_in_span({
        let (app, task, planner) = (app.clone(), task.clone(), planner.id.clone());
        async move {
            // The effect does it again and says why it cannot be done.
            if let Err(failure) = make_worktree(&app, &task, &planner).await {
                tracing::debug!(task = %task.id, reason = failure.message, "a worktree could not be made ahead");
            }
        }
    });
    Some(Prewarm { task: task.clone(), planner: planner.id.clone(), worktree })
}

impl Prewarm {
    /// Takes away what the task that was kept in the end has no use for.
    pub(crate) async fn reconcile(self, app: &App, kept: Option<&Task>) {
        if !kept.is_some_and(Task::holds_instance) {
            app.instances.stop(&self.task).await;
        }
        if kept.is_none_or(|kept| kept.session(&self.planner).is_none()) {
            // Whatever came of it, it has ended.
            let _ = self.worktree.await;
            let data_dir = app.repositories.data_dir();
            maintenance::drop_worktree(app, session_directory(data_dir, &self.task.id, &self.planner)).await;
        }
    }
}

/// Starts the agent while other things are made ready. A failure is reported by the turn, which waits for the same start.
fn prestart(app: &App, task: &Task, session: &Session) {
    // By Landlock alone, a process can write only folders that are there when it starts.
    if app.agents.sandbox().level() == Level::Landlock {
        return;
    }
    let (app, task, session) = (app.clone(), task.clone(), session.clone());
    spawn_in_span(async move { app.stop.run_until_cancelled(app.instances.prestart(&task, &session)).await });
}
