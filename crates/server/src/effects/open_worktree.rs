//! Ensures a session's worktree and branch, begun where the task's branch stands.

use super::{Done, Job, blocking, git_failure};
use crate::instances::session_directory;
use git::WorktreeSpec;
use workflow::{Failure, Input, SessionId};

pub(super) async fn perform(job: &Job<'_>, id: &SessionId) -> Result<Done, Failure> {
    let app = job.app;
    let session = job.session(id)?;
    let workplace =
        app.repositories.workplace(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let path = session_directory(app.repositories.data_dir(), &job.task.id, id);
    let branch = session.branch.clone().unwrap_or_else(|| job.task.session_branch(id));
    let (task_branch, base) = (job.task.branch(), job.task.base_branch.clone());
    let workspace = path.to_string_lossy().into_owned();
    blocking(move || {
        // A task without approved documents has no handoff that cuts its branch.
        if workplace.repository.resolve(&task_branch)?.is_none() {
            workplace.repository.create_branch(&task_branch, &base)?;
        }
        workplace.repository.ensure_worktree(&WorktreeSpec {
            path,
            branch: Some(branch),
            start: task_branch,
            detached: false,
        })
    })
    .await?;
    let mut run =
        app.store.session_run(id).await.map_err(|error| super::store_failure(&error))?.unwrap_or_default();
    run.workspace_path = Some(workspace);
    app.store.put_session_run(id, run).await.map_err(|error| super::store_failure(&error))?;
    app.watch.follow(&job.task.project).await;
    Ok(Done::Report(Input::WorktreeOpened { session: id.clone() }))
}
