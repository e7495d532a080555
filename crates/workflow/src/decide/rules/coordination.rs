//! The coordination log: messages between sessions, delivered with their turns.

use crate::context::Draft;
use crate::order::SessionGraph;
use crate::{
    CoordinationEvent, CoordinationKind, Delivery, Event, EventId, Failure, NewCoordination, Session,
    SessionId,
};
use serde_json::{Value, json};

/// How many coordination events a task has at most.
pub(crate) const MAX_EVENTS: usize = 2_000;

/// Sends a message to its recipients.
pub(crate) fn send(draft: &mut Draft<'_, '_>, new: NewCoordination) {
    let recipients = find_recipients(draft, new.kind, new.from.as_ref(), new.to.as_ref());
    send_to(draft, new, recipients);
}

/// Sends a message to these sessions.
pub(crate) fn send_to(draft: &mut Draft<'_, '_>, new: NewCoordination, recipients: Vec<SessionId>) {
    let NewCoordination { id, kind, from, to, by, message, data, answers, before_merge, person_request } =
        new;
    let deliveries = recipients.into_iter().map(|to| Delivery { to, delivered: None }).collect();
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
        person_request,
    };
    draft.event(Event::Coordinated { coordination: Box::new(coordination) });
}

/// Returns the sessions that read a message: the one it names, otherwise every session of the crew that has not ended except
/// its sender.
///
/// Sessions that have begun are notified when another session completes. Its dependents learn of it by their handoff, and
/// sessions that have not begun find the work in their worktree.
fn find_recipients(
    draft: &Draft<'_, '_>,
    kind: CoordinationKind,
    from: Option<&SessionId>,
    to: Option<&SessionId>,
) -> Vec<SessionId> {
    if let Some(to) = to {
        return vec![to.clone()];
    }
    let is_recipient = |session: &&Session| {
        let knows_otherwise = kind == CoordinationKind::Completion
            && (session.turns == 0 || from.is_some_and(|from| session.depends_on.contains(from)));
        session.is_crew() && !session.is_ended() && Some(&session.id) != from && !knows_otherwise
    };
    draft.task.sessions.iter().filter(is_recipient).map(|session| session.id.clone()).collect()
}

/// Hands the session's work off to its dependents, and notifies the others.
pub(crate) fn notify_completed(draft: &mut Draft<'_, '_>, session: &SessionId) {
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

/// Notifies dependents and the parent that a session failed.
pub(crate) fn notify_failed(draft: &mut Draft<'_, '_>, session: &SessionId, failure: &Failure) {
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

/// Notifies dependents that a session was cancelled.
pub(crate) fn notify_cancelled(draft: &mut Draft<'_, '_>, session: &SessionId) {
    let Some(name) = draft.task.session(session).map(|session| session.name.clone()) else { return };
    for to in next_dependents(draft, session) {
        let message = format!("{name:?} was cancelled. You wait until it is retried or skipped.");
        notify_from(draft, CoordinationKind::Blocking, session, Some(&to), message, Value::Null);
    }
}

/// Notifies dependents that a session does not block them any more.
pub(crate) fn notify_unblocked(draft: &mut Draft<'_, '_>, session: &SessionId, how: &str) {
    let Some(name) = draft.task.session(session).map(|session| session.name.clone()) else { return };
    for to in next_dependents(draft, session) {
        let message = format!("{name:?} {how}");
        notify_from(draft, CoordinationKind::Notification, session, Some(&to), message, Value::Null);
    }
}

/// Returns the sessions that wait for a session's work and are notified of its end.
fn next_dependents(draft: &Draft<'_, '_>, session: &SessionId) -> Vec<SessionId> {
    let Some(session) = draft.task.session(session) else { return Vec::new() };
    let graph = SessionGraph::of(&draft.task);
    graph.next_dependents(session).into_iter().map(|other| other.id.clone()).collect()
}

fn is_open(draft: &Draft<'_, '_>, session: &SessionId) -> bool {
    draft.task.session(session).is_some_and(|session| !session.is_ended())
}

/// Sends a notification caused by a session's change of state. A task at [`MAX_EVENTS`] sends none.
fn notify_from(
    draft: &mut Draft<'_, '_>,
    kind: CoordinationKind,
    from: &SessionId,
    to: Option<&SessionId>,
    message: String,
    data: Value,
) {
    if draft.task.coordination.len() >= MAX_EVENTS {
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
        person_request: None,
    };
    send(draft, new);
}
