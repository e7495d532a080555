//! The agent instances: started, recorded, shown and ended.

mod grants;
mod options;
mod processes;
mod session;
mod session_tokens;
mod threads;
mod tool_calls;
mod turn_signs;

pub(crate) use processes::Running;
pub(crate) use session::LiveSession;
pub(crate) use threads::Attachment;
pub use tool_calls::{MAX_TOOL_CALLS, WaitingCall};
pub(crate) use turn_signs::TurnSigns;

use crate::agents::Agents;
use crate::agents::registry::Variables;
use crate::clock::now;
use crate::confinement::confine::{self, Purpose, Workspace};
use crate::confinement::network::NetworkRules;
use crate::failure::chain;
use crate::feed::Feed;
use crate::metrics::{AGENT_RESTARTS, AGENT_START_FAILURES, AGENT_STARTS};
use crate::notifications::inbox::PermissionChange;
use crate::orchestrator::Orchestrator;
use crate::paths::workdir;
use crate::projects::repositories::Repositories;
use crate::settings::config::{Config, HostPattern, NetworkMode};
use crate::settings::owner;
use crate::settings::project::ProjectSettings;
use crate::settings::secret_store::SecretError;
use crate::worktrees::setup::environment;
use agent::{AgentError, AgentInfo, Process, ProcessIdentity};
use metrics::counter;
use parking_lot::{Mutex, MutexGuard};
use processes::Instance;
use protocol::feed::InstanceUpdate;
use protocol::words::InstanceStatus;
use sandbox::Level;
use secrets::Redactor;
use serde_json::{Value, json};
use session::LiveSessions;
use session_tokens::SessionTokens;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use store::{InstanceRow, ProcessRow, Project, Store, StoreError};
use tokio::sync::mpsc;
use workflow::{InstanceId, Millis, Session, SessionId, SessionPhase, Task, TaskId};

/// How many events of one process may wait; a full channel slows the agent down.
const EVENTS: usize = 64;
/// The delay before data that is only needed after a restart is written, unless the agent's first output comes sooner.
pub(crate) const FIRST_WORDS: Duration = Duration::from_millis(250);

/// How many permission requests and answers wait to be announced; a full channel slows the agents down.
const PERMISSION_CHANGES: usize = 256;

/// Every agent instance of this server.
#[derive(Clone)]
pub struct Instances(Arc<Inner>);

struct Inner {
    store: Store,
    feed: Feed,
    config: Config,
    agents: Agents,
    redactor: Redactor,
    orchestrator: Orchestrator,
    repositories: Repositories,
    live: Mutex<HashMap<TaskId, Arc<Instance>>>,
    sessions: LiveSessions,
    /// Permission requests and their answers, on their way to the inbox.
    permission_changes: (mpsc::Sender<PermissionChange>, Mutex<Option<mpsc::Receiver<PermissionChange>>>),
    session_tokens: SessionTokens,
    /// Where agents reach this server.
    url: OnceLock<String>,
}

/// Why it is not known what a task's processes may reach.
#[derive(Debug, thiserror::Error)]
pub enum NetworkUnknown {
    #[error("the setting of the project's network cannot be read: {0}")]
    Store(#[from] StoreError),
    #[error("the project is gone, and with it the setting of its network; register its repository again")]
    NoProject,
}

/// Why the repository of a task cannot be determined. No agent starts without it: the worktrees of its sessions would be
/// read-only in the sandbox.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorkspaceUnknown {
    #[error("the task's project cannot be read: {0}")]
    Store(#[from] StoreError),
    #[error("the project is gone; register its repository again")]
    NoProject,
    #[error("there is no git repository at {path}")]
    NoRepository { path: PathBuf },
}

fn not_admitted(error: &dyn std::error::Error) -> AgentError {
    AgentError::NotAdmitted { message: chain(error) }
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
        redactor: Redactor,
        orchestrator: Orchestrator,
        repositories: Repositories,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(PERMISSION_CHANGES);
        Self(Arc::new(Inner {
            store,
            feed,
            config,
            agents,
            redactor,
            orchestrator,
            repositories,
            live: Mutex::default(),
            sessions: LiveSessions::default(),
            permission_changes: (sender, Mutex::new(Some(receiver))),
            session_tokens: SessionTokens::default(),
            url: OnceLock::new(),
        }))
    }

    /// Returns the permission requests and answers to announce; none when they are followed already.
    pub(crate) fn take_permission_changes(&self) -> Option<mpsc::Receiver<PermissionChange>> {
        self.0.permission_changes.1.lock().take()
    }

