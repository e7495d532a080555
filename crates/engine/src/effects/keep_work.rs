//! Keeps the work of a session that a person decided against, committed or not, under a saved ref.

use super::{Done, Job, blocking, git_failure};
use crate::paths::workdir;
use workflow::{Failure, SessionId};

pub(super) async fn perform(job: &Job<'_>, id: &SessionId) -> Result<Done, Failure> {
    let app = job.app;
    let session = job.session(id)?;
    let project_repo =
        app.repositories.project_repo(&job.task.project).await.map_err(|error| git_failure(&error))?;
    let path = workdir(app.repositories.data_dir(), job.task, session);
    let branch = session.branch.clone().unwrap_or_else(|| job.task.session_branch(id, &session.name));
    let saved = format!("refs/spectask/saved/{}/{id}-given-up", job.task.id);
    blocking(move || {
        let dirty = if path.exists() { project_repo.repository.save_dirty(&path, &saved)? } else { None };
        if dirty.is_none() {
            project_repo.repository.save_tip(&branch, &saved)?;
        }
        Ok::<_, git::Error>(())
    })
    .await?;
    Ok(Done::Nothing)
}
