//! Agents, permission requests, tokens, stored secrets, the audit log and projects.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct Permissions {
    #[command(subcommand)]
    pub(crate) command: Option<PermissionsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PermissionsCommand {
    /// Answer a permission request.
    Answer {
        /// The request's id.
        id: String,
        /// allow, reject, always (for the rest of the task), or the id of one of its options.
        answer: String,
    },
    /// List the permissions that you granted for the rest of a task.
    Granted {
        /// The task's short id, its id, the end of its id, or words of its name that no other task has.
        task: String,
    },
    /// Revoke a permission that you granted for the rest of a task.
    Revoke {
        /// The task's short id, its id, the end of its id, or words of its name that no other task has.
        task: String,
        /// The permission's id, as `granted` lists it.
        grant: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Agents {
    #[command(subcommand)]
    pub(crate) command: Option<AgentsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgentsCommand {
    /// Continue before the limit of the agent's account ends.
    Resume {
        /// The agent's id; `spectask agents` lists them.
        id: String,
    },
    /// Start an agent, show what it says of itself, and run a trivial prompt.
    Check {
        /// The agent's id; `spectask agents` lists them.
        id: String,
    },
    /// List the agents of an ACP agent registry.
    Registry {
        #[command(flatten)]
        registry: RegistrySource,
    },
    /// Install an agent that an ACP agent registry lists.
    Install {
        /// The agent's id; `spectask agents registry` lists them.
        id: String,
        #[command(flatten)]
        registry: RegistrySource,
    },
    /// Remove an agent that was installed from a registry.
    Uninstall {
        /// The agent's id.
        id: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct RegistrySource {
    /// The registry: a file or an address with its `registry.json`, or with the `agent.json` of one agent.
    #[arg(long = "registry", env = "SPECTASK_AGENT_REGISTRY", value_name = "FILE|URL")]
    pub(crate) source: String,
}

#[derive(Debug, Args)]
pub(crate) struct Token {
    #[command(subcommand)]
    pub(crate) command: Option<TokenCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TokenCommand {
    /// Create a token and print it; it is shown this once.
    Create(CreateToken),
    /// List the tokens.
    List,
    /// Revoke a token: it and the browsers that signed in with it lose access at once.
    Revoke {
        /// The token's id, or its name where no other token has it.
        token: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CreateToken {
    /// The name of the token in lists and in the audit log.
    pub(crate) name: String,
    /// The use of the token.
    #[arg(long, value_enum, default_value_t = TokenScope::Read)]
    pub(crate) scope: TokenScope,
    /// The project, by name or id, of a token with the scope `project`.
    #[arg(long)]
    pub(crate) project: Option<String>,
    /// The task of a token with the scope `task`.
    #[arg(long)]
    pub(crate) task: Option<String>,
    /// Let a token with the scope `project` or `task` approve and reject too.
    #[arg(long)]
    pub(crate) can_decide: bool,
    /// In how many days it expires (default: it does not).
    #[arg(long, value_name = "DAYS")]
    pub(crate) expires_in_days: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TokenScope {
    /// Everything.
    Owner,
    /// Read everything, change nothing.
    Read,
    /// Work with the tasks of one project.
    Project,
    /// Work with one task.
    Task,
}

impl TokenScope {
    /// Returns the name that the API has for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Read => "read",
            Self::Project => "project",
            Self::Task => "task",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Secrets {
    #[command(subcommand)]
    pub(crate) command: SecretsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SecretsCommand {
    /// List the secrets; their values are never shown.
    List {
        /// Only those of a project, by its name or id.
        #[arg(long)]
        project: Option<String>,
    },
    /// Set a secret: agents, setup commands and checks get it as a variable. The value is read from standard input, or typed without echo.
    Set {
        /// The name of the variable.
        name: String,
        /// Only for a project, by its name or id (default: for all of yours).
        #[arg(long)]
        project: Option<String>,
    },
    /// Remove a secret.
    Remove {
        /// The name of the variable.
        name: String,
        /// That of a project, by its name or id (default: that of all projects).
        #[arg(long)]
        project: Option<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Audit {
    /// Only entries about this task, project or token, by its id.
    #[arg(long, value_name = "ID")]
    pub(crate) about: Option<String>,
    /// Only entries of this action, such as review_specs or refused.
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// How many, 1 to 500.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Maintenance {
    /// Only print what would be removed, and why.
    #[arg(long)]
    pub(crate) dry_run: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Prompts {
    /// The project, by name or id (default: that of this folder).
    #[arg(long, global = true, value_name = "PROJECT")]
    pub(crate) project: Option<String>,
    /// Write the built-in prompts that a project can override into a folder, such as .spectask/prompts.
    #[arg(long, value_name = "DIR")]
    pub(crate) export: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<PromptsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PromptsCommand {
    /// Show a prompt in force, its variables, and an override that is not in force.
    Show {
        /// The name of the prompt.
        name: String,
    },
    /// Trust the text with which the repository overrides a prompt, so that it takes effect.
    Trust {
        /// The name of the prompt.
        name: String,
        /// The hash of the text that was read.
        #[arg(long, value_name = "HASH")]
        at: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Projects {
    #[command(subcommand)]
    pub(crate) command: Option<ProjectsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProjectsCommand {
    /// Register a repository by its path, or clone one by its URL.
    Add {
        /// A path on the server's machine, or a URL.
        repository: String,
        /// The name of the project (default: the repository's name).
        #[arg(long)]
        name: Option<String>,
        /// A command that must pass on every finished change; may be given several times.
        #[arg(long = "check", value_name = "COMMAND")]
        checks: Vec<String>,
    },
    /// Trust the content of a repository's settings file, .spectask/project.toml, so that it takes effect.
    Trust {
        /// The project, by name or id (default: that of this folder).
        project: Option<String>,
        /// The hash of the content that was read; nothing is asked.
        #[arg(long, value_name = "HASH")]
        at: Option<String>,
    },
    /// Show the MCP servers that a repository's .mcp.json names, and let agents have them.
    McpJson {
        /// The project, by name or id.
        project: String,
        /// Confirm the content with this hash: agents start and reach its servers.
        #[arg(long, value_name = "HASH", conflicts_with = "withdraw")]
        confirm: Option<String>,
        /// Withdraw the confirmation.
        #[arg(long)]
        withdraw: bool,
    },
    /// Remove a project from SpecTask; its repository stays.
    Remove {
        /// The project, by name or id.
        project: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum BuiltIn {
    /// An agent without a model: it plays scenarios from a folder.
    Scripted {
        /// The folder with the scenario files.
        #[arg(long, value_name = "DIR")]
        scenarios: Option<PathBuf>,
    },
    /// A coding agent on a model of OpenAI, Anthropic, Gemini, Ollama, or of a service with OpenAI's API.
    ///
    /// Keys come from OPENAI_API_KEY, ANTHROPIC_API_KEY and GEMINI_API_KEY; addresses from --base-url, OPENAI_BASE_URL,
    /// ANTHROPIC_BASE_URL, GOOGLE_GEMINI_BASE_URL and OLLAMA_HOST.
    Model(ModelAgent),
}

#[derive(Debug, Args)]
pub(crate) struct ModelAgent {
    /// The model; give it again for further ones that clients can choose.
    #[arg(long = "model", value_name = "NAME")]
    pub(crate) models: Vec<String>,
    /// Whose API the models have: openai, anthropic, gemini or ollama (default: what each name says).
    #[arg(long, value_name = "PROVIDER")]
    pub(crate) provider: Option<agent::models::Provider>,
    /// The address of the API.
    #[arg(long, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// The mode that sessions begin in: default, accept-edits, auto or read-only.
    #[arg(long, value_name = "MODE")]
    pub(crate) mode: Option<String>,
    /// Only talk: the model gets no tools.
    #[arg(long)]
    pub(crate) no_tools: bool,
    /// How many tokens fit into a conversation (default: 128000, Anthropic 200000, Gemini 1000000, Ollama 32768).
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1000..))]
    pub(crate) context_tokens: Option<u64>,
    /// How often the model is called in one turn.
    #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_steps: u32,
    /// How often a call is repeated when the model's server fails.
    #[arg(long, value_name = "NUMBER", default_value_t = 3)]
    pub(crate) max_retries: u32,
}
