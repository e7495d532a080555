//! Creating, listing and following tasks.

use super::sessions::AgentOptions;
use super::values::{COMPLEXITIES, MOVES, PRIORITIES, STATUSES, TYPES};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub(crate) struct New {
    /// The prompt: what the agents should do; `-` reads it from stdin.
    pub(crate) prompt: String,
    /// The project, by name or id (default: the repository of the current folder).
    #[arg(long, conflicts_with_all = ["repo", "demo"])]
    pub(crate) project: Option<String>,
    /// The repository, by path; it becomes a project when it is not one yet.
    #[arg(long, value_name = "PATH", conflicts_with = "demo")]
    pub(crate) repo: Option<PathBuf>,
    /// A fresh copy of a sample repository.
    #[arg(long, value_name = "ID")]
    pub(crate) demo: Option<String>,
    /// A file to attach to the prompt, such as a screenshot; can be given several times.
    #[arg(long, value_name = "FILE", conflicts_with = "demo")]
    pub(crate) attach: Vec<PathBuf>,
    /// The name of the task (default: the first line of the prompt).
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// The type of the task; interactive, batch and coding_session begin without planning.
    #[arg(long = "type", value_name = "TYPE", value_parser = PossibleValuesParser::new(TYPES))]
    pub(crate) kind: Option<String>,
    /// The template it is made from; see `spectask templates`.
    #[arg(long, value_name = "NAME")]
    pub(crate) template: Option<String>,
    /// One of the items that the template makes a planned task of; may be given several times.
    #[arg(long = "item", value_name = "TEXT", requires = "template")]
    pub(crate) items: Vec<String>,
    /// Skip planning.
    #[arg(long)]
    pub(crate) no_plan: bool,
    /// How urgent the task is.
    #[arg(long, value_parser = PossibleValuesParser::new(PRIORITIES))]
    pub(crate) priority: Option<String>,
    /// Whether one work session (simple) or several (complex) carry it out.
    #[arg(long, value_parser = PossibleValuesParser::new(COMPLEXITIES))]
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
    #[command(flatten)]
    pub(crate) agent_options: AgentOptions,
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
    /// Show a task and its last messages.
    Show(TaskId),
    /// Move a task to another status.
    Status {
        /// The task's short id, its id, the end of its id, or words of its name that no other task has.
        task: String,
        /// Where the task goes.
        #[arg(value_parser = PossibleValuesParser::new(MOVES))]
        status: String,
    },
    /// Send a message to a conversation: to the session that waits for you, or that waited last.
    Say {
        /// The task's short id, its id, the end of its id, or words of its name that no other task has.
        task: String,
        /// The message to the agent.
        text: String,
        /// Interrupt the current turn instead of waiting for its end.
        #[arg(long)]
        interrupt: bool,
        /// A file to attach, such as a screenshot; can be given several times.
        #[arg(long, value_name = "FILE")]
        attach: Vec<PathBuf>,
        /// Wait for the answer and print it.
        #[arg(long)]
        wait: bool,
    },
    /// Add a work session to a task.
    AddSession {
        /// The task's short id, its id, the end of its id, or words of its name that no other task has.
        task: String,
        /// The name of the session.
        name: String,
        /// The work of the session (default: its name).
        #[arg(long, short)]
        description: Option<String>,
        /// Absent is the task's agent.
        #[arg(long)]
        agent: Option<String>,
    },
    /// End a conversation; its work stays on its branch.
    Close {
        /// The task's short id, its id, the end of its id, or words of its name that no other task has.
        task: String,
        /// Check and review the conversation's change instead, so that it can land.
        #[arg(long)]
        review: bool,
    },
    /// Stop a task and remove it from the lists; its branches and conversations stay.
    Delete(TaskId),
}

#[derive(Debug, Args)]
pub(crate) struct NewTask {
    /// The name of the task.
    pub(crate) name: String,
    /// The work to do (default: the name).
    #[arg(long, short)]
    pub(crate) description: Option<String>,
    /// The type of the task; feature, bug and refactor are carried out without a plan.
    #[arg(long = "type", value_name = "TYPE", default_value = "interactive", value_parser = PossibleValuesParser::new(TYPES))]
    pub(crate) kind: String,
    /// The project, by name or id (default: the repository of the current folder).
    #[arg(long, conflicts_with = "repo")]
    pub(crate) project: Option<String>,
    /// The repository, by path; it becomes a project when it is not one yet.
    #[arg(long, value_name = "PATH")]
    pub(crate) repo: Option<PathBuf>,
    /// How urgent the task is.
    #[arg(long, value_parser = PossibleValuesParser::new(PRIORITIES))]
    pub(crate) priority: Option<String>,
    /// The agent that works.
    #[arg(long)]
    pub(crate) agent: Option<String>,
    #[command(flatten)]
    pub(crate) agent_options: AgentOptions,
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
    #[arg(long = "type", value_name = "TYPE", value_parser = PossibleValuesParser::new(TYPES))]
    pub(crate) kind: Vec<String>,
    #[command(flatten)]
    pub(crate) part: Part,
}

#[derive(Debug, Args)]
pub(crate) struct Templates {
    /// Show one of them whole.
    pub(crate) name: Option<String>,
    /// The project whose own templates are listed too (default: the repository of the current folder).
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
    #[arg(long, value_parser = PossibleValuesParser::new(STATUSES))]
    pub(crate) status: Vec<String>,
    /// How many, 1 to 500.
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: u32,
}

#[derive(Debug, Args)]
pub(crate) struct TaskId {
    /// The task's short id, its id, the end of its id, or words of its name that no other task has.
    pub(crate) task: String,
}

#[derive(Debug, Args)]
pub(crate) struct Watch {
    /// The task to watch (default: everything).
    pub(crate) task: Option<String>,
    /// End when the task needs a person or has ended.
    #[arg(long, requires = "task")]
    pub(crate) until_waiting: bool,
    /// Ring the terminal's bell, and show a notification where the terminal can, when something needs you.
    #[arg(long)]
    pub(crate) notify: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Continue {
    /// The task's short id, its id, the end of its id, or words of its name that no other task has; `retry` takes a work session's id, too.
    pub(crate) name: String,
    /// Wait until the task needs a person or has ended.
    #[arg(long)]
    pub(crate) wait: bool,
}
