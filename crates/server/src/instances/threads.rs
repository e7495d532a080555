//! The threads that agent processes serve: what is said in them reaches their sessions' logs, and what they ask people.

use super::processes::Running;
use super::{Instances, news_of};
use crate::clock::now;
use crate::permissions::{AnswerError, OpenQuestion, Policy, Question};
use crate::recorder::Recorder;
use crate::transcript;
use agent::{AgentEvent, Update};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::mpsc;
use workflow::{SessionId, Task, TaskId, TurnId};

/// How many updates are kept for a thread that is not attached yet.
const EARLY: usize = 1024;

#[derive(Clone)]
pub(super) struct Thread {
    session: SessionId,
    pub(super) turn: Option<TurnId>,
    pub(super) recorder: Recorder,
    policy: Policy,
    open_tools: Arc<Mutex<HashSet<String>>>,
}

/// Whose words an agent session's words are.
pub(crate) struct Attachment<'a> {
    pub(crate) session: &'a SessionId,
    pub(crate) turn: Option<TurnId>,
    pub(crate) policy: Policy,
}

impl Instances {
    /// Attaches a session to its agent session: what the agent says there goes to the session's log.
    pub(crate) fn attach(
        &self,
        running: &Running,
        agent_session: &str,
        attachment: Attachment<'_>,
    ) -> Recorder {
        let Attachment { session, turn, policy } = attachment;
        let recorder = self.recorder(session);
        let mut threads = running.threads();
        let open_tools =
            threads.get(agent_session).map(|thread| thread.open_tools.clone()).unwrap_or_default();
        let thread =
            Thread { session: session.clone(), turn, recorder: recorder.clone(), policy, open_tools };
        threads.insert(agent_session.to_owned(), thread);
        recorder
    }

    /// Hands over what arrived before the session was attached.
    pub(crate) async fn deliver_early(&self, running: &Running, agent_session: &str) {
        let early: Vec<AgentEvent> = {
            let mut waiting = running.early.lock().unwrap_or_else(PoisonError::into_inner);
            let (mine, others) =
                std::mem::take(&mut *waiting).into_iter().partition(|(id, _)| id == agent_session);
            *waiting = others;
            let mine: Vec<(String, AgentEvent)> = mine;
            mine.into_iter().map(|(_, event)| event).collect()
        };
        for event in early {
            self.hear(running, event).await;
        }
    }

    /// Lets the writers of a task's logs go when all is written.
    pub(super) async fn forget_recorders(&self, task: &Task) {
        for session in &task.sessions {
            let recorder = self.recorders().remove(&session.id);
            if let Some(recorder) = recorder {
                recorder.flush().await;
            }
        }
    }

    fn recorders(&self) -> MutexGuard<'_, HashMap<SessionId, Recorder>> {
        self.0.recorders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The writer of a session's log.
    pub(crate) fn recorder(&self, session: &SessionId) -> Recorder {
        self.recorders()
            .entry(session.clone())
            .or_insert_with(|| {
                let (store, feed, redactor) =
                    (self.0.store.clone(), self.0.feed.clone(), self.0.redactor.clone());
                Recorder::start(store, feed, redactor, session.clone())
            })
            .clone()
    }

    pub(super) async fn listen(self, running: Arc<Running>, mut events: mpsc::Receiver<AgentEvent>) {
        while let Some(event) = events.recv().await {
            self.hear(&running, event).await;
        }
    }

    async fn hear(&self, running: &Running, event: AgentEvent) {
        let (AgentEvent::Update { session, .. }
        | AgentEvent::Permission { session, .. }
        | AgentEvent::PermissionWithdrawn { session, .. }) = &event
        else {
            return;
        };
        running.begun.cancel();
        let thread = running.threads().get(session).cloned();
        let Some(thread) = thread else {
            let mut early = running.early.lock().unwrap_or_else(PoisonError::into_inner);
            if early.len() < EARLY {
                early.push((session.clone(), event));
            }
            return;
        };
        match event {
            // The log has already what the agent replays.
            AgentEvent::Update { replay: true, .. } => {}
            AgentEvent::Update { raw, kind, replay: false, .. } => {
                if let Update::ToolCall { id, status, .. } = &kind {
                    thread.track_tool(id, status.as_deref());
                }
                if let Some(entry) = transcript::entry(&kind, &raw) {
                    thread.recorder.record(entry).await;
                }
            }
            AgentEvent::Permission { request_id, mut tool_call, options, .. } => {
                self.0.redactor.redact_json(&mut tool_call);
                let question = Question {
                    session: thread.session,
                    turn: thread.turn,
                    recorder: thread.recorder,
                    process: running.process.clone(),
                    request: request_id,
                    tool_call,
                    options,
                    policy: thread.policy,
                };
                let (session, by_person) = (question.session.clone(), question.policy == Policy::Ask);
                self.0.permissions.asked(question).await;
                if by_person {
                    self.announce_question(&session).await;
                }
            }
            AgentEvent::PermissionWithdrawn { request_id, .. } => {
                self.0.permissions.taken_back(&running.process, request_id).await;
            }
            AgentEvent::Exited(_) => {}
        }
    }

