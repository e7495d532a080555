//! The configuration of a server, with its defaults.

pub use crate::settings::hosts::{HostError, HostPattern};
pub use crate::settings::mcp_server::McpServerEntry;
pub use agent::catalog::UsageSpan;
use protocol::OptionValues;
pub use protocol::words::NetworkMode;
pub use sandbox::Mode as SandboxMode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// The settings in force; the command line, the environment and one TOML file fill them.
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
    /// The URL at which people reach the dashboard, for links in webhooks. Absent is the address that the server
    /// listens on.
    pub public_url: Option<String>,
    /// The host beneath which each preview of a dev server has a host of its own, such as `preview.example.org` for
    /// `*.preview.example.org`. Absent is `preview.localhost`, which browsers reach on their own machine alone.
    pub preview_host: Option<String>,
    pub http: Http,
    pub limits: Limits,
    pub defaults: Defaults,
    pub recording: Recording,
    pub retention: Retention,
    pub turns: Turns,
    pub sessions: Sessions,
    pub sandbox: Sandbox,
    pub telemetry: Telemetry,
    pub secrets: Secrets,
    pub model: ModelAgent,
    pub agents: Vec<AgentEntry>,
    pub webhooks: Vec<WebhookEntry>,
    pub push: Push,
    /// MCP servers that the agents of every project get.
    pub mcp_servers: Vec<McpServerEntry>,
    /// Variables of the server's environment that MCP servers of projects and repositories may get.
    pub mcp_variables: Vec<String>,
    /// Serve the sample repositories as projects and make the scripted agent the default.
    #[serde(skip)]
    pub demo: bool,
    /// The token of the owner on the first start; absent is a random one.
    #[serde(skip)]
    pub token: Option<String>,
    /// The key that encrypts stored secrets, in 64 hexadecimal digits; absent is that of the key file.
    #[serde(skip)]
    pub secrets_key: Option<String>,
    /// Where each value comes from, by its key; a key that is absent has its default.
    #[serde(skip)]
    pub sources: BTreeMap<String, String>,
    /// The file that it was read from; it may hold secrets.
    #[serde(skip)]
    pub file: Option<PathBuf>,
    /// The command that begins one of this binary's own programs, such as the scripted agent.
    #[serde(skip)]
    pub own_binary: PathBuf,
}

/// How clients may use the HTTP server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http {
    /// From a connection's begin, or the answer before, to the end of a request's head.
    pub header_timeout_seconds: u64,
    /// Within which 16 KiB of a request's body, or its end, must come.
    pub body_timeout_seconds: u64,
    /// Within which a client must take 16 KiB of what is sent to it, or all of it.
    pub write_timeout_seconds: u64,
    /// Connections at once; the limit of open files may allow fewer.
    pub max_connections: usize,
    /// Connections of one address at once, beyond this machine and trusted proxies.
    pub max_connections_per_address: usize,
    /// Addresses of proxies whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether `/metrics` needs no token.
    pub open_metrics: bool,
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
    /// Megabytes that stay free on every disk that the server writes to: with less no new work begins.
    pub min_free_mb: u64,
    /// How much of what an agent sends in one turn its session's log keeps, in MiB, beside the end of the turn; 0 keeps
    /// everything.
    pub turn_log_mb: u64,
    /// The size of a file that a person attaches to a task or message, or that an agent sends, in MiB.
    pub attachment_mb: u64,
    /// The size of all files that the agents of a task send, in MiB.
    pub agent_files_mb: u64,
    /// What the sessions of a project may cost on one day (UTC), in dollars; 0 is no limit. Projects can have their own.
    pub project_daily_cost_usd: f64,
    /// How many input and output tokens the sessions of a project may use on one day (UTC); 0 is no limit.
    pub project_daily_tokens: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Defaults {
    pub spec_agent: Option<String>,
    pub implementation_agent: Option<String>,
    /// How many rounds of repair a finished change with problems gets before a person reviews it; 0 is none.
    pub repair_rounds: u32,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { spec_agent: None, implementation_agent: None, repair_rounds: 2 }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Recording {
    pub commit_frequency_minutes: u64,
}

/// How long data that is not needed any more is kept; 0 keeps it for ever.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Removed worktrees in the trash.
    pub trash_days: u64,
    /// Size of the trash, in MiB; beyond it the oldest worktrees go first.
    pub trash_mb: u64,
    /// Finished effects, after their end.
    pub effects_days: u64,
    /// Messages of the live feed about finished tasks, after the task's last change.
    pub feed_days: u64,
    /// Session logs of finished tasks in the database, after the task's last change; the record in git keeps them.
    pub session_logs_days: u64,
    /// Answers to requests with an idempotency key.
    pub idempotency_hours: u64,
    /// Branches of tasks whose change has landed, after the task's last change.
    pub branches_days: u64,
    /// The ref that keeps the commits of removed branches.
    pub saved_refs_days: u64,
    /// Results of setup commands, after they were used last.
    pub setup_cache_days: u64,
    /// Size of all results of setup commands, in MiB; beyond it those that were not used for the longest time go first.
    pub setup_cache_mb: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Turns {
    /// From the prompt to the agent's first sign of life.
    pub start_deadline_seconds: u64,
    /// From one sign of life to the next.
    pub no_progress_deadline_seconds: u64,
    pub total_deadline_seconds: u64,
    /// How long the agent of a conversation is kept without a message; the next message starts it again.
    pub idle_seconds: u64,
}

/// The resources that a session's worktree gets before its first turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sessions {
    /// The ports that sessions get, nine each, as `FIRST-LAST`.
    pub ports: PortRange,
    /// How much `.worktreeinclude` copies into a worktree at most, in MiB; 0 is no limit.
    pub include_mb: u64,
    /// How long copying may take.
    pub include_seconds: u64,
    /// How long a setup command may take.
    pub setup_seconds: u64,
    /// How long a teardown command may take.
    pub teardown_seconds: u64,
}

