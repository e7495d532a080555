//! The agents that can be chosen, and how each is started.

use crate::agent_check::{self, CheckReport};
use crate::agent_state::{AgentFacts, AgentStates};
use crate::config::{AgentEntry, Config};
use crate::confine::{self, Folders, Purpose, Workspace};
use crate::network::{self, HostPattern, NetworkRules, Networks, TreeNetwork};
use agent::{AgentError, AgentInfo, Launch, Watchers};
use protocol::words::{AgentKind, AgentRole};
use sandbox::{Level, Sandbox};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use utoipa::ToSchema;
use workflow::TaskId;

/// The id of the built-in agent that plays scenarios.
pub const SCRIPTED: &str = "scripted";

/// The agents of this server: configured ones, built-in ones, and the known ones.
#[derive(Clone)]
pub struct Agents(Arc<Inner>);

struct Inner {
    entries: Vec<Entry>,
    watchers: Watchers,
    sandbox: Sandbox,
    networks: Networks,
    config: Config,
    default_planning: Option<String>,
    default_implementation: Option<String>,
    is_demo: bool,
    states: AgentStates,
    /// Whether agents are being probed.
    is_probing: AtomicBool,
}

/// What an agent does in a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Planning,
    Implementation,
}

impl Role {
    /// The word for it in the configuration and the API.
    fn as_str(self) -> &'static str {
        match self {
            Self::Planning => "planning",
            Self::Implementation => "implementation",
        }
    }
}

impl From<Role> for AgentRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Planning => Self::Planning,
            Role::Implementation => Self::Implementation,
        }
    }
}

struct Entry {
    entry: AgentEntry,
    kind: AgentKind,
    how_to_install: String,
}

/// An agent as it is shown; the values of its environment are not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AgentView {
    pub id: String,
    pub name: String,
    /// Where it is known from.
    pub kind: AgentKind,
    pub command: String,
    pub installed: bool,
    /// What the agent said of itself when it was started last; null while it was not started.
    #[schema(required)]
    pub version: Option<String>,
    pub roles: Vec<String>,
    /// Whether the agent asked for a sign-in when it was used last.
    pub auth_needed: bool,
    pub state: AgentState,
    /// Why the agent cannot be used.
    #[schema(required)]
    pub message: Option<String>,
    /// When the state was found out; null while the agent was not started.
    #[schema(required)]
    pub checked_at: Option<String>,
    pub how_to_install: String,
    /// The command that installs it, where one does.
    #[schema(required, example = "npm install -g @agentclientprotocol/claude-agent-acp")]
    pub install_command: Option<String>,
    /// The roles in which it serves tasks that name no agent, of projects that name none: `planning`, `implementation`.
    pub default_for: Vec<AgentRole>,
}

/// How an agent is on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Its command is not there.
    NotInstalled,
    /// It is there and was not started yet.
    Untested,
    /// It started and asked for a sign-in.
    SignInNeeded,
    /// It started and opened a session.
    Ready,
    /// It passed `spectask agents check`.
    Passed,
    /// It failed when it was tried last.
    Failed,
}

impl AgentState {
    /// The state in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotInstalled => "not installed",
            Self::Untested => "untested",
            Self::SignInNeeded => "sign-in needed",
            Self::Ready => "ready",
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }
}

