//! The agents that can be chosen, and how each is started.

use super::entry::{Entry, SCRIPTED};
use super::view::{AgentState, AgentView};
use crate::agents::check::{self, CheckReport};
use crate::agents::limits::{AgentLimit, AgentLimits};
use crate::agents::state::{AgentFacts, AgentStates};
use crate::agents::{installed, model};
use crate::confinement::confine::{self, Folders, Purpose, Workspace};
use crate::confinement::network::{self, NetworkRules, Networks, TreeNetwork};
use crate::settings::config::{Config, ModelAgent};
use crate::settings::expand::{expand, expand_with};
use crate::settings::hosts::HostPattern;
use crate::settings::owner;
use crate::settings::secret_store::{Receiver, SecretError, SecretStore};
use agent::catalog::UsageSpan;
use agent::{AgentError, AgentInfo, Launch, Watchers};
use protocol::words::{AgentKind, AgentRole};
use protocol::{AgentOption, OptionValues};
use sandbox::{Level, Sandbox};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use workflow::{Millis, ProjectId, TaskId, UserId};

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
    limits: AgentLimits,
    /// The secrets that agents get; a command that only lists agents has none.
    secrets: OnceLock<SecretStore>,
    /// Whether agents are being probed.
    is_probing: AtomicBool,
}

/// The role of an agent in a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Planning,
    Implementation,
}

