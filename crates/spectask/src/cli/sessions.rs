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

#[derive(Debug, Args)]
pub(crate) struct Spawn {
    /// The id of the work session that spawns.
    pub(crate) session: String,
    /// The name of the fork.
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
    /// The message.
    pub(crate) text: String,
    /// Interrupt the current turn instead of waiting for its end.
    #[arg(long)]
    pub(crate) interrupt: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Branch {
    /// The work session's id.
    pub(crate) session: String,
    /// The name of the fork.
    #[arg(long)]
    pub(crate) name: String,
    /// What the fork does differently.
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
pub(crate) struct Answer {
    /// The question's id; `spectask questions` lists them.
    pub(crate) question: String,
    /// What to say to the agent.
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
