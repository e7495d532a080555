//! What can be typed.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::net::SocketAddr;
use std::path::PathBuf;

/// Turns a prompt into reviewed, merged work done by a crew of coding agents.
///
/// Exit codes: 0 done, 1 something failed, 2 wrong usage, 3 not found, 4 not allowed in the present state,
/// 5 no server to talk to, 6 no valid token, 7 the task that was waited for failed or was cancelled.
#[derive(Debug, Parser)]
#[command(name = "spectask", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Where the server keeps everything; also how its clients find it.
    #[arg(long, global = true, env = "SPECTASK_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The configuration file.
    #[arg(long, global = true, env = "SPECTASK_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The server to talk to; absent is the one that runs on the data directory.
    #[arg(long, global = true, env = "SPECTASK_URL", value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Answer with JSON, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// How the log on stderr is written; RUST_LOG says how much.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server.
    Serve(Serve),
    /// Run the server with sample repositories and a scripted agent, and play a job in the browser.
    Demo(Demo),
    /// Create a task from a prompt.
    New(Box<New>),
    /// List tasks.
    List(List),
    /// Show a task.
    Show(TaskId),
    /// Approve what is under review: the documents, or the finished change.
    Approve(Approve),
    /// Send what is under review back, saying what to change.
    RequestChanges(RequestChanges),
    /// Reject what is under review; the task ends.
    Reject(Approve),
    /// Cancel a task: its agents are stopped, its branches stay.
    Cancel(TaskId),
    /// Try a failed task again, from the step that failed.
    Retry(TaskId),
    /// Watch one task, or all of them, live.
    Watch(Watch),
    /// List the agents that can be chosen.
    Agents(Agents),
    /// List projects, or add one.
    Projects(Projects),
    /// Print the configuration in force, and where each value comes from.
    Config,
    /// Check git, agents, database, disk and sandbox, and say what to do about each finding.
    Doctor,
    /// Print the owner's token.
    Token,
    /// Print shell completions.
    Completions { shell: clap_complete::Shell },
    /// The built-in agents, which speak the Agent Client Protocol on stdio.
    #[command(subcommand)]
    Agent(BuiltIn),
    /// Print the OpenAPI document.
    #[command(hide = true)]
    Openapi,
    /// Runs an agent under watch; the server starts agents by this.
    #[command(hide = true)]
    ExecAgent {
        #[arg(trailing_var_arg = true)]
        command: Vec<String>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen; port 0 picks one.
    #[arg(long, env = "SPECTASK_BIND", value_name = "HOST:PORT")]
    pub(crate) bind: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where to listen; port 0 picks one.
    #[arg(long, env = "SPECTASK_BIND", value_name = "HOST:PORT")]
    pub(crate) bind: Option<SocketAddr>,
    /// Do not open a browser.
    #[arg(long)]
    pub(crate) no_open: bool,
    /// Do not create a first task.
    #[arg(long)]
    pub(crate) no_task: bool,
}

#[derive(Debug, Args)]
pub(crate) struct New {
    /// What is to be done; `-` reads it from stdin.
    pub(crate) prompt: String,
    /// The project, by name or id; absent is the repository of the current folder.
    #[arg(long, conflicts_with_all = ["repo", "demo"])]
    pub(crate) project: Option<String>,
    /// The repository, by path; it becomes a project when it is not one yet.
    #[arg(long, value_name = "PATH", conflicts_with = "demo")]
    pub(crate) repo: Option<PathBuf>,
    /// A fresh copy of a sample repository.
    #[arg(long, value_name = "ID")]
    pub(crate) demo: Option<String>,
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// feature, bug or refactor.
    #[arg(long = "type")]
    pub(crate) kind: Option<String>,
    /// low, medium, high or critical.
    #[arg(long)]
    pub(crate) priority: Option<String>,
    /// simple (one work session) or complex (several).
    #[arg(long)]
    pub(crate) complexity: Option<String>,
    /// The agent that plans.
    #[arg(long, value_name = "AGENT")]
    pub(crate) spec_agent: Option<String>,
    /// The agent that implements.
    #[arg(long, value_name = "AGENT")]
    pub(crate) implementation_agent: Option<String>,
    /// The branch that the change is made for.
    #[arg(long, value_name = "BRANCH")]
    pub(crate) base_branch: Option<String>,
    #[arg(long = "label", value_name = "LABEL")]
    pub(crate) labels: Vec<String>,
    /// Keep it in the backlog.
    #[arg(long)]
    pub(crate) no_start: bool,
    /// Wait until it needs a person or has ended.
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only tasks in this status; may be given several times.
    #[arg(long)]
    pub(crate) status: Vec<String>,
    /// Words to be found in name, prompt or description.
    #[arg(long, short)]
    pub(crate) query: Option<String>,
    /// How many, 1 to 500.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct TaskId {
    /// The task's id, the end of its id, or words of its name that no other task has.
    pub(crate) task: String,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// The task's id, the end of its id, or words of its name that no other task has.
    pub(crate) task: String,
    #[arg(long, short, default_value = "")]
    pub(crate) comments: String,
    /// Wait until it needs a person again or has ended.
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RequestChanges {
    /// The task's id, the end of its id, or words of its name that no other task has.
    pub(crate) task: String,
    /// What is to be different.
    #[arg(long, short)]
    pub(crate) comments: String,
    /// One change asked for; may be given several times.
    #[arg(long = "change", value_name = "TEXT")]
    pub(crate) changes: Vec<String>,
    /// Wait until it needs a person again or has ended.
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// The task to watch; absent is everything.
    pub(crate) task: Option<String>,
    /// End when the task needs a person or has ended.
    #[arg(long, requires = "task")]
    pub(crate) until_waiting: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Agents {
    #[command(subcommand)]
    pub(crate) command: Option<AgentsCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AgentsCommand {
    /// Start an agent, show what it says of itself, and run a trivial prompt.
    Check { id: String },
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
        #[arg(long)]
        name: Option<String>,
        /// A command that must pass on every finished change; may be given several times.
        #[arg(long = "check", value_name = "COMMAND")]
        checks: Vec<String>,
    },
    /// Forget a project; its repository stays.
    Remove { project: String },
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
