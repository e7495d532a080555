//! The agents people have, how each is started, and how to get those that are missing.

use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// An agent that is offered without configuration when its command is there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownAgent {
    /// The id by which tasks name the agent.
    pub id: String,
    pub name: String,
    pub command: String,
    pub args: Vec<String>,
    /// The variables of the server's environment that it gets besides those that all agents get: keys, addresses and
    /// models.
    pub inherits: Vec<String>,
    /// The hosts of its model and of its sign-in, which it reaches whatever its project allows: those of the vendor, or of
    /// the vendors that it can be set up with.
    pub hosts: Vec<String>,
    /// What the usage counts that it reports at a turn's end.
    #[serde(default)]
    pub usage: UsageSpan,
    /// Instructions to install it and to sign in, in sentences.
    pub how_to_install: String,
}

/// What an agent's usage counts that it reports at a turn's end: ACP leaves it to the agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UsageSpan {
    /// The turn.
    #[default]
    Turn,
    /// The session since it began.
    Session,
}

/// The data file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Catalog {
    agents: Vec<KnownAgent>,
}

static KNOWN: LazyLock<Vec<KnownAgent>> = LazyLock::new(|| {
    let catalog: Catalog = toml::from_str(include_str!("catalog.toml")).expect("the catalog is well formed");
    catalog.agents
});

/// Returns the agents that need no configuration, the most used first.
pub fn known() -> &'static [KnownAgent] {
    &KNOWN
}

/// Returns the known agent that a command starts.
pub fn by_command(command: &str) -> Option<&'static KnownAgent> {
    let name = command.rsplit('/').next().unwrap_or(command);
    KNOWN.iter().find(|agent| agent.command == name)
}

/// Returns the command that installs an agent, from what says how to; it is the first that is quoted.
pub fn install_command(how_to_install: &str) -> Option<&str> {
    let rest = how_to_install.strip_prefix("Install it with `")?;
    rest.split_once('`').map(|(command, _)| command)
}

/// Returns what to do when a command is not there.
pub(crate) fn hint(command: &str) -> String {
    match by_command(command) {
        Some(agent) => agent.how_to_install.clone(),
        None => "Install it, or write its full path into the agent's entry in the configuration.".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique() {
        let mut ids: Vec<_> = known().iter().map(|agent| &agent.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), known().len());
    }

    #[test]
    fn a_key_that_a_hint_names_reaches_the_agent() {
        for agent in known() {
            let words = agent.how_to_install.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            for variable in words.filter(|word| word.contains('_') && word.to_uppercase() == *word) {
                assert!(
                    agent.inherits.iter().any(|name| name == variable),
                    "{} does not inherit {variable}",
                    agent.id
                );
            }
        }
    }

    #[test]
    fn the_command_that_installs_is_the_first_that_is_quoted() {
        let commands = known().iter().filter_map(|agent| install_command(&agent.how_to_install));
        let is_install = |command: &str| {
            ["npm install -g ", "uv tool install "].iter().any(|begin| command.starts_with(begin))
        };
        assert!(commands.clone().all(is_install));
        assert_eq!(commands.count(), known().len() - 1, "goose alone has its own documentation");
    }

    #[test]
    fn a_missing_command_comes_with_what_to_install() {
        assert!(hint("/usr/local/bin/opencode").contains("opencode-ai"));
        assert!(hint("my-agent").contains("full path"));
    }
}
