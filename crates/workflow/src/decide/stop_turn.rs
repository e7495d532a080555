//! A person stops the turn of a session.

use super::rules::{
    crew,
    preconditions::{no_such_session, superseded, wrong_state},
};
use crate::context::Draft;
use crate::{Effect, Event, MessageId, Rejected, SessionId, SessionState};

/// Cancels the turn under way. A conversation waits for the next message then; any other session fails until a person
/// sends it a message, retries it or skips it. A conversation whose turn has not begun takes its waiting messages back.
pub(super) fn handle(draft: &mut Draft<'_, '_>, session: &SessionId, by: &str) -> Result<(), Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?;
    if let Some(chosen) = draft.task.superseded_by(found) {
        return Err(superseded(chosen));
    }
    let converses = draft.task.converses(found);
    match found.state.clone() {
        SessionState::Working { turn } if turn.is_stopped => {
            return Err(Rejected::AlreadySo("the turn is being stopped".to_owned()));
        }
        SessionState::Working { turn } => {
            let why = format!("{by} stopped it.");
            let id = turn.id.clone();
            draft.event(Event::TurnInterrupted { session: session.clone(), turn: id, why, is_stop: true });
            draft.effect(Effect::CancelTurn { session: session.clone(), turn: turn.id });
        }
        SessionState::Pending | SessionState::Opening if converses => {
            let waiting: Vec<MessageId> = found.messages.iter().map(|message| message.id.clone()).collect();
            for message in waiting {
                draft.event(Event::MessageWithdrawn { session: session.clone(), message });
            }
            draft.event(Event::SessionIdle { session: session.clone(), merged: None });
            crew::advance(draft);
        }
        SessionState::Pending | SessionState::Opening => {
            let advice = "its turn has not begun; cancel the session to keep it from starting";
            return Err(wrong_state(&draft.task, "stop the turn", advice));
        }
        SessionState::External { .. } => {
            let advice = "its thread runs in an editor; stop it there";
            return Err(wrong_state(&draft.task, "stop the turn", advice));
        }
        SessionState::Saving { .. }
        | SessionState::WaitingToMerge
        | SessionState::Merging
        | SessionState::Idle
        | SessionState::Completed
        | SessionState::Failed { .. }
        | SessionState::Skipped
        | SessionState::Cancelled => {
            return Err(Rejected::AlreadySo("the session has no turn".to_owned()));
        }
    }
    Ok(())
}