impl Agents {
    pub fn new(config: &Config) -> Self {
        let own = config.own_binary.to_string_lossy().into_owned();
        let mut entries: Vec<Entry> = config
            .agents
            .iter()
            .map(|entry| Entry {
                entry: with_known_variables(entry),
                kind: AgentKind::Configured,
                how_to_install: String::new(),
            })
            .collect();
        let scenarios = config.data_dir.join("scenarios").to_string_lossy().into_owned();
        entries.push(Entry {
            entry: AgentEntry {
                id: SCRIPTED.to_owned(),
                name: "Scripted agent".to_owned(),
                command: own.clone(),
                args: ["agent", "scripted", "--scenarios"]
                    .map(str::to_owned)
                    .into_iter()
                    .chain([scenarios])
                    .collect(),
                env: scripted_environment(),
                roles: vec!["planning".to_owned(), "implementation".to_owned()],
                max_sessions_per_process: 0,
                inherit: Vec::new(),
                auth_method: None,
                network_allow: Vec::new(),
            },
            kind: AgentKind::BuiltIn,
            how_to_install: "Built-in demo agent that replays scripted scenarios (no AI model).".to_owned(),
        });
        for known in agent::catalog::known() {
            entries.push(Entry {
                entry: AgentEntry {
                    id: known.id.to_owned(),
                    name: known.name.to_owned(),
                    command: known.command.to_owned(),
                    args: known.args.iter().map(|&arg| arg.to_owned()).collect(),
                    env: BTreeMap::new(),
                    roles: known.roles.iter().map(|&role| role.to_owned()).collect(),
                    max_sessions_per_process: 0,
                    inherit: known.inherits.iter().map(|&name| name.to_owned()).collect(),
                    auth_method: None,
                    network_allow: hosts_of(known),
                },
                kind: AgentKind::Known,
                how_to_install: known.how_to_install.to_owned(),
            });
        }
        // A configured agent takes the place of a known one of the same id.
        let mut seen = std::collections::BTreeSet::new();
        entries.retain(|entry| seen.insert(entry.entry.id.clone()));
        let own_command = vec![own, "exec-agent".to_owned()];
        let sandbox = Sandbox::detect(config.sandbox.mode, own_command.clone());
        let watchers = match sandbox.level() {
            Level::Bubblewrap => Watchers::with_namespace(own_command),
            Level::Landlock | Level::Off => Watchers::new(own_command),
        };
        Self(Arc::new(Inner {
            entries,
            watchers,
            sandbox,
            networks: Networks::new(config),
            config: config.clone(),
            default_planning: config.defaults.spec_agent.clone(),
            default_implementation: config.defaults.implementation_agent.clone(),
            is_demo: config.demo,
            states: AgentStates::new(&config.data_dir),
            is_probing: AtomicBool::new(false),
        }))
    }

    /// What confines agents and checks here.
    pub fn sandbox(&self) -> &Sandbox {
        &self.0.sandbox
    }

    /// What opens the network of agents and checks.
    pub(crate) fn networks(&self) -> &Networks {
        &self.0.networks
    }

    /// The hosts of an agent's model, as its entry and its environment name them.
    pub(crate) fn model_hosts(&self, id: &str) -> Vec<HostPattern> {
        self.entry(id).map(Entry::model_hosts).unwrap_or_default()
    }

    /// Who watches over agents and checks.
    pub(crate) fn watchers(&self) -> &Watchers {
        &self.0.watchers
    }

    /// Every agent, those that can start first.
    pub fn list(&self) -> Vec<AgentView> {
        let states = self.0.states.read();
        let view = |entry: &Entry| entry.view(states.get(&entry.entry.id));
        let mut views: Vec<AgentView> = self.0.entries.iter().map(view).collect();
        for role in [Role::Planning, Role::Implementation] {
            let default = self.default_for(role, false);
            let chosen = views.iter_mut().find(|view| Some(&view.id) == default.as_ref());
            if let Some(view) = chosen {
                view.default_for.push(role.into());
            }
        }
        views.sort_by_key(|view| !view.installed);
        views
    }

    /// One agent by its id.
    pub fn find(&self, id: &str) -> Option<AgentView> {
        let entry = self.entry(id)?;
        Some(entry.view(self.0.states.read().get(id)))
    }

    fn entry(&self, id: &str) -> Option<&Entry> {
        self.0.entries.iter().find(|entry| entry.entry.id == id)
    }

