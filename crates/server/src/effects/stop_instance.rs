//! Ends the task's agent processes as trees.

use super::{Done, Job};
use workflow::Failure;

pub(super) async fn perform(job: &Job<'_>) -> Result<Done, Failure> {
    job.app.instances.stop(job.task).await;
    Ok(Done::Nothing)
}
