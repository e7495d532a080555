//! The agent instances: per task the processes that serve its threads, and who hears what they say.

use crate::agents::Agents;
use crate::clock::now;
use crate::config::Config;
use crate::feed::Feed;
use crate::owner;
use crate::permissions::{OpenQuestion, Permissions, Policy, Question};
use crate::recorder::Recorder;
use crate::transcript;
use agent::{AgentError, AgentEvent, AgentInfo, Process, ProcessIdentity, Update};
use secrets::Redactor;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use store::{InstanceRow, ProcessRow, Store};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use workflow::{InstanceId, Isolation, Millis, Session, SessionId, SessionPhase, Task, TaskId, TurnId};

/// How many events of one process may wait; a full channel slows the agent down.
const EVENTS: usize = 1024;
/// How long what is only needed after a restart waits for an agent's first words to be written.
pub(crate) const FIRST_WORDS: Duration = Duration::from_millis(250);
/// How many updates are kept for a thread that is not attached yet.
const EARLY: usize = 1024;
/// How long a process that may not serve others goes on without a session to serve.
const UNUSED: Duration = Duration::from_secs(30);
/// How an instance is that has no process although its task has need of one.
const DISCONNECTED: &str = "disconnected";

/// Every agent instance of this server.
#[derive(Clone)]
pub struct Instances(Arc<Inner>);

struct Inner {
    store: Store,
    feed: Feed,
    config: Config,
    agents: Agents,
    permissions: Permissions,
    redactor: Redactor,
    live: Mutex<HashMap<TaskId, Arc<Instance>>>,
    recorders: Mutex<HashMap<SessionId, Recorder>>,
    /// Turns that were asked to stop.
    cancelled: Mutex<HashSet<TurnId>>,
    /// Where agents reach this server.
    url: OnceLock<String>,
}

/// The processes that serve one task: one for each agent that its sessions use, or several where one may not serve all.
struct Instance {
    id: String,
    /// By which its processes may report; it is worth nothing once they have ended.
    token: String,
    running: Mutex<Vec<Arc<Running>>>,
    /// The agents whose process ended while several sessions were at work in it: since nobody knows which of them ended it,
    /// each gets a process of its own, and the guilty one ends only itself.
    apart: Mutex<HashSet<String>>,
    /// Who starts a process, by what it is for.
    starting: Mutex<HashMap<String, Starting>>,
    /// Held while what runs is written down.
    recording: tokio::sync::Mutex<()>,
}

/// Held while a process starts; keeps how the last start failed, for who waited for it meanwhile.
type Starting = Arc<tokio::sync::Mutex<Option<(Instant, Arc<AgentError>)>>>;

impl Instance {
    fn running(&self) -> MutexGuard<'_, Vec<Arc<Running>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many sessions a process of an agent may serve.
    fn room(&self, agent: &str, limit: usize) -> usize {
        let is_apart = self.apart.lock().unwrap_or_else(PoisonError::into_inner).contains(agent);
        match limit {
            _ if is_apart => 1,
            0 => usize::MAX,
            limit => limit,
        }
    }

    fn keep_apart(&self, agent: &str) {
        self.apart.lock().unwrap_or_else(PoisonError::into_inner).insert(agent.to_owned());
    }

    /// The process that serves a session: the one that did before, else one with room.
    fn serving(&self, agent: &str, session: &SessionId, limit: usize) -> Option<Arc<Running>> {
        let running = self.running();
        let alive = || running.iter().filter(|one| one.agent == agent && one.process.alive());
        let found = alive().find(|one| one.serves().contains(session)).or_else(|| {
            let room = self.room(agent, limit);
            alive().find(|one| one.serves().len() < room)
        })?;
        found.serves().insert(session.clone());
        *found.taken_up() = Instant::now();
        Some(found.clone())
    }

    /// Takes out what has ended, and tells whether there was such of an agent.
    fn bury(&self, agent: &str) -> bool {
        let mut running = self.running();
        let dead = running.iter().filter(|one| !one.process.alive() && one.agent == agent);
        let (mut is_restart, mut was_shared) = (false, false);
        for one in dead {
            is_restart = true;
            was_shared |= one.is_shared();
        }
        running.retain(|one| one.process.alive() || one.agent != agent);
        drop(running);
        if was_shared {
            self.keep_apart(agent);
        }
        is_restart
    }

