//! Brings the task's record in git up to date.

use super::{Done, Job};
use workflow::Failure;

pub(super) async fn perform(job: &Job<'_>) -> Result<Done, Failure> {
    job.app.history.record(job.app, &job.task.project, &job.task.id).await?;
    Ok(Done::Nothing)
}