    /// Tries an agent as the server uses it, and keeps what came of it.
    pub async fn check(&self, id: &str) -> Result<CheckReport, AgentError> {
        let report = agent_check::check(self, id).await;
        match &report {
            Ok(report) => {
                let message = (!report.has_passed()).then(|| {
                    let files: Vec<String> =
                        report.missing.iter().map(|file| file.display().to_string()).collect();
                    format!("it did not write {}", files.join(" and "))
                });
                self.note(id, Some(&report.info), Some(report.has_passed()), false, message);
            }
            Err(error) => self.note_failure(id, error, Some(false)),
        }
        report
    }

    /// Starts the known agents that were not started yet, one after the other, and keeps what they say of themselves.
    pub fn probe_in_background(&self) {
        let states = self.0.states.read();
        let is_unknown = |entry: &&Entry| {
            let facts = states
                .get(&entry.entry.id)
                .filter(|facts| entry.program().is_some_and(|file| facts.are_of(&file)));
            facts.is_none_or(AgentFacts::are_stale)
        };
        let known =
            self.0.entries.iter().filter(|entry| entry.kind == AgentKind::Known && entry.is_installed());
        let ids: Vec<String> = known.filter(is_unknown).map(|entry| entry.entry.id.clone()).collect();
        if ids.is_empty() || self.0.is_probing.swap(true, Ordering::Relaxed) {
            return;
        }
        let agents = self.clone();
        tokio::spawn(async move {
            for id in ids {
                let (info, error) = agent_check::probe(&agents, &id).await;
                let is_sign_in = matches!(error, Some(AgentError::AuthNeeded { .. }));
                let passed = (error.is_some() && !is_sign_in).then_some(false);
                agents.note(&id, info.as_ref(), passed, is_sign_in, error.map(|error| error.to_string()));
            }
            agents.0.is_probing.store(false, Ordering::Relaxed);
        });
    }

    /// Keeps what a turn's failure says of an agent: only a sign-in that is wanted is about the agent as such.
    pub(crate) fn note_turn_failure(&self, id: &str, error: &AgentError) {
        if matches!(error, AgentError::AuthNeeded { .. }) {
            self.note_failure(id, error, None);
        }
    }

    /// Keeps that an agent works which was not started before, or wanted a sign-in.
    pub(crate) fn note_turn_success(&self, id: &str) {
        let Some(program) = self.entry(id).and_then(Entry::program) else { return };
        let facts = self.0.states.read().remove(id);
        if facts.is_none_or(|facts| facts.auth_needed || !facts.are_of(&program)) {
            self.note(id, None, None, false, None);
        }
    }

    fn note_failure(&self, id: &str, error: &AgentError, passed: Option<bool>) {
        let is_sign_in = matches!(error, AgentError::AuthNeeded { .. });
        self.note(id, None, passed, is_sign_in, Some(error.to_string()));
    }

    fn note(
        &self,
        id: &str,
        info: Option<&AgentInfo>,
        passed: Option<bool>,
        auth_needed: bool,
        message: Option<String>,
    ) {
        let Some(program) = self.entry(id).and_then(Entry::program) else { return };
        let before = self.0.states.read().remove(id).filter(|facts| facts.are_of(&program));
        let version = info.map(|info| info.version.clone()).filter(|version| !version.is_empty());
        let version = version.or_else(|| before.as_ref().and_then(|facts| facts.version.clone()));
        let passed = passed.or_else(|| before.and_then(|facts| facts.passed).filter(|passed| *passed));
        self.0
            .states
            .note(id, AgentFacts { version, auth_needed, passed, message, ..AgentFacts::new(&program) });
    }

    /// Returns the agent of a role for tasks that name none: the configured default, else the first installed agent.
    ///
    /// The built-in agent has no model and replays scenarios of the sample repositories. It is a default for those alone: in
    /// any other repository it would fill the documents and the change with text that nothing asked for.
    pub fn default_for(&self, role: Role, is_sample: bool) -> Option<String> {
        let configured = match role {
            Role::Planning => &self.0.default_planning,
            Role::Implementation => &self.0.default_implementation,
        };
        let scripted = || is_sample.then(|| SCRIPTED.to_owned());
        if self.0.is_demo && is_sample {
            return scripted();
        }
        configured.clone().or_else(|| self.first_installed(role)).or_else(scripted)
    }

