//! A person speaks into a session's thread.

use super::{landing, no_such_session, wrong_state};
use crate::context::Draft;
use crate::{Effect, Event, Message, Phase, Rejected, SessionId, SessionPhase, SessionState, TurnId};

/// A message is carried by the session's next turn; interrupting ends the present one first.
pub(super) fn say(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    turn: TurnId,
    by: String,
    text: String,
    interrupt: bool,
) -> Result<(), Rejected> {
    if text.trim().is_empty() {
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
    // Several messages before the next turn are carried by the one that the first of them names.
    let message = Message { turn, by, text, at: draft.cx.now };
    match state {
        SessionState::Pending
        | SessionState::Opening
        | SessionState::Saving { .. }
        | SessionState::WaitingToMerge
        | SessionState::Merging => draft.event(Event::MessageQueued { session: session.clone(), message }),
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
        SessionState::Completed
        | SessionState::Failed { .. }
        | SessionState::Skipped
        | SessionState::Cancelled => {
            draft.event(Event::SessionRetried { session: session.clone() });
            draft.event(Event::MessageQueued { session: session.clone(), message });
            landing::resume(draft);
        }
    }
    Ok(())
}
