//! A person sends a message to a session.

use super::rules::{
    crew,
    preconditions::{no_such_session, superseded, wrong_state},
    turn,
};
use crate::context::Draft;
use crate::{
    Effect, Event, Landing, Message, Phase, Rejected, SessionId, SessionPhase, SessionState, TaskEdit,
};

/// How long the name of a conversation is that comes from its first message.
const MAX_TITLE_CHARS: usize = 72;

/// Queues the message for the session's next turn; `interrupt` ends the current turn first.
pub(super) fn handle(
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
            | Phase::ImplementationReview { landing: Landing::Undecided, .. }
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
    let is_first_message =
        found.is_conversation && found.turns == 0 && found.given_name.is_none() && found.messages.is_empty();
    // The turn that the first waiting message names delivers all of them.
    if let Some(promised) = turn::promised_turn(&found.messages) {
        message.turn = promised;
    }
    let is_parked = draft.task.awaited_answer(found).is_some();
    let gave_up_slot = draft.task.is_waiting_for_user();
    if is_first_message {
        name_after(draft, session, &message.text);
    }
    match state {
        SessionState::Pending if is_parked => {
            draft.event(Event::MessageQueued { session: session.clone(), message });
            crew::end_wait(draft, gave_up_slot);
        }
        SessionState::Pending
        | SessionState::Opening
        | SessionState::Saving { .. }
        | SessionState::Merging => draft.event(Event::MessageQueued { session: session.clone(), message }),
        SessionState::WaitingToMerge => {
            draft.event(Event::MessageQueued { session: session.clone(), message });
            crew::requeue_or_advance(draft);
        }
        SessionState::Working { turn: working } => {
            draft.event(Event::MessageQueued { session: session.clone(), message });
            if interrupt {
                let why = "A person spoke.".to_owned();
                draft.event(Event::TurnInterrupted {
                    session: session.clone(),
                    turn: working.id.clone(),
                    why,
                    is_stop: false,
                });
                draft.effect(Effect::CancelTurn { session: session.clone(), turn: working.id });
            }
        }
        SessionState::Idle => {
            draft.event(Event::SessionReopened { session: session.clone() });
            draft.event(Event::MessageQueued { session: session.clone(), message });
            crew::requeue_or_advance(draft);
        }
        SessionState::Completed | SessionState::Failed { .. } => {
            draft.event(Event::SessionRetried { session: session.clone() });
            draft.event(Event::MessageQueued { session: session.clone(), message });
            crew::requeue_or_advance(draft);
        }
        SessionState::Skipped | SessionState::Cancelled => {
            let how = if state == SessionState::Skipped { "skipped" } else { "cancelled" };
            return Err(Rejected::WrongState(format!(
                "cannot speak to a work session that was {how}; retry it first"
            )));
        }
        SessionState::External { .. } => {
            let advice = "its thread runs in an editor; speak to it there";
            return Err(wrong_state(&draft.task, "speak to this work session", advice));
        }
    }
    Ok(())
}

/// Names a conversation after its first message, and the task with it if the conversation is all of the task.
fn name_after(draft: &mut Draft<'_, '_>, session: &SessionId, message: &str) {
    let name = title(message);
    if draft.task.is_conversation() && draft.task.sessions.len() == 1 {
        let edit = TaskEdit { name: Some(name.clone()), ..TaskEdit::default() };
        draft.event(Event::TaskEdited { edit });
    }
    draft.event(Event::SessionRenamed { session: session.clone(), name: Some(name), description: None });
}

/// Returns the first line of a message that has words, cut at a word.
fn title(message: &str) -> String {
    let line = message.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
    if line.chars().count() <= MAX_TITLE_CHARS {
        return line.to_owned();
    }
    let cut: String = line.chars().take(MAX_TITLE_CHARS).collect();
    let cut = cut.rsplit_once(' ').map_or(cut.as_str(), |(words, _)| words);
    format!("{cut}…")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_line_cut_at_a_word() {
        assert_eq!(title("\n  Add due dates \nand more"), "Add due dates");
        let long = title(&"word ".repeat(40));
        assert!(long.ends_with("word…") && long.chars().count() <= MAX_TITLE_CHARS + 1, "{long}");
    }
}
