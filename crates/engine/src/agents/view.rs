//! Agents as they are shown.

use crate::agents::limits::AgentLimit;
use protocol::AgentOption;
use protocol::words::{AgentKind, AgentRole};
use serde::Serialize;
use utoipa::ToSchema;

/// An agent as it is shown; the values of its environment are not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct AgentView {
    pub id: String,
    pub name: String,
    /// The source of the entry.
    pub kind: AgentKind,
    pub command: String,
    pub installed: bool,
    /// The version that the agent reported at its last start; null before the first one.
    #[schema(required)]
    pub version: Option<String>,
    pub roles: Vec<String>,
    /// Whether the agent asked for a sign-in when it was used last.
    pub auth_needed: bool,
    pub state: AgentState,
    /// Why the agent cannot be used.
    #[schema(required)]
    pub message: Option<String>,
    /// The time of the last check; null while the agent was not started.
    #[schema(required)]
    pub checked_at: Option<String>,
    pub how_to_install: String,
    /// The command that installs it, where one does.
    #[schema(required, example = "npm install -g @agentclientprotocol/claude-agent-acp")]
    pub install_command: Option<String>,
    /// The options that it offered when its last session was opened, such as model, mode and effort; empty while none was.
    pub options: Vec<AgentOption>,
    /// The roles in which it serves tasks that name no agent, of projects that name none: `planning`, `implementation`.
    pub default_for: Vec<AgentRole>,
    /// When the limit ends that the agent's account reached; until then no session of the agent begins a turn. Null without a
    /// limit.
    #[schema(required)]
    pub limited_until: Option<String>,
    /// What the agent said about the limit.
    #[schema(required)]
    pub limit_message: Option<String>,
}

/// The state of an agent on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Its command is not there.
    NotInstalled,
    /// It is there and was not started yet.
    Untested,
    /// It started and asked for a sign-in.
    SignInNeeded,
    /// It started and opened a session.
    Ready,
    /// It passed `spectask agents check`.
    Passed,
    /// It failed at its last start.
    Failed,
}

impl AgentState {
    /// Returns the state in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::NotInstalled => "not installed",
            Self::Untested => "untested",
            Self::SignInNeeded => "sign-in needed",
            Self::Ready => "ready",
            Self::Passed => "passed",
            Self::Failed => "failed",
        }
    }
}

impl AgentView {
    pub(super) fn show_limit(&mut self, limit: Option<&AgentLimit>) {
        self.limited_until = limit.map(|limit| crate::clock::rfc3339(limit.until));
        self.limit_message = limit.map(|limit| limit.message.clone());
    }
}
