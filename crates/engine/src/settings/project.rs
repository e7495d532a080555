//! A project's settings, with their defaults.

use crate::settings::hosts::HostPattern;
use crate::settings::mcp_server::McpServerEntry;
use crate::settings::permission_policy::Policy;
use crate::settings::project_file::CommandHold;
use protocol::AgentOptionsRule;
use protocol::words::NetworkMode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use workflow::Isolation;

/// A project's settings, with their defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProjectSettings {
    pub spec_agent: Option<String>,
    pub implementation_agent: Option<String>,
    /// Options that agents get, such as the model, by phase and agent; later entries win.
    pub agent_options: Vec<AgentOptionsRule>,
    pub max_parallel_sessions: Option<usize>,
    /// Whether each session works in its own worktree and branch, or all in one.
    pub isolation: Isolation,
    /// Commands that must pass on the finished change.
    pub checks: Vec<String>,
    /// A command that makes a new worktree ready, before the agent and before the checks.
    pub setup_command: Option<String>,
    /// A command that runs in a session's worktree before it is removed.
    pub teardown_command: Option<String>,
    /// Variables that agents, setup and teardown commands and checks get. They are no secrets: everyone who sees the project sees them.
    pub env: BTreeMap<String, String>,
    /// Whether folders that the setup command made are used again in other worktrees with the same inputs.
    pub setup_cache: bool,
    /// The command that runs the tests, for agents; it is the check where no checks are given.
    pub test_command: Option<String>,
    /// How many sessions may have each resource at once, by the name that plans have for it after `_Needs:`.
    pub resources: BTreeMap<String, usize>,
    /// Paths that agents must leave as they are, and rules in words.
    pub boundaries: Vec<String>,
    pub design_docs_branch: String,
    /// How often the record is committed while there is something new; absent is as the server's configuration says.
    pub commit_frequency_minutes: Option<u64>,
    /// How many rounds of repair a finished change with problems gets before a person reviews it; absent is as the server's
    /// configuration says.
    pub repair_rounds: Option<u32>,
    /// What happens when an agent reaches a limit of its account: `wait`, or the id of the agent that takes over; absent is as
    /// the agent's configuration says.
    pub on_limit: Option<String>,
    /// What the project's sessions may cost on one day (UTC), in dollars; 0 is no limit, and absent is as the server's
    /// configuration says.
    pub daily_cost_usd: Option<f64>,
    /// How many tokens they may use on one day.
    pub daily_tokens: Option<u64>,
    /// Who answers the questions of agents.
    pub permissions: Policy,
    /// The network of agents, setup commands and checks; absent is as the server's configuration says.
    pub network: Option<NetworkMode>,
    /// The hosts that they reach under `allowlist`, besides those of the server's configuration.
    pub network_allow: Vec<HostPattern>,
    /// MCP servers that the project's agents get, besides those of the server's configuration.
    pub mcp_servers: Vec<McpServerEntry>,
    /// The hash of the `.mcp.json` that a person confirmed, whose servers the project's agents get.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted_mcp_json: Option<String>,
    /// Whether the project's commands were restored from a record and wait for a person to confirm them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unconfirmed_commands: bool,
    /// The trusted texts of the prompts that the repository overrides, by the prompt's name.
    #[serde(skip)]
    pub prompts: BTreeMap<String, String>,
    /// Why the project's commands do not run.
    #[serde(skip)]
    pub hold: Option<CommandHold>,
}

/// The setting that says so.
pub const UNCONFIRMED: &str = "unconfirmed_commands";

impl ProjectSettings {
    /// Settings as they are kept; what is absent or unreadable has its default.
    pub fn read(kept: &serde_json::Value) -> Self {
        serde_json::from_value(kept.clone()).unwrap_or_default()
    }

    /// Returns the variables of the project's processes. Variables decide what commands do, so those that were restored from a record
    /// wait for a person like the commands.
    pub fn variables(&self) -> Vec<(String, String)> {
        let given = self.env.iter().filter(|_| !self.unconfirmed_commands);
        given.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

impl Default for ProjectSettings {
    fn default() -> Self {
        Self {
            spec_agent: None,
            implementation_agent: None,
            agent_options: Vec::new(),
            max_parallel_sessions: None,
            isolation: Isolation::Worktree,
            checks: Vec::new(),
            setup_command: None,
            teardown_command: None,
            env: BTreeMap::new(),
            setup_cache: true,
            test_command: None,
            resources: BTreeMap::new(),
            boundaries: Vec::new(),
            design_docs_branch: "helix-design-docs".to_owned(),
            commit_frequency_minutes: None,
            repair_rounds: None,
            on_limit: None,
            daily_cost_usd: None,
            daily_tokens: None,
            permissions: Policy::default(),
            network: None,
            network_allow: Vec::new(),
            mcp_servers: Vec::new(),
            trusted_mcp_json: None,
            unconfirmed_commands: false,
            prompts: BTreeMap::new(),
            hold: None,
        }
    }
}
