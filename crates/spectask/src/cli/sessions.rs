//! Work sessions: conversations, messages, further sessions.

use clap::Args;
use std::path::PathBuf;

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

/// Options that agents get.
#[derive(Debug, Default, Args)]
pub(crate) struct AgentOptions {
    /// The model that the agents use; `spectask agents --json` shows those that each offered last.
    #[arg(long, value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// Another option of the agents, by its id or category, such as `thought_level=high`; may be given several times.
    #[arg(long = "option", value_name = "ID=VALUE", value_parser = id_and_value)]
    pub(crate) options: Vec<(String, String)>,
}

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The work session's id.
    pub(crate) session: String,
    /// Set this option, such as `model=opus`; without a value its choice is taken back.
    #[arg(value_name = "ID=VALUE", value_parser = id_and_value)]
    pub(crate) set: Vec<(String, String)>,
}

fn id_and_value(text: &str) -> Result<(String, String), String> {
    let (id, value) = text.split_once('=').ok_or("write it as ID=VALUE, such as model=opus")?;
    if id.trim().is_empty() {
        return Err("name the option before the =, such as model=opus".to_owned());
    }
    Ok((id.trim().to_owned(), value.trim().to_owned()))
}

#[derive(Debug, Args)]
pub(crate) struct Spawn {
    /// The id of the work session that spawns.
    pub(crate) session: String,
    /// The name of the fork.
    pub(crate) name: String,
    /// The work of the session.
    #[arg(long, short)]
    pub(crate) description: String,
    /// The prompt of its first turn, in addition to the description.
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
    #[command(flatten)]
    pub(crate) options: AgentOptions,
    /// A work session whose work it needs; may be given several times.
    #[arg(long, value_name = "SESSION")]
    pub(crate) depends_on: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Say {
    /// The work session's id.
    pub(crate) session: String,
    /// The message.
    pub(crate) text: String,
    /// Interrupt the current turn instead of waiting for its end.
    #[arg(long)]
    pub(crate) interrupt: bool,
    /// A file to attach, such as a screenshot; can be given several times.
    #[arg(long, value_name = "FILE")]
    pub(crate) attach: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Branch {
    /// The work session's id.
    pub(crate) session: String,
    /// The name of the fork.
    #[arg(long)]
    pub(crate) name: String,
    /// The instructions that make the fork different.
    #[arg(long)]
    pub(crate) prompt: String,
    /// The turn after which it begins (default: the last finished turn).
    #[arg(long, value_name = "TURN")]
    pub(crate) from_turn: Option<String>,
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
pub(crate) struct Attachments {
    /// The task's short id, its id, the end of its id, or words of its name that no other task has.
    pub(crate) task: String,
    /// Save this file: its id, the end of its id, or a name that no other file of the task has.
    pub(crate) file: Option<String>,
    /// Where to save it (default: under its name in the present folder); `-` is standard output.
    #[arg(long, short, requires = "file", value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Answer {
    /// The question's id; `spectask questions` lists them.
    pub(crate) question: String,
    /// The message to the agent.
    pub(crate) text: Option<String>,
    /// Accept a proposal. The documents stay as they are until you change them.
    #[arg(long, conflicts_with = "decline")]
    pub(crate) accept: bool,
    /// Do not accept a proposal.
    #[arg(long)]
    pub(crate) decline: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Mcp {
    /// The task that the tools are about: its id, or words of its name (default: each call names one).
    #[arg(long, value_name = "TASK")]
    pub(crate) task: Option<String>,
    /// The work session whose agent uses the tools. SpecTask sets it when it starts agents, with the session's own token.
    #[arg(long, value_name = "SESSION", requires = "task")]
    pub(crate) session: Option<String>,
    /// The socket of the server.
    #[arg(long, value_name = "PATH", env = "SPECTASK_SOCKET", hide = true)]
    pub(crate) socket: Option<PathBuf>,
}
