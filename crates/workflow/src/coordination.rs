//! Coordination events: messages between sessions and requests to people, and the turns that delivered them.

use crate::{CoordinationKind, EventId, Millis, Session, SessionId, SessionState, Task, TurnId};
use serde::{Deserialize, Serialize};

/// A message to one session or to all that have not ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CoordinationEvent {
    pub id: EventId,
    pub kind: CoordinationKind,
    pub from: Option<SessionId>,
    /// Absent means all sessions.
    pub to: Option<SessionId>,
    /// The person who sent it, if a person did.
    pub by: Option<String>,
    pub message: String,
    pub data: serde_json::Value,
    pub at: Millis,
    /// Whether sessions at work read it before their work is merged.
    pub before_merge: bool,
    /// Its recipients, and the turns that delivered it to them.
    pub deliveries: Vec<Delivery>,
    /// The request that it answers.
    pub answers: Option<EventId>,
    /// The event that answers it.
    pub answered_by: Option<EventId>,
    /// The request to a person, if it is one; no session receives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub person_request: Option<PersonRequest>,
}

/// A session's request to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum PersonRequest {
    /// A question. A session that ends its turn with an open one waits for the answer before its work is merged.
    Question {
        /// Answers to choose from; a person may write another one.
        choices: Vec<String>,
    },
    /// A proposal to change the plan. The documents stay as they are until a person changes them.
    PlanChange {
        /// The change as a unified diff, if the agent wrote one.
        diff: Option<String>,
    },
}

/// The delivery of an event to one session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    pub to: SessionId,
    #[serde(rename = "carried")]
    pub delivered: Option<DeliveredIn>,
}

/// The turn whose prompt had the event, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveredIn {
    pub turn: TurnId,
    pub at: Millis,
}

impl CoordinationEvent {
    /// Returns when it was delivered to the last of its recipients; `None` if it was not.
    pub fn acknowledged_at(&self) -> Option<Millis> {
        let delivered_at = |delivery: &Delivery| delivery.delivered.as_ref().map(|delivered| delivered.at);
        let all: Option<Vec<Millis>> = self.deliveries.iter().map(delivered_at).collect();
        all.and_then(|times| times.into_iter().max())
    }

    fn waits_for(&self, session: &SessionId) -> bool {
        self.deliveries.iter().any(|delivery| delivery.to == *session && delivery.delivered.is_none())
    }
}

impl Task {
    /// Returns the requests that wait for a person's answer, oldest first.
    ///
    /// A question closes with the session that asked it, a proposal with the task.
    pub fn open_person_requests(&self) -> impl Iterator<Item = &CoordinationEvent> {
        let is_over = self.status().is_terminal();
        self.coordination.iter().filter(move |event| !is_over && self.is_open_request(event))
    }

    fn is_open_request(&self, event: &CoordinationEvent) -> bool {
        let asker = || event.from.as_ref().and_then(|id| self.session(id));
        match &event.person_request {
            Some(PersonRequest::Question { .. }) => {
                event.answered_by.is_none() && asker().is_some_and(|session| !session.is_ended())
            }
            Some(PersonRequest::PlanChange { .. }) => event.answered_by.is_none(),
            None => false,
        }
    }

    /// Returns the oldest question of a session that a person has not answered.
    pub fn open_question(&self, session: &SessionId) -> Option<&CoordinationEvent> {
        self.open_person_requests().find(|event| {
            event.from.as_ref() == Some(session)
                && matches!(event.person_request, Some(PersonRequest::Question { .. }))
        })
    }

    /// Returns the request to a person that a session made in the same words before and whose answer it did not get yet: a turn
    /// that is repeated after an interruption asks again.
    pub fn same_person_request(
        &self,
        session: &SessionId,
        message: &str,
        request: &PersonRequest,
    ) -> Option<&CoordinationEvent> {
        let has_answer_coming = |event: &CoordinationEvent| {
            let answer = event.answered_by.as_ref().and_then(|id| self.coordination_event(id));
            answer.is_some_and(|answer| answer.waits_for(session))
        };
        self.coordination.iter().find(|event| {
            event.from.as_ref() == Some(session)
                && event.message == message
                && event.person_request.as_ref() == Some(request)
                && (self.is_open_request(event) || has_answer_coming(event))
        })
    }

    /// Returns the question whose answer a session waits for: it ended its turn and occupies no slot until then. A message of
    /// a person ends the wait, too.
    pub fn awaited_answer(&self, session: &Session) -> Option<&CoordinationEvent> {
        let is_parked = session.state == SessionState::Pending
            && session.turns > 0
            && session.messages.is_empty()
            && session.is_crew();
        if is_parked { self.open_question(&session.id) } else { None }
    }

    /// Returns the events that a session's next turn will deliver, in order.
    pub fn unread(&self, session: &SessionId) -> Vec<&CoordinationEvent> {
        self.coordination.iter().filter(|event| event.waits_for(session)).collect()
    }

    /// Returns the events that a turn delivered.
    pub fn delivered_in(&self, turn: &TurnId) -> Vec<&CoordinationEvent> {
        let is_there = |event: &&CoordinationEvent| {
            event
                .deliveries
                .iter()
                .any(|delivery| delivery.delivered.as_ref().is_some_and(|delivered| delivered.turn == *turn))
        };
        self.coordination.iter().filter(is_there).collect()
    }

    pub fn coordination_event(&self, id: &EventId) -> Option<&CoordinationEvent> {
        self.coordination.iter().find(|event| event.id == *id)
    }

    /// Returns whether a session has messages to read before its work is merged.
    pub(crate) fn has_unread_messages(&self, session: &Session) -> bool {
        !session.messages.is_empty() || self.unread(&session.id).iter().any(|event| event.before_merge)
    }

    /// Marks events as delivered to a session by a turn.
    pub(crate) fn mark_delivered(
        &mut self,
        session: &SessionId,
        turn: &TurnId,
        events: &[EventId],
        at: Millis,
    ) {
        for event in self.coordination.iter_mut().filter(|event| events.contains(&event.id)) {
            for delivery in event.deliveries.iter_mut().filter(|delivery| delivery.to == *session) {
                delivery.delivered = Some(DeliveredIn { turn: turn.clone(), at });
            }
        }
    }

    /// Adds events that a session read in its turn to those that the turn delivered.
    pub(crate) fn mark_read(&mut self, session: &SessionId, turn: &TurnId, events: &[EventId], at: Millis) {
        self.mark_delivered(session, turn, events, at);
        let found = self.sessions.iter_mut().find(|found| found.id == *session);
        if let Some(Session { state: SessionState::Working { turn: working }, .. }) = found
            && working.id == *turn
        {
            working.coordination.extend(events.iter().cloned());
        }
    }

    /// Requeues the messages and events of an abandoned turn, for the session's next turn.
    pub(crate) fn requeue_undelivered(&mut self, id: &SessionId) {
        let Some(session) = self.sessions.iter_mut().find(|session| session.id == *id) else { return };
        let SessionState::Working { turn } = &session.state else { return };
        let turn = turn.clone();
        let mut messages = turn.messages;
        for message in &mut messages {
            message.returned = true;
        }
        messages.append(&mut session.messages);
        session.messages = messages;
        for delivery in self.coordination.iter_mut().flat_map(|event| &mut event.deliveries) {
            if delivery.to == *id
                && delivery.delivered.as_ref().is_some_and(|delivered| delivered.turn == turn.id)
            {
                delivery.delivered = None;
            }
        }
    }
}
