//! A turn starts, ends, fails, and what it left is committed.

use super::{comments, coordinate, no_such_session, planning, sessions, stale, talk};
use crate::context::Draft;
use crate::failure::{MAX_RETRIES, max_retries, retry_delay};
use crate::session::cut_short;
use crate::{
    Ask, Closing, Commit, Effect, Event, Failure, FailureClass, Isolation, Millis, Phase, PlanEntry,
    Rejected, Session, SessionId, SessionPhase, SessionState, Turn, TurnId, Usage, WorkReport,
};

/// How often a session is asked again for the same thing before it fails.
const MAX_ASKS: u32 = 1;
/// How many turns in a row may be cut short before a person is asked whether it is to go on.
const MAX_CUT_SHORT: u32 = 10;

/// Gives the session its next turn.
pub(super) fn start(draft: &mut Draft<'_, '_>, session: &SessionId, ask: Ask) {
    let Some(found) = draft.task.session(session) else { return };
    let (number, messages) = (found.turns + 1, found.messages.clone());
    let coordination = draft.task.unread(session).iter().map(|event| event.id.clone()).collect();
    // A message promises the turn that will carry it; one that comes again has kept its promise.
    let promised = talk::promised(&messages);
    let id = promised.unwrap_or_else(|| TurnId::fresh(draft.cx.ids));
    let turn = Turn {
        id: id.clone(),
        number,
        ask,
        messages,
        coordination,
        started_at: draft.cx.now,
        is_interrupted: false,
    };
    let delay = match found.silent_turns {
        0 => 0,
        silent => retry_delay(FailureClass::AgentError, silent, draft.cx.now, None),
    };
    draft.event(Event::TurnStarted { session: session.clone(), turn });
    draft.effect_after(delay, Effect::RunTurn { session: session.clone(), turn: id });
}

/// How a turn ended.
pub(super) struct End {
    pub(super) stop_reason: String,
    pub(super) usage: Option<Usage>,
    pub(super) said: Option<String>,
    pub(super) closing: Closing,
    pub(super) plan: Option<Vec<PlanEntry>>,
}

pub(super) fn ended(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    turn: &TurnId,
    end: End,
) -> Result<(), Rejected> {
    let phase = expect_working(draft, session, turn)?;
    let End { stop_reason, mut usage, said, closing, plan } = end;
    // Agents report cost either per turn or as a running total; never mix the two.
    if draft.task.session(session).is_some_and(|session| session.cost.is_some())
        && let Some(usage) = &mut usage
    {
        usage.cost_usd = None;
    }
    let refused = stop_reason == "refusal";
    let carried = draft.task.session(session).and_then(Session::turn).map(|turn| turn.coordination.clone());
    let words = said.clone().unwrap_or_default();
    let (session_id, turn_id) = (session.clone(), turn.clone());
    let ended =
        Event::TurnEnded { session: session_id, turn: turn_id, stop_reason, usage, said, closing, plan };
    draft.event(ended);
    if phase == SessionPhase::Planning {
        comments::answered(draft, session, &words);
    }
    coordinate::answer(draft, session, &carried.unwrap_or_default(), &words);
    if refused {
        let message =
            "The agent refused to go on with this turn. Read its last words, then Retry or Skip.".to_owned();
        let failure = Failure { class: FailureClass::AgentRefused, message, at: draft.cx.now };
        fail(draft, session, phase, failure);
        return Ok(());
    }
    match phase {
        // Messages that came while the planner wrote are delivered before the documents are taken.
        SessionPhase::Planning if has_unread_messages(draft, session) => start(draft, session, Ask::Message),
        SessionPhase::Planning => planning::commit(draft, session, turn),
        SessionPhase::Implementation | SessionPhase::Validation => {
            let shared = draft.task.isolation == Isolation::Shared;
            draft.effect(Effect::CommitWork { session: session.clone(), turn: turn.clone(), shared });
        }
    }
    Ok(())
}

/// Takes in what a conversation has cost so far. An agent that reports less than before has restarted its count.
pub(super) fn cost(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    conversation: String,
    total_usd: f64,
) -> Result<(), Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?;
    let before = found.cost.as_ref().filter(|cost| cost.conversation == conversation);
    let before = before.map_or(0.0, |cost| cost.usd);
    if !total_usd.is_finite() || total_usd < 0.0 || total_usd.to_bits() == before.to_bits() {
        return Err(Rejected::AlreadySo("the cost is known".to_owned()));
    }
    let usd = if total_usd > before { total_usd - before } else { total_usd };
    draft.event(Event::Spent { session: session.clone(), conversation, total_usd, usd });
    Ok(())
}

