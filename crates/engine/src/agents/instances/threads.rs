//! The threads that agent processes serve: passes their messages and permission requests on to their sessions' logs.

use super::processes::Running;
use super::session::{LiveSession, ToolOutput};
use super::turn_signs::TurnSigns;
use super::{Instances, news_of};
use crate::agents::permissions::{Answer, AnswerError, Question};
use crate::agents::recorder::Recorder;
use crate::agents::sent_files::FileLimits;
use crate::agents::transcript;
use crate::clock::now;
use crate::confinement::denials;
use crate::confinement::network::Refusal;
use crate::metrics::AGENT_CRASHES;
use crate::notifications::inbox::OpenQuestion;
use crate::settings::permission_policy::Policy;
use crate::settings::redaction;
use agent::{AgentError, AgentEvent, Update};
use metrics::counter;
use protocol::log::ToolCall;
use protocol::words::InstanceStatus;
use protocol::{LogEntry, Optional};
use sandbox::Level;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;
use store::StoreError;
use tokio::sync::mpsc;
use workflow::{Input, Session, SessionId, Task, TaskId, TurnId, Usage};

/// How many updates are kept for a thread that is not attached yet.
const EARLY: usize = 1024;
/// How large one of them may be, in bytes.
const EARLY_BYTES: usize = 64 * 1024;
/// How many refusals are kept that came while no turn ran.
const MAX_REFUSED: usize = 100;
/// How long the end of a turn waits for the updates before it.
const CATCH_UP: Duration = Duration::from_secs(60);

/// An agent session, and the work session that its messages belong to.
#[derive(Clone)]
pub(super) struct Thread {
    pub(super) session: Arc<LiveSession>,
    pub(super) turn: Option<TurnId>,
    policy: Policy,
}

/// The session that an agent session's messages belong to.
pub(crate) struct Attachment<'a> {
    pub(crate) session: &'a SessionId,
    pub(crate) turn: Option<TurnId>,
    pub(crate) policy: Policy,
}

impl Instances {
    /// Attaches a session to its agent session, whose messages then go to the session's log.
    pub(crate) fn attach(
        &self,
        running: &Running,
        agent_session: &str,
        attachment: Attachment<'_>,
    ) -> Recorder {
        let Attachment { session, turn, policy } = attachment;
        let session = self.live_session(session);
        let recorder = session.recorder.clone();
        running.threads().insert(agent_session.to_owned(), Thread { session, turn, policy });
        recorder
    }

    /// Hands over what arrived before the session was attached.
    pub(crate) async fn deliver_early(&self, running: &Running, agent_session: &str) {
        let early: Vec<AgentEvent> = {
            let mut waiting = running.early.lock();
            let (mine, others) =
                std::mem::take(&mut *waiting).into_iter().partition(|(id, _)| id == agent_session);
            *waiting = others;
            let mine: Vec<(String, AgentEvent)> = mine;
            mine.into_iter().map(|(_, event)| event).collect()
        };
        for event in early {
            self.on_event(running, event).await;
        }
        let thread = running.threads().get(agent_session).cloned();
        let refused = std::mem::take(&mut *running.refused.lock());
        if let Some(thread) = thread {
            for refusal in refused {
                thread.session.note_refusal(&refusal).await;
            }
        }
    }

    /// Releases a task's sessions when their logs are written.
    pub(super) async fn forget_sessions(&self, task: &Task) {
        self.0.session_tokens.revoke(&task.id);
        for session in &task.sessions {
            if let Some(session) = self.0.sessions.remove(&session.id) {
                session.recorder.flush().await;
            }
        }
    }

    /// Returns a session with the writer of its log.
    pub(super) fn live_session(&self, session: &SessionId) -> Arc<LiveSession> {
        let recorder = || {
            let (store, feed, redactor) =
                (self.0.store.clone(), self.0.feed.clone(), self.0.redactor.clone());
            let limits = &self.0.config.limits;
            let files = FileLimits { file_mb: limits.attachment_mb, task_mb: limits.agent_files_mb };
            Recorder::start(store, feed, redactor, session.clone(), limits.turn_log_mb, files)
        };
        self.0.sessions.find_or_start(session, recorder, &self.0.permission_changes.0)
    }