impl Role {
    /// Returns the word for it in the configuration and the API.
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

/// The variables that a task's agent gets besides those of its entry.
#[derive(Clone, Debug, Default)]
pub(crate) struct Variables {
    /// Those of the project.
    pub(crate) plain: Vec<(String, String)>,
    /// The stored secrets.
    pub(crate) secrets: BTreeMap<String, String>,
}

impl Agents {
    pub fn new(config: &Config) -> Self {
        let own = config.own_binary.to_string_lossy().into_owned();
        let mut entries: Vec<Entry> = config.agents.iter().map(Entry::configured).collect();
        entries.push(Entry::scripted(config));
        entries.extend(installed::all(&config.data_dir).into_iter().map(Entry::installed));
        entries.extend(agent::catalog::known().iter().map(Entry::of_catalog));
        // It comes last: an agent that is installed is made for its model.
        entries.extend(model::entries(config).map(Entry::model));
        // A configured agent takes the place of an installed one of the same id, and that one of the catalog's.
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
            limits: AgentLimits::new(&config.data_dir),
            secrets: OnceLock::new(),
            is_probing: AtomicBool::new(false),
        }))
    }

    /// Gives agents the stored secrets.
    pub(crate) fn use_secrets(&self, secrets: SecretStore) {
        // A server has one store.
        let _ = self.0.secrets.set(secrets);
    }

    /// Returns the stored secrets that an agent gets for a user's work in a project.
    pub(crate) async fn secrets(
        &self,
        id: &str,
        user: &UserId,
        project: Option<&ProjectId>,
    ) -> Result<BTreeMap<String, String>, SecretError> {
        let (Some(secrets), Some(entry)) = (self.0.secrets.get(), self.entry(id)) else {
            return Ok(BTreeMap::new());
        };
        let mut inherits = entry.entry.inherit.clone();
        inherits.extend(entry.entry.env.values().flat_map(|value| names_in(value)).map(str::to_owned));
        secrets.given(user, project, Receiver::Agent { inherits: &inherits }).await
    }

    /// What confines agents and checks here.
    pub fn sandbox(&self) -> &Sandbox {
        &self.0.sandbox
    }

    /// Returns what opens the network of agents and checks.
    pub(crate) fn networks(&self) -> &Networks {
        &self.0.networks
    }

    /// Returns the hosts of an agent's model, as its entry and its environment name them.
    pub(crate) fn model_hosts(&self, id: &str) -> Vec<HostPattern> {
        self.entry(id).map(Entry::model_hosts).unwrap_or_default()
    }

    /// Returns the watchers of agents and checks.
    pub(crate) fn watchers(&self) -> &Watchers {
        &self.0.watchers
    }

    /// Returns every agent, those that can start first.
    pub fn list(&self) -> Vec<AgentView> {
        let states = self.0.states.read();
        let mut views: Vec<AgentView> =
            self.0.entries.iter().map(|entry| self.view(entry, &states)).collect();
        for role in [Role::Planning, Role::Implementation] {
            let default = self.default_for(role, false);
            let chosen = views.iter_mut().find(|view| Some(&view.id) == default.as_ref());
            if let Some(view) = chosen {
                view.default_for.push(role.into());
            }
        }
        let limits = self.limits();
        for view in &mut views {
            view.show_limit(limits.get(&view.id));
        }
        views.sort_by_key(|view| !view.installed);
        views
    }

    /// Returns one agent by its id.
    pub fn find(&self, id: &str) -> Option<AgentView> {
        let entry = self.entry(id)?;
        let mut view = self.view(entry, &self.0.states.read());
        view.show_limit(self.limits().get(id));
        Some(view)
    }

    /// Returns the limits of agents' accounts that are in force, by the agents' ids.
    pub fn limits(&self) -> BTreeMap<String, AgentLimit> {
        self.0.limits.in_force()
    }

    /// Keeps that an agent reached a limit: no session of it begins a turn before the end. Returns the end, which backs off where
    /// the agent names none.
    pub(crate) fn note_limit(&self, id: &str, until: Option<Millis>, message: &str) -> AgentLimit {
        self.0.limits.note(id, until, message)
    }

    /// Ends the wait for an agent's limit. Returns whether there was one.
    pub fn end_limit(&self, id: &str) -> bool {
        self.0.limits.end(id)
    }

    /// Returns what a configured agent does at a limit: the id of the agent that takes over.
    pub(crate) fn on_limit(&self, id: &str) -> Option<String> {
        self.entry(id)?.entry.on_limit.clone()
    }

    /// Returns what the usage counts that the agent reports at a turn's end.
    pub(crate) fn usage_span(&self, id: &str) -> UsageSpan {
        self.entry(id).and_then(|entry| entry.entry.usage).unwrap_or_default()
    }

    /// Returns whether nothing is known of a limit of the agent: a person ended it, or the agent worked since.
    pub(crate) fn is_without_limit(&self, id: &str) -> bool {
        !self.0.limits.is_known(id)
    }

    /// Returns whether the agent worked since a time at which it wanted a sign-in.
    pub(crate) fn has_worked_since(&self, id: &str, at: Millis) -> bool {
        let worked =
            |facts: &AgentFacts| !facts.auth_needed && facts.worked_at.is_some_and(|worked| worked > at);
        self.0.states.read().get(id).is_some_and(worked)
    }

    fn view(&self, entry: &Entry, states: &BTreeMap<String, AgentFacts>) -> AgentView {
        let view = entry.view(states.get(&entry.entry.id));
        if entry.is_model() { with_model_settings(view, &self.0.config.model) } else { view }
    }

    fn entry(&self, id: &str) -> Option<&Entry> {
        self.0.entries.iter().find(|entry| entry.entry.id == id)
    }

    /// Checks an agent as the server uses it, and records the result.
    pub async fn check(&self, id: &str) -> Result<CheckReport, AgentError> {
        let report = check::check(self, id).await;
        match &report {
            Ok(report) => {
                // An agent that answers has no limit.
                self.end_limit(id);
                let message = (!report.has_passed()).then(|| {
                    let files: Vec<String> =
                        report.missing.iter().map(|file| file.display().to_string()).collect();
                    format!("it did not write {}", files.join(" and "))
                });
                let has_passed = report.has_passed();
                self.note(id, Some(&report.info), Some(has_passed), false, has_passed, message);
                self.note_options(id, &report.options);
            }
            Err(error) => self.note_failure(id, error, Some(false)),
        }
        report
    }

    /// Starts the known agents that were not started yet, one after the other, and records their info.
    pub fn probe_in_background(&self) {
        let states = self.0.states.read();
        let is_unknown = |entry: &&Entry| {
            let facts = states
                .get(&entry.entry.id)
                .filter(|facts| entry.program().is_some_and(|file| facts.are_of(&file)));
            facts.is_none_or(AgentFacts::are_stale)
        };
        let is_usable = |entry: &&Entry| {
            entry.is_installed() && !(entry.is_model() && model::missing(&self.0.config.model).is_some())
        };
        let known = self.0.entries.iter().filter(|entry| entry.kind == AgentKind::Known).filter(is_usable);
        let ids: Vec<String> = known.filter(is_unknown).map(|entry| entry.entry.id.clone()).collect();
        if ids.is_empty() || self.0.is_probing.swap(true, Ordering::Relaxed) {
            return;
        }
        let agents = self.clone();
        tokio::spawn(async move {
            for id in ids {
                let check::Probe { info, options, error } = check::probe(&agents, &id).await;
                let is_sign_in = matches!(error, Some(AgentError::AuthNeeded { .. }));
                let passed = (error.is_some() && !is_sign_in).then_some(false);
                let message = error.map(|error| error.to_string());
                agents.note(&id, info.as_ref(), passed, is_sign_in, false, message);
                agents.note_options(&id, &options);
            }
            agents.0.is_probing.store(false, Ordering::Relaxed);
        });
    }

    /// Records an agent's failure in a turn: only a missing sign-in concerns the agent as such.
    pub(crate) fn note_turn_failure(&self, id: &str, error: &AgentError) {
        if matches!(error, AgentError::AuthNeeded { .. }) {
            self.note_failure(id, error, None);
        }
    }

    /// Records that an agent works which was not started before, or needed a sign-in.
    pub(crate) fn note_turn_success(&self, id: &str) {
        self.0.limits.note_success(id);
        let Some(program) = self.entry(id).and_then(Entry::program) else { return };
        let facts = self.0.states.read().remove(id);
        if facts.is_none_or(|facts| facts.auth_needed || !facts.are_of(&program)) {
            self.note(id, None, None, false, true, None);
        }
    }

    /// Keeps what an agent offers when a session is opened. One that offers nothing leaves what is known.
    pub(crate) fn note_options(&self, id: &str, options: &[AgentOption]) {
        let Some(program) = self.entry(id).and_then(Entry::program) else { return };
        let before = self.0.states.read().remove(id).filter(|facts| facts.are_of(&program));
        if options.is_empty() || before.as_ref().is_some_and(|facts| facts.options == options) {
            return;
        }
        let facts = before.unwrap_or_else(|| AgentFacts::new(&program));
        self.0.states.note(id, AgentFacts { options: options.to_vec(), ..facts });
    }

    /// The options that an agent gets in each session, as it is configured.
    pub(crate) fn options(&self, id: &str) -> OptionValues {
        self.entry(id).map(|entry| entry.entry.options.clone()).unwrap_or_default()
    }

    fn note_failure(&self, id: &str, error: &AgentError, passed: Option<bool>) {
        let is_sign_in = matches!(error, AgentError::AuthNeeded { .. });
        self.note(id, None, passed, is_sign_in, false, Some(error.to_string()));
    }

    fn note(
        &self,
        id: &str,
        info: Option<&AgentInfo>,
        passed: Option<bool>,
        auth_needed: bool,
        has_worked: bool,
        message: Option<String>,
    ) {
        let Some(program) = self.entry(id).and_then(Entry::program) else { return };
        let before = self.0.states.read().remove(id).filter(|facts| facts.are_of(&program));
        let version = info.map(|info| info.version.clone()).filter(|version| !version.is_empty());
        let version = version.or_else(|| before.as_ref().and_then(|facts| facts.version.clone()));
        let options = before.as_ref().map(|facts| facts.options.clone()).unwrap_or_default();
        let before_worked = before.as_ref().and_then(|facts| facts.worked_at);
        let worked_at = if has_worked { Some(crate::clock::now()) } else { before_worked };
        let passed = passed.or_else(|| before.and_then(|facts| facts.passed).filter(|passed| *passed));
        self.0.states.note(
            id,
            AgentFacts {
                version,
                auth_needed,
                passed,
                worked_at,
                message,
                options,
                ..AgentFacts::new(&program)
            },
        );
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
            "No coding agent is installed. {hint} `spectask agents` lists the others. With an API key and no agent, use the \
             built-in model agent: set `model.name` in the configuration. To try the built-in demo agent, which \
             replays scripted scenarios without an AI model, choose it by name: `--agent {SCRIPTED}`."
        )
    }

    /// Returns the first agent with a model that passed a check, else the first that can start and did not fail: a
    /// configured one, then a known one.
    fn first_installed(&self, role: Role) -> Option<String> {
        let states = self.0.states.read();
        let plays = |entry: &&Entry| entry.entry.roles.iter().any(|has| has == role.as_str());
        let real = self.0.entries.iter().filter(plays).filter(|entry| entry.kind != AgentKind::BuiltIn);
        let views: Vec<AgentView> = real.map(|entry| self.view(entry, &states)).collect();
        let in_state = |states: &[AgentState]| views.iter().find(|view| states.contains(&view.state));
        let found = in_state(&[AgentState::Passed]);
        let found = found.or_else(|| in_state(&[AgentState::Ready, AgentState::Untested]));
        found.map(|view| view.id.clone())
    }

    /// Returns how many sessions one process of an agent serves; 0 is no limit.
    pub(crate) fn sessions_per_process(&self, id: &str) -> usize {
        let found = self.0.entries.iter().find(|entry| entry.entry.id == id);
        found.map_or(0, |entry| entry.entry.max_sessions_per_process)
    }

    /// Prepares the next start of an agent, so that it is quick.
    pub(crate) fn prepare(&self) {
        self.0.watchers.prepare();
    }

    /// Returns what agents are given in their environment that may be secret: a name and its value.
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
    pub(crate) async fn launch_alone(&self, id: &str) -> Result<(Launch, TreeNetwork), AgentError> {
        let secrets = self.secrets(id, &UserId::from(owner::OWNER), None).await;
        let secrets = secrets.map_err(|error| AgentError::NotConfined { message: error.to_string() })?;
        let variables = Variables { plain: Vec::new(), secrets };
        let name = format!("check-{}", std::process::id());
        let rules = NetworkRules::of_server(&self.0.config);
        self.launch(id, "check", &TaskId::from(name.as_str()), &Workspace::default(), &rules, variables)
    }

    /// Returns how to start an agent for an instance; its working directory is made.
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
        variables: Variables,
    ) -> Result<(Launch, TreeNetwork), AgentError> {
        let found = self.0.entries.iter().find(|entry| entry.entry.id == id).ok_or_else(|| AgentError::NotFound {
            command: id.to_owned(),
            hint: format!("No agent has the id {id:?}; see the agents page or `spectask agents` for those there are."),
        })?;
        let Inner { config, sandbox, .. } = &*self.0;
        sandbox.require().map_err(|error| AgentError::NotConfined { message: error.to_string() })?;
        let Variables { plain, secrets } = variables;
        let secret: Vec<(String, String)> = secrets.clone().into_iter().collect();
        let hosts = [found.model_hosts(), network::base_urls(&secret)].concat();
        let network = self.0.networks.open(rules, Purpose::Agent, &hosts);
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
        launch.env.extend(plain);
        launch.env.extend(secret);
        let lookup = |name: &str| std::env::var(name).ok().or_else(|| secrets.get(name).cloned());
        let set = found.entry.env.iter();
        launch.env.extend(set.map(|(name, value)| (name.clone(), expand_with(value, lookup))));
        launch.inherit.clone_from(&found.entry.inherit);
        launch.auth_method.clone_from(&found.entry.auth_method);
        launch.env.push(("SPECTASK_INSTANCE".to_owned(), instance.to_owned()));
        launch.env.extend(folders.environment(sandbox.level()));
        // The agents of this binary remember their sessions where their task may write.
        let state = folders.state.to_string_lossy().into_owned();
        launch.env.insert(0, ("SPECTASK_SCRIPTED_STATE".to_owned(), state.clone()));
        launch.env.insert(0, ("SPECTASK_AGENT_STATE".to_owned(), state));
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

/// The model agent is there when a model is named, and can be used when that model's key is set.
fn with_model_settings(mut view: AgentView, settings: &ModelAgent) -> AgentView {
    if settings.name.is_none() {
        view.installed = false;
        view.state = AgentState::NotInstalled;
        view.auth_needed = false;
        view.message = None;
    } else if let Some(missing) = model::missing(settings) {
        view.state = AgentState::SignInNeeded;
        view.auth_needed = true;
        view.message = Some(missing.to_string());
    }
    view
}

/// What git writes to when an agent commits in its worktree: agents that confine themselves to their workspace are to be
/// told of it.
fn written_by_git(common_dir: &Path) -> Vec<PathBuf> {
    let written = ["worktrees", "objects", "refs", "logs"].map(|name| common_dir.join(name));
    written.into_iter().filter(|folder| folder.is_dir()).collect()
}

/// Returns the variables of the server's environment that a value names as `${NAME}`, with what they hold.
fn named(value: &str) -> Vec<(&str, String)> {
    names_in(value).filter_map(|name| Some((name, std::env::var(name).ok()?))).collect()
}

/// The names that a value has as `${NAME}`.
fn names_in(value: &str) -> impl Iterator<Item = &str> {
    value.split("${").skip(1).filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_put_in_and_broken_ones_stay() {
        let home = std::env::var("HOME").unwrap_or_default();
        assert_eq!(expand("a ${HOME} b ${NO_SUCH_VARIABLE_HERE}."), format!("a {home} b ."));
        assert_eq!(expand("${HOME"), "${HOME");
    }
}