    /// Returns how to get an agent, for people who have none.
    pub fn how_to_get_one(&self) -> String {
        let known = self.0.entries.iter().find(|entry| entry.kind == AgentKind::Known);
        let hint = known.map_or("", |entry| entry.how_to_install.as_str());
        format!(
            "No coding agent is installed. {hint} `spectask agents` lists the others. To try the built-in demo agent, which \
             replays scripted scenarios without an AI model, choose it by name: `--agent {SCRIPTED}`."
        )
    }

    /// The first agent with a model that passed a check, else the first that can start and did not fail: a configured one,
    /// then a known one.
    fn first_installed(&self, role: Role) -> Option<String> {
        let states = self.0.states.read();
        let plays = |entry: &&Entry| entry.entry.roles.iter().any(|has| has == role.as_str());
        let real = self.0.entries.iter().filter(plays).filter(|entry| entry.kind != AgentKind::BuiltIn);
        let views: Vec<AgentView> = real.map(|entry| entry.view(states.get(&entry.entry.id))).collect();
        let in_state = |states: &[AgentState]| views.iter().find(|view| states.contains(&view.state));
        let found = in_state(&[AgentState::Passed]);
        let found = found.or_else(|| in_state(&[AgentState::Ready, AgentState::Untested]));
        found.map(|view| view.id.clone())
    }

    /// How many sessions one process of an agent serves; 0 is no limit.
    pub(crate) fn sessions_per_process(&self, id: &str) -> usize {
        let found = self.0.entries.iter().find(|entry| entry.entry.id == id);
        found.map_or(0, |entry| entry.entry.max_sessions_per_process)
    }

    /// Makes the next start of an agent quick.
    pub(crate) fn prepare(&self) {
        self.0.watchers.prepare();
    }