/// Takes in the agent's own plan.
pub(super) fn plan_updated(
    draft: &mut Draft<'_, '_>,
    session: SessionId,
    plan: Vec<PlanEntry>,
) -> Result<(), Rejected> {
    let found = draft.task.session(&session).ok_or_else(|| no_such_session(&session))?;
    if found.turn().is_none() {
        return Err(stale("the turn"));
    }
    if found.plan == plan {
        return Err(Rejected::AlreadySo("the plan is known".to_owned()));
    }
    draft.event(Event::PlanUpdated { session, plan });
    Ok(())
}

/// A failure that can heal is tried again after a while, a few times; the rest waits for a person.
pub(super) fn failed(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    turn: &TurnId,
    failure: Failure,
    retry_at: Option<Millis>,
) -> Result<(), Rejected> {
    let phase = expect_working(draft, session, turn)?;
    let now = draft.cx.now;
    let retried = draft.task.session(session).map_or(0, |session| session.retries);
    let will_retry = failure.class.is_retryable() && retried < max_retries(failure.class);
    let delay = retry_delay(failure.class, retried + 1, now, retry_at);
    draft.event(Event::TurnFailed {
        session: session.clone(),
        turn: turn.clone(),
        failure: failure.clone(),
        will_retry,
        retry_at: will_retry.then(|| now.plus(delay)),
    });
    if will_retry {
        let again = Effect::RunTurn { session: session.clone(), turn: turn.clone() };
        draft.effect_after(delay, again);
    } else {
        fail(draft, session, phase, failure);
    }
    Ok(())
}

/// Ends the wait after a failure.
pub(super) fn retried(draft: &mut Draft<'_, '_>, session: SessionId, turn: TurnId) -> Result<(), Rejected> {
    expect_working(draft, &session, &turn)?;
    if draft.task.session(&session).is_none_or(|session| session.retry_at.is_none()) {
        return Err(Rejected::AlreadySo("the turn does not wait".to_owned()));
    }
    draft.event(Event::TurnRetried { session, turn });
    Ok(())
}

/// The session cannot go on by itself.
pub(super) fn fail(draft: &mut Draft<'_, '_>, session: &SessionId, phase: SessionPhase, failure: Failure) {
    match phase {
        SessionPhase::Planning => planning::fail(draft, Some(session), failure),
        SessionPhase::Implementation | SessionPhase::Validation => {
            coordinate::failed(draft, session, &failure);
            draft.event(Event::SessionFailed { session: session.clone(), failure });
            draft.effect(Effect::MarkProgress { session: session.clone(), marker: ' ' });
            sessions::advance(draft);
        }
    }
}

/// What a turn left on the session's branch, and what its agent reported as done.
pub(super) struct Work {
    pub(super) head: Option<Commit>,
    pub(super) changed: bool,
    pub(super) report: WorkReport,
}

/// What the turn left is committed: the session is asked again, or is ready to be merged.
pub(super) fn committed(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    turn: &TurnId,
    work: Work,
) -> Result<(), Rejected> {
    let Work { head, changed, report } = work;
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?;
    let SessionState::Saving { turn: saving, stop_reason, closing } = &found.state else {
        return Err(stale("the turn"));
    };
    if saving.id != *turn {
        return Err(stale("the turn"));
    }
    // In a conversation, the person who stopped it says what is next.
    let is_stopped = stop_reason == "cancelled" && draft.task.is_conversation();
    let why = cut_short(stop_reason).filter(|_| !is_stopped);
    let (phase, asks, spoken_to) = (found.phase, found.reprompts, draft.task.has_unread_messages(found));
    let (times, stop_reason) = (found.cut_short, stop_reason.clone());
    // Turns that keep being cut short are stopped sooner where they change nothing.
    let may_go_on = if changed { times < MAX_CUT_SHORT } else { asks <= MAX_ASKS };
    let is_planned_task = found.unit.is_some() && !draft.task.is_conversation();
    let silence = silence(found, *closing, head.as_ref(), &report, &stop_reason)
        .filter(|_| !draft.task.is_conversation() || *closing == Closing::Nothing);
    let is_report_due = is_planned_task && !report.unreported.is_empty() && !found.is_report_asked;
    let items = report.unreported.clone();
    draft.event(Event::WorkCommitted {
        session: session.clone(),
        head: head.clone(),
        changed,
        report,
        is_silent: silence.is_some(),
    });
    let next = if spoken_to {
        Some(Ask::Message)
    } else if let Some((why, failure)) = silence {
        let silent = draft.task.session(session).map_or(0, |session| session.silent_turns);
        if silent > MAX_RETRIES {
            let failure = Failure { class: FailureClass::AgentError, message: failure, at: draft.cx.now };
            fail(draft, session, phase, failure);
            return Ok(());
        }
        Some(Ask::Continue { why })
    } else if let Some(why) = why.filter(|_| may_go_on) {
        Some(Ask::Continue { why: why.to_owned() })
    } else if !changed && asks < MAX_ASKS && draft.task.planned {
        Some(Ask::NothingChanged)
    } else if changed && is_report_due {
        Some(Ask::ReportItems { items })
    } else {
        None
    };
    if let Some(ask) = next {
        if ask != Ask::Message {
            draft.event(Event::SessionAskedAgain { session: session.clone(), ask: ask.clone() });
        }
        go_or_pause(draft, session, ask);
    } else if changed && why.is_some() && !draft.task.is_conversation() {
        let message = format!(
            "The agent's turns were cut short {times} times in a row ({stop_reason}). Read what it did, then Retry to let it \
             go on, or Skip."
        );
        fail(draft, session, phase, Failure { class: FailureClass::Limit, message, at: draft.cx.now });
    } else if !changed && draft.task.planned {
        let message =
            "The agent ended its turn twice without changing anything. Read what it said, then Retry, or \
                       Skip if nothing is to be done."
                .to_owned();
        fail(draft, session, phase, Failure { class: FailureClass::NoChange, message, at: draft.cx.now });
    } else if draft.task.is_conversation() && (!changed || draft.task.isolation == Isolation::Shared) {
        // Nothing is to be merged: there is nothing, or it is on the task's branch already.
        draft.event(Event::SessionIdle { session: session.clone(), merged: head.filter(|_| changed) });
        sessions::advance(draft);
    } else if draft.task.isolation == Isolation::Shared {
        // What it did is on the task's branch already.
        sessions::complete(draft, session, head);
        sessions::advance(draft);
    } else {
        draft.event(Event::SessionReadyToMerge { session: session.clone() });
        sessions::advance(draft);
    }
    Ok(())
}