    /// By which name a process that is about to start for a session is waited for.
    fn starting(&self, agent: &str, session: &SessionId, limit: usize) -> Starting {
        let key = match self.room(agent, limit) {
            1 => format!("{agent} {session}"),
            _ => agent.to_owned(),
        };
        let mut starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        starting.entry(key).or_default().clone()
    }
}

/// One live agent process and the threads attached to it.
pub(crate) struct Running {
    pub(crate) process: Process,
    agent: String,
    started_at: Millis,
    /// The sessions that it serves.
    serves: Mutex<HashSet<SessionId>>,
    /// When a session took it up last.
    taken_up: Mutex<Instant>,
    /// Those of them whose turn has not ended by itself.
    at_work: Mutex<HashSet<SessionId>>,
    threads: Mutex<HashMap<String, Thread>>,
    early: Mutex<Vec<(String, AgentEvent)>>,
    /// Whether another process of its agent served the task before.
    is_restart: bool,
    /// Set with the first that is heard of it.
    begun: CancellationToken,
    is_recorded: AtomicBool,
    /// Whether it is written down which process this is.
    recorded: tokio::sync::OnceCell<()>,
}

#[derive(Clone)]
struct Thread {
    session: SessionId,
    turn: Option<TurnId>,
    recorder: Recorder,
    policy: Policy,
    open_tools: Arc<Mutex<HashSet<String>>>,
}

/// Whose words an agent session's words are.
pub(crate) struct Attachment<'a> {
    pub(crate) session: &'a SessionId,
    pub(crate) turn: Option<TurnId>,
    pub(crate) policy: Policy,
}

/// A session whose turn is asked in a process.
pub(crate) struct AtWork {
    running: Arc<Running>,
    session: SessionId,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        // In a process that has ended, whoever was at work stays so.
        if self.running.process.alive() {
            self.running.at_work().remove(&self.session);
        }
    }
}

/// An instance as it is shown.
#[derive(Clone, Debug)]
pub struct InstanceView {
    pub id: String,
    pub agent: AgentInfo,
    pub process: ProcessIdentity,
    pub alive: bool,
    pub threads: usize,
    pub active_threads: usize,
    pub started_at: Millis,
    pub last_heard: Option<Millis>,
}