    /// What agents are given in their environment that may be secret: a name and its value.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let entries = || self.0.entries.iter().filter(|entry| entry.kind != AgentKind::BuiltIn);
        // Models and addresses are in texts of people, too.
        let is_key = |name: &&String| ["KEY", "TOKEN"].iter().any(|part| name.contains(part));
        let inherited = entries().flat_map(|entry| &entry.entry.inherit).filter(is_key);
        let mut given: Vec<(String, String)> =
            inherited.filter_map(|name| Some((name.clone(), std::env::var(name).ok()?))).collect();
        let entries = entries();
        for (name, value) in entries.flat_map(|entry| &entry.entry.env) {
            given.push((name.clone(), expand(value)));
            given.extend(named(value).into_iter().map(|(name, value)| (name.to_owned(), value)));
        }
        given
    }

    /// How to start an agent on its own, to see whether it works. Its working directory is the launch's and can be removed
    /// afterwards.
    pub(crate) fn launch_alone(&self, id: &str) -> Result<(Launch, TreeNetwork), AgentError> {
        let name = format!("check-{}", std::process::id());
        let rules = NetworkRules::of_server(&self.0.config);
        self.launch(id, "check", &TaskId::from(name.as_str()), &Workspace::default(), &rules)
    }

    /// How to start an agent for an instance; its working directory is made.
    ///
    /// Agents that may write only into named folders find the one with the documents in their arguments, in
    /// the place of `{documents}`.
    pub(crate) fn launch(
        &self,
        id: &str,
        instance: &str,
        task: &TaskId,
        workspace: &Workspace,
        rules: &NetworkRules,
    ) -> Result<(Launch, TreeNetwork), AgentError> {
        let found = self.0.entries.iter().find(|entry| entry.entry.id == id).ok_or_else(|| AgentError::NotFound {
            command: id.to_owned(),
            hint: format!("No agent has the id {id:?}; see the agents page or `spectask agents` for those there are."),
        })?;
        let Inner { config, sandbox, .. } = &*self.0;
        sandbox.require().map_err(|error| AgentError::NotConfined { message: error.to_string() })?;
        let network = self.0.networks.open(rules, Purpose::Agent, &found.model_hosts());
        let network = network.and_then(|network| network.require(sandbox).map(|()| network));
        let network = network.map_err(|error| AgentError::NotConfined { message: error.to_string() })?;
        let folders = Folders::new(&config.data_dir, task, Purpose::Agent);
        folders.make(workspace).map_err(|source| AgentError::Spawn { command: id.to_owned(), source })?;
        let directory = &folders.state;
        let documents = workspace.documents.as_deref().unwrap_or(directory).to_string_lossy();
        let args = found.entry.args.iter().map(|arg| arg.replace("{documents}", &documents)).collect();
        let mut launch = Launch::new(found.entry.command.clone(), args, directory);
        let entry = &found.entry;
        let names = [entry.id.as_str(), entry.command.as_str()];
        let own = agent::own_folders(names.into_iter().chain(entry.args.iter().map(String::as_str)));
        if sandbox.level() != Level::Off {
            launch.env =
                own.confined_env.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        }
        launch.env.extend(found.entry.env.iter().map(|(name, value)| (name.clone(), expand(value))));
        launch.inherit.clone_from(&found.entry.inherit);
        launch.auth_method.clone_from(&found.entry.auth_method);
        launch.env.push(("SPECTASK_INSTANCE".to_owned(), instance.to_owned()));
        launch.env.extend(folders.environment(sandbox.level()));
        // The scripted agent remembers its sessions where its task may write.
        let state = folders.state.to_string_lossy().into_owned();
        launch.env.insert(0, ("SPECTASK_SCRIPTED_STATE".to_owned(), state));
        launch.additional_directories.extend(workspace.documents.clone());
        launch
            .additional_directories
            .extend(workspace.common_dir.as_deref().map(written_by_git).unwrap_or_default());
        launch.watchers = Some(self.0.watchers.clone());
        let path = std::env::var_os("PATH").unwrap_or_default();
        if let Some(program) = agent::find_command(&launch.command, &path, directory) {
            let mut policy = confine::policy(config, task, workspace, Purpose::Agent);
            let named =
                found.entry.inherit.iter().filter_map(|name| Some((name.clone(), std::env::var(name).ok()?)));
            let env: Vec<(String, String)> = launch.env.iter().cloned().chain(named).collect();
            policy.network = network.network.clone();
            confine::allow_agent(&mut policy, config, &program, &launch.args, &env, own);
            launch.confinement = Some(sandbox.confine(policy));
        }
        Ok((launch, network))
    }
}

impl Entry {
    /// The hosts of its model.
    fn model_hosts(&self) -> Vec<HostPattern> {
        let set = self.entry.env.iter().map(|(name, value)| (name.clone(), expand(value)));
        let inherited = self.entry.inherit.iter().filter(|name| !self.entry.env.contains_key(*name));
        let inherited = inherited.filter_map(|name| Some((name.clone(), std::env::var(name).ok()?)));
        let env: Vec<(String, String)> = set.chain(inherited).collect();
        self.entry.network_allow.iter().cloned().chain(network::base_urls(&env)).collect()
    }

    fn is_installed(&self) -> bool {
        self.program().is_some()
    }

    /// The file that the command names.
    fn program(&self) -> Option<PathBuf> {
        let path: OsString = std::env::var_os("PATH").unwrap_or_default();
        agent::find_command(&self.entry.command, &path, Path::new("/"))
    }