/// A range of ports, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    pub first: u16,
    pub last: u16,
}

/// Why a text is no range of ports.
#[derive(Debug, thiserror::Error)]
#[error(
    "{0:?} is no range of ports; write it as FIRST-LAST, such as 20000-29999, with FIRST from 1024 and room for 9 ports"
)]
pub struct NoPortRange(String);

impl TryFrom<String> for PortRange {
    type Error = NoPortRange;

    fn try_from(text: String) -> Result<Self, NoPortRange> {
        let ends = text.split_once('-');
        let range = ends.and_then(|(first, last)| {
            Some(Self { first: first.trim().parse().ok()?, last: last.trim().parse().ok()? })
        });
        // Ports below 1024 are for privileged programs.
        let is_usable =
            |range: &Self| range.first >= 1024 && range.last >= range.first && range.last - range.first >= 8;
        range.filter(is_usable).ok_or(NoPortRange(text))
    }
}

impl Serialize for PortRange {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}-{}", self.first, self.last))
    }
}

impl<'de> Deserialize<'de> for PortRange {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::try_from(text).map_err(serde::de::Error::custom)
    }
}

/// How agents, setup commands and checks are confined. A limit of 0 is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sandbox {
    /// `require`, `auto` or `off`.
    pub mode: SandboxMode,
    /// Further files and folders that can be read; `~` is the home folder.
    pub readable: Vec<PathBuf>,
    /// Further files and folders that can be read and written.
    pub writable: Vec<PathBuf>,
    /// The network of projects without a setting: `open`, `allowlist` or `none`.
    pub network: NetworkMode,
    /// The hosts that every project with `allowlist` reaches.
    pub network_allow: Vec<HostPattern>,
    /// Memory of one process tree, in MiB.
    pub memory_mb: u64,
    /// Processes of one process tree.
    pub processes: u64,
    /// Size of a single file, in MiB.
    pub file_mb: u64,
    /// Size of a task's worktrees, temporary files and package caches, in MiB.
    pub disk_mb: u64,
}

/// The telemetry that the server sends to a collector.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Telemetry {
    /// The base URL of an OTLP collector over HTTP, such as `http://127.0.0.1:4318`; absent exports no traces.
    pub otlp_endpoint: Option<String>,
}

/// The values to redact in addition to those that are always redacted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// By name, values that are secret; they may name the server's environment as `${NAME}` and are never shown.
    pub values: BTreeMap<String, String>,
    /// Values that are no secrets, whatever they look like.
    pub allowed: Vec<String>,
    pub patterns: Vec<SecretPattern>,
    /// The file with the key that encrypts stored secrets; absent is one in the data directory.
    pub key_file: Option<PathBuf>,
}

/// How further secrets are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretPattern {
    /// The text that replaces such a secret.
    pub id: String,
    /// Matches the secret, or has it as its first group.
    pub regex: String,
    /// One of these is in the word that the secret is in.
    pub keywords: Vec<String>,
}

