//! Ends the task's agent processes as trees, and the check of a task that has no use for its result.

use super::{Done, Job};
use crate::confinement::confine::Purpose;
use workflow::{Effect, Failure};

pub(super) async fn perform(job: &Job<'_>) -> Result<Done, Failure> {
    job.app.instances.stop(job.task).await;
    if ![Effect::RunChecks, Effect::Land].iter().any(|effect| job.task.still_needs(effect)) {
        crate::confinement::checks::end(&job.app.config, &job.task.id, Purpose::Check).await;
    }
    Ok(Done::Nothing)
}