    /// Returns the writer of a session's log.
    pub fn recorder(&self, session: &SessionId) -> Recorder {
        self.live_session(session).recorder.clone()
    }

    pub(super) async fn listen(self, running: Arc<Running>, mut events: mpsc::Receiver<AgentEvent>) {
        while let Some(event) = events.recv().await {
            let is_update = matches!(event, AgentEvent::Update { .. });
            if let AgentEvent::Exited(exit) = &event
                && !exit.requested
            {
                counter!(AGENT_CRASHES, "agent" => running.agent.clone()).increment(1);
            }
            self.on_event(&running, event).await;
            if is_update {
                running.updates.send_modify(|updates| *updates += 1);
            }
        }
    }

    async fn on_event(&self, running: &Running, event: AgentEvent) {
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
            let mut early = running.early.lock();
            let is_small =
                !matches!(&event, AgentEvent::Update { raw, .. } if raw.to_string().len() > EARLY_BYTES);
            if early.len() < EARLY && is_small {
                early.push((session, event));
            }
            return;
        };
        match event {
            // The log has already what the agent replays.
            AgentEvent::Update { replay: true, .. } => {}
            AgentEvent::Update { raw, kind, replay: false, .. } => {
                thread.session.reports().signs.take(&kind);
                if let Update::Other(kind) = &kind {
                    self.take_offer_update(running, &session, &thread.session, kind).await;
                }
                if matches!(kind, Update::Plan(_)) && thread.turn.is_some() {
                    self.report_plan_soon(&thread.session).await;
                }
                if let Update::ToolCall { id, title, status, .. } = &kind {
                    thread.session.reports().track_tool(id, title.as_deref(), status.as_deref());
                }
                thread.session.reports().take_usage(&raw["update"]["_meta"]["usage"]);
                if let Update::Usage { cost: Some(cost), .. } = &kind {
                    thread.session.reports().take_cost(cost);
                    if thread.turn.is_none() {
                        self.take_in_cost_soon(&session, &thread.session).await;
                    }
                }
                if let Some(mut entry) = transcript::entry(&kind, &raw) {
                    let mut says_more = true;
                    if let (Update::ToolCall { id, status, .. }, LogEntry::ToolCall(call)) =
                        (&kind, &mut entry)
                    {
                        let output = thread.session.reports().take_output(id, status.as_deref(), &raw);
                        match output {
                            ToolOutput::None => {}
                            ToolOutput::Recorded(output) => {
                                call.content = Optional::Value(transcript::output_content(&output));
                            }
                            ToolOutput::Kept => says_more = !call.is_bare(),
                        }
                    }
                    if says_more {
                        thread.session.recorder.record(entry).await;
                    }
                }
                if matches!(kind, Update::ToolCall { .. }) {
                    self.note_denials(&thread, &raw).await;
                }
            }
            AgentEvent::Permission { request_id, mut tool_call, mut options, .. } => {
                redaction::redact_json(&self.0.redactor, &mut tool_call);
                for option in &mut options {
                    option.name = self.0.redactor.redact(&option.name).into_owned();
                }
                // Some agents report a call only by asking for it, others only its id when they ask.
                if let Some(entry) = transcript::asked_for(&tool_call) {
                    thread.session.recorder.record(entry).await;
                }
                if tool_call["title"].is_null() {
                    let id = tool_call["toolCallId"].as_str().unwrap_or_default();
                    let title = thread.session.reports().title(id);
                    tool_call["title"] =
                        json!(title.map(|title| self.0.redactor.redact(&title).into_owned()));
                }
                let grant = match thread.policy {
                    Policy::Ask => self.grant_for(&thread.session.id, &tool_call).await,
                    Policy::Allow | Policy::ReadOnly => None,
                };
                let question = Question {
                    turn: thread.turn,
                    process: running.process.clone(),
                    number: request_id,
                    tool_call,
                    options,
                    policy: thread.policy,
                    grant,
                };
                let by_person = question.policy == Policy::Ask && question.grant.is_none();
                thread.session.ask_permission(question).await;
                if by_person {
                    // Watchers that are notified of the request look it up in the log.
                    thread.session.recorder.flush().await;
                    self.announce_question(&thread.session.id).await;
                }
            }
            AgentEvent::PermissionWithdrawn { request_id, .. } => {
                thread.session.take_back_permission(&running.process, request_id).await;
            }
            AgentEvent::Exited(_) => {}
        }
    }

    /// Adds the paths that the sandbox denied to a tool to the session's log, once each.
    async fn note_denials(&self, thread: &Thread, raw: &Value) {
        if self.0.agents.sandbox().level() == Level::Off {
            return;
        }
        for denial in denials::find(&raw["update"].to_string()) {
            let is_new = thread.session.reports().is_denied_anew(&denial.path);
            if is_new {
                thread.session.recorder.record(LogEntry::notice(denial.notice())).await;
            }
        }
    }

    /// Adds the refused connections of a process to the log of each session that has a turn in it: which of them asked
    /// is not known.
    pub(super) async fn note_refusals(self, running: Weak<Running>, mut refusals: mpsc::Receiver<Refusal>) {
        while let Some(refusal) = refusals.recv().await {
            let Some(running) = running.upgrade() else { return };
            let at_work: Vec<Thread> =
                running.threads().values().filter(|thread| thread.turn.is_some()).cloned().collect();
            if at_work.is_empty() {
                let mut refused = running.refused.lock();
                if refused.len() < MAX_REFUSED && !refused.contains(&refusal) {
                    refused.push(refusal);
                }
                continue;
            }
            for thread in at_work {
                thread.session.note_refusal(&refusal).await;
            }
        }
    }

    /// Closes everything that a turn left open: tool calls without an end, requests without an answer.
    pub(crate) async fn close_turn(&self, agent_session: &str, session: &SessionId, turn: &TurnId) {
        let live = self.live_session(session);
        for id in live.end_turn(turn) {
            let cancelled =
                ToolCall { tool_call_id: id.into(), status: "cancelled".into(), ..ToolCall::default() };
            live.recorder.record(cancelled).await;
        }
        self.take_in_cost(agent_session, &live).await;
        live.withdraw_permissions().await;
        live.recorder.end_turn().await;
    }

    /// Adds the reported cost of the conversation to the usage: at a turn's end, and when it is reported later.
    async fn take_in_cost(&self, agent_session: &str, session: &LiveSession) {
        let totals = session.reports().costs.take();
        if totals.is_empty() {
            return;
        }
        let told = async {
            let Some(task) = self.0.store.task_of_session(&session.id).await? else { return Ok(()) };
            for total_usd in totals {
                let conversation = agent_session.to_owned();
                let input = Input::CostReported { session: session.id.clone(), conversation, total_usd };
                drop(self.0.orchestrator.decide(&task, input).await?);
            }
            Ok(())
        };
        let told: Result<(), StoreError> = told.await;
        if let Err(error) = told {
            // The next sum has it.
            tracing::warn!(%error, session = %session.id, "could not take in what a conversation cost");
        }
    }

    /// Handles a cost that the agent reports between two turns, at most once per reporting interval.
    async fn take_in_cost_soon(&self, agent_session: &str, session: &Arc<LiveSession>) {
        let Some(wait) = session.reports().cost_throttle.wait() else { return };
        let (instances, agent_session, session) = (self.clone(), agent_session.to_owned(), session.clone());
        let report = async move {
            tokio::time::sleep(wait).await;
            session.reports().cost_throttle.begin();
            instances.take_in_cost(&agent_session, &session).await;
        };
        if wait.is_zero() { report.await } else { drop(tokio::spawn(report)) }
    }

    /// Reports the agent's own plan, at most once per reporting interval.
    async fn report_plan_soon(&self, session: &Arc<LiveSession>) {
        let Some(wait) = session.reports().plan_throttle.wait() else { return };
        let (instances, session) = (self.clone(), session.clone());
        let report = async move {
            tokio::time::sleep(wait).await;
            session.reports().plan_throttle.begin();
            instances.report_plan(&session).await;
        };
        if wait.is_zero() { report.await } else { drop(tokio::spawn(report)) }
    }

    /// Reports the agent's progress in its own plan to the task.
    async fn report_plan(&self, session: &LiveSession) {
        let Some(plan) = session.reports().signs.plan.clone() else { return };
        let told = async {
            let Some(task) = self.0.store.task_of_session(&session.id).await? else { return Ok(()) };
            let input = Input::PlanUpdated { session: session.id.clone(), plan };
            self.0.orchestrator.decide(&task, input).await.map(|_| ())
        };
        let told: Result<(), StoreError> = told.await;
        if let Err(error) = told {
            // The turn's end reports it, too.
            tracing::warn!(%error, session = %session.id, "could not report an agent's plan");
        }
    }

    /// Asks the agent to stop a turn.
    pub(crate) async fn cancel(&self, task: &TaskId, session: &SessionId, turn: &TurnId) {
        let live = self.live_session(session);
        live.cancel(turn.clone());
        live.withdraw_permissions().await;
        for running in self.running(task) {
            let agent_session = {
                let threads = running.threads();
                threads.iter().find(|(_, thread)| thread.session.id == *session).map(|(id, _)| id.clone())
            };
            if let Some(id) = agent_session {
                running.process.cancel(&id).await;
            }
        }
    }

    /// Draws the consequences of a turn's failure for the agent's session: one that is gone is loaded again by the next
    /// turn, in a fresh process where nothing else runs in this one.
    pub(crate) fn after_failure(&self, running: &Running, agent_session: &str, error: &AgentError) {
        self.0.agents.note_turn_failure(&running.agent, error);
        if !error.loses_session() {
            return;
        }
        running.detach(agent_session);
        if !running.has_others_at_work(agent_session) {
            running.process.stop_soon();
        }
    }

    /// Ensures that a session's next turn runs in another process, as after a failure of this process itself.
    pub(crate) fn leave(&self, task: &Task, running: &Running, agent_session: &str, session: &SessionId) {
        running.detach(agent_session);
        if running.has_others_at_work(agent_session) {
            self.isolate_sessions(task, running, session);
        } else {
            running.process.stop_soon();
        }
    }

    /// Handles a turn's success: an agent whose sign-in was missing has it.
    pub(crate) fn after_success(&self, running: &Running) {
        if running.is_first_success() {
            self.0.agents.note_turn_success(&running.agent);
        }
    }

    /// Closes a thread if its agent can load it again: its processes end, and its next turn loads the session.
    pub(crate) async fn close_thread(&self, running: &Running, agent_session: &str) {
        let info = running.process.info();
        if info.close_session && info.load_session && running.threads().remove(agent_session).is_some() {
            running.process.close_session(agent_session).await;
        }
    }

    /// Closes the threads of sessions that are over, in processes that serve others.
    pub(super) async fn close_threads(&self, task: &Task) {
        for running in self.running(&task.id) {
            let over: Vec<String> = {
                let threads = running.threads();
                let is_over = |thread: &Thread| {
                    thread.turn.is_none() && task.session(&thread.session.id).is_some_and(Session::is_ended)
                };
                threads.iter().filter(|(_, thread)| is_over(thread)).map(|(id, _)| id.clone()).collect()
            };
            for id in over {
                self.close_thread(&running, &id).await;
            }
        }
    }

    /// Returns whether a session's turn was asked to stop.
    pub(crate) fn is_cancelled(&self, session: &SessionId, turn: &TurnId) -> bool {
        self.0.sessions.find(session).is_some_and(|live| live.is_cancelled(turn))
    }

    /// Returns whether a session's agent waits for an answer.
    pub(crate) fn waits_for_answer(&self, session: &SessionId) -> bool {
        self.0.sessions.find(session).is_some_and(|live| live.asks() || live.has_waiting_calls())
    }

    /// Returns whether a session's agent asks a person for a permission.
    pub(crate) fn asks_person(&self, session: &SessionId) -> bool {
        self.0.sessions.find(session).is_some_and(|live| live.asks_person())
    }

    /// Returns the questions of agents that wait for a person, the oldest first.
    pub fn open_questions(&self) -> Vec<OpenQuestion> {
        let mut all: Vec<_> = self.0.sessions.all().iter().flat_map(|live| live.open_questions()).collect();
        all.sort_by_key(|question| question.asked_at);
        all
    }

    /// Answers a question of an agent.
    pub async fn answer_permission(
        &self,
        session: &SessionId,
        request: &str,
        answer: &Answer,
        by: &str,
    ) -> Result<String, AnswerError> {
        let live = self.0.sessions.find(session).ok_or(AnswerError::NotOpen)?;
        let option = live.answer_permission(request, answer, by).await?;
        self.announce_question(session).await;
        Ok(option)
    }

    /// Ends the permission requests of a session's log that no agent waits for any more.
    pub(crate) async fn resolve_lost_requests(&self, session: &SessionId) -> Result<(), StoreError> {
        self.live_session(session).resolve_lost_permissions(&self.0.store).await
    }

    /// Notifies watchers whether an agent waits for a person.
    async fn announce_question(&self, session: &SessionId) {
        let task = match self.0.store.task_of_session(session).await {
            Ok(Some(id)) => self.0.store.task(&id).await,
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        match task {
            Ok(Some(task)) => {
                match self.0.store.append_feed(now(), news_of(&task, InstanceStatus::Active)).await {
                    Ok(rows) => self.0.feed.publish(rows),
                    Err(error) => tracing::error!(%error, %session, "could not announce a question"),
                }
            }
            Ok(None) => {}
            Err(error) => tracing::error!(%error, %session, "could not announce a question"),
        }
    }
}

