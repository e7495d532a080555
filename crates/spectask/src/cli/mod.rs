//! The command line.

mod administration;
mod editors;
mod inbox;
mod reports;
mod reviews;
mod sessions;
mod tasks;
mod values;

pub(crate) use administration::{
    Agents, AgentsCommand, Audit, BuiltIn, CreateToken, Maintenance, ModelAgent, Permissions,
    PermissionsCommand, Projects, ProjectsCommand, Prompts, PromptsCommand, Secrets, SecretsCommand, Token,
    TokenCommand,
};
use clap::{Args, Parser, Subcommand, ValueEnum};
pub(crate) use editors::{Acp, Editor};
pub(crate) use inbox::{Inbox, InboxAnswer, InboxCommand, Webhooks, WebhooksCommand};
pub(crate) use reports::{Analytics, Report, ReportFormat, Search};
pub(crate) use reviews::{Approve, Diff, Document, DocumentName, Plan, Reject, RequestChanges};
pub(crate) use sessions::{
    AgentOptions, Answer, Attachments, Branch, Log, Mcp, Named, Options, Say, SessionId, Spawn,
};
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::path::PathBuf;
pub(crate) use tasks::{
    Continue, List, ListTasks, New, NewTask, Part, TaskCommand, TaskId, Templates, Watch,
};

/// Turns a prompt into reviewed, merged work done by a crew of coding agents.
///
/// Exit codes: 0 done, 1 something failed, 2 wrong usage, 3 not found, 4 not allowed in the present state,
/// 5 no server to talk to, 6 no valid token, 7 the task that was waited for failed or was cancelled.
#[derive(Debug, Parser)]
#[command(name = "spectask", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Where the server keeps everything; also how its clients find it.
    #[arg(long, global = true, env = "SPECTASK_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The configuration file.
    #[arg(long, global = true, env = "SPECTASK_CONFIG", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The server to talk to (default: the one that runs on the data directory).
    #[arg(long, global = true, env = "SPECTASK_URL", value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Answer with JSON, for programs.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print long output without a pager; on a terminal, $PAGER shows it.
    #[arg(long, global = true)]
    pub(crate) no_pager: bool,
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
    /// Set up the repository of this folder: detect its commands, write its settings, register it.
    Init(Init),
    /// Run the server.
    Serve(Serve),
    /// Run the server with sample repositories and a scripted agent, and play a scenario in the browser.
    Demo(Demo),
    /// Create a task from a prompt.
    New(Box<New>),
    /// Tasks without planning: conversations, batches, coding sessions.
    #[command(subcommand)]
    Task(TaskCommand),
    /// List the templates that tasks can be made from.
    Templates(Templates),
    /// List tasks.
    List(List),
    /// Show a task.
    Show(TaskId),
    /// Print a task's documents: requirements, design and plan, or one of them.
    Document(Document),
    /// Print the planned tasks of a task's plan, or edit them.
    Plan(Plan),
    /// Print the changes of a task or a work session, as a diff.
    Diff(Diff),
    /// Print a work session's log: messages, tool calls and their output, plans, permission requests.
    Log(Log),
    /// Search tasks, their documents, and the logs of their sessions.
    Search(Search),
    /// Print the report of a task: the prompt, the work done for each requirement, and the time and cost.
    Report(Report),
    /// Show figures about all tasks: throughput, lead and waiting time, failures, cost.
    Analytics(Analytics),
    /// Approve the documents, or the finished change, under review.
    Approve(Approve),
    /// Request changes to the documents, or the finished change, under review.
    RequestChanges(RequestChanges),
    /// Reject the documents, or the finished change, under review; the task ends.
    Reject(Reject),
    /// Cancel a task or a work session: its agents are stopped, its branches stay.
    Cancel(Named),
    /// Pause a task: its agents are stopped, and nothing begins until it is resumed.
    Pause(TaskId),
    /// Resume a paused task.
    Resume(Continue),
    /// Retry a failed task from the step that failed, or a work session.
    Retry(Continue),
    /// Reopen a cancelled task where it was.
    Reopen(Continue),
    /// Revert the merged change of a task, by a new task whose change you review.
    Revert(TaskId),
    /// Skip a work session; the others continue.
    Skip(SessionId),
    /// Show a task's work sessions as a tree.
    Sessions(TaskId),
    /// Show the options and commands of a work session's agent, such as its model, or set options.
    Options(Options),
    /// Have a work session at work spawn another.
    Spawn(Spawn),
    /// Send a message to a work session.
    Say(Say),
    /// List the images and files of a task, or save one.
    Attachments(Attachments),
    /// Fork a work session after a turn.
    Branch(Branch),
    /// Keep this fork of a work session and discard the others.
    Choose(SessionId),
    /// Watch one task, or all of them, live.
    Watch(Watch),
    /// List what waits for you, or answer it.
    Inbox(Inbox),
    /// List the permission requests of agents that wait for you, or answer one.
    Permissions(Permissions),
    /// List the prompts to agents, and trust those that a repository overrides.
    Prompts(Prompts),
    /// List the questions of agents, and their proposals to change a plan.
    Questions,
    /// Answer a question or a proposal of an agent.
    Answer(Answer),
    /// Serve the tools of a task's crew to an MCP client, on standard input and output.
    Mcp(Mcp),
    /// List the agents that can be chosen.
    Agents(Agents),
    /// List projects, or add one.
    Projects(Projects),
    /// Print the configuration in force, and where each value comes from.
    Config(Configuration),
    /// Check git, agents, database, disk and sandbox, and say what to do about each finding.
    Doctor,
    /// Make a fresh database from the record in git: every task, session, conversation and review.
    Rebuild(Rebuild),
    /// Print the owner's token, or manage tokens.
    Token(Token),
    /// List, set and remove the secrets that agents, setup commands and checks get as variables.
    Secrets(Secrets),
    /// Print the audit log: who decided what, via which channel, with which token.
    Audit(Audit),
    /// List the webhooks and their deliveries, or redeliver a message.
    Webhooks(Webhooks),
    /// Remove what retention does not keep, and print what is stored.
    Maintenance(Maintenance),
    /// Print shell completions.
    Completions {
        /// The shell that they are for.
        shell: clap_complete::Shell,
    },
    /// The built-in agents, which speak the Agent Client Protocol on stdio.
    #[command(subcommand)]
    Agent(BuiltIn),
    /// Serve an editor: an agent of the Agent Client Protocol on stdio, whose threads are work sessions.
    Acp(Acp),
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

