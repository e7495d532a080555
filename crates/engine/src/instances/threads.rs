//! The threads that agent processes serve: passes their messages and permission requests on to their sessions' logs.

use super::processes::Running;
use super::turn_signs::TurnSigns;
use super::{Instances, news_of};
use crate::clean;
use crate::clock::now;
use crate::denials;
use crate::metrics::AGENT_CRASHES;
use crate::network::Refusal;
use crate::permissions::{AnswerError, OpenQuestion, Policy, Question};
use crate::recorder::Recorder;
use crate::transcript;
use agent::{Access, AgentError, AgentEvent, Update};
use metrics::counter;
use parking_lot::{Mutex, MutexGuard};
use protocol::log::ToolCall;
use protocol::{LogEntry, Optional};
use sandbox::Level;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use store::StoreError;
use tokio::sync::mpsc;
use workflow::{Input, Session, SessionId, Task, TaskId, TurnId, Usage};

/// How many updates are kept for a thread that is not attached yet.
const EARLY: usize = 1024;
/// How large one of them may be, in bytes.
const EARLY_BYTES: usize = 64 * 1024;
/// How much of the output of one tool call is kept, in bytes; its beginning goes first.
const MAX_OUTPUT: usize = 32 * 1024;
/// How many tool calls of a turn are known that have not ended; an agent that has more is not told apart from one that
/// makes them up.
const MAX_OPEN_TOOLS: usize = 1000;
/// How much of a tool call's title is kept for a permission request that has none, in characters.
const MAX_TITLE: usize = 300;
/// How much of a tool call's id is looked at, in bytes.
const MAX_ID: usize = 256;
/// How many of the paths and hosts that the sandbox denied a session's log names.
const MAX_DENIED: usize = 200;
/// How long such a name may be, in bytes.
const MAX_DENIED_BYTES: usize = 4096;
/// How many outputs of tool calls that run are kept at once.
const MAX_OUTPUTS: usize = 128;
/// How often a session's growing plan, or what it costs between turns, is reported to its task.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);
/// How many refusals are kept that came while no turn ran.
const MAX_REFUSED: usize = 100;
/// How often the growing output of a tool call that runs is recorded.
const OUTPUT_INTERVAL: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub(super) struct Thread {
    session: SessionId,
    pub(super) turn: Option<TurnId>,
    pub(super) recorder: Recorder,
    policy: Policy,
    heard: Arc<Mutex<Heard>>,
}

/// What was received in a thread and has still to be dealt with. An agent can send any number of tool calls, and so only
/// some of them are known here.
#[derive(Default)]
struct Heard {
    /// The tool calls that have no end yet.
    open_tools: HashSet<String>,
    /// What the turn's tool calls are called.
    titles: HashMap<String, String>,
    /// What the turn's tool calls printed, where the agent reports it beside them.
    outputs: HashMap<String, Output>,
    /// What the agent said last that the conversation has cost, in US dollars.
    cost: Option<f64>,
    /// The paths and hosts that the sandbox denied and that the session's log names.
    denied: HashSet<String>,
    /// What the turn's calls of models spent, where the agent tells of each.
    usage: Option<Usage>,
    /// What the agent sent in the turn.
    turn: TurnSigns,
    plan_reports: Throttle,
    cost_reports: Throttle,
}

/// Reports that are made at most once in [`REPORT_INTERVAL`], the last one always.
#[derive(Default)]
struct Throttle {
    last: Option<Instant>,
    is_waiting: bool,
}

impl Throttle {
    /// How long a report waits; none where one waits already, which has the news of this one.
    fn wait(&mut self) -> Option<Duration> {
        if self.is_waiting {
            return None;
        }
        self.is_waiting = true;
        Some(self.last.map_or(Duration::ZERO, |last| REPORT_INTERVAL.saturating_sub(last.elapsed())))
    }

    fn begin(&mut self) {
        *self = Self { last: Some(Instant::now()), is_waiting: false };
    }
}