    /// Closes what a turn left open: tool calls that never completed, questions nobody answered.
    pub(crate) async fn close_turn(
        &self,
        running: &Running,
        agent_session: &str,
        session: &SessionId,
        turn: &TurnId,
    ) {
        self.cancelled().remove(turn);
        let thread = running.threads().get(agent_session).cloned();
        if let Some(thread) = thread {
            let open: Vec<String> =
                thread.open_tools.lock().unwrap_or_else(PoisonError::into_inner).drain().collect();
            for id in open {
                thread
                    .recorder
                    .record(json!({ "kind": "tool_call", "tool_call_id": id, "status": "cancelled" }))
                    .await;
            }
        }
        self.0.permissions.withdraw(session).await;
        self.recorder(session).flush().await;
    }

    /// Asks the agent to stop a turn.
    pub(crate) async fn cancel(&self, task: &TaskId, session: &SessionId, turn: &TurnId) {
        self.cancelled().insert(turn.clone());
        self.0.permissions.withdraw(session).await;
        for running in self.running(task) {
            let agent_session = {
                let threads = running.threads();
                threads.iter().find(|(_, thread)| thread.session == *session).map(|(id, _)| id.clone())
            };
            if let Some(id) = agent_session {
                running.process.cancel(&id).await;
            }
        }
    }

    /// Whether a turn was asked to stop.
    pub(crate) fn is_cancelled(&self, turn: &TurnId) -> bool {
        self.cancelled().contains(turn)
    }

    /// Whether a session's agent waits for a person's answer.
    pub(crate) fn waits_for_person(&self, session: &SessionId) -> bool {
        self.0.permissions.is_asked(session)
    }

    fn cancelled(&self) -> MutexGuard<'_, HashSet<TurnId>> {
        self.0.cancelled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The questions of agents that wait for a person.
    pub(crate) fn open_questions(&self) -> Vec<OpenQuestion> {
        self.0.permissions.waiting()
    }

    /// Answers a question of an agent.
    pub async fn answer_permission(
        &self,
        session: &SessionId,
        request: &str,
        option: &str,
        by: &str,
    ) -> Result<(), AnswerError> {
        self.0.permissions.answer(session, request, option, by).await?;
        self.announce_question(session).await;
        Ok(())
    }

    /// Tells watchers whether an agent waits for a person.
    async fn announce_question(&self, session: &SessionId) {
        let task = match self.0.store.task_of_session(session).await {
            Ok(Some(id)) => self.0.store.task(&id).await,
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        match task {
            Ok(Some(task)) => match self.0.store.append_feed(now(), news_of(&task, "active")).await {
                Ok(rows) => self.0.feed.publish(rows),
                Err(error) => tracing::error!(%error, %session, "could not announce a question"),
            },
            Ok(None) => {}
            Err(error) => tracing::error!(%error, %session, "could not announce a question"),
        }
    }
}

impl Running {
    /// Whether it knows the agent session already.
    pub(crate) fn is_attached(&self, agent_session: &str) -> bool {
        self.threads().contains_key(agent_session)
    }
}

impl Thread {
    fn track_tool(&self, id: &str, status: Option<&str>) {
        let mut open = self.open_tools.lock().unwrap_or_else(PoisonError::into_inner);
        match status {
            Some("completed" | "failed") => {
                open.remove(id);
            }
            Some(_) | None => {
                open.insert(id.to_owned());
            }
        }
    }
}
