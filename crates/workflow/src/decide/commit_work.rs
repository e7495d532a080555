//! The work of a turn is committed.

use super::rules::{
    crew,
    preconditions::{no_such_session, stale},
    turn,
};
use crate::context::Draft;
use crate::failure::MAX_RETRIES;
use crate::session::cut_short;
use crate::{
    Ask, Closing, Commit, Event, Failure, FailureClass, Isolation, Rejected, Session, SessionId,
    SessionState, TurnId, WorkReport,
};

/// How many times a session is asked again for the same thing before it fails.
const MAX_REPROMPTS: u32 = 1;
/// How many turns in a row may be cut short before a person decides whether the session continues.
const MAX_CUT_SHORT: u32 = 10;
/// The message to an agent that ended its turn with an open question.
const ASKED_A_PERSON: &str = "You asked a person a question and ended your turn to wait for the answer.";

/// The commit of a turn, and what its agent reported as done.
pub(super) struct Work {
    pub(super) head: Option<Commit>,
    pub(super) changed: bool,
    pub(super) report: WorkReport,
}

/// Starts the session's next turn if the agent is to continue, and otherwise completes the session, fails it or queues its merge.
pub(super) fn handle(
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
    let converses = draft.task.converses(found);
    let is_stopped = saving.is_stopped && found.messages.is_empty();
    // A person who stops a turn of a conversation writes the next message.
    let why = cut_short(stop_reason).filter(|_| !converses || stop_reason != "cancelled");
    let (phase, reprompts, has_unread) =
        (found.phase, found.reprompts, draft.task.has_unread_messages(found) && !is_stopped);
    let (times, stop_reason) = (found.cut_short, stop_reason.clone());
    // Turns that are cut short again and again are stopped sooner if they change nothing.
    let may_continue = if changed { times < MAX_CUT_SHORT } else { reprompts <= MAX_REPROMPTS };
    let is_planned_task = found.unit.is_some() && !converses;
    // Its turn ended as the tool for questions tells agents to; in a conversation every turn ends so.
    let awaits_answer =
        why.is_none() && !has_unread && !converses && draft.task.open_question(session).is_some();
    let silence = silence_reason(found, *closing, head.as_ref(), &report, &stop_reason)
        .filter(|_| !converses || *closing == Closing::Nothing)
        .filter(|_| !awaits_answer);
    let is_report_due = is_planned_task && !report.unreported.is_empty() && !found.is_report_asked;
    let items = report.unreported.clone();
    draft.event(Event::WorkCommitted {
        session: session.clone(),
        head: head.clone(),
        changed,
        report,
        is_silent: silence.is_some(),
    });
    if is_stopped && !converses {
        turn::fail_stopped(draft, session, phase);
        return Ok(());
    }
    if awaits_answer {
        let why = "It waits for a person's answer to its question.".to_owned();
        draft.event(Event::SessionPaused { session: session.clone(), why });
        let ask = Ask::Continue { why: ASKED_A_PERSON.to_owned() };
        draft.event(Event::SessionTold { session: session.clone(), ask });
        crew::advance(draft);
        return Ok(());
    }
    let next = if has_unread {
        Some(Ask::Message)
    } else if let Some((why, failure)) = silence {
        let silent = draft.task.session(session).map_or(0, |session| session.silent_turns);
        if silent > MAX_RETRIES {
            let failure = Failure { class: FailureClass::AgentError, message: failure, at: draft.cx.now };
            turn::fail_session(draft, session, phase, failure);
            return Ok(());
        }
        Some(Ask::Continue { why })
    } else if let Some(why) = why.filter(|_| may_continue) {
        Some(Ask::Continue { why: why.to_owned() })
    } else if !changed && reprompts < MAX_REPROMPTS && draft.task.planned && !converses {
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
        turn::start_or_pause(draft, session, ask);
    } else if changed && why.is_some() && !converses {
        let message = format!(
            "The agent's turns were cut short {times} times in a row ({stop_reason}). Read what it did, then Retry to let it \
             go on, or Skip."
        );
        let failure = Failure { class: FailureClass::Limit, message, at: draft.cx.now };
        turn::fail_session(draft, session, phase, failure);
    } else if !changed && draft.task.planned && !converses {
        let message =
            "The agent ended its turn twice without changing anything. Read what it said, then Retry, or \
                       Skip if nothing is to be done."
                .to_owned();
        let failure = Failure { class: FailureClass::NoChange, message, at: draft.cx.now };
        turn::fail_session(draft, session, phase, failure);
    } else if converses && (!changed || draft.task.isolation == Isolation::Shared) {
        // There is nothing to merge: the turn changed nothing, or its work is on the task's branch already.
        draft.event(Event::SessionIdle { session: session.clone(), merged: head.filter(|_| changed) });
        crew::advance(draft);
    } else if draft.task.isolation == Isolation::Shared {
        // The work is on the task's branch already.
        crew::complete_session(draft, session, head);
        crew::advance(draft);
    } else {
        draft.event(Event::SessionReadyToMerge { session: session.clone() });
        crew::advance(draft);
    }
    Ok(())
}

/// Returns why a turn that ended without a message is not the end of the work, as a text for the agent and one for people.
///
/// Agents answer `end_turn` after errors of their model, too. An agent that reported its planned task in another way, or that
/// sent nothing and yet changed files, shows no sign of such an error.
fn silence_reason(
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
