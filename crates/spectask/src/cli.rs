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
    /// Print what a task or a work session changed, as a diff.
    Diff(Named),
    /// Print what was said and done in a work session: messages, tool calls and their output, plans, questions.
    Log(Log),
    /// Search tasks, their documents, and what was said and done in their sessions.
    Search(Search),
    /// Print the report of a task: what was asked, what was done for each requirement, and what it took.
    Report(Report),
    /// Show figures about all tasks: what came and went, how long it took and waited, what failed, what it cost.
    Analytics(Analytics),
    /// Approve what is under review: the documents, or the finished change.
    Approve(Approve),
    /// Send what is under review back, saying what to change.
    RequestChanges(RequestChanges),
    /// Reject what is under review; the task ends.
    Reject(Reject),
    /// Cancel a task or a work session: its agents are stopped, its branches stay.
    Cancel(Named),
    /// Pause a task: its agents are stopped, and nothing begins until it is resumed.
    Pause(TaskId),
    /// Resume a paused task.
    Resume(TaskId),
    /// Try a failed task again from the step that failed, or a work session.
    Retry(Named),
    /// Take a cancelled task up again where it was.
    Reopen(TaskId),
    /// Take back what a task merged, by a new task whose change you review.
    Revert(TaskId),
    /// Go on without a work session.
    Skip(SessionId),
    /// Show a task's work sessions as a tree.
    Sessions(TaskId),
    /// Have a work session at work spawn another.
    Spawn(Spawn),
    /// Speak into a work session's thread.
    Say(Say),
    /// Continue a work session as two, from the end of a turn.
    Branch(Branch),
    /// Keep a work session's work instead of its alternatives'.
    Choose(SessionId),
    /// Watch one task, or all of them, live.
    Watch(Watch),
    /// List the permission requests of agents that wait for you, or answer one.
    Permissions(Permissions),
    /// List the agents that can be chosen.
    Agents(Agents),
    /// List projects, or add one.
    Projects(Projects),
    /// Print the configuration in force, and where each value comes from.
    Config,
    /// Check git, agents, database, disk and sandbox, and say what to do about each finding.
    Doctor,
    /// Make a fresh database from the record in git: every task, session, conversation and review.
    Rebuild(Rebuild),
    /// Print the owner's token, or manage tokens.
    Token(Token),
    /// Print the audit log: who decided what, by which way, with which token.
    Audit(Audit),
    /// Print shell completions.
    Completions {
        /// The shell that they are for.
        shell: clap_complete::Shell,
    },
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

