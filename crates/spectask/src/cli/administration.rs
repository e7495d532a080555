//! Agents, permission requests, tokens, the audit log and projects.

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
    /// List what you allowed for the rest of a task.
    Granted {
        /// The task's id, the end of its id, or words of its name that no other task has.
        task: String,
    },
    /// Revoke what you allowed for the rest of a task.
    Revoke {
        /// The task's id, the end of its id, or words of its name that no other task has.
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
    /// Start an agent, show what it says of itself, and run a trivial prompt.
    Check {
        /// The agent's id; `spectask agents` lists them.
        id: String,
    },
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
    /// What the token is called in lists and in the audit log.
    pub(crate) name: String,
    /// What it may be used for.
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
    /// The name that the API has for it.
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
        /// What the project is called (default: the repository's name).
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
        /// Take the confirmation back.
        #[arg(long)]
        withdraw: bool,
    },
    /// Forget a project; its repository stays.
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
}
