//! A person retries a session.

use super::rules::{
    coordination, crew,
    preconditions::{expect_crew_session, superseded, wrong_session_state},
};
use crate::context::Draft;
use crate::{Event, Rejected, SessionId, SessionStatus};

pub(super) fn handle(draft: &mut Draft<'_, '_>, session: &SessionId) -> Result<(), Rejected> {
    let found = expect_crew_session(draft, session, "retry a work session")?;
    if let Some(chosen) = draft.task.superseded_by(found) {
        return Err(superseded(chosen));
    }
    match draft.task.session_status(found) {
        SessionStatus::Failed | SessionStatus::Cancelled => {}
        SessionStatus::Pending | SessionStatus::Active | SessionStatus::Blocked => {
            return Err(Rejected::AlreadySo("the session is on its way".to_owned()));
        }
        SessionStatus::Completed => {
            return Err(wrong_session_state(draft, session, "retry", "only a failed one is tried again"));
        }
    }
    draft.event(Event::SessionRetried { session: session.clone() });
    coordination::notify_unblocked(draft, session, "is tried again.");
    crew::requeue_or_advance(draft);
    Ok(())
}
