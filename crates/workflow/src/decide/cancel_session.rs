//! A person cancels a session.

use super::rules::{
    coordination, crew,
    preconditions::{expect_crew_session, expect_no_alternatives, wrong_session_state},
};
use crate::context::Draft;
use crate::{Effect, Event, Rejected, SessionId, SessionState};

pub(super) fn handle(draft: &mut Draft<'_, '_>, session: &SessionId) -> Result<(), Rejected> {
    let found = expect_crew_session(draft, session, "cancel a work session")?;
    expect_no_alternatives(draft, found)?;
    match found.state.clone() {
        SessionState::Cancelled | SessionState::Skipped => {
            return Err(Rejected::AlreadySo("the session is cancelled".to_owned()));
        }
        SessionState::Working { turn } => {
            draft.effect(Effect::CancelTurn { session: session.clone(), turn: turn.id });
        }
        SessionState::Pending
        | SessionState::Opening
        | SessionState::Saving { .. }
        | SessionState::WaitingToMerge
        | SessionState::Idle
        | SessionState::Failed { .. }
        | SessionState::External { .. } => {}
        SessionState::Completed | SessionState::Merging => {
            let allowed = "its work is merged or is being merged";
            return Err(wrong_session_state(draft, session, "cancel", allowed));
        }
    }
    draft.event(Event::SessionCancelled { session: session.clone() });
    draft.effect(Effect::MarkProgress { session: session.clone(), marker: ' ' });
    coordination::notify_cancelled(draft, session);
    crew::requeue_or_advance(draft);
    Ok(())
}