    fn view(&self, facts: Option<&AgentFacts>) -> AgentView {
        let program = self.program();
        let facts = facts.filter(|facts| program.as_ref().is_some_and(|program| facts.are_of(program)));
        let state = match facts {
            _ if program.is_none() => AgentState::NotInstalled,
            _ if self.kind == AgentKind::BuiltIn => AgentState::Ready,
            None => AgentState::Untested,
            Some(facts) if facts.auth_needed => AgentState::SignInNeeded,
            Some(AgentFacts { passed: Some(true), .. }) => AgentState::Passed,
            Some(AgentFacts { passed: Some(false), .. }) => AgentState::Failed,
            Some(AgentFacts { passed: None, .. }) => AgentState::Ready,
        };
        let AgentEntry { id, name, command, args, roles, .. } = &self.entry;
        let command = std::iter::once(command).chain(args).map(String::as_str).collect::<Vec<_>>().join(" ");
        AgentView {
            id: id.clone(),
            name: if name.is_empty() { id.clone() } else { name.clone() },
            kind: self.kind,
            command,
            installed: program.is_some(),
            version: match self.kind {
                AgentKind::BuiltIn => Some(env!("CARGO_PKG_VERSION").to_owned()),
                AgentKind::Configured | AgentKind::Known => facts.and_then(|facts| facts.version.clone()),
            },
            roles: roles.clone(),
            auth_needed: state == AgentState::SignInNeeded,
            state,
            message: facts.and_then(|facts| facts.message.clone()),
            checked_at: facts.map(|facts| crate::wire::rfc3339(facts.at)),
            install_command: agent::catalog::install_command(&self.how_to_install).map(str::to_owned),
            how_to_install: self.how_to_install.clone(),
            default_for: Vec::new(),
        }
    }
}

/// What git writes to when an agent commits in its worktree: agents that confine themselves to their workspace are to be
/// told of it.
fn written_by_git(common_dir: &Path) -> Vec<PathBuf> {
    let written = ["worktrees", "objects", "refs", "logs"].map(|name| common_dir.join(name));
    written.into_iter().filter(|folder| folder.is_dir()).collect()
}

/// The hosts of a known agent's model.
fn hosts_of(known: &agent::catalog::KnownAgent) -> Vec<HostPattern> {
    known.hosts.iter().filter_map(|host| host.parse().ok()).collect()
}

/// An agent of the configuration that starts a known command gets the variables and hosts that this one is known to need.
fn with_known_variables(entry: &AgentEntry) -> AgentEntry {
    let mut entry = entry.clone();
    let known = agent::catalog::by_command(&entry.command);
    if let Some(known) = known.filter(|_| entry.inherit.is_empty()) {
        entry.inherit = known.inherits.iter().map(|&name| name.to_owned()).collect();
    }
    if let Some(known) = known.filter(|_| entry.network_allow.is_empty()) {
        entry.network_allow = hosts_of(known);
    }
    entry
}

/// The variables by which tests and demos set the scripted agent's pace.
fn scripted_environment() -> BTreeMap<String, String> {
    std::env::vars().filter(|(name, _)| name.starts_with("SPECTASK_SCRIPTED_")).collect()
}

/// The variables of the server's environment that a value names as `${NAME}`, with what they hold.
fn named(value: &str) -> Vec<(&str, String)> {
    let names = value.split("${").skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name));
    names.filter_map(|name| Some((name, std::env::var(name).ok()?))).collect()
}

/// Puts the server's environment in for `${NAME}`.
pub(crate) fn expand(value: &str) -> String {
    let mut expanded = String::new();
    let mut rest = value;
    while let Some(at) = rest.find("${") {
        let Some(end) = rest[at..].find('}') else { break };
        expanded.push_str(&rest[..at]);
        expanded.push_str(&std::env::var(&rest[at + 2..at + end]).unwrap_or_default());
        rest = &rest[at + end + 1..];
    }
    expanded + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_agent_names_the_hosts_of_its_model() {
        for known in agent::catalog::known() {
            assert!(!known.hosts.is_empty(), "{}", known.id);
            assert_eq!(hosts_of(known).len(), known.hosts.len(), "{}: {:?}", known.id, known.hosts);
        }
    }

    #[test]
    fn variables_are_put_in_and_broken_ones_stay() {
        let home = std::env::var("HOME").unwrap_or_default();
        assert_eq!(expand("a ${HOME} b ${NO_SUCH_VARIABLE_HERE}."), format!("a {home} b ."));
        assert_eq!(expand("${HOME"), "${HOME");
    }
}
