//! A turn ended.

use super::rules::{comment_answers, coordination, turn};
use crate::context::Draft;
use crate::{
    Ask, Closing, ConversationUsage, CoordinationKind, Effect, Event, EventId, Failure, FailureClass,
    Isolation, NewCoordination, Phase, PlanEntry, Rejected, ReportedUsage, Session, SessionId, SessionPhase,
    TurnId, Usage,
};
use serde_json::Value;

/// How a turn ended.
pub(super) struct End {
    pub(super) stop_reason: String,
    pub(super) usage: Option<ReportedUsage>,
    pub(super) said: Option<String>,
    pub(super) closing: Closing,
    pub(super) plan: Option<Vec<PlanEntry>>,
}

pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    session: &SessionId,
    turn: &TurnId,
    end: End,
) -> Result<(), Rejected> {
    let phase = turn::expect_working(draft, session, turn)?;
    let End { stop_reason, usage, said, closing, plan } = end;
    let (usage, conversation_usage) = usage_of_turn(draft.task.session(session), usage);
    let refused = stop_reason == "refusal";
    let is_stopped = draft.task.session(session).and_then(Session::turn).is_some_and(|turn| turn.is_stopped);
    let delivered = draft.task.session(session).and_then(Session::turn).map(|turn| turn.coordination.clone());
    let words = said.clone().unwrap_or_default();
    let (session_id, turn_id) = (session.clone(), turn.clone());
    let ended = Event::TurnEnded {
        session: session_id,
        turn: turn_id,
        stop_reason,
        usage,
        conversation_usage,
        said,
        closing,
        plan,
    };
    draft.event(ended);
    if phase == SessionPhase::Planning {
        comment_answers::record(draft, session, &words);
    }
    answer_requests(draft, session, &delivered.unwrap_or_default(), &words);
    if refused {
        let message =
            "The agent refused to go on with this turn. Read its last words, then Retry or Skip.".to_owned();
        let failure = Failure { class: FailureClass::AgentRefused, message, at: draft.cx.now };
        turn::fail_session(draft, session, phase, failure);
        return Ok(());
    }
    match phase {
        SessionPhase::Planning if is_stopped && !has_unread_messages(draft, session) => {
            turn::fail_stopped(draft, session, phase);
        }
        // Messages that arrived during the turn are delivered before the documents are committed.
        SessionPhase::Planning if has_unread_messages(draft, session) => {
            turn::start(draft, session, Ask::Message);
        }
        SessionPhase::Planning => commit_specs(draft, session, turn),
        SessionPhase::Implementation | SessionPhase::Validation => {
            let shared = draft.task.isolation == Isolation::Shared;
            draft.effect(Effect::CommitWork { session: session.clone(), turn: turn.clone(), shared });
        }
    }
    Ok(())
}

/// Returns the usage of a turn that ended, and that of its conversation where the agent reports that. An agent that reports
/// less than before has restarted its count.
fn usage_of_turn(
    session: Option<&Session>,
    reported: Option<ReportedUsage>,
) -> (Option<Usage>, Option<ConversationUsage>) {
    let (mut usage, conversation) = match reported {
        None => return (None, None),
        Some(ReportedUsage::Turn(usage)) => (usage, None),
        Some(ReportedUsage::Conversation(now)) => {
            let before = session.and_then(|session| session.conversation_usage.as_ref());
            let before = before.filter(|before| before.conversation == now.conversation);
            let since = before.and_then(|before| now.usage.since(&before.usage));
            (since.unwrap_or(now.usage), Some(now))
        }
    };
    // Agents report cost either with the turn's usage or as a running total beside it; never mix the two.
    if session.is_some_and(|session| session.cost.is_some()) {
        usage.cost_usd = None;
    }
    (Some(usage), conversation)
}

/// Commits the documents that the planner wrote, which validates them.
fn commit_specs(draft: &mut Draft<'_, '_>, session: &SessionId, turn: &TurnId) {
    if let Phase::SpecGeneration { planning } = &draft.task.phase {
        let round = planning.round;
        draft.event(Event::PlanningCommitting { session: session.clone() });
        draft.effect(Effect::CommitSpecs { session: session.clone(), turn: turn.clone(), round });
    }
}

/// Answers the requests that the turn delivered with the agent's last message, unless they are answered already.
fn answer_requests(draft: &mut Draft<'_, '_>, session: &SessionId, asked: &[EventId], words: &str) {
    if words.trim().is_empty() {
        return;
    }
    for id in asked {
        let Some(request) = draft.task.coordination_event(id).cloned() else { continue };
        if request.kind != CoordinationKind::Request
            || request.answered_by.is_some()
            || draft.task.coordination.len() >= coordination::MAX_EVENTS
        {
            continue;
        }
        let new = NewCoordination {
            id: EventId::fresh(draft.cx.ids),
            kind: CoordinationKind::Response,
            from: Some(session.clone()),
            to: request.from.clone(),
            by: None,
            message: words.trim().to_owned(),
            data: Value::Null,
            answers: Some(id.clone()),
            before_merge: true,
            person_request: None,
        };
        // An answer to a person is sent to no session.
        let recipients = new.to.iter().cloned().collect();
        coordination::send_to(draft, new, recipients);
    }
}

fn has_unread_messages(draft: &Draft<'_, '_>, session: &SessionId) -> bool {
    draft.task.session(session).is_some_and(|session| draft.task.has_unread_messages(session))
}
