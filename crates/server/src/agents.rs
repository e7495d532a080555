//! The agents that can be chosen, and how each is started.

use crate::config::{AgentEntry, Config};
use agent::{AgentError, Launch, Watchers};
use serde::Serialize;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use utoipa::ToSchema;

/// The id of the built-in agent that plays scenarios.
pub const SCRIPTED: &str = "scripted";

/// The agents of this server: configured ones, built-in ones, and the known ones.
#[derive(Clone)]
pub struct Agents(Arc<Inner>);

struct Inner {
    entries: Vec<Entry>,
    watchers: Watchers,
    default_planning: Option<String>,
    default_implementation: Option<String>,
}

struct Entry {
    entry: AgentEntry,
    kind: &'static str,
    how_to_install: String,
}

/// An agent as it is shown; the values of its environment are not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AgentView {
    pub id: String,
    pub name: String,
    /// `built_in`, `configured` or `known`.
    pub kind: String,
    pub command: String,
    pub installed: bool,
    #[schema(required)]
    pub version: Option<String>,
    pub roles: Vec<String>,
    pub auth_needed: bool,
    pub how_to_install: String,
}

impl Agents {
    pub fn new(config: &Config) -> Self {
        let own = config.own_binary.to_string_lossy().into_owned();
        let mut entries: Vec<Entry> = config
            .agents
            .iter()
            .map(|entry| Entry { entry: entry.clone(), kind: "configured", how_to_install: String::new() })
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
            },
            kind: "built_in",
            how_to_install: "It is part of SpecTask: it plays scenarios and is no model.".to_owned(),
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
                },
                kind: "known",
                how_to_install: known.how_to_install.to_owned(),
            });
        }
        // A configured agent takes the place of a known one of the same id.
        let mut seen = std::collections::BTreeSet::new();
        entries.retain(|entry| seen.insert(entry.entry.id.clone()));
        let (default_planning, default_implementation) = if config.demo {
            (Some(SCRIPTED.to_owned()), Some(SCRIPTED.to_owned()))
        } else {
            (config.defaults.spec_agent.clone(), config.defaults.implementation_agent.clone())
        };
        let watchers = Watchers::new(vec![own, "exec-agent".to_owned()]);
        Self(Arc::new(Inner { entries, watchers, default_planning, default_implementation }))
    }

    /// Every agent, those that can start first.
    pub fn list(&self) -> Vec<AgentView> {
        let mut views: Vec<AgentView> = self.0.entries.iter().map(Entry::view).collect();
        views.sort_by_key(|view| !view.installed);
        views
    }

    /// One agent by its id.
    pub fn find(&self, id: &str) -> Option<AgentView> {
        self.0.entries.iter().find(|entry| entry.entry.id == id).map(Entry::view)
    }

    /// The agent that plans when nobody says which.
    pub fn default_planning(&self) -> String {
        self.0.default_planning.clone().unwrap_or_else(|| self.first_installed("planning"))
    }

    /// The agent that implements when nobody says which.
    pub fn default_implementation(&self) -> String {
        self.0.default_implementation.clone().unwrap_or_else(|| self.first_installed("implementation"))
    }

    /// The first agent that can start: a configured one, then a known one, then the scripted one.
    fn first_installed(&self, role: &str) -> String {
        let plays = |entry: &&Entry| entry.entry.roles.iter().any(|has| has == role);
        let real = self.0.entries.iter().filter(plays).filter(|entry| entry.kind != "built_in");
        real.filter(|entry| entry.is_installed())
            .map(|entry| entry.entry.id.clone())
            .next()
            .unwrap_or(SCRIPTED.to_owned())
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
        let entries = self.0.entries.iter().filter(|entry| entry.kind == "configured");
        let mut given = Vec::new();
        for (name, value) in entries.flat_map(|entry| &entry.entry.env) {
            given.push((name.clone(), expand(value)));
            given.extend(named(value).into_iter().map(|(name, value)| (name.to_owned(), value)));
        }
        given
    }

    /// How to start an agent for an instance; its working directory is made.
    ///
    /// Agents that may write only into folders which they are told of find the one with the documents in their arguments, in
    /// the place of `{documents}`.
    pub fn launch(
        &self,
        id: &str,
        instance: &str,
        directory: &Path,
        documents: &Path,
    ) -> Result<Launch, AgentError> {
        let found = self.0.entries.iter().find(|entry| entry.entry.id == id).ok_or_else(|| AgentError::NotFound {
            command: id.to_owned(),
            hint: format!("No agent has the id {id:?}; see the agents page or `spectask agents` for those there are."),
        })?;
        std::fs::create_dir_all(directory)
            .map_err(|source| AgentError::Spawn { command: id.to_owned(), source })?;
        let documents = documents.to_string_lossy();
        let args = found.entry.args.iter().map(|arg| arg.replace("{documents}", &documents)).collect();
        let mut launch = Launch::new(found.entry.command.clone(), args, directory);
        launch.env = found.entry.env.iter().map(|(name, value)| (name.clone(), expand(value))).collect();
        launch.env.push(("SPECTASK_INSTANCE".to_owned(), instance.to_owned()));
        launch.watchers = Some(self.0.watchers.clone());
        Ok(launch)
    }
}

impl Entry {
    fn is_installed(&self) -> bool {
        let path: OsString = std::env::var_os("PATH").unwrap_or_default();
        agent::find_command(&self.entry.command, &path, Path::new("/")).is_some()
    }

    fn view(&self) -> AgentView {
        let AgentEntry { id, name, command, args, roles, .. } = &self.entry;
        let command = std::iter::once(command).chain(args).map(String::as_str).collect::<Vec<_>>().join(" ");
        AgentView {
            id: id.clone(),
            name: if name.is_empty() { id.clone() } else { name.clone() },
            kind: self.kind.to_owned(),
            command,
            installed: self.is_installed(),
            version: None,
            roles: roles.clone(),
            auth_needed: false,
            how_to_install: self.how_to_install.clone(),
        }
    }
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
    fn variables_are_put_in_and_broken_ones_stay() {
        let home = std::env::var("HOME").unwrap_or_default();
        assert_eq!(expand("a ${HOME} b ${NO_SUCH_VARIABLE_HERE}."), format!("a {home} b ."));
        assert_eq!(expand("${HOME"), "${HOME");
    }
}
