//! Ensures the design-docs worktree and a worktree of the base branch for the planner to read.

use super::{Done, Job, blocking, git_failure};
use crate::App;
use crate::paths::session_directory;
use crate::settings::data_dir::private_directory;
use crate::tracing_context::spawn_in_span;
use git::WorktreeSpec;
use sandbox::Level;
use workflow::{Failure, Input, Session, SessionId, Task};

pub(super) async fn perform(job: &Job<'_>, session: &SessionId) -> Result<Done, Failure> {
    let app = job.app;
    prestart(app, job.task, job.session(session)?);
    let folder =
        app.repositories.docs_worktree(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let documents = format!("specs/{}", job.task.id);
    blocking(move || git::Dir::at(folder).create_dir_all(&documents)).await?;
    make_planning_worktree(app, job.task, session).await?;
    app.watch.follow(&job.task.project).await;
    Ok(Done::Report(Input::PlanningReady { session: session.clone() }))
}

/// Ensures that the planner has the base branch to read.
pub(crate) async fn make_planning_worktree(
    app: &App,
    task: &Task,
    session: &SessionId,
) -> Result<(), Failure> {
    let project_repo =
        app.repositories.project_repo(&task.project).await.map_err(|error| git_failure(&error))?;
    let path = session_directory(app.repositories.data_dir(), &task.id, session);
    let base = app.repositories.base(&task.project, &task.base_branch).await;
    let start = base.map_err(|error| git_failure(&error))?.revision;
    let spec = WorktreeSpec { path: path.clone(), branch: None, start, detached: true };
    blocking(move || project_repo.repository.ensure_worktree(&spec)).await?;
    blocking(move || private_directory(&path)).await
}

/// Starts the agent while other things are made ready. A failure is reported by the turn, which waits for the same start.
pub(crate) fn prestart(app: &App, task: &Task, session: &Session) {
    // By Landlock alone, a process can write only folders that are there when it starts.
    if app.agents.sandbox().level() == Level::Landlock {
        return;
    }
    let (app, task, session) = (app.clone(), task.clone(), session.clone());
    spawn_in_span(async move { app.stop.run_until_cancelled(app.instances.prestart(&task, &session)).await });
}
