//! Marks a planned task in progress.md as its session starts and ends.

use super::{Done, Job, git_failure};
use crate::documents::progress;
use specs::checklist::Marker;
use workflow::{Failure, SessionId};

pub(super) async fn perform(job: &Job<'_>, id: &SessionId, marker: char) -> Result<Done, Failure> {
    let session = job.session(id)?;
    let project_repo = job.app.repositories.project_repo(&job.task.project).await;
    let project_repo = project_repo.map_err(|error| git_failure(&error))?;
    let marker = match marker {
        '~' => Marker::InProgress,
        'x' => Marker::Completed,
        _ => Marker::Pending,
    };
    progress::mark(job.app, &project_repo, job.task, session, marker, Some(job.trailer("progress"))).await?;
    Ok(Done::Nothing)
}
