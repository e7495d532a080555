//! A turn starts, ends, fails, and what it left is committed.

use super::{no_such_session, planning, sessions, stale};
use crate::context::Draft;
use crate::failure::{MAX_HEALS, backoff};
use crate::{
    Ask, Commit, Effect, Event, Failure, FailureClass, Phase, Rejected, SessionId, SessionPhase,
    SessionState, Turn, TurnId, Usage,
};

/// How often a session is asked again for the same thing before it fails.
const MAX_ASKS: u32 = 1;

/// Gives the session its next turn.
pub(super) fn start(draft: &mut Draft<'_, '_>, session: &SessionId, ask: Ask) {
    let Some(found) = draft.task.session(session) else { return };
    let (number, messages) = (found.turns + 1, found.messages.clone());
    // A message promises the turn that will carry it.
    let id = messages.first().map_or_else(|| TurnId::fresh(draft.cx.ids), |message| message.turn.clone());
    let turn = Turn { id: id.clone(), number, ask, messages, started_at: draft.cx.now };
    draft.event(Event::TurnStarted { session: session.clone(), turn });
    draft.effect(Effect::RunTurn { session: session.clone(), turn: id });
}

pub(super) fn ended(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    turn: &TurnId,
    stop_reason: String,
    usage: Option<Usage>,
) -> Result<(), Rejected> {
    let phase = expect_working(draft, session, turn)?;
    let refused = stop_reason == "refusal";
    draft.event(Event::TurnEnded { session: session.clone(), turn: turn.clone(), stop_reason, usage });
    if refused {
        let message =
            "The agent refused to go on with this turn. Read its last words, then Retry or Skip.".to_owned();
        let failure = Failure { class: FailureClass::AgentRefused, message, at: draft.cx.now };
        fail(draft, session, phase, failure);
        return Ok(());
    }
    match phase {
        SessionPhase::Planning => planning::commit(draft, session, turn),
        SessionPhase::Implementation | SessionPhase::Validation => {
            draft.effect(Effect::CommitWork { session: session.clone(), turn: turn.clone() });
        }
    }
    Ok(())
}

/// A failure that can heal is tried again after a while, a few times; the rest waits for a person.
pub(super) fn failed(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    turn: &TurnId,
    failure: Failure,
) -> Result<(), Rejected> {
    let phase = expect_working(draft, session, turn)?;
    let healed = draft.task.session(session).map_or(0, |session| session.heals);
    let heals = failure.class.heals() && healed < MAX_HEALS;
    draft.event(Event::TurnFailed {
        session: session.clone(),
        turn: turn.clone(),
        failure: failure.clone(),
        heals,
    });
    if heals {
        let again = Effect::RunTurn { session: session.clone(), turn: turn.clone() };
        draft.effect_after(backoff(healed + 1), again);
    } else {
        fail(draft, session, phase, failure);
    }
    Ok(())
}

/// The session cannot go on by itself.
pub(super) fn fail(draft: &mut Draft<'_, '_>, session: &SessionId, phase: SessionPhase, failure: Failure) {
    match phase {
        SessionPhase::Planning => planning::fail(draft, Some(session), failure),
        SessionPhase::Implementation | SessionPhase::Validation => {
            draft.event(Event::SessionFailed { session: session.clone(), failure });
            draft.effect(Effect::MarkProgress { session: session.clone(), marker: ' ' });
            sessions::go_on(draft);
        }
    }
}

/// What the turn left is committed: the session is asked again, or is ready to be merged.
pub(super) fn committed(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    turn: &TurnId,
    head: Option<Commit>,
    changed: bool,
) -> Result<(), Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?;
    let SessionState::Saving { turn: saving, stop_reason } = &found.state else {
        return Err(stale("the turn"));
    };
    if saving.id != *turn {
        return Err(stale("the turn"));
    }
    let cut_short = matches!(stop_reason.as_str(), "max_tokens" | "max_turn_requests");
    let (phase, asks, spoken_to) = (found.phase, found.asks, !found.messages.is_empty());
    draft.event(Event::WorkCommitted { session: session.clone(), head, changed });
    let next = if spoken_to {
        Some(Ask::Message)
    } else if cut_short && asks <= MAX_ASKS {
        Some(Ask::Continue { why: "The turn before was cut short by a limit.".to_owned() })
    } else if !changed && asks < MAX_ASKS && draft.task.planned {
        Some(Ask::NothingChanged)
    } else {
        None
    };
    if let Some(ask) = next {
        if ask != Ask::Message {
            draft.event(Event::SessionAskedAgain { session: session.clone(), ask: ask.clone() });
        }
        go_or_pause(draft, session, ask);
    } else if !changed && draft.task.planned {
        let message =
            "The agent ended its turn twice without changing anything. Read what it said, then Retry, or \
                       Skip if nothing is to be done."
                .to_owned();
        fail(draft, session, phase, Failure { class: FailureClass::NoChange, message, at: draft.cx.now });
    } else {
        draft.event(Event::SessionReadyToMerge { session: session.clone() });
        sessions::go_on(draft);
    }
    Ok(())
}

/// Starts the next turn where the task's phase allows work, else the session waits.
pub(super) fn go_or_pause(draft: &mut Draft<'_, '_>, session: &SessionId, ask: Ask) {
    if matches!(draft.task.phase, Phase::Implementation { .. }) {
        start(draft, session, ask);
    } else {
        let why = "The approved documents changed while you worked; read them again.".to_owned();
        draft.event(Event::SessionPaused { session: session.clone(), why });
        draft.event(Event::SessionTold { session: session.clone(), ask });
    }
}

fn expect_working(
    draft: &Draft<'_, '_>,
    session: &SessionId,
    turn: &TurnId,
) -> Result<SessionPhase, Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?;
    match &found.state {
        SessionState::Working { turn: working } if working.id == *turn => Ok(found.phase),
        SessionState::Working { .. }
        | SessionState::Pending
        | SessionState::Opening
        | SessionState::Saving { .. }
        | SessionState::WaitingToMerge
        | SessionState::Merging
        | SessionState::Completed
        | SessionState::Failed { .. }
        | SessionState::Skipped
        | SessionState::Cancelled => Err(stale("the turn")),
    }
}
