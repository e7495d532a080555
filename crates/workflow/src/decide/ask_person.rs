//! A session at work asks a person something.

use super::coordinate::expect_acceptable;
use super::rules::coordination;
use crate::context::Draft;
use crate::{CoordinationKind, NewCoordination, PersonRequest, Rejected, SessionState};

/// How many requests of one session may wait for an answer.
const MAX_OPEN: usize = 5;
/// How many answers a question may offer.
const MAX_CHOICES: usize = 10;
/// The longest answer to choose, in characters.
const MAX_CHOICE_CHARACTERS: usize = 200;
/// The largest diff of a proposal, in bytes.
const MAX_DIFF_BYTES: usize = 64 * 1024;

pub(super) fn handle(draft: &mut Draft<'_, '_>, new: NewCoordination) -> Result<(), Rejected> {
    let Some(request) = &new.person_request else {
        return Err(Rejected::Invalid("the request does not say what it asks of a person".to_owned()));
    };
    expect_acceptable(draft, &new)?;
    expect_bounded(request)?;
    let asker = new.from.as_ref().and_then(|id| draft.task.session(id));
    let Some(session) = asker.filter(|session| matches!(session.state, SessionState::Working { .. })) else {
        return Err(Rejected::WrongState("only a session with a turn under way asks a person".to_owned()));
    };
    let open = draft.task.open_person_requests().filter(|event| event.from.as_ref() == Some(&session.id));
    if open.count() >= MAX_OPEN {
        let message = format!(
            "{:?} has {MAX_OPEN} requests that wait for a person, the most it may have; end the turn and wait for an answer",
            session.name
        );
        return Err(Rejected::Limit { code: "too_many_requests", message });
    }
    let asked = NewCoordination { kind: CoordinationKind::Request, to: None, by: None, answers: None, ..new };
    coordination::send_to(draft, asked, Vec::new());
    Ok(())
}

fn expect_bounded(request: &PersonRequest) -> Result<(), Rejected> {
    match request {
        PersonRequest::Question { choices } => {
            let is_short = |choice: &String| {
                !choice.trim().is_empty() && choice.chars().count() <= MAX_CHOICE_CHARACTERS
            };
            if choices.len() > MAX_CHOICES || !choices.iter().all(is_short) {
                return Err(Rejected::Invalid(format!(
                    "a question offers at most {MAX_CHOICES} answers of 1 to {MAX_CHOICE_CHARACTERS} characters each"
                )));
            }
        }
        PersonRequest::PlanChange { diff } => {
            if diff.as_ref().is_some_and(|diff| diff.len() > MAX_DIFF_BYTES) {
                return Err(Rejected::Invalid(format!("the diff may have {MAX_DIFF_BYTES} bytes")));
            }
        }
    }
    Ok(())
}