    /// Sets the URL at which agents reach this server, before any is started.
    pub(crate) fn listen_at(&self, url: String) {
        // It listens once.
        let _ = self.0.url.set(url);
    }

    /// Returns the task whose agents report with this token.
    pub fn task_of_token(&self, token: &str) -> Option<TaskId> {
        let sought = owner::hash(token);
        let live = self.live();
        live.iter().find(|(_, instance)| owner::hash(&instance.token) == sought).map(|(task, _)| task.clone())
    }

    /// Returns the task and the sessions that a process works for, by it or its ancestors.
    pub fn owner_of_process(&self, pid: u32, ancestors: &[u32]) -> Option<(TaskId, Vec<SessionId>)> {
        let is_root = |root: u32| root == pid || ancestors.contains(&root);
        let live = self.live();
        live.iter().find_map(|(task, instance)| {
            let running = instance.running();
            let found = running.iter().find(|running| is_root(running.process.identity().pid))?;
            Some((task.clone(), found.serves().iter().cloned().collect()))
        })
    }

    /// Returns the roots of the process trees of a task's agents, those that serve a session first.
    pub(crate) fn processes_of(&self, task: &TaskId, session: &SessionId) -> Vec<ProcessIdentity> {
        let Some(instance) = self.live().get(task).cloned() else { return Vec::new() };
        let mut running: Vec<Arc<Running>> = instance.running().clone();
        running.retain(|one| one.process.alive());
        running.sort_by_key(|one| !one.serves().contains(session));
        running.iter().map(|one| one.process.identity()).collect()
    }

    /// Returns the process that serves a session; starts and records it when there is none alive.
    pub(crate) async fn ensure(
        &self,
        task: &Task,
        session: &Session,
    ) -> Result<Arc<Running>, Arc<AgentError>> {
        let running = self.prestart(task, session).await?;
        if !running.is_recorded.swap(true, Ordering::Relaxed) {
            let (instances, task, running) = (self.clone(), task.clone(), running.clone());
            tokio::spawn(async move {
                // The agent's first output goes first. Until the process is recorded, the watcher alone ends it with
                // the server.
                let _ = tokio::time::timeout(FIRST_WORDS, running.begun.cancelled()).await;
                running.recorded.get_or_init(async || instances.record(&task, &running).await).await;
            });
        }
        Ok(running)
    }