/// The built-in model agent; without the name of a model there is none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelAgent {
    /// The model that sessions begin with.
    pub name: Option<String>,
    /// Further models that sessions can be switched to.
    pub others: Vec<String>,
    /// `openai`, `anthropic`, `gemini` or `ollama`; absent is derived from each model's name.
    pub provider: Option<agent::models::Provider>,
    /// Absent is the provider's own address, or the one in its variable of the environment.
    pub base_url: Option<String>,
    /// How many tokens fit into a conversation; 0 is the provider's usual number.
    pub context_tokens: u64,
    /// How often the model is called in one turn.
    pub max_steps: u32,
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
    /// Variables of the server's environment that the agent gets, where they are set.
    #[serde(default)]
    pub inherit: Vec<String>,
    /// The ACP sign-in method that is called when the agent has started; absent calls one only when the agent asks for a
    /// sign-in and a key in its environment fits.
    #[serde(default)]
    pub auth_method: Option<String>,
    /// Options that it gets in each session, by id or category, such as `model`, `mode` and `thought_level`.
    #[serde(default)]
    pub options: OptionValues,
    /// The hosts of its model, which it reaches whatever the project allows.
    #[serde(default)]
    pub network_allow: Vec<HostPattern>,
    /// What happens when the agent reaches a limit of its account: `wait`, or the id of the agent that takes over. A project
    /// can say otherwise; absent is `wait`.
    #[serde(default)]
    pub on_limit: Option<String>,
    /// What the usage counts that the agent reports at a turn's end: `turn`, or `session` for all turns so far. Absent is what
    /// the known agent with the same command counts.
    #[serde(default)]
    pub usage: Option<UsageSpan>,
}

/// An endpoint that is sent messages about what happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookEntry {
    pub id: String,
    /// May name the server's environment as `${NAME}`.
    pub url: String,
    /// `whsec_` and base64; may name the server's environment as `${NAME}`, and is never shown.
    pub secret: String,
    /// The events that it is sent; empty is every one.
    #[serde(default)]
    pub events: Vec<String>,
    /// The ids of the projects whose events it is sent; empty is all.
    #[serde(default)]
    pub projects: Vec<String>,
}

/// Push messages to browsers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Push {
    /// How push services reach who runs the server, as `mailto:` or `https://`. Absent is `public_url` where that is
    /// `https://`.
    pub contact: Option<String>,
    /// Push services on a private network or on this machine, such as `https://push.intern.example`. Others must be public.
    pub private_services: Vec<String>,
}

pub(crate) fn both_roles() -> Vec<String> {
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
            public_url: None,
            preview_host: None,
            http: Http::default(),
            limits: Limits::default(),
            defaults: Defaults::default(),
            recording: Recording::default(),
            retention: Retention::default(),
            turns: Turns::default(),
            sessions: Sessions::default(),
            sandbox: Sandbox::default(),
            telemetry: Telemetry::default(),
            secrets: Secrets::default(),
            model: ModelAgent::default(),
            agents: Vec::new(),
            webhooks: Vec::new(),
            push: Push::default(),
            mcp_servers: Vec::new(),
            mcp_variables: Vec::new(),
            demo: false,
            token: None,
            secrets_key: None,
            sources: BTreeMap::new(),
            file: None,
            own_binary: PathBuf::from("spectask"),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            header_timeout_seconds: 30,
            body_timeout_seconds: 30,
            write_timeout_seconds: 30,
            max_connections: 4096,
            max_connections_per_address: 512,
            trusted_proxies: Vec::new(),
            open_metrics: false,
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
            min_free_mb: 256,
            turn_log_mb: 32,
            attachment_mb: 5,
            agent_files_mb: 100,
            project_daily_cost_usd: 0.0,
            project_daily_tokens: 0,
        }
    }
}

impl Default for Sandbox {
    fn default() -> Self {
        Self {
            mode: SandboxMode::default(),
            readable: Vec::new(),
            writable: Vec::new(),
            network: NetworkMode::Open,
            network_allow: Vec::new(),
            memory_mb: 8192,
            processes: 512,
            file_mb: 4096,
            disk_mb: 20_480,
        }
    }
}

impl Default for Sessions {
    fn default() -> Self {
        Self {
            ports: PortRange { first: 20_000, last: 29_999 },
            include_mb: 4096,
            include_seconds: 120,
            setup_seconds: 900,
            teardown_seconds: 60,
        }
    }
}

impl Default for ModelAgent {
    fn default() -> Self {
        Self {
            name: None,
            others: Vec::new(),
            provider: None,
            base_url: None,
            context_tokens: 0,
            max_steps: 200,
        }
    }
}

impl Default for Recording {
    fn default() -> Self {
        Self { commit_frequency_minutes: 10 }
    }
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            trash_days: 7,
            trash_mb: 5_120,
            effects_days: 30,
            feed_days: 7,
            session_logs_days: 90,
            idempotency_hours: 24,
            branches_days: 30,
            saved_refs_days: 90,
            setup_cache_days: 14,
            setup_cache_mb: 10_240,
        }
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
    /// Returns where the database is.
    pub fn database(&self) -> String {
        self.database_url
            .clone()
            .unwrap_or_else(|| format!("sqlite://{}", self.data_dir.join("spectask.db").display()))
    }

    /// Returns the file of a SQLite database.
    pub fn database_file(&self) -> Option<PathBuf> {
        let url = self.database();
        let path = url.strip_prefix("sqlite:")?;
        Some(PathBuf::from(path.strip_prefix("//").unwrap_or(path)))
    }
}