impl Command {
    /// Whether it goes on although nobody reads what it prints.
    pub(crate) fn outlives_its_reader(&self) -> bool {
        matches!(self, Self::Serve(_) | Self::Demo(_) | Self::Agent(_))
    }
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen; port 0 picks one.
    #[arg(long, env = "SPECTASK_BIND", value_name = "HOST:PORT")]
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
    /// What the agents should do; `-` reads it from stdin.
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
    /// What the task is called; absent is the first line of the prompt.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// feature, bug or refactor; interactive, batch or coding_session begin without planning.
    #[arg(long = "type")]
    pub(crate) kind: Option<String>,
    /// The template it is made from; see `spectask templates`.
    #[arg(long, value_name = "NAME")]
    pub(crate) template: Option<String>,
    /// One of the items that the template makes a planned task of; may be given several times.
    #[arg(long = "item", value_name = "TEXT", requires = "template")]
    pub(crate) items: Vec<String>,
    /// Begin without planning: just do it.
    #[arg(long)]
    pub(crate) no_plan: bool,
    /// low, medium, high or critical.
    #[arg(long)]
    pub(crate) priority: Option<String>,
    /// simple (one work session) or complex (several).
    #[arg(long)]
    pub(crate) complexity: Option<String>,
    /// The agent that plans and implements; see `spectask agents`.
    #[arg(long, value_name = "AGENT")]
    pub(crate) agent: Option<String>,
    /// The agent that plans.
    #[arg(long, value_name = "AGENT")]
    pub(crate) spec_agent: Option<String>,
    /// The agent that implements.
    #[arg(long, value_name = "AGENT")]
    pub(crate) implementation_agent: Option<String>,
    /// The branch that the change is made for.
    #[arg(long, value_name = "BRANCH")]
    pub(crate) base_branch: Option<String>,
    /// A label; may be given several times.
    #[arg(long = "label", value_name = "LABEL")]
    pub(crate) labels: Vec<String>,
    /// Keep it in the backlog.
    #[arg(long)]
    pub(crate) no_start: bool,
    /// Wait until it needs a person or has ended.
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TaskCommand {
    /// Create a task without planning.
    New(NewTask),
    /// List tasks of every type.
    List(ListTasks),
    /// Show a task, and what was said in it last.
    Show(TaskId),
    /// Move a task: done, implementation_review, cancelled, implementation_queued.
    Status {
        /// The task's id, the end of its id, or words of its name that no other task has.
        task: String,
        /// Where the task goes.
        status: String,
    },
    /// Speak in a conversation: into the session that speaks with you last.
    Say {
        /// The task's id, the end of its id, or words of its name that no other task has.
        task: String,
        /// What you say.
        text: String,
        /// End the present turn first instead of waiting for its end.
        #[arg(long)]
        interrupt: bool,
        /// Wait for the answer and print it.
        #[arg(long)]
        wait: bool,
    },
    /// Add a work session to a task.
    AddSession {
        /// The task's id, the end of its id, or words of its name that no other task has.
        task: String,
        /// What the session is called.
        name: String,
        /// What it is to do; absent is what its name says.
        #[arg(long, short)]
        description: Option<String>,
        /// Absent is the task's agent.
        #[arg(long)]
        agent: Option<String>,
    },
    /// End a conversation; its work stays on its branch.
    Close {
        /// The task's id, the end of its id, or words of its name that no other task has.
        task: String,
        /// Have what it made checked and reviewed instead, so that it can land.
        #[arg(long)]
        review: bool,
    },
    /// Stop a task and take it out of the lists; its branches and conversations stay.
    Delete(TaskId),
}

#[derive(Debug, Args)]
pub(crate) struct NewTask {
    /// What the task is called.
    pub(crate) name: String,
    /// What is to be done; absent is what the name says.
    #[arg(long, short)]
    pub(crate) description: Option<String>,
    /// interactive, batch or coding_session; feature, bug and refactor are just done.
    #[arg(long = "type", default_value = "interactive")]
    pub(crate) kind: String,
    /// The project, by name or id; absent is the repository of the current folder.
    #[arg(long, conflicts_with = "repo")]
    pub(crate) project: Option<String>,
    /// The repository, by path; it becomes a project when it is not one yet.
    #[arg(long, value_name = "PATH")]
    pub(crate) repo: Option<PathBuf>,
    /// low, medium, high or critical.
    #[arg(long)]
    pub(crate) priority: Option<String>,
    /// The agent that works.
    #[arg(long)]
    pub(crate) agent: Option<String>,
    /// The template it is made from; see `spectask templates`.
    #[arg(long, value_name = "NAME")]
    pub(crate) template: Option<String>,
    /// One of the items that the template makes a planned task of; may be given several times.
    #[arg(long = "item", value_name = "TEXT", requires = "template")]
    pub(crate) items: Vec<String>,
    /// A label; may be given several times.
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
pub(crate) struct ListTasks {
    /// Only tasks of this type; may be given several times.
    #[arg(long = "type")]
    pub(crate) kind: Vec<String>,
    #[command(flatten)]
    pub(crate) part: Part,
}

#[derive(Debug, Args)]
pub(crate) struct Templates {
    /// Show one of them whole.
    pub(crate) name: Option<String>,
    /// The project whose own templates are listed too; absent is the repository of the current folder, where it is one.
    #[arg(long)]
    pub(crate) project: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    /// Words to be found in name, prompt or description.
    #[arg(long, short)]
    pub(crate) query: Option<String>,
    #[command(flatten)]
    pub(crate) part: Part,
}

/// Which part of all tasks is listed.
#[derive(Debug, Args)]
pub(crate) struct Part {
    /// Only tasks in this status; may be given several times.
    #[arg(long)]
    pub(crate) status: Vec<String>,
    /// How many, 1 to 500.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Search {
    /// Words that must all be found; `"words in quotes"` follow each other, `begin*` finds longer words, `-word` must not be
    /// there (after `--`), `this OR that` finds either.
    #[arg(required = true)]
    pub(crate) words: Vec<String>,
    /// Only task, spec or transcript.
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Only in this project, by its id.
    #[arg(long, value_name = "ID")]
    pub(crate) project: Option<String>,
    /// Only in this task.
    #[arg(long)]
    pub(crate) task: Option<String>,
    /// In archived tasks as well.
    #[arg(long)]
    pub(crate) archived: bool,
    /// How many, 1 to 500.
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The task's id, the end of its id, or words of its name that no other task has.
    pub(crate) task: String,
    /// How it is written; absent is Markdown.
    #[arg(long, value_enum)]
    pub(crate) format: Option<ReportFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// Markdown, for people.
    Md,
    Json,
    /// One table, for spreadsheets.
    Csv,
}

#[derive(Debug, Args)]
pub(crate) struct Analytics {
    /// The first day, such as 2026-11-01; absent is twelve weeks back.
    #[arg(long, value_name = "DAY")]
    pub(crate) from: Option<String>,
    /// The last day; absent is today.
    #[arg(long, value_name = "DAY")]
    pub(crate) to: Option<String>,
    /// Only of this project, by its id.
    #[arg(long, value_name = "ID")]
    pub(crate) project: Option<String>,
    /// day or week.
    #[arg(long, default_value = "week")]
    pub(crate) bucket: String,
    /// Print one table with a figure in each row, for spreadsheets.
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TaskId {
    /// The task's id, the end of its id, or words of its name that no other task has.
    pub(crate) task: String,
}

#[derive(Debug, Args)]
pub(crate) struct Document {
    /// The task's id, the end of its id, or words of its name that no other task has.
    pub(crate) task: String,
    /// The one to print; absent is all three.
    #[arg(value_enum)]
    pub(crate) document: Option<DocumentName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DocumentName {
    Requirements,
    Design,
    Tasks,
    /// The checklist as it stands.
    Progress,
}

impl DocumentName {
    /// As the server calls it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Requirements => "requirements",
            Self::Design => "design",
            Self::Tasks => "tasks",
            Self::Progress => "progress",
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Named {
    /// A work session's id (stws_…), or a task: its id, the end of its id, or words of its name.
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct SessionId {
    /// The work session's id.
    pub(crate) session: String,
}

#[derive(Debug, Args)]
pub(crate) struct Spawn {
    /// The id of the work session that spawns.
    pub(crate) session: String,
    /// What the further one is called.
    pub(crate) name: String,
    /// What it is to do.
    #[arg(long, short)]
    pub(crate) description: String,
    /// What its first turn is asked beside that.
    #[arg(long)]
    pub(crate) prompt: Option<String>,
    /// low, medium, high or critical.
    #[arg(long)]
    pub(crate) priority: Option<String>,
    /// small, medium or large.
    #[arg(long)]
    pub(crate) effort: Option<String>,
    /// Absent is the agent of the session that spawns.
    #[arg(long)]
    pub(crate) agent: Option<String>,
    /// A work session whose work it needs; may be given several times.
    #[arg(long, value_name = "SESSION")]
    pub(crate) depends_on: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Say {
    /// The work session's id.
    pub(crate) session: String,
    /// What you say.
    pub(crate) text: String,
    /// End the present turn first instead of waiting for its end.
    #[arg(long)]
    pub(crate) interrupt: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Branch {
    /// The work session's id.
    pub(crate) session: String,
    /// What the further one is called.
    #[arg(long)]
    pub(crate) name: String,
    /// What it is to do differently.
    #[arg(long)]
    pub(crate) prompt: String,
    /// The turn at whose end it begins; absent is the last that ended.
    #[arg(long, value_name = "TURN")]
    pub(crate) from_turn: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Approve {
    /// The task's id, the end of its id, or words of its name that no other task has.
    pub(crate) task: String,
    /// An overall comment.
    #[arg(long, short, default_value = "")]
    pub(crate) comments: String,
    /// What you read: the commit that `spectask diff` prints, or the hash that `spectask document` prints; at least seven
    /// characters of it. Without it, a terminal shows what is approved and asks.
    #[arg(long, value_name = "COMMIT|HASH")]
    pub(crate) at: Option<String>,
    /// A finding of a secret with which the change may land all the same; may be given several times.
    #[arg(long, value_name = "ID")]
    pub(crate) acknowledge: Vec<String>,
    /// Approve a change in which no session changed a file.
    #[arg(long)]
    pub(crate) allow_empty: bool,
    /// Wait until it needs a person again or has ended.
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Reject {
    /// The task's id, the end of its id, or words of its name that no other task has.
    pub(crate) task: String,
    /// An overall comment.
    #[arg(long, short, default_value = "")]
    pub(crate) comments: String,
}

#[derive(Debug, Args)]
pub(crate) struct RequestChanges {
    /// The task's id, the end of its id, or words of its name that no other task has.
    pub(crate) task: String,
    /// What is to be different; may be absent where the documents have open comments.
    #[arg(long, short, default_value = "")]
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
pub(crate) struct Log {
    /// The work session's id; see `spectask sessions`.
    pub(crate) session: String,
    /// With --json: every entry of the log instead of the messages.
    #[arg(long, requires = "json")]
    pub(crate) all: bool,
}

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
        /// allow, reject, or the id of one of its options.
        answer: String,
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
    /// In how many days it expires; absent is never.
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
        /// What the project is called; absent is the repository's name.
        #[arg(long)]
        name: Option<String>,
        /// A command that must pass on every finished change; may be given several times.
        #[arg(long = "check", value_name = "COMMAND")]
        checks: Vec<String>,
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