    /// Returns the process that serves a session; starts it when there is none alive. Callers that wait while another
    /// starts it share the result.
    pub(crate) async fn prestart(
        &self,
        task: &Task,
        session: &Session,
    ) -> Result<Arc<Running>, Arc<AgentError>> {
        let (instance, agent) = (self.instance(task), session.agent.as_str());
        let limit = self.0.agents.sessions_per_process(agent);
        if let Some(found) = instance.serving(agent, &session.id, limit) {
            if self.keeps_network(task, &found).await {
                return Ok(found);
            }
            found.process.stop().await;
        }
        let is_restart = instance.reap_dead(agent);
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
                counter!(AGENT_START_FAILURES, "agent" => agent.to_owned()).increment(1);
                let error = Arc::new(error);
                *failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Returns whether a process may continue to serve: while nothing else is at work in it, it has the mode of its
    /// project's network.
    async fn keeps_network(&self, task: &Task, running: &Running) -> bool {
        let Ok(rules) = self.network_rules(task).await else { return true };
        running.network.update(&rules);
        running.network.mode == rules.mode || running.is_busy()
    }

    /// Gives each session of a task's agent a separate process from now on: the agent cannot serve several at once.
    pub(crate) fn isolate_sessions(&self, task: &Task, running: &Running, session: &SessionId) {
        running.serves().remove(session);
        self.instance(task).isolate_sessions(&running.agent);
    }

    async fn start(
        &self,
        task: &Task,
        instance: &Arc<Instance>,
        session: &Session,
        is_restart: bool,
    ) -> Result<Arc<Running>, AgentError> {
        let agent = session.agent.as_str();
        let workspace = self.workspace(task).await.map_err(|error| not_admitted(&error))?;
        let rules = self.network_rules(task).await.map_err(|error| match &error {
            NetworkUnknown::Store(_) => not_admitted(&error),
            NetworkUnknown::NoProject => AgentError::NotConfined { message: error.to_string() },
        })?;
        let variables = self.variables(task, agent).await?;
        let launched = self.0.agents.launch(agent, &instance.id, &task.id, &workspace, &rules, variables);
        let (mut launch, mut network) = launched?;
        let refusals = network.take_refusals();
        let url = self.0.url.get().cloned().unwrap_or_default();
        launch.env.push(("SPECTASK_INSTANCE_URL".to_owned(), url));
        launch.env.push(("SPECTASK_INSTANCE_TOKEN".to_owned(), instance.token.clone()));
        if self.0.agents.sessions_per_process(agent) == 1 && session.phase != SessionPhase::Planning {
            launch.env.extend(self.session_variables(task, session).await);
        }
        let (events, receiver) = mpsc::channel(EVENTS);
        let process = Process::start(launch, events).await?;
        counter!(AGENT_STARTS, "agent" => agent.to_owned()).increment(1);
        if is_restart {
            counter!(AGENT_RESTARTS, "agent" => agent.to_owned()).increment(1);
        }
        let started = Arc::new(Running::new(process, session, is_restart, network));
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
        if let Some(refusals) = refusals {
            tokio::spawn(self.clone().note_refusals(Arc::downgrade(&started), refusals));
        }
        Ok(started)
    }

    /// The variables of a task's project and of its stored secrets, for an agent.
    async fn variables(&self, task: &Task, agent: &str) -> Result<Variables, AgentError> {
        let project = self.0.store.project(&task.project).await.map_err(|error| not_admitted(&error))?;
        let plain = match &project {
            Some(project) => self.0.repositories.in_force(project).await.settings.variables(),
            None => Vec::new(),
        };
        match self.0.agents.secrets(agent, &task.owner, Some(&task.project)).await {
            Ok(secrets) => Ok(Variables { plain, secrets }),
            Err(error @ SecretError::Store(_)) => Err(not_admitted(&error)),
            Err(error) => Err(AgentError::NotConfined { message: error.to_string() }),
        }
    }

    /// The variables of a session: what it works on, and its ports.
    pub(crate) async fn session_variables(&self, task: &Task, session: &Session) -> Vec<(String, String)> {
        let Ok(Some(project)) = self.0.store.project(&task.project).await else { return Vec::new() };
        let ports = self.0.store.ports_of(session.id.as_str()).await.unwrap_or_default();
        let worktree = workdir(&self.0.config.data_dir, task, session);
        let source = Path::new(&project.repository_path);
        environment::variables(task, Some(&session.id), source, &worktree, &ports)
    }

    /// Returns the repository and documents of a task's project.
    pub(crate) async fn workspace(&self, task: &Task) -> Result<Workspace, WorkspaceUnknown> {
        let project = self.0.store.project(&task.project).await?.ok_or(WorkspaceUnknown::NoProject)?;
        let repository = Path::new(&project.repository_path);
        let common_dir = sandbox::common_dir(repository)
            .ok_or_else(|| WorkspaceUnknown::NoRepository { path: repository.to_owned() })?;
        let settings = serde_json::from_value::<ProjectSettings>(project.settings).ok();
        let documents = settings.map(|settings| git::docs_worktree(repository, &settings.design_docs_branch));
        let session_refs = format!("heads/{}", task.session_branches());
        Ok(Workspace { common_dir: Some(common_dir), documents, session_refs })
    }

    /// Returns what a task's agents and checks reach over the network. They do not start where that cannot be read.
    pub async fn network_rules(&self, task: &Task) -> Result<NetworkRules, NetworkUnknown> {
        let project = self.0.store.project(&task.project).await?.ok_or(NetworkUnknown::NoProject)?;
        let in_force = self.0.repositories.in_force(&project).await;
        Ok(NetworkRules::of_project(&self.0.config, &in_force.kept))
    }

    /// Applies a project's changed network to the agents that run: the hosts at once, another mode with their next turn.
    pub async fn update_network(&self, project: &Project) -> Result<(), StoreError> {
        let in_force = self.0.repositories.in_force(project).await;
        let rules = NetworkRules::of_project(&self.0.config, &in_force.kept);
        for id in self.served() {
            if self.0.store.task(&id).await?.is_some_and(|task| task.project == project.id) {
                self.running(&id).iter().for_each(|running| running.network.update(&rules));
            }
        }
        Ok(())
    }

    /// Returns what the process that serves a session, or any of a task, reaches over the network: the mode and the
    /// hosts.
    pub(crate) fn network_of(
        &self,
        task: &TaskId,
        session: Option<&SessionId>,
    ) -> Option<(NetworkMode, Vec<HostPattern>)> {
        let running = self.running(task).into_iter().filter(|running| running.process.alive());
        let serves =
            |running: &Arc<Running>| session.is_none_or(|session| running.serves().contains(session));
        running.into_iter().find(serves).map(|running| (running.network.mode, running.network.hosts()))
    }

    /// Grants the processes of an instance write access to a session's folders, once these exist.
    pub(crate) async fn admit(
        &self,
        running: &Running,
        task: &Task,
        session: &Session,
    ) -> Result<(), AgentError> {
        if self.0.agents.sandbox().level() != Level::Bubblewrap {
            return Ok(());
        }
        let mut admitted = running.admitted.lock().await;
        let key = (session.id.clone(), session.phase);
        if admitted.contains(&key) {
            return Ok(());
        }
        let workspace = self.workspace(task).await.map_err(|error| not_admitted(&error))?;
        let worktree = workdir(&self.0.config.data_dir, task, session);
        if !worktree.is_dir() {
            let message = format!("there is no folder {}", worktree.display());
            return Err(AgentError::NotAdmitted { message });
        }
        let admission = confine::admission(&self.0.config, task, session, &workspace, Purpose::Agent);
        confine::admit(&self.0.config, &admission, running.process.identity().pid).await?;
        admitted.insert(key);
        Ok(())
    }

    /// Admits the admitted folders once more, since one of them was created again.
    pub(crate) async fn admit_again(&self, task: &Task) {
        for running in self.running(&task.id) {
            let before = std::mem::take(&mut *running.admitted.lock().await);
            let sessions = task.sessions.iter();
            for session in sessions.filter(|one| before.contains(&(one.id.clone(), one.phase))) {
                if let Err(error) = self.admit(&running, task, session).await {
                    tracing::warn!(%error, task = %task.id, "an agent cannot write the documents any more");
                }
            }
        }
    }

    fn instance(&self, task: &Task) -> Arc<Instance> {
        let fresh = || Arc::new(Instance::new(InstanceId::of(&task.id).0));
        self.live().entry(task.id.clone()).or_insert_with(fresh).clone()
    }

    /// Records which process runs, so that the next start of the server can end exactly that one.
    pub(crate) async fn record(&self, task: &Task, running: &Running) {
        let Some(instance) = self.live().get(&task.id).cloned() else { return };
        let _one_by_one = instance.recording.lock().await;
        let identity = running.process.identity();
        let info = running.process.info();
        let processes = self.running(&task.id).into_iter().filter(|one| one.process.alive());
        let processes = processes.map(|one| one.process.identity()).map(process_row).collect();
        let before = self.0.store.instance_of(&task.id).await.ok().flatten();
        let row = InstanceRow {
            id: InstanceId::of(&task.id),
            task: task.id.clone(),
            status: InstanceStatus::Active,
            agent: json!({ "name": info.name, "version": info.version, "protocol_version": info.protocol_version }),
            pid: Some(i64::from(identity.pid)),
            processes,
            start_time: None,
            restarts: before.as_ref().map_or(0, |row| {
                row.restarts + i64::from(running.is_restart || row.status == InstanceStatus::Disconnected)
            }),
            started_at: Some(running.started_at),
            last_activity: Some(now()),
            project_path: before.and_then(|row| row.project_path),
        };
        self.keep(task, row).await;
    }

    /// Saves the state of a task's instance and notifies watchers.
    pub async fn keep(&self, task: &Task, row: InstanceRow) {
        let news = news_of(task, row.status);
        match self.0.store.announce_instance(row, now(), news).await {
            Ok(rows) => self.0.feed.publish(rows),
            Err(error) => tracing::error!(%error, task = %task.id, "could not keep an agent instance"),
        }
    }

    fn running(&self, task: &TaskId) -> Vec<Arc<Running>> {
        let instance = self.live().get(task).cloned();
        instance.map_or_else(Vec::new, |instance| instance.running().clone())
    }

    /// Ends every process of a task as a tree. If the task still needs its agents, the next turn starts one again.
    pub async fn stop(&self, task: &Task) {
        let instance = self.live().remove(&task.id);
        if let Some(instance) = instance {
            let running = std::mem::take(&mut *instance.running());
            futures::future::join_all(running.iter().map(|running| running.process.stop())).await;
            for running in &running {
                // A process that is not recorded by now does not need to be.
                running.recorded.get_or_init(async || ()).await;
            }
        }
        self.forget_sessions(task).await;
        if let Ok(Some(mut row)) = self.0.store.instance_of(&task.id).await
            && row.status == InstanceStatus::Active
        {
            let goes_on = task.holds_instance() || task.is_parked() || task.paused.is_some();
            row.status = if goes_on { InstanceStatus::Disconnected } else { InstanceStatus::Completed };
            row.pid = None;
            row.processes.clear();
            self.keep(task, row).await;
        }
    }

    /// Ends the agents of tasks that need none: a person decides, or the task is over. The agent of a waiting
    /// conversation, and one that implements what it planned, is kept for a while, as long as there are slots.
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
            let may_stay = live.iter().any(|task| task.id == id && task.may_keep_instance());
            if may_stay && !is_crowded && self.recently_active(&id) {
                continue;
            }
            if !is_needed && let Some(task) = store.task(&id).await?.filter(|task| !task.holds_instance()) {
                self.stop(&task).await;
            }
        }
        Ok(())
    }

    /// Ends processes that are not needed any more while their task continues.
    async fn release(&self, task: &Task) {
        self.close_threads(task).await;
        let Some(instance) = self.live().get(&task.id).cloned() else { return };
        let is_over = |session: &SessionId| task.session(session).is_none_or(Session::is_ended);
        let done = instance.release_unused(is_over, |agent| self.0.agents.sessions_per_process(agent));
        futures::future::join_all(done.iter().map(|one| one.process.stop())).await;
    }

    /// Returns whether a task's agents sent something recently.
    fn recently_active(&self, task: &TaskId) -> bool {
        let kept = i64::try_from(self.0.config.turns.idle_seconds).unwrap_or(i64::MAX).saturating_mul(1_000);
        let view = self.of(task);
        view.is_some_and(|view| view.alive && view.last_heard.unwrap_or(view.started_at).plus(kept) > now())
    }

    /// Ends one process that does not answer; the next turn starts another.
    pub(crate) async fn discard(&self, running: &Running) {
        running.process.stop().await;
    }

    /// Ends every process, when the server stops.
    pub(crate) async fn stop_all(&self) {
        let instances: Vec<Arc<Instance>> = self.live().drain().map(|(_, instance)| instance).collect();
        for instance in instances {
            let running = std::mem::take(&mut *instance.running());
            futures::future::join_all(running.iter().map(|running| running.process.stop())).await;
        }
    }

    /// Returns the tasks that agent processes serve.
    pub(crate) fn served(&self) -> Vec<TaskId> {
        self.live().keys().cloned().collect()
    }

    /// Returns how many processes of each agent run.
    pub(crate) fn count_processes(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for instance in self.live().values() {
            for running in instance.running().iter().filter(|running| running.process.alive()) {
                *counts.entry(running.agent.clone()).or_default() += 1;
            }
        }
        counts
    }

    /// Returns the instance of a task, when one of its processes runs.
    pub fn of(&self, task: &TaskId) -> Option<InstanceView> {
        let instance = self.live().get(task).cloned()?;
        let running = instance.running();
        let first = running.iter().max_by_key(|running| (running.process.alive(), running.started_at))?;
        let (mut threads, mut active, mut heard) = (0, 0, None);
        for one in running.iter() {
            for thread in one.threads().values() {
                threads += 1;
                active += usize::from(thread.turn.is_some());
                heard = heard.max(Some(thread.session.recorder.last_heard()));
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

    /// Ends the processes that a killed server left running; exactly those processes, never by name.
    pub(crate) async fn kill_orphans(&self) -> Result<(), store::StoreError> {
        for mut row in self.0.store.active_instances().await? {
            for ProcessRow { pid, start_time } in row.take_processes() {
                crate::spawn_blocking(move || agent::kill_tree(ProcessIdentity { pid, start_time }));
            }
            row.status = InstanceStatus::Disconnected;
            self.0.store.put_instance(row).await?;
        }
        Ok(())
    }

    fn live(&self) -> MutexGuard<'_, HashMap<TaskId, Arc<Instance>>> {
        self.0.live.lock()
    }
}

fn process_row(identity: ProcessIdentity) -> ProcessRow {
    ProcessRow { pid: identity.pid, start_time: identity.start_time }
}

/// Returns the notification of a task's watchers about its instance.
fn news_of(task: &Task, status: InstanceStatus) -> Vec<store::FeedEntry> {
    let (spec_task_id, zed_instance_id) = (task.id.to_string(), InstanceId::of(&task.id).to_string());
    crate::notifications::updates::entry(task, InstanceUpdate { spec_task_id, zed_instance_id, status })
        .to_vec()
}

/// Returns what goes to agents beside the prompt, for programs.
pub(crate) fn meta(fields: &Value) -> Value {
    json!({ "spectask": fields })
}
