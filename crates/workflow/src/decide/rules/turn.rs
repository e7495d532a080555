//! Turns: how one starts, is retried, or fails its session.

use super::{
    coordination, crew, planning,
    preconditions::{no_such_session, stale},
};
use crate::context::Draft;
use crate::failure::{max_retries, retry_delay, spread};
use crate::{
    Ask, Effect, Event, Failure, FailureClass, Message, Millis, Phase, Rejected, SessionId, SessionPhase,
    SessionState, Turn, TurnId, Usage,
};

/// The message to an agent whose turn was stopped because a person paused the task.
pub(crate) const PAUSED_BY_USER: &str = "A person paused the task while you worked. Look at what is there.";

/// Starts the session's next turn.
pub(crate) fn start(draft: &mut Draft<'_, '_>, session: &SessionId, ask: Ask) {
    let Some(found) = draft.task.session(session) else { return };
    let (number, messages) = (found.turns + 1, found.messages.clone());
    let coordination = draft.task.unread(session).iter().map(|event| event.id.clone()).collect();
    // A message names the turn that delivers it; one that is delivered again has been in that turn already.
    let promised = promised_turn(&messages);
    let id = promised.unwrap_or_else(|| TurnId::fresh(draft.cx.ids));
    let turn = Turn {
        id: id.clone(),
        number,
        ask,
        messages,
        coordination,
        started_at: draft.cx.now,
        is_interrupted: false,
        is_stopped: false,
    };
    let delay = match found.silent_turns {
        0 => 0,
        silent => retry_delay(FailureClass::AgentError, silent, draft.cx.now, None),
    };
    draft.event(Event::TurnStarted { session: session.clone(), turn });
    draft.effect_after(delay, Effect::RunTurn { session: session.clone(), turn: id });
}

/// Starts the next turn if the task's phase allows work, and pauses the session otherwise.
pub(crate) fn start_or_pause(draft: &mut Draft<'_, '_>, session: &SessionId, ask: Ask) {
    if draft.task.paused.is_some() {
        let why = "The task was paused.".to_owned();
        draft.event(Event::SessionPaused { session: session.clone(), why });
        draft.event(Event::SessionTold { session: session.clone(), ask });
    } else if matches!(draft.task.phase, Phase::Implementation { .. }) {
        start(draft, session, ask);
    } else {
        let why = "The approved documents changed while you worked; read them again.".to_owned();
        draft.event(Event::SessionPaused { session: session.clone(), why });
        draft.event(Event::SessionTold { session: session.clone(), ask });
    }
}

/// Returns the turn that will deliver the waiting messages.
pub(crate) fn promised_turn(messages: &[Message]) -> Option<TurnId> {
    messages.iter().find(|message| !message.returned).map(|message| message.turn.clone())
}

/// Returns the session's phase if it is working on this turn.
pub(crate) fn expect_working(
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
        | SessionState::Idle
        | SessionState::Completed
        | SessionState::Failed { .. }
        | SessionState::Skipped
        | SessionState::Cancelled
        | SessionState::External { .. } => Err(stale("the turn")),
    }
}

/// Returns how long a turn waits for the end of its agent's limit, in milliseconds.
pub(crate) fn limit_delay(until: Millis, now: Millis) -> i64 {
    retry_delay(FailureClass::Limit, 1, now, Some(until))
}

/// Retries the turn after a delay if the failure is retryable and retries are left, and fails the session otherwise.
pub(crate) fn fail_or_retry(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    turn: &TurnId,
    failure: Failure,
    retry_at: Option<Millis>,
    usage: Option<Usage>,
) -> Result<(), Rejected> {
    let phase = expect_working(draft, session, turn)?;
    let now = draft.cx.now;
    let retried = draft.task.session(session).map_or(0, |session| session.retries);
    let will_retry = failure.class.is_retryable() && retried < max_retries(failure.class);
    let delay = retry_delay(failure.class, retried + 1, now, retry_at);
    // The turn that met a limit goes first when it ends; the others of the agent follow it.
    let delay = match retry_at {
        Some(_) => delay,
        None => delay + spread(&format!("{turn}/{retried}"), delay),
    };
    draft.event(Event::TurnFailed {
        session: session.clone(),
        turn: turn.clone(),
        failure: failure.clone(),
        will_retry,
        retry_at: will_retry.then(|| now.plus(delay)),
        usage,
    });
    if will_retry {
        let again = Effect::RunTurn { session: session.clone(), turn: turn.clone() };
        draft.effect_after(delay, again);
    } else {
        fail_session(draft, session, phase, failure);
    }
    Ok(())
}

/// Fails a session that cannot continue until a person acts.
pub(crate) fn fail_session(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    phase: SessionPhase,
    failure: Failure,
) {
    match phase {
        SessionPhase::Planning => planning::fail(draft, Some(session), failure),
        SessionPhase::Implementation | SessionPhase::Validation => {
            coordination::notify_failed(draft, session, &failure);
            draft.event(Event::SessionFailed { session: session.clone(), failure });
            draft.effect(Effect::MarkProgress { session: session.clone(), marker: ' ' });
            crew::advance(draft);
        }
    }
}

/// Fails a session whose turn a person stopped without a message: it waits until a person decides how it continues.
pub(crate) fn fail_stopped(draft: &mut Draft<'_, '_>, session: &SessionId, phase: SessionPhase) {
    let message = "A person stopped its turn. Send it a message or Retry to continue, or Skip.".to_owned();
    let failure = Failure { class: FailureClass::Rejected, message, at: draft.cx.now };
    fail_session(draft, session, phase, failure);
}
