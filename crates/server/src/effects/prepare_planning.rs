//! Ensures the design-docs worktree and a worktree of the base branch for the planner to read.

use super::{Done, Job, blocking, git_failure};
use crate::App;
use crate::instances::session_directory;
use git::WorktreeSpec;
use workflow::{Failure, Input, SessionId, Task};

pub(super) async fn perform(job: &Job<'_>, session: &SessionId) -> Result<Done, Failure> {
    let app = job.app;
    warm(app, job.task, &job.session(session)?.agent);
    let folder =
        app.repositories.docs_worktree(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let folder = folder.join("specs").join(job.task.id.as_str());
    let workplace =
        app.repositories.workplace(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let path = session_directory(app.repositories.data_dir(), &job.task.id, session);
    let base = job.task.base_branch.clone();
    blocking(move || std::fs::create_dir_all(folder)).await?;
    blocking(move || {
        workplace.repository.ensure_worktree(&WorktreeSpec {
            path,
            branch: None,
            start: base,
            detached: true,
        })
    })
    .await?;
    app.watch.follow(&job.task.project).await;
    Ok(Done::Report(Input::PlanningReady { session: session.clone() }))
}

/// Starts the agent while other things are made ready. A failure is told by the turn, which waits for the same start.
pub(crate) fn warm(app: &App, task: &Task, agent: &str) {
    let (app, task, agent) = (app.clone(), task.clone(), agent.to_owned());
    tokio::spawn(async move { app.stop.run_until_cancelled(app.instances.warm(&task, &agent)).await });
}
