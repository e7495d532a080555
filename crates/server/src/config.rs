//! Everything a server can be told, with its defaults.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// What is in force; the command line, the environment and one TOML file fill it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    pub bind: SocketAddr,
    pub data_dir: PathBuf,
    /// `sqlite://PATH` or `postgres://…`; absent is SQLite in the data directory.
    pub database_url: Option<String>,
    pub nats_url: Option<String>,
    /// Further host names by which browsers may reach the server.
    pub hosts: Vec<String>,
    pub limits: Limits,
    pub defaults: Defaults,
    pub recording: Recording,
    pub turns: Turns,
    pub sandbox: Sandbox,
    pub secrets: Secrets,
    pub agents: Vec<AgentEntry>,
    /// Serve the sample repositories as projects and make the scripted agent the default.
    #[serde(skip)]
    pub demo: bool,
    /// The token of the owner on the first start; absent is a random one.
    #[serde(skip)]
    pub token: Option<String>,
    /// The command that begins one of this binary's own programs, such as the scripted agent.
    #[serde(skip)]
    pub own_binary: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Agent instances (one per task at work) on this server.
    pub max_instances: usize,
    /// Sessions of one task that run at once.
    pub max_sessions_per_task: usize,
    /// How deep sessions spawn from sessions that were spawned.
    pub max_spawn_depth: usize,
    /// Sessions of one parent that are under way at once.
    pub max_children: usize,
    /// Sessions that one task may have.
    pub max_sessions_in_total: usize,
    /// Tasks in review before planning of further ones is held back.
    pub max_in_review: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Defaults {
    pub spec_agent: Option<String>,
    pub implementation_agent: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recording {
    pub commit_frequency_minutes: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Turns {
    /// From the prompt to the agent's first sign of life.
    pub start_deadline_seconds: u64,
    /// From one sign of life to the next.
    pub no_progress_deadline_seconds: u64,
    pub total_deadline_seconds: u64,
    /// How long the agent of a conversation is kept while nobody speaks; the next message starts it again.
    pub idle_seconds: u64,
}

/// How agents are kept in: there is no sandbox yet to choose, and `auto` has the server say so when it starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SandboxMode {
    #[default]
    Auto,
    /// The operator knows, and keeps agents in by other means.
    Off,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sandbox {
    pub mode: SandboxMode,
}

/// What is taken out of text besides what is always taken out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// By name, values that are secret; they may name the server's environment as `${NAME}` and are never shown.
    pub values: BTreeMap<String, String>,
    /// Values that are no secrets, whatever they look like.
    pub allowed: Vec<String>,
    pub patterns: Vec<SecretPattern>,
}

/// How further secrets are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretPattern {
    /// What is said in the place of such a secret.
    pub id: String,
    /// Matches the secret, or has it as its first group.
    pub regex: String,
    /// One of these is in the word that the secret is in.
    pub keywords: Vec<String>,
}

/// An agent that tasks can name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentEntry {
    pub id: String,
    #[serde(default)]
    pub name: String,
    pub command: String,
    #[serde(default)]
    pub args: Vec<String>,
    /// Values may name the server's environment as `${NAME}`; they are never shown.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    #[serde(default = "both_roles")]
    pub roles: Vec<String>,
    /// How many sessions one process serves; 0 is no limit.
    #[serde(default)]
    pub max_sessions_per_process: usize,
}

fn both_roles() -> Vec<String> {
    vec!["planning".to_owned(), "implementation".to_owned()]
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from(([127, 0, 0, 1], 8420)),
            data_dir: PathBuf::from("spectask-data"),
            database_url: None,
            nats_url: None,
            hosts: Vec::new(),
            limits: Limits::default(),
            defaults: Defaults::default(),
            recording: Recording::default(),
            turns: Turns::default(),
            sandbox: Sandbox::default(),
            secrets: Secrets::default(),
            agents: Vec::new(),
            demo: false,
            token: None,
            own_binary: PathBuf::from("spectask"),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_instances: 8,
            max_sessions_per_task: 4,
            max_spawn_depth: 3,
            max_children: 8,
            max_sessions_in_total: 64,
            max_in_review: 50,
        }
    }
}

impl Default for Recording {
    fn default() -> Self {
        Self { commit_frequency_minutes: 10 }
    }
}

impl Default for Turns {
    fn default() -> Self {
        Self {
            start_deadline_seconds: 120,
            no_progress_deadline_seconds: 600,
            total_deadline_seconds: 7200,
            idle_seconds: 600,
        }
    }
}

impl Turns {
    pub fn start_deadline(&self) -> Duration {
        Duration::from_secs(self.start_deadline_seconds)
    }

    pub fn no_progress_deadline(&self) -> Duration {
        Duration::from_secs(self.no_progress_deadline_seconds)
    }

    pub fn total_deadline(&self) -> Duration {
        Duration::from_secs(self.total_deadline_seconds)
    }
}

impl Config {
    /// Where the database is.
    pub fn database(&self) -> String {
        self.database_url
            .clone()
            .unwrap_or_else(|| format!("sqlite://{}", self.data_dir.join("spectask.db").display()))
    }
}
