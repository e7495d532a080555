//! A session or a person sends a message to other sessions of the crew.

use super::rules::{
    coordination::{self, MAX_EVENTS},
    crew,
    preconditions::{no_such_session, wrong_state},
};
use crate::context::Draft;
use crate::{CoordinationEvent, CoordinationKind, EventId, NewCoordination, Rejected};

/// The longest message, in bytes.
const MAX_MESSAGE_BYTES: usize = 16 * 1024;
/// The largest data of a message, in bytes of JSON.
const MAX_DATA_BYTES: usize = 16 * 1024;

pub(super) fn handle(draft: &mut Draft<'_, '_>, new: NewCoordination) -> Result<(), Rejected> {
    expect_acceptable(draft, &new)?;
    let answers = find_request(draft, &new)?;
    coordination::send(draft, NewCoordination { answers, person_request: None, ..new });
    crew::advance(draft);
    Ok(())
}

/// Rejects a message of a task that is over, one that is known, empty or too large, and one with unknown sessions.
pub(super) fn expect_acceptable(draft: &Draft<'_, '_>, new: &NewCoordination) -> Result<(), Rejected> {
    if draft.task.status().is_terminal() {
        return Err(wrong_state(&draft.task, "coordinate", "the task is over"));
    }
    if draft.task.coordination_event(&new.id).is_some() {
        return Err(Rejected::AlreadySo("the event is known".to_owned()));
    }
    if new.message.trim().is_empty() {
        return Err(Rejected::Invalid("the message is empty".to_owned()));
    }
    if new.message.len() > MAX_MESSAGE_BYTES || new.data.to_string().len() > MAX_DATA_BYTES {
        return Err(Rejected::Invalid(format!(
            "the message may have {MAX_MESSAGE_BYTES} bytes and the data {MAX_DATA_BYTES}; put more into a file and name it"
        )));
    }
    for id in [&new.from, &new.to].into_iter().flatten() {
        draft.task.session(id).ok_or_else(|| no_such_session(id))?;
    }
    if new.from.is_some() && new.from == new.to {
        return Err(Rejected::Invalid("a work session cannot tell itself something".to_owned()));
    }
    if draft.task.coordination.len() >= MAX_EVENTS {
        let message = format!("the task has {MAX_EVENTS} coordination events, the most it may have");
        return Err(Rejected::Limit { code: "too_many_events", message });
    }
    Ok(())
}

/// Returns the request that a response answers: the one it names, or else the last open one between the two sessions.
fn find_request(draft: &Draft<'_, '_>, new: &NewCoordination) -> Result<Option<EventId>, Rejected> {
    if let Some(named) = &new.answers {
        let found = draft.task.coordination_event(named);
        let found =
            found.filter(|event| event.kind == CoordinationKind::Request && event.person_request.is_none());
        return match found {
            Some(found) => Ok(Some(found.id.clone())),
            None => Err(Rejected::Invalid(format!("the task has no request {named}"))),
        };
    }
    if new.kind != CoordinationKind::Response {
        return Ok(None);
    }
    let is_asked = |event: &&CoordinationEvent| {
        event.kind == CoordinationKind::Request
            && event.answered_by.is_none()
            && event.person_request.is_none()
            && (event.to.is_none() || event.to == new.from)
            && (new.to.is_none() || event.from == new.to)
    };
    Ok(draft.task.coordination.iter().rev().find(is_asked).map(|event| event.id.clone()))
}