/// How long the end of a turn waits for the updates before it.
const CATCH_UP: Duration = Duration::from_secs(60);
/// What a tool call printed so far.
#[derive(Default)]
struct Output {
    text: String,
    recorded_at: Option<Instant>,
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
            let mut waiting = running.early.lock();
            let (mine, others) =
                std::mem::take(&mut *waiting).into_iter().partition(|(id, _)| id == agent_session);
            *waiting = others;
            let mine: Vec<(String, AgentEvent)> = mine;
            mine.into_iter().map(|(_, event)| event).collect()
        };
        for event in early {
            self.hear(running, event).await;
        }
        let thread = running.threads().get(agent_session).cloned();
        let refused = std::mem::take(&mut *running.refused.lock());
        if let Some(thread) = thread {
            for refusal in refused {
                thread.note_refusal(&refusal).await;
            }
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
        self.0.recorders.lock()
    }

    /// The writer of a session's log.
    pub fn recorder(&self, session: &SessionId) -> Recorder {
        self.recorders()
            .entry(session.clone())
            .or_insert_with(|| {
                let (store, feed, redactor) =
                    (self.0.store.clone(), self.0.feed.clone(), self.0.redactor.clone());
                let turn_log_mb = self.0.config.limits.turn_log_mb;
                Recorder::start(store, feed, redactor, session.clone(), turn_log_mb)
            })
            .clone()
    }

    pub(super) async fn listen(self, running: Arc<Running>, mut events: mpsc::Receiver<AgentEvent>) {
        while let Some(event) = events.recv().await {
            let is_update = matches!(event, AgentEvent::Update { .. });
            if let AgentEvent::Exited(exit) = &event
                && !exit.requested
            {
                counter!(AGENT_CRASHES, "agent" => running.agent.clone()).increment(1);
            }
            self.hear(&running, event).await;
            if is_update {
                running.updates.send_modify(|updates| *updates += 1);
            }
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
                thread.heard().turn.take(&kind);
                if matches!(kind, Update::Plan(_)) && thread.turn.is_some() {
                    self.report_plan_soon(&thread).await;
                }
                if let Update::ToolCall { id, title, status, .. } = &kind {
                    thread.track_tool(id, title.as_deref(), status.as_deref());
                }
                thread.hear_usage(&raw["update"]["_meta"]["usage"]);
                if let Update::Usage { cost: Some(cost), .. } = &kind {
                    thread.hear_cost(cost);
                    if thread.turn.is_none() {
                        self.take_in_cost_soon(&session, &thread).await;
                    }
                }
                if let Some(mut entry) = transcript::entry(&kind, &raw) {
                    let mut says_more = true;
                    if let (Update::ToolCall { id, status, .. }, LogEntry::ToolCall(call)) =
                        (&kind, &mut entry)
                    {
                        match thread.hear_output(id, status.as_deref(), &raw) {
                            Heeded::Nothing => {}
                            Heeded::Shown(output) => {
                                call.content = Optional::Value(transcript::output_content(&output));
                            }
                            Heeded::Kept => says_more = !call.is_bare(),
                        }
                    }
                    if says_more {
                        thread.recorder.record(entry).await;
                    }
                }
                if matches!(kind, Update::ToolCall { .. }) {
                    self.note_denials(&thread, &raw).await;
                }
            }
            AgentEvent::Permission { request_id, mut tool_call, mut options, .. } => {
                clean::redact_json(&self.0.redactor, &mut tool_call);
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
                    // Watchers that are notified of the request look it up in the log.
                    self.recorder(&session).flush().await;
                    self.announce_question(&session).await;
                }
            }
            AgentEvent::PermissionWithdrawn { request_id, .. } => {
                self.0.permissions.taken_back(&running.process, request_id).await;
            }
            AgentEvent::Exited(_) => {}
        }
    }

    /// Notes in the session's log what the sandbox denied to a tool, once for each path.
    async fn note_denials(&self, thread: &Thread, raw: &Value) {
        if self.0.agents.sandbox().level() == Level::Off {
            return;
        }
        for denial in denials::find(&raw["update"].to_string()) {
            if thread.is_denied_anew(&denial.path) {
                thread.recorder.record(LogEntry::notice(denial.notice())).await;
            }
        }
    }

    /// Notes what a process was refused over the network, in the log of each session that has a turn in it: which of them
    /// asked is not known.
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
                thread.note_refusal(&refusal).await;
            }
        }
    }

    /// Closes what a turn left open: tool calls that never completed, requests without an answer.
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
                heard.outputs.clear();
                heard.open_tools.drain().collect()
            };
            for id in open {
                let cancelled =
                    ToolCall { tool_call_id: id.into(), status: "cancelled".into(), ..ToolCall::default() };
                thread.recorder.record(cancelled).await;
            }
            self.take_in_cost(agent_session, &thread).await;
        }
        self.0.permissions.withdraw(session).await;
        self.recorder(session).end_turn().await;
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

    /// Takes in a cost that the agent reports between two turns, not more often than the interval of reports.
    async fn take_in_cost_soon(&self, agent_session: &str, thread: &Thread) {
        let Some(wait) = thread.heard().cost_reports.wait() else { return };
        let (instances, agent_session, thread) = (self.clone(), agent_session.to_owned(), thread.clone());
        let report = async move {
            tokio::time::sleep(wait).await;
            thread.heard().cost_reports.begin();
            instances.take_in_cost(&agent_session, &thread).await;
        };
        if wait.is_zero() { report.await } else { drop(tokio::spawn(report)) }
    }

    /// Reports the agent's own plan, not more often than the interval of reports.
    async fn report_plan_soon(&self, thread: &Thread) {
        let Some(wait) = thread.heard().plan_reports.wait() else { return };
        let (instances, thread) = (self.clone(), thread.clone());
        let report = async move {
            tokio::time::sleep(wait).await;
            thread.heard().plan_reports.begin();
            instances.report_plan(&thread).await;
        };
        if wait.is_zero() { report.await } else { drop(tokio::spawn(report)) }
    }

    /// Tells the task how far the agent has come in its own plan.
    async fn report_plan(&self, thread: &Thread) {
        let Some(plan) = thread.heard().turn.plan.clone() else { return };
        let told = async {
            let Some(task) = self.0.store.task_of_session(&thread.session).await? else { return Ok(()) };
            let input = Input::PlanUpdated { session: thread.session.clone(), plan };
            self.0.orchestrator.decide(&task, input).await.map(|_| ())
        };
        let told: Result<(), StoreError> = told.await;
        if let Err(error) = told {
            // The turn's end reports it, too.
            tracing::warn!(%error, session = %thread.session, "could not report an agent's plan");
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

    /// Sets an agent session to what its project permits. Only that a project is read-only must hold: agents that cannot be
    /// told to ask ask as they do by default.
    pub(crate) async fn apply_policy(
        &self,
        running: &Running,
        agent_session: &str,
        policy: Policy,
        is_planning: bool,
    ) -> Result<(), AgentError> {
        let access = match policy {
            Policy::Allow => Access::Allow,
            Policy::Ask => Access::Ask,
            // A planner writes documents; its checkout of the repository is thrown away.
            Policy::ReadOnly if is_planning => Access::Allow,
            Policy::ReadOnly => Access::ReadOnly,
        };
        match running.process.set_access(agent_session, access).await {
            Err(error) if access == Access::ReadOnly => Err(error),
            Err(error) => {
                tracing::warn!(%error, agent = running.agent, "an agent did not change its mode");
                Ok(())
            }
            Ok(()) => Ok(()),
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

    /// Sees to it that a session's next turn is taken by another process, as after a failure that is this process's own.
    pub(crate) fn leave(&self, task: &Task, running: &Running, agent_session: &str, session: &SessionId) {
        running.detach(agent_session);
        if running.has_others_at_work(agent_session) {
            self.isolate_sessions(task, running, session);
        } else {
            running.process.stop_soon();
        }
    }

    /// Draws the consequences of a turn's end: an agent whose sign-in was missing has it.
    pub(crate) fn after_success(&self, running: &Running) {
        if running.is_first_success() {
            self.0.agents.note_turn_success(&running.agent);
        }
    }

    /// Closes a thread, where its agent can load it again: what runs for it ends, and its next turn loads the session.
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
                    thread.turn.is_none() && task.session(&thread.session).is_some_and(Session::is_ended)
                };
                threads.iter().filter(|(_, thread)| is_over(thread)).map(|(id, _)| id.clone()).collect()
            };
            for id in over {
                self.close_thread(&running, &id).await;
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

    /// Whether a session's agent asks a person for a permission.
    pub(crate) fn asks_person(&self, session: &SessionId) -> bool {
        self.0.permissions.asks_person(session)
    }

    fn cancelled(&self) -> MutexGuard<'_, HashSet<TurnId>> {
        self.0.cancelled.lock()
    }

    /// The questions of agents that wait for a person.
    pub fn open_questions(&self) -> Vec<OpenQuestion> {
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

    /// Ends the permission requests of a session's log that no agent waits for any more.
    pub(crate) async fn resolve_lost_requests(&self, session: &SessionId) -> Result<(), StoreError> {
        self.0.permissions.resolve_lost(&self.0.store, session, &self.recorder(session)).await
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

    /// Takes an agent session off those that can be prompted: the agent does not have it.
    pub(crate) fn detach(&self, agent_session: &str) {
        self.threads().remove(agent_session);
    }

    /// Whether no turn of this process ended well before.
    fn is_first_success(&self) -> bool {
        !self.has_succeeded.swap(true, Ordering::Relaxed)
    }

    /// Whether a turn runs in it beside that of an agent session.
    fn has_others_at_work(&self, agent_session: &str) -> bool {
        self.threads().iter().any(|(id, thread)| id != agent_session && thread.turn.is_some())
    }
}

impl Running {
    /// Waits until as many of the process's updates are taken in as it had reported at a turn's end.
    pub(crate) async fn take_in(&self, reported: u64) {
        let mut updates = self.updates.subscribe();
        let taken_in = updates.wait_for(|updates| *updates >= reported);
        if tokio::time::timeout(CATCH_UP, taken_in).await.is_err() {
            tracing::warn!(
                reported,
                "an agent's last updates are not taken in; the turn is judged without them"
            );
        }
    }

    /// What the agent sent in the turn that ends.
    pub(crate) fn take_signs(&self, agent_session: &str) -> TurnSigns {
        self.threads()
            .get(agent_session)
            .map(|thread| std::mem::take(&mut thread.heard().turn))
            .unwrap_or_default()
    }

    /// What the calls of models in the turn that ends spent, where the agent tells of each.
    pub(crate) fn take_usage(&self, agent_session: &str) -> Option<Usage> {
        self.threads().get(agent_session).and_then(|thread| thread.heard().usage.take())
    }
}

/// What becomes of the output that an update of a tool call carries.
enum Heeded {
    /// There is none.
    Nothing,
    /// It is kept until more of it is there.
    Kept,
    /// It is recorded, whole.
    Shown(String),
}

impl Thread {
    /// Notes in the session's log what was refused over the network, once for each host.
    async fn note_refusal(&self, refusal: &Refusal) {
        if self.is_denied_anew(&refusal.key()) {
            self.recorder.record(LogEntry::notice(refusal.to_string())).await;
        }
    }

    /// Whether the session's log is to name a path or host that was denied.
    fn is_denied_anew(&self, what: &str) -> bool {
        let denied = &mut self.heard().denied;
        denied.len() < MAX_DENIED && what.len() <= MAX_DENIED_BYTES && denied.insert(what.to_owned())
    }

    /// Takes in what a tool call printed. All of it is recorded at its end, and now and then while it runs.
    fn hear_output(&self, id: &str, status: Option<&str>, raw: &Value) -> Heeded {
        let reported = transcript::terminal_output(raw);
        let is_over = matches!(status, Some("completed" | "failed"));
        let mut heard = self.heard();
        let is_known = heard.outputs.contains_key(id);
        if (reported.is_none() && !(is_over && is_known))
            || (!is_known && (heard.outputs.len() >= MAX_OUTPUTS || id.len() > MAX_ID))
        {
            return Heeded::Nothing;
        }
        let output = heard.outputs.entry(id.to_owned()).or_default();
        match reported {
            Some(transcript::TerminalOutput::Whole(text)) => text.clone_into(&mut output.text),
            Some(transcript::TerminalOutput::Delta(text)) => output.text.push_str(text),
            None => {}
        }
        let excess = output.text.len().saturating_sub(MAX_OUTPUT);
        let from = (excess..=output.text.len()).find(|at| output.text.is_char_boundary(*at)).unwrap_or(0);
        output.text.drain(..from);
        if !is_over && output.recorded_at.is_some_and(|at| at.elapsed() < OUTPUT_INTERVAL) {
            return Heeded::Kept;
        }
        output.recorded_at = Some(Instant::now());
        let shown = agent::strip_escapes(&output.text);
        if is_over {
            heard.outputs.remove(id);
        }
        Heeded::Shown(shown)
    }

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
        self.heard.lock()
    }

    fn track_tool(&self, id: &str, title: Option<&str>, status: Option<&str>) {
        let mut heard = self.heard();
        let has_room = |known: usize| known < MAX_OPEN_TOOLS && id.len() <= MAX_ID;
        let is_over = matches!(status, Some("completed" | "failed"));
        if is_over {
            heard.open_tools.remove(id);
            heard.titles.remove(id);
        } else if has_room(heard.open_tools.len()) {
            heard.open_tools.insert(id.to_owned());
        }
        if let Some(title) = title.filter(|_| !is_over && has_room(heard.titles.len())) {
            heard.titles.insert(id.to_owned(), title.chars().take(MAX_TITLE).collect());
        }
    }
}
