//! A person speaks into a session's thread, and takes back what no turn has carried.

use super::{landing, no_such_session, wrong_state};
use crate::context::Draft;
use crate::{
    Effect, Event, Message, MessageId, Phase, Rejected, Session, SessionId, SessionPhase, SessionState,
    TurnId,
};

/// A message is carried by the session's next turn; interrupting ends the present one first.
pub(super) fn say(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    mut message: Message,
    interrupt: bool,
) -> Result<(), Rejected> {
    if message.text.trim().is_empty() {
        return Err(Rejected::Invalid("the message is empty".to_owned()));
    }
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?;
    let (phase, state) = (found.phase, found.state.clone());
    let implementing = matches!(
        draft.task.phase,
        Phase::Implementation { checking: false, .. }
            | Phase::ImplementationQueued { .. }
            | Phase::ImplementationReview { landing: crate::Landing::Undecided, .. }
            | Phase::ImplementationFailed { .. }
    );
    if phase == SessionPhase::Planning
        && !matches!(state, SessionState::Opening | SessionState::Working { .. })
    {
        let advice = "the planner reads what you write when you request changes in review";
        return Err(wrong_state(&draft.task, "speak to the planning session", advice));
    }
    if phase != SessionPhase::Planning && !implementing {
        return Err(wrong_state(&draft.task, "speak to a work session", "the task is not being implemented"));
    }
    if let Some(chosen) = draft.task.superseded_by(found) {
        return Err(superseded(chosen));
    }
    // Several messages before the next turn are carried by the one that the first of them names.
    if let Some(promised) = promised(&found.messages) {
        message.turn = promised;
    }
    match state {
        SessionState::Pending
        | SessionState::Opening
        | SessionState::Saving { .. }
        | SessionState::Merging => draft.event(Event::MessageQueued { session: session.clone(), message }),
        SessionState::WaitingToMerge => {
            draft.event(Event::MessageQueued { session: session.clone(), message });
            landing::resume(draft);
        }
        SessionState::Working { turn: working } => {
            draft.event(Event::MessageQueued { session: session.clone(), message });
            if interrupt {
                let why = "A person spoke.".to_owned();
                draft.event(Event::TurnInterrupted {
                    session: session.clone(),
                    turn: working.id.clone(),
                    why,
                });
                draft.effect(Effect::CancelTurn { session: session.clone(), turn: working.id });
            }
        }
        SessionState::Idle => {
            draft.event(Event::SessionRecalled { session: session.clone() });
            draft.event(Event::MessageQueued { session: session.clone(), message });
            landing::resume(draft);
        }
        SessionState::Completed | SessionState::Failed { .. } => {
            draft.event(Event::SessionRetried { session: session.clone() });
            draft.event(Event::MessageQueued { session: session.clone(), message });
            landing::resume(draft);
        }
        SessionState::Skipped | SessionState::Cancelled => {
            let how = if state == SessionState::Skipped { "skipped" } else { "cancelled" };
            return Err(Rejected::WrongState(format!(
                "cannot speak to a work session that was {how}; retry it first"
            )));
        }
        SessionState::Elsewhere { .. } => {
            let advice = "its thread runs in an editor; speak to it there";
            return Err(wrong_state(&draft.task, "speak to this work session", advice));
        }
    }
    Ok(())
}

/// The turn that the waiting messages were promised to.
pub(super) fn promised(messages: &[Message]) -> Option<TurnId> {
    messages.iter().find(|message| !message.returned).map(|message| message.turn.clone())
}

pub(super) fn edit(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    message: &str,
    text: String,
) -> Result<(), Rejected> {
    if text.trim().is_empty() {
        return Err(Rejected::Invalid("the message is empty; withdraw it instead".to_owned()));
    }
    let found = waiting(draft, session, message)?;
    if found.text == text {
        return Err(Rejected::AlreadySo("no change".to_owned()));
    }
    let message = found.id.clone();
    draft.event(Event::MessageEdited { session: session.clone(), message, text });
    Ok(())
}

pub(super) fn withdraw(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    message: &str,
) -> Result<(), Rejected> {
    let message = waiting(draft, session, message)?.id.clone();
    draft.event(Event::MessageWithdrawn { session: session.clone(), message });
    Ok(())
}

/// The message of a name, or the only one that waits for a turn of that name.
fn waiting<'d>(draft: &'d Draft<'_, '_>, session: &SessionId, name: &str) -> Result<&'d Message, Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?;
    if let Some(message) = found.messages.iter().find(|message| message.id.as_str() == name) {
        return Ok(message);
    }
    let of_turn: Vec<&Message> =
        found.messages.iter().filter(|message| message.turn.as_str() == name).collect();
    match of_turn.as_slice() {
        [message] => Ok(message),
        [] if was_carried(found, name) => {
            Err(Rejected::WrongState("the message was delivered; say something further instead".to_owned()))
        }
        [] => Err(Rejected::Unknown(format!("no message {name} waits for a turn"))),
        several => {
            let names: Vec<&str> = several.iter().map(|message| message.id.as_str()).collect();
            Err(Rejected::WrongState(format!(
                "{} messages wait for that turn; name one of them: {}",
                several.len(),
                names.join(", ")
            )))
        }
    }
}

fn was_carried(session: &Session, name: &str) -> bool {
    let is_named = |id: &MessageId| id.as_str() == name;
    let now = session.turn().is_some_and(|turn| {
        turn.id.as_str() == name || turn.messages.iter().any(|message| is_named(&message.id))
    });
    now || session.ended.iter().any(|turn| turn.turn.as_str() == name || turn.messages.iter().any(is_named))
}

/// The refusal to go on with what a person decided against.
pub(super) fn superseded(chosen: &SessionId) -> Rejected {
    Rejected::WrongState(format!(
        "the work session was given up for {chosen}; its work is kept under refs/spectask/saved"
    ))
}
