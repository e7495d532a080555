//! The entries of agents: how each is started, with which variables, and what it may reach.

use super::view::{AgentState, AgentView};
use crate::agents::installed::InstalledAgent;
use crate::agents::model;
use crate::agents::state::AgentFacts;
use crate::confinement::network;
use crate::settings::config::{AgentEntry, Config, both_roles};
use crate::settings::expand::expand;
use crate::settings::hosts::HostPattern;
use agent::catalog::KnownAgent;
use protocol::OptionValues;
use protocol::words::AgentKind;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The id of the built-in agent that plays scenarios.
pub const SCRIPTED: &str = "scripted";

/// An agent that can be chosen: its entry, and where the entry comes from.
pub(super) struct Entry {
    pub(super) entry: AgentEntry,
    pub(super) kind: AgentKind,
    pub(super) how_to_install: String,
}

impl Entry {
    /// Returns an entry of the configuration.
    pub(super) fn configured(entry: &AgentEntry) -> Self {
        Self {
            entry: with_known_variables(entry),
            kind: AgentKind::Configured,
            how_to_install: String::new(),
        }
    }

    /// Returns the built-in agent that plays scenarios.
    pub(super) fn scripted(config: &Config) -> Self {
        let scenarios = config.data_dir.join("scenarios").to_string_lossy().into_owned();
        let args = ["agent".to_owned(), "scripted".to_owned(), "--scenarios".to_owned(), scenarios];
        let entry = AgentEntry {
            env: scripted_environment(),
            ..entry(SCRIPTED, "Scripted agent", &config.own_binary.to_string_lossy(), &args)
        };
        let how_to_install = "Built-in demo agent that replays scripted scenarios (no AI model).".to_owned();
        Self { entry, kind: AgentKind::BuiltIn, how_to_install }
    }

    /// Returns an agent of the catalog.
    pub(super) fn of_catalog(known: &KnownAgent) -> Self {
        let entry = AgentEntry {
            inherit: known.inherits.clone(),
            network_allow: hosts_of(known),
            usage: Some(known.usage),
            ..entry(&known.id, &known.name, &known.command, &known.args)
        };
        Self { entry, kind: AgentKind::Known, how_to_install: known.how_to_install.clone() }
    }

    /// Returns an agent that was installed from a registry.
    pub(super) fn installed(agent: InstalledAgent) -> Self {
        let how_to_install = format!("Install it with `spectask agents install {}`.", agent.id);
        let found = entry(&agent.id, &agent.name, &agent.command.to_string_lossy(), &agent.args);
        let found = AgentEntry { env: agent.env, ..found };
        Self { entry: with_known_variables(&found), kind: AgentKind::Known, how_to_install }
    }

    /// Returns the built-in model agent.
    pub(super) fn model(entry: AgentEntry) -> Self {
        Self { entry, kind: AgentKind::Known, how_to_install: model::HOW_TO_SET_UP.to_owned() }
    }

    /// Returns the hosts of its model.
    pub(super) fn model_hosts(&self) -> Vec<HostPattern> {
        let set = self.entry.env.iter().map(|(name, value)| (name.clone(), expand(value)));
        let inherited = self.entry.inherit.iter().filter(|name| !self.entry.env.contains_key(*name));
        let inherited = inherited.filter_map(|name| Some((name.clone(), std::env::var(name).ok()?)));
        let env: Vec<(String, String)> = set.chain(inherited).collect();
        self.entry.network_allow.iter().cloned().chain(network::base_urls(&env)).collect()
    }

    /// Whether this is the built-in model agent, and not an entry of the configuration with its id.
    pub(super) fn is_model(&self) -> bool {
        self.kind == AgentKind::Known && model::is_model(&self.entry.id)
    }

    pub(super) fn is_installed(&self) -> bool {
        self.program().is_some()
    }

    /// Returns the file that the command names.
    pub(super) fn program(&self) -> Option<PathBuf> {
        let path: OsString = std::env::var_os("PATH").unwrap_or_default();
        agent::find_command(&self.entry.command, &path, Path::new("/"))
    }

    pub(super) fn view(&self, facts: Option<&AgentFacts>) -> AgentView {
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
            checked_at: facts.map(|facts| crate::clock::rfc3339(facts.at)),
            install_command: agent::catalog::install_command(&self.how_to_install).map(str::to_owned),
            how_to_install: self.how_to_install.clone(),
            options: facts.map(|facts| facts.options.clone()).unwrap_or_default(),
            default_for: Vec::new(),
            limited_until: None,
            limit_message: None,
        }
    }
}

/// Returns an entry for both roles, with nothing but its command.
fn entry(id: &str, name: &str, command: &str, args: &[String]) -> AgentEntry {
    AgentEntry {
        id: id.to_owned(),
        name: name.to_owned(),
        command: command.to_owned(),
        args: args.to_vec(),
        env: BTreeMap::new(),
        roles: both_roles(),
        max_sessions_per_process: 0,
        inherit: Vec::new(),
        auth_method: None,
        options: OptionValues::new(),
        network_allow: Vec::new(),
        on_limit: None,
        usage: None,
    }
}

/// Returns the hosts of a known agent's model.
fn hosts_of(known: &KnownAgent) -> Vec<HostPattern> {
    known.hosts.iter().filter_map(|host| host.parse().ok()).collect()
}

/// An agent of the configuration that starts a known command gets the variables and hosts that this one is known to need.
fn with_known_variables(entry: &AgentEntry) -> AgentEntry {
    let mut entry = entry.clone();
    if entry.inherit.is_empty() && model::starts_model_agent(&entry) {
        entry.inherit = model::variables();
    }
    let known = agent::catalog::by_command(&entry.command);
    if let Some(known) = known.filter(|_| entry.inherit.is_empty()) {
        entry.inherit.clone_from(&known.inherits);
    }
    if let Some(known) = known.filter(|_| entry.network_allow.is_empty()) {
        entry.network_allow = hosts_of(known);
    }
    entry.usage = entry.usage.or(known.map(|known| known.usage));
    entry
}

/// Returns the variables by which tests and demos set the scripted agent's pace.
fn scripted_environment() -> BTreeMap<String, String> {
    std::env::vars().filter(|(name, _)| name.starts_with("SPECTASK_SCRIPTED_")).collect()
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
}