impl Instances {
    pub(crate) fn new(
        store: Store,
        feed: Feed,
        config: Config,
        agents: Agents,
        permissions: Permissions,
        redactor: Redactor,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            feed,
            config,
            agents,
            permissions,
            redactor,
            live: Mutex::default(),
            recorders: Mutex::default(),
            cancelled: Mutex::default(),
            url: OnceLock::new(),
        }))
    }

    /// Says where agents reach this server, before any is started.
    pub(crate) fn listen_at(&self, url: String) {
        // It listens once.
        let _ = self.0.url.set(url);
    }

    /// The task whose agents report with this token.
    pub(crate) fn task_of_token(&self, token: &str) -> Option<TaskId> {
        let sought = owner::hash(token);
        let live = self.live();
        live.iter().find(|(_, instance)| owner::hash(&instance.token) == sought).map(|(task, _)| task.clone())
    }

    /// The process that serves a session, started when there is none alive and written down.
    pub(crate) async fn ensure(
        &self,
        task: &Task,
        session: &Session,
    ) -> Result<Arc<Running>, Arc<AgentError>> {
        let running = self.warm(task, session).await?;
        if !running.is_recorded.swap(true, Ordering::Relaxed) {
            let (instances, task, running) = (self.clone(), task.clone(), running.clone());
            tokio::spawn(async move {
                // The agent's first words go first. Until it is written down the watcher alone ends it with the server.
                let _ = tokio::time::timeout(FIRST_WORDS, running.begun.cancelled()).await;
                running.recorded.get_or_init(async || instances.record(&task, &running).await).await;
            });
        }
        Ok(running)
    }

    /// The process that serves a session, started when there is none alive. Who waits while another starts it
    /// shares how that went.
    pub(crate) async fn warm(&self, task: &Task, session: &Session) -> Result<Arc<Running>, Arc<AgentError>> {
        let (instance, agent) = (self.instance(task), session.agent.as_str());
        let limit = self.0.agents.sessions_per_process(agent);
        if let Some(found) = instance.serving(agent, &session.id, limit) {
            return Ok(found);
        }
        let is_restart = instance.bury(agent);
        let asked = Instant::now();
        let starting = instance.starting(agent, &session.id, limit);
        let mut failure = starting.lock().await;
        if let Some(found) = instance.serving(agent, &session.id, limit) {
            return Ok(found);
        }
        if let Some((_, failure)) = failure.as_ref().filter(|(at, _)| *at >= asked) {
            return Err(failure.clone());
        }
        match self.start(task, &instance, session, is_restart).await {
            Ok(started) => Ok(started),
            Err(error) => {
                let error = Arc::new(error);
                *failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Whether somebody is at work in a process.
    pub(crate) fn is_at_work(running: &Running) -> bool {
        !running.at_work().is_empty()
    }

    /// Notes that a session's turn is asked in a process, for as long as the answer is held.
    pub(crate) fn begins_turn(running: &Arc<Running>, session: &SessionId) -> AtWork {
        running.at_work().insert(session.clone());
        AtWork { running: running.clone(), session: session.clone() }
    }

    /// From now on each session of a task's agent has a process of its own: it cannot serve several at once.
    pub(crate) fn keep_apart(&self, task: &Task, running: &Running, session: &SessionId) {
        running.serves().remove(session);
        self.instance(task).keep_apart(&running.agent);
    }

    async fn start(
        &self,
        task: &Task,
        instance: &Arc<Instance>,
        session: &Session,
        is_restart: bool,
    ) -> Result<Arc<Running>, AgentError> {
        let agent = session.agent.as_str();
        let directory = self.0.config.data_dir.join("instances").join(task.id.as_str());
        let mut launch = self.0.agents.launch(agent, &instance.id, &directory)?;
        let url = self.0.url.get().cloned().unwrap_or_default();
        launch.env.push(("SPECTASK_INSTANCE_URL".to_owned(), url));
        launch.env.push(("SPECTASK_INSTANCE_TOKEN".to_owned(), instance.token.clone()));
        let (events, receiver) = mpsc::channel(EVENTS);
        let process = Process::start(launch, events).await?;
        let started = Arc::new(Running {
            process,
            agent: agent.to_owned(),
            started_at: now(),
            serves: Mutex::new(HashSet::from([session.id.clone()])),
            taken_up: Mutex::new(Instant::now()),
            at_work: Mutex::default(),
            threads: Mutex::default(),
            early: Mutex::default(),
            is_restart,
            begun: CancellationToken::new(),
            is_recorded: AtomicBool::new(false),
            recorded: tokio::sync::OnceCell::new(),
        });
        let is_wanted = {
            let live = self.live();
            let is_wanted = live.get(&task.id).is_some_and(|held| Arc::ptr_eq(held, instance));
            if is_wanted {
                instance.running().push(started.clone());
            }
            is_wanted
        };
        if !is_wanted {
            // The task was stopped meanwhile.
            started.process.stop().await;
            return Err(AgentError::Closed);
        }
        tokio::spawn(self.clone().listen(started.clone(), receiver));
        Ok(started)
    }

    fn instance(&self, task: &Task) -> Arc<Instance> {
        let fresh = || {
            let id = instance_id(&task.id).0;
            Arc::new(Instance {
                id,
                token: owner::fresh(),
                running: Mutex::default(),
                apart: Mutex::default(),
                starting: Mutex::default(),
                recording: tokio::sync::Mutex::default(),
            })
        };
        self.live().entry(task.id.clone()).or_insert_with(fresh).clone()
    }

    /// Writes down which process runs, so that the next start of the server can end exactly that one.
    async fn record(&self, task: &Task, running: &Running) {
        let Some(instance) = self.live().get(&task.id).cloned() else { return };
        let _one_by_one = instance.recording.lock().await;
        let identity = running.process.identity();
        let info = running.process.info();
        let processes = self.running(&task.id).into_iter().filter(|one| one.process.alive());
        let processes = processes.map(|one| one.process.identity()).map(process_row).collect();
        let before = self.0.store.instance_of(&task.id).await.ok().flatten();
        let row = InstanceRow {
            id: instance_id(&task.id),
            task: task.id.clone(),
            status: "active".to_owned(),
            agent: json!({ "name": info.name, "version": info.version, "protocol_version": info.protocol_version }),
            pid: Some(i64::from(identity.pid)),
            processes,
            start_time: None,
            restarts: before
                .as_ref()
                .map_or(0, |row| row.restarts + i64::from(running.is_restart || row.status == DISCONNECTED)),
            started_at: Some(running.started_at),
            last_activity: Some(now()),
            project_path: before.and_then(|row| row.project_path),
        };
        self.keep(task, row).await;
    }

    /// Keeps how a task's instance is and tells watchers.
    async fn keep(&self, task: &Task, row: InstanceRow) {
        let news = news_of(task, &row.status);
        match self.0.store.announce_instance(row, now(), news).await {
            Ok(rows) => self.0.feed.publish(rows),
            Err(error) => tracing::error!(%error, task = %task.id, "could not keep an agent instance"),
        }
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

    /// Whether the process knows the agent session already.
    pub(crate) fn is_attached(running: &Running, agent_session: &str) -> bool {
        running.threads().contains_key(agent_session)
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
    async fn forget_recorders(&self, task: &Task) {
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

    async fn listen(self, running: Arc<Running>, mut events: mpsc::Receiver<AgentEvent>) {
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

    fn running(&self, task: &TaskId) -> Vec<Arc<Running>> {
        let instance = self.live().get(task).cloned();
        instance.map_or_else(Vec::new, |instance| instance.running().clone())
    }

    /// Ends every process of a task as a tree. While the task has need of its agents, the next turn starts one again.
    pub async fn stop(&self, task: &Task) {
        let instance = self.live().remove(&task.id);
        if let Some(instance) = instance {
            let running = std::mem::take(&mut *instance.running());
            futures::future::join_all(running.iter().map(|running| running.process.stop())).await;
            for running in &running {
                // What is not written down by now need not be any more.
                running.recorded.get_or_init(async || ()).await;
            }
        }
        self.forget_recorders(task).await;
        if let Ok(Some(mut row)) = self.0.store.instance_of(&task.id).await
            && row.status == "active"
        {
            let status = if task.holds_instance() { DISCONNECTED } else { "completed" };
            status.clone_into(&mut row.status);
            row.pid = None;
            row.processes.clear();
            self.keep(task, row).await;
        }
    }

    /// Ends the agents of tasks that need none: a person decides, or the task is over. That of a conversation at rest is
    /// kept for a while, as long as there are places.
    pub(crate) async fn stop_idle(&self, store: &Store, live: &[Task]) -> Result<(), store::StoreError> {
        for task in live {
            self.release(task).await;
        }
        let held: Vec<TaskId> = self.live().keys().cloned().collect();
        let is_crowded = held.len() > self.0.config.limits.max_instances;
        for id in held {
            let is_needed = match live.iter().find(|task| task.id == id) {
                Some(task) => task.holds_instance(),
                // The task may have begun after the list was read.
                None => store.task(&id).await?.is_some_and(|task| task.holds_instance()),
            };
            let rests = live.iter().any(|task| task.id == id && task.rests());
            if rests && !is_crowded && self.was_heard_lately(&id) {
                continue;
            }
            if !is_needed && let Some(task) = store.task(&id).await?.filter(|task| !task.holds_instance()) {
                self.stop(&task).await;
            }
        }
        Ok(())
    }

    /// Lets sessions that have ended go, and ends processes that served only them, where they may not serve others for ever.
    async fn release(&self, task: &Task) {
        let Some(instance) = self.live().get(&task.id).cloned() else { return };
        let is_over = |session: &SessionId| task.session(session).is_none_or(Session::is_ended);
        let done: Vec<Arc<Running>> = {
            // Nobody gets a process while this looks.
            let mut running = instance.running();
            let (done, kept) = std::mem::take(&mut *running).into_iter().partition(|one: &Arc<Running>| {
                let mut serves = one.serves();
                // The task was read a while ago; a session that was taken up again since then is not over.
                if !one.at_work().is_empty() || one.taken_up().elapsed() < UNUSED {
                    return false;
                }
                serves.retain(|session| !is_over(session));
                let limit = self.0.agents.sessions_per_process(&one.agent);
                serves.is_empty() && instance.room(&one.agent, limit) < usize::MAX && one.process.alive()
            });
            *running = kept;
            done
        };
        futures::future::join_all(done.iter().map(|one| one.process.stop())).await;
    }

    /// Whether a task's agents said something not long ago.
    fn was_heard_lately(&self, task: &TaskId) -> bool {
        let kept = i64::try_from(self.0.config.turns.idle_seconds).unwrap_or(i64::MAX).saturating_mul(1_000);
        let view = self.of(task);
        view.is_some_and(|view| view.alive && view.last_heard.unwrap_or(view.started_at).plus(kept) > now())
    }

    /// Ends one process that no longer answers; the next turn starts another.
    pub(crate) async fn discard(&self, running: &Running) {
        running.process.stop().await;
    }

    /// Ends every process; for the server's own end.
    pub(crate) async fn stop_all(&self) {
        let instances: Vec<Arc<Instance>> = self.live().drain().map(|(_, instance)| instance).collect();
        for instance in instances {
            let running = std::mem::take(&mut *instance.running());
            futures::future::join_all(running.iter().map(|running| running.process.stop())).await;
        }
    }

    /// The instance of a task, when one of its processes runs.
    pub fn of(&self, task: &TaskId) -> Option<InstanceView> {
        let instance = self.live().get(task).cloned()?;
        let running = instance.running();
        let first = running.iter().max_by_key(|running| (running.process.alive(), running.started_at))?;
        let (mut threads, mut active, mut heard) = (0, 0, None);
        for one in running.iter() {
            for thread in one.threads().values() {
                threads += 1;
                active += usize::from(thread.turn.is_some());
                heard = heard.max(Some(thread.recorder.last_heard()));
            }
        }
        Some(InstanceView {
            id: instance.id.clone(),
            agent: first.process.info().clone(),
            process: first.process.identity(),
            alive: first.process.alive(),
            threads,
            active_threads: active,
            started_at: first.started_at,
            last_heard: heard,
        })
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
    ) -> Result<(), crate::permissions::AnswerError> {
        self.0.permissions.answer(session, request, option, by).await?;
        self.announce_question(session).await;
        Ok(())
    }

    /// Ends what a server that was killed left running; exactly those processes, never by name.
    pub(crate) async fn end_leftovers(&self) -> Result<(), store::StoreError> {
        for mut row in self.0.store.active_instances().await? {
            for ProcessRow { pid, start_time } in row.take_processes() {
                tokio::task::spawn_blocking(move || agent::kill_tree(ProcessIdentity { pid, start_time }));
            }
            DISCONNECTED.clone_into(&mut row.status);
            self.0.store.put_instance(row).await?;
        }
        Ok(())
    }

    fn live(&self) -> MutexGuard<'_, HashMap<TaskId, Arc<Instance>>> {
        self.0.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Running {
    fn serves(&self) -> MutexGuard<'_, HashSet<SessionId>> {
        self.serves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn taken_up(&self) -> MutexGuard<'_, Instant> {
        self.taken_up.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn at_work(&self) -> MutexGuard<'_, HashSet<SessionId>> {
        self.at_work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether several sessions are at work in it, or were when it ended.
    pub(crate) fn is_shared(&self) -> bool {
        self.at_work().len() > 1
    }

    fn threads(&self) -> MutexGuard<'_, HashMap<String, Thread>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
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

fn process_row(identity: ProcessIdentity) -> ProcessRow {
    ProcessRow { pid: identity.pid, start_time: identity.start_time }
}

/// What watchers of a task are told of its instance.
fn news_of(task: &Task, status: &str) -> Vec<store::FeedEntry> {
    let data = json!({ "spec_task_id": task.id, "zed_instance_id": instance_id(&task.id), "status": status });
    crate::news::entry(task, "instance.updated", &data).to_vec()
}

/// The identity of a task's instance: the same over restarts of its processes and of the server.
pub fn instance_id(task: &TaskId) -> InstanceId {
    InstanceId(format!("{}_{}", InstanceId::PREFIX, task.as_str().trim_start_matches("spt_")))
}

/// The instance that serves a task, or did, as clients know it.
pub(crate) fn served_by(task: &Task) -> Option<String> {
    let has_begun = task.sessions.iter().any(|session| session.started_at.is_some());
    has_begun.then(|| instance_id(&task.id).to_string())
}

/// Where a session works.
pub(crate) fn session_directory(data_dir: &Path, task: &TaskId, session: &SessionId) -> PathBuf {
    data_dir.join("worktrees").join(task.as_str()).join(session.as_str())
}

/// Where a session of a task works: apart, or with all others where the task's branch is checked out.
pub(crate) fn workdir(data_dir: &Path, task: &Task, session: &Session) -> PathBuf {
    if task.isolation == Isolation::Shared && session.phase != SessionPhase::Planning {
        return data_dir.join("worktrees").join(task.id.as_str()).join("change");
    }
    session_directory(data_dir, &task.id, &session.id)
}

/// What programs that are agents are told beside the prompt.
pub(crate) fn meta(fields: &Value) -> Value {
    json!({ "spectask": fields })
}
