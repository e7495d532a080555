//! The threads that agent processes serve: what is said in them reaches their sessions' logs, and what they ask people.

use super::processes::Running;
use super::{Instances, news_of};
use crate::clock::now;
use crate::permissions::{AnswerError, OpenQuestion, Policy, Question};
use crate::recorder::Recorder;
use crate::transcript;
use agent::{AgentEvent, Update};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::StoreError;
use tokio::sync::mpsc;
use workflow::{Input, SessionId, Task, TaskId, TurnId, Usage};

/// How many updates are kept for a thread that is not attached yet.
const EARLY: usize = 1024;

#[derive(Clone)]
pub(super) struct Thread {
    session: SessionId,
    pub(super) turn: Option<TurnId>,
    pub(super) recorder: Recorder,
    policy: Policy,
    heard: Arc<Mutex<Heard>>,
}

/// What was heard in a thread and somebody has still to deal with.
#[derive(Default)]
struct Heard {
    /// The tool calls that have no end yet.
    open_tools: HashSet<String>,
    /// What the turn's tool calls are called.
    titles: HashMap<String, String>,
    /// What the agent said last that the conversation has cost, in US dollars.
    cost: Option<f64>,
    /// What the turn's calls of models spent, where the agent tells of each.
    usage: Option<Usage>,
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
        let heard = threads.get(agent_session).map(|thread| thread.heard.clone()).unwrap_or_default();
        let thread = Thread { session: session.clone(), turn, recorder: recorder.clone(), policy, heard };
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
        let session = session.clone();
        let thread = running.threads().get(&session).cloned();
        let Some(thread) = thread else {
            let mut early = running.early.lock().unwrap_or_else(PoisonError::into_inner);
            if early.len() < EARLY {
                early.push((session, event));
            }
            return;
        };
        match event {
            // The log has already what the agent replays.
            AgentEvent::Update { replay: true, .. } => {}
            AgentEvent::Update { raw, kind, replay: false, .. } => {
                if let Update::ToolCall { id, title, status, .. } = &kind {
                    thread.track_tool(id, title.as_deref(), status.as_deref());
                }
                thread.hear_usage(&raw["update"]["_meta"]["usage"]);
                if let Update::Usage { cost: Some(cost), .. } = &kind {
                    thread.hear_cost(cost);
                    if thread.turn.is_none() {
                        self.take_in_cost(&session, &thread).await;
                    }
                }
                if let Some(entry) = transcript::entry(&kind, &raw) {
                    thread.recorder.record(entry).await;
                }
            }
            AgentEvent::Permission { request_id, mut tool_call, mut options, .. } => {
                self.0.redactor.redact_json(&mut tool_call);
                for option in &mut options {
                    option.name = self.0.redactor.redact(&option.name).into_owned();
                }
                // Some agents tell of a call only by asking for it, others only its id when they ask.
                if let Some(entry) = transcript::asked_for(&tool_call) {
                    thread.recorder.record(entry).await;
                }
                if tool_call["title"].is_null() {
                    let id = tool_call["toolCallId"].as_str().unwrap_or_default();
                    let title = thread.heard().titles.get(id).cloned();
                    tool_call["title"] =
                        json!(title.map(|title| self.0.redactor.redact(&title).into_owned()));
                }
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
            let open: Vec<String> = {
                let mut heard = thread.heard();
                heard.titles.clear();
                heard.open_tools.drain().collect()
            };
            for id in open {
                thread
                    .recorder
                    .record(json!({ "kind": "tool_call", "tool_call_id": id, "status": "cancelled" }))
                    .await;
            }
            self.take_in_cost(agent_session, &thread).await;
        }
        self.0.permissions.withdraw(session).await;
        self.recorder(session).flush().await;
    }

    /// Adds what the agent said of the conversation's cost to what was spent: at a turn's end, and when it says so later.
    async fn take_in_cost(&self, agent_session: &str, thread: &Thread) {
        let Some(total_usd) = thread.heard().cost.take() else { return };
        let told = async {
            let Some(task) = self.0.store.task_of_session(&thread.session).await? else { return Ok(()) };
            let conversation = agent_session.to_owned();
            let input = Input::CostReported { session: thread.session.clone(), conversation, total_usd };
            self.0.orchestrator.decide(&task, input).await.map(|_| ())
        };
        let told: Result<(), StoreError> = told.await;
        if let Err(error) = told {
            // The next sum has it.
            tracing::warn!(%error, session = %thread.session, "could not take in what a conversation cost");
        }
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

impl Running {
    /// What the calls of models in the turn that ends spent, where the agent tells of each.
    pub(crate) fn take_usage(&self, agent_session: &str) -> Option<Usage> {
        self.threads().get(agent_session).and_then(|thread| thread.heard().usage.take())
    }
}

impl Thread {
    /// Other currencies are in the log, and in no sum.
    fn hear_cost(&self, cost: &Value) {
        let is_usd = cost["currency"].as_str().is_none_or(|currency| currency.eq_ignore_ascii_case("usd"));
        if let Some(amount) = cost["amount"].as_f64().filter(|_| is_usd) {
            self.heard().cost = Some(amount);
        }
    }

    fn hear_usage(&self, told: &Value) {
        if let Some(spent) = transcript::usage(told) {
            self.heard().usage.get_or_insert_default().add(&spent);
        }
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn track_tool(&self, id: &str, title: Option<&str>, status: Option<&str>) {
        let mut heard = self.heard();
        if let Some(title) = title {
            heard.titles.insert(id.to_owned(), title.to_owned());
        }
        match status {
            Some("completed" | "failed") => {
                heard.open_tools.remove(id);
            }
            Some(_) | None => {
                heard.open_tools.insert(id.to_owned());
            }
        }
    }
}
