//! Sessions and people tell each other what they must know; turns carry it to the threads.

use super::{no_such_session, sessions, wrong_state};
use crate::context::Draft;
use crate::order::SessionGraph;
use crate::{
    CoordinationEvent, CoordinationKind, Delivery, Event, EventId, Failure, NewCoordination, Rejected,
    Session, SessionId,
};
use serde_json::{Value, json};

/// How long a message may be, in bytes.
const MESSAGE: usize = 16 * 1024;
/// How much data goes with it, in bytes of JSON.
const DATA: usize = 16 * 1024;
/// How many events a task may have.
const EVENTS: usize = 2_000;

/// Sends a message from a session or a person to others of the crew.
pub(super) fn tell(draft: &mut Draft<'_, '_>, new: NewCoordination) -> Result<(), Rejected> {
    if draft.task.status().is_terminal() {
        return Err(wrong_state(&draft.task, "coordinate", "the task is over"));
    }
    if draft.task.coordination_event(&new.id).is_some() {
        return Err(Rejected::AlreadySo("the event is known".to_owned()));
    }
    if new.message.trim().is_empty() {
        return Err(Rejected::Invalid("the message is empty".to_owned()));
    }
    if new.message.len() > MESSAGE || new.data.to_string().len() > DATA {
        return Err(Rejected::Invalid(format!(
            "the message may have {MESSAGE} bytes and the data {DATA}; put more into a file and name it"
        )));
    }
    for id in [&new.from, &new.to].into_iter().flatten() {
        draft.task.session(id).ok_or_else(|| no_such_session(id))?;
    }
    if new.from.is_some() && new.from == new.to {
        return Err(Rejected::Invalid("a work session cannot tell itself something".to_owned()));
    }
    if draft.task.coordination.len() >= EVENTS {
        let message = format!("the task has {EVENTS} coordination events, the most it may have");
        return Err(Rejected::Limit { code: "too_many_events", message });
    }
    let answers = request(draft, &new)?;
    add(draft, NewCoordination { answers, ..new });
    sessions::advance(draft);
    Ok(())
}

/// The request that a response answers: the one it names, else the last open one between the two.
fn request(draft: &Draft<'_, '_>, new: &NewCoordination) -> Result<Option<EventId>, Rejected> {
    if let Some(named) = &new.answers {
        let found = draft.task.coordination_event(named);
        let found = found.filter(|event| event.kind == CoordinationKind::Request);
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
            && (event.to.is_none() || event.to == new.from)
            && (new.to.is_none() || event.from == new.to)
    };
    Ok(draft.task.coordination.iter().rev().find(is_asked).map(|event| event.id.clone()))
}

/// What an agent says last in a turn answers the requests that the turn carried, unless they are answered already.
pub(super) fn answer(draft: &mut Draft<'_, '_>, session: &SessionId, asked: &[EventId], words: &str) {
    if words.trim().is_empty() {
        return;
    }
    for id in asked {
        let Some(request) = draft.task.coordination_event(id).cloned() else { continue };
        if request.kind != CoordinationKind::Request
            || request.answered_by.is_some()
            || draft.task.coordination.len() >= EVENTS
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
        };
        // Of an answer to a person, sessions need not know.
        let readers = new.to.iter().cloned().collect();
        add_for(draft, new, readers);
    }
}

/// What a session made is there: those that need it are handed it, the others hear of it.
pub(super) fn completed(draft: &mut Draft<'_, '_>, session: &SessionId) {
    let Some(done) = draft.task.session(session).cloned() else { return };
    let merged = done.merged.as_ref().map_or_else(String::new, |commit| format!(" as {commit}"));
    let words = done.last_words.as_ref().map_or_else(String::new, |words| format!(" Summary: {words}"));
    for to in &next_dependents(draft, session) {
        let message =
            format!("{:?} is finished and merged{merged}; its work is in your worktree.{words}", done.name);
        notify_from(
            draft,
            CoordinationKind::Handoff,
            session,
            Some(to),
            message,
            json!({ "commit": done.merged }),
        );
    }
    let message = format!("{:?} is finished and merged{merged}.", done.name);
    notify_from(
        draft,
        CoordinationKind::Completion,
        session,
        None,
        message,
        json!({ "commit": done.merged }),
    );
}

/// A session cannot go on: those that need it wait for it, its parent hears of it.
pub(super) fn failed(draft: &mut Draft<'_, '_>, session: &SessionId, failure: &Failure) {
    let data = json!({ "code": failure.class });
    let Some(found) = draft.task.session(session).cloned() else { return };
    for to in next_dependents(draft, session) {
        let message =
            format!("{:?} failed: {} You wait until it is retried or skipped.", found.name, failure.message);
        notify_from(draft, CoordinationKind::Blocking, session, Some(&to), message, data.clone());
    }
    if let Some(parent) = found.parent.filter(|parent| is_open(draft, parent)) {
        let message = format!("{:?}, which you spawned, failed: {}", found.name, failure.message);
        notify_from(draft, CoordinationKind::Notification, session, Some(&parent), message, data);
    }
}