impl Running {
    /// Returns whether it knows the agent session already.
    pub(crate) fn is_attached(&self, agent_session: &str) -> bool {
        self.threads().contains_key(agent_session)
    }

    /// Detaches an agent session that the agent does not have.
    pub(crate) fn detach(&self, agent_session: &str) {
        self.threads().remove(agent_session);
    }

    /// Returns whether no turn of this process ended well before.
    fn is_first_success(&self) -> bool {
        !self.has_succeeded.swap(true, Ordering::Relaxed)
    }

    /// Returns whether a turn runs in it beside that of an agent session.
    fn has_others_at_work(&self, agent_session: &str) -> bool {
        self.threads().iter().any(|(id, thread)| id != agent_session && thread.turn.is_some())
    }
}

impl Running {
    /// Waits until the updates that the process had reported at a turn's end are handled.
    pub(crate) async fn take_in(&self, reported: u64) {
        let mut updates = self.updates.subscribe();
        let taken_in = updates.wait_for(|updates| *updates >= reported);
        if tokio::time::timeout(CATCH_UP, taken_in).await.is_err() {
            tracing::warn!(
                reported,
                "an agent's last updates were not handled in time; the turn is evaluated without them"
            );
        }
    }

    /// Returns what the agent sent in the turn that ends.
    pub(crate) fn take_signs(&self, agent_session: &str) -> TurnSigns {
        self.threads()
            .get(agent_session)
            .map(|thread| std::mem::take(&mut thread.session.reports().signs))
            .unwrap_or_default()
    }

    /// Returns what the calls of models in the turn that ends spent, where the agent tells of each.
    pub(crate) fn take_usage(&self, agent_session: &str) -> Option<Usage> {
        self.threads().get(agent_session).and_then(|thread| thread.session.reports().usage.take())
    }
}