impl Command {
    /// Returns whether it continues after its output is closed.
    pub(crate) fn ignores_broken_pipe(&self) -> bool {
        matches!(self, Self::Serve(_) | Self::Demo(_) | Self::Agent(_) | Self::Acp(_))
    }
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// A folder of the repository.
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// Replace the settings file that is there.
    #[arg(long)]
    pub(crate) force: bool,
    /// Print the detected commands and the settings file, and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not open the page.
    #[arg(long)]
    pub(crate) no_open: bool,
    /// The branch that changes land on (default: that of origin/HEAD, the current one, main or master).
    #[arg(long, value_name = "BRANCH")]
    pub(crate) base_branch: Option<String>,
    /// The name of the project (default: the repository's name).
    #[arg(long)]
    pub(crate) name: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Configuration {
    /// Print the JSON Schema of a repository's settings file, .spectask/project.toml, instead.
    #[arg(long)]
    pub(crate) project_schema: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen; port 0 picks one.
    #[arg(long, env = "SPECTASK_BIND", value_name = "HOST:PORT", value_parser = address)]
    pub(crate) bind: Option<SocketAddr>,
}

#[derive(Debug, Args)]
pub(crate) struct Rebuild {
    /// A repository with the record; may be given several times.
    #[arg(long = "from-git", value_name = "REPO", required = true)]
    pub(crate) from_git: Vec<PathBuf>,
    /// The branch that holds the record.
    #[arg(long, default_value = "helix-design-docs")]
    pub(crate) branch: String,
    /// Let the checks and setup commands in the record run without being confirmed.
    #[arg(long)]
    pub(crate) trust_commands: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where to listen; port 0 picks one.
    #[arg(long, env = "SPECTASK_BIND", value_name = "HOST:PORT", value_parser = address)]
    pub(crate) bind: Option<SocketAddr>,
    /// Do not open a browser.
    #[arg(long)]
    pub(crate) no_open: bool,
    /// Do not create a first task.
    #[arg(long)]
    pub(crate) no_task: bool,
}

/// Reads an address to listen on: an IP address or a host's name, and a port.
fn address(text: &str) -> Result<SocketAddr, String> {
    let found: Vec<SocketAddr> = text.to_socket_addrs().map(Iterator::collect).unwrap_or_default();
    // `localhost` has an address of each kind.
    let found = found.iter().find(|address| address.is_ipv4()).or(found.first()).copied();
    found.ok_or_else(|| "write it as HOST:PORT, such as 127.0.0.1:8420 or [::1]:8420".to_owned())
}