/// Why a turn that its agent ended without a word about what it did is no end of the work, for the agent and for people.
///
/// Agents answer `end_turn` after errors of their model, too. Where the agent reported its planned task otherwise, or
/// sent nothing and yet changed files, there is no sign of one.
fn silence(
    session: &Session,
    closing: Closing,
    head: Option<&Commit>,
    report: &WorkReport,
    stop_reason: &str,
) -> Option<(String, String)> {
    if stop_reason != "end_turn" || report.is_complete {
        return None;
    }
    let before = session.ended.last().and_then(|turn| turn.commit.as_ref()).or(session.last_commit.as_ref());
    let has_progressed = head.is_some() && head != before;
    let (what, advice) = match closing {
        Closing::Message => return None,
        Closing::Nothing if has_progressed => return None,
        Closing::Nothing => ("sent nothing", "with an empty answer"),
        Closing::ToolCall => {
            ("said nothing after its last tool call", "without a message after your last tool call")
        }
    };
    let why = format!(
        "Your turn before ended {advice}, as turns do that an error cut off. Look at what is done, finish the rest, and end \
         with a message that says what you did."
    );
    let failure = format!(
        "The agent ended its turns again and again and {what}, as agents do after an error of their model. Read the log, \
         check the agent and its model, then Retry or Skip."
    );
    Some((why, failure))
}

/// The turn left a merge that is not concluded: the session's agent is asked to conclude it.
pub(super) fn merge_unfinished(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    turn: &TurnId,
    conflict: sessions::Conflict,
) -> Result<(), Rejected> {
    let found = draft.task.session(session).ok_or_else(|| no_such_session(session))?;
    let stop_reason = match &found.state {
        SessionState::Saving { turn: saving, stop_reason, .. } if saving.id == *turn => stop_reason.clone(),
        _ => return Err(stale("the turn")),
    };
    let report = WorkReport::default();
    draft.event(Event::WorkCommitted {
        session: session.clone(),
        head: None,
        changed: false,
        report,
        is_silent: false,
    });
    if stop_reason == "cancelled" && draft.task.is_conversation() {
        // The person who stopped it says what is next.
        draft.event(Event::SessionIdle { session: session.clone(), merged: None });
        sessions::advance(draft);
        return Ok(());
    }
    if sessions::conflicts(draft, session, conflict, true)
        && let Some(ask) = draft.task.session(session).and_then(|session| session.next_ask.clone())
    {
        go_or_pause(draft, session, ask);
    }
    Ok(())
}

fn has_unread_messages(draft: &Draft<'_, '_>, session: &SessionId) -> bool {
    draft.task.session(session).is_some_and(|session| draft.task.has_unread_messages(session))
}

/// Starts the next turn where the task's phase allows work, else the session waits.
pub(super) fn go_or_pause(draft: &mut Draft<'_, '_>, session: &SessionId, ask: Ask) {
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
        | SessionState::Idle
        | SessionState::Completed
        | SessionState::Failed { .. }
        | SessionState::Skipped
        | SessionState::Cancelled
        | SessionState::Elsewhere { .. } => Err(stale("the turn")),
    }
}
