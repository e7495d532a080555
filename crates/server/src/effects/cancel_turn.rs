//! Asks the agent to stop a turn; the turn's own report follows.

use super::{Done, Job};
use workflow::{Failure, SessionId};

pub(super) async fn perform(job: &Job<'_>, session: &SessionId) -> Result<Done, Failure> {
    job.app.instances.cancel(&job.task.id, session).await;
    Ok(Done::Nothing)
}
