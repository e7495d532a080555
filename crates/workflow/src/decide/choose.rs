//! A person chooses one of a session's alternatives.

use super::rules::{
    alternatives, crew,
    preconditions::{no_such_session, superseded},
};
use crate::context::Draft;
use crate::{Event, Rejected, SessionId, SessionState};

/// Chooses this session and discards its alternatives; saved refs keep the commits of the discarded ones.
pub(super) fn handle(draft: &mut Draft<'_, '_>, session: &SessionId) -> Result<(), Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?.clone();
    if let Some(chosen) = &found.superseded_by {
        return Err(superseded(chosen));
    }
    let instead_of: Vec<SessionId> = draft
        .task
        .alternatives(&found)
        .into_iter()
        .filter(|other| other.id != *session)
        .map(|other| other.id.clone())
        .collect();
    if instead_of.is_empty() {
        if draft.task.sessions.iter().any(|other| other.superseded_by.as_ref() == Some(session)) {
            return Err(Rejected::AlreadySo("the work session is chosen".to_owned()));
        }
        let status = draft.task.session_status(&found);
        return Err(Rejected::WrongState(format!(
            "the {status} work session has no alternative to choose between; branch it first"
        )));
    }
    alternatives::expect_implementing(draft, &found, "choose a work session")?;
    if matches!(found.state, SessionState::Cancelled | SessionState::Skipped) {
        return Err(Rejected::WrongState(
            "cannot choose a work session that is cancelled; retry it first, or choose its alternative"
                .to_owned(),
        ));
    }
    draft.event(Event::SessionChosen { session: session.clone(), instead_of: instead_of.clone() });
    alternatives::discard(draft, &instead_of);
    crew::requeue_or_advance(draft);
    Ok(())
}
