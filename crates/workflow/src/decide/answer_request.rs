//! A person answers a request of a session.

use super::rules::{coordination, crew, preconditions::wrong_state};
use crate::context::Draft;
use crate::{CoordinationKind, EventId, NewCoordination, PersonAnswer, PersonRequest, Rejected};
use serde_json::{Value, json};

/// The longest answer, in bytes.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

/// Delivers the answer with the session's next turn, unless the session reads it in the present one.
pub(super) fn handle(
    draft: &mut Draft<'_, '_>,
    request: &EventId,
    answer: PersonAnswer,
) -> Result<(), Rejected> {
    let found = draft.task.coordination_event(request).cloned();
    let Some((asked, of)) = found.and_then(|event| Some((event.person_request.clone()?, event))) else {
        return Err(Rejected::Unknown(format!("no agent of the task asked {request}")));
    };
    if of.answered_by.is_some() {
        return Err(Rejected::WrongState("the request was answered already".to_owned()));
    }
    if !draft.task.open_person_requests().any(|event| event.id == *request) {
        let advice = "the session that asked has ended, or the task has";
        return Err(wrong_state(&draft.task, "answer the request", advice));
    }
    if answer.text.len() > MAX_ANSWER_BYTES {
        return Err(Rejected::Invalid(format!("the answer may have {MAX_ANSWER_BYTES} bytes")));
    }
    let (message, data) = match (&asked, answer.accepted) {
        (PersonRequest::Question { .. }, None) if answer.text.trim().is_empty() => {
            return Err(Rejected::Invalid("the answer is empty".to_owned()));
        }
        (PersonRequest::Question { .. }, None) => (answer.text, Value::Null),
        (PersonRequest::Question { .. }, Some(_)) => {
            return Err(Rejected::Invalid("a question is answered in words, not accepted".to_owned()));
        }
        (PersonRequest::PlanChange { .. }, None) => {
            return Err(Rejected::Invalid("say in `accepted` whether the proposal is accepted".to_owned()));
        }
        (PersonRequest::PlanChange { .. }, Some(accepted)) => {
            let decision = if accepted { "Accepted." } else { "Not accepted." };
            (format!("{decision} {}", answer.text).trim().to_owned(), json!({ "accepted": accepted }))
        }
    };
    let recipients: Vec<_> = of
        .from
        .iter()
        .filter(|id| draft.task.session(id).is_some_and(|session| !session.is_ended()))
        .cloned()
        .collect();
    let new = NewCoordination {
        id: answer.id,
        kind: CoordinationKind::Response,
        from: None,
        to: of.from,
        by: Some(answer.by),
        message,
        data,
        answers: Some(request.clone()),
        before_merge: true,
        person_request: None,
    };
    let gave_up_slot = draft.task.is_waiting_for_user();
    coordination::send_to(draft, new, recipients);
    crew::end_wait(draft, gave_up_slot);
    Ok(())
}
