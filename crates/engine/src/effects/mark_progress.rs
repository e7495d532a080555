//! Marks a planned task in progress.md as its session starts and ends.

use super::{Done, Job, git_failure};
use crate::progress;
use specs::checklist::Marker;
use workflow::{Failure, SessionId};

pub(super) async fn perform(job: &Job<'_>, id: &SessionId, marker: char) -> Result<Done, Failure> {
    let session = job.session(id)?;
    let workplace = job.app.repositories.workplace(&job.task.project).await;
    let workplace = workplace.map_err(|error| git_failure(&error))?;
    let marker = match marker {
        '~' => Marker::InProgress,
        'x' => Marker::Completed,
        _ => Marker::Pending,
    };
    progress::mark(job.app, &workplace, job.task, session, marker, Some(job.trailer("progress"))).await?;
    Ok(Done::Nothing)
}