/// What kept others waiting is out of their way, one way or another.
pub(super) fn notify_unblocked(draft: &mut Draft<'_, '_>, session: &SessionId, how: &str) {
    let Some(name) = draft.task.session(session).map(|session| session.name.clone()) else { return };
    for to in next_dependents(draft, session) {
        let message = format!("{name:?} {how}");
        notify_from(draft, CoordinationKind::Notification, session, Some(&to), message, Value::Null);
    }
}

/// A session was cancelled, and those that need it wait.
pub(super) fn cancelled(draft: &mut Draft<'_, '_>, session: &SessionId) {
    let Some(name) = draft.task.session(session).map(|session| session.name.clone()) else { return };
    for to in next_dependents(draft, session) {
        let message = format!("{name:?} was cancelled. You wait until it is retried or skipped.");
        notify_from(draft, CoordinationKind::Blocking, session, Some(&to), message, Value::Null);
    }
}

/// Tells a session who asked for it.
pub(super) fn spawned(draft: &mut Draft<'_, '_>, parent: &SessionId, child: &SessionId, by: Option<String>) {
    let name = |id| draft.task.session(id).map(|session: &Session| session.name.clone()).unwrap_or_default();
    let message = format!("{:?} spawned {:?}.", name(parent), name(child));
    let new = NewCoordination {
        id: EventId::fresh(draft.cx.ids),
        kind: CoordinationKind::Spawn,
        from: Some(parent.clone()),
        to: Some(child.clone()),
        by,
        message,
        data: json!({ "work_session_id": child }),
        answers: None,
        before_merge: false,
    };
    add(draft, new);
}

/// The sessions that are notified of a session's end because they are waiting for its work.
fn next_dependents(draft: &Draft<'_, '_>, session: &SessionId) -> Vec<SessionId> {
    let Some(session) = draft.task.session(session) else { return Vec::new() };
    let graph = SessionGraph::of(&draft.task);
    graph.next_dependents(session).into_iter().map(|other| other.id.clone()).collect()
}

fn is_open(draft: &Draft<'_, '_>, session: &SessionId) -> bool {
    draft.task.session(session).is_some_and(|session| !session.is_ended())
}

/// Something that a session's own course tells others; past the limit it is left out.
fn notify_from(
    draft: &mut Draft<'_, '_>,
    kind: CoordinationKind,
    from: &SessionId,
    to: Option<&SessionId>,
    message: String,
    data: Value,
) {
    if draft.task.coordination.len() >= EVENTS {
        return;
    }
    let new = NewCoordination {
        id: EventId::fresh(draft.cx.ids),
        kind,
        from: Some(from.clone()),
        to: to.cloned(),
        by: None,
        message,
        data,
        answers: None,
        before_merge: false,
    };
    add(draft, new);
}

fn add(draft: &mut Draft<'_, '_>, new: NewCoordination) {
    let readers = addressed(draft, new.kind, new.from.as_ref(), new.to.as_ref());
    add_for(draft, new, readers);
}

fn add_for(draft: &mut Draft<'_, '_>, new: NewCoordination, readers: Vec<SessionId>) {
    let NewCoordination { id, kind, from, to, by, message, data, answers, before_merge } = new;
    let deliveries = readers.into_iter().map(|to| Delivery { to, delivered: None }).collect();
    let coordination = CoordinationEvent {
        id,
        kind,
        from,
        to,
        by,
        message,
        data,
        at: draft.cx.now,
        before_merge,
        deliveries,
        answers,
        answered_by: None,
    };
    draft.event(Event::Coordinated { coordination: Box::new(coordination) });
}

/// Who is to read it: the session it is for, else every session of the crew that has not ended, but who says it.
///
/// Sessions that have begun are notified that another one is finished; those that need its work have it by their handoff, and
/// the others see it in their worktree when they begin.
fn addressed(
    draft: &Draft<'_, '_>,
    kind: CoordinationKind,
    from: Option<&SessionId>,
    to: Option<&SessionId>,
) -> Vec<SessionId> {
    if let Some(to) = to {
        return vec![to.clone()];
    }
    let is_told = |session: &&Session| {
        let knows_otherwise = kind == CoordinationKind::Completion
            && (session.turns == 0 || from.is_some_and(|from| session.depends_on.contains(from)));
        session.is_crew() && !session.is_ended() && Some(&session.id) != from && !knows_otherwise
    };
    draft.task.sessions.iter().filter(is_told).map(|session| session.id.clone()).collect()
}
