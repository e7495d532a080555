//! Asks the agent to stop a turn; the turn's own report follows.

use super::{Done, Job};
use workflow::{Failure, SessionId, TurnId};

pub(super) async fn perform(job: &Job<'_>, session: &SessionId, turn: &TurnId) -> Result<Done, Failure> {
    job.app.instances.cancel(&job.task.id, session, turn).await;
    Ok(Done::Nothing)
}
