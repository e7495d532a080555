//! What an agent process reports, and what is said back to it.

use crate::Update;
use serde_json::Value;
use std::fmt;

/// Something an agent process did. Events of one process come in the order in which the agent wrote them.
#[derive(Clone, Debug, PartialEq)]
pub enum AgentEvent {
    /// A `session/update`. It may name a session whose `session/new` is not answered yet, and it may come after the
    /// turn's end: the receiver keeps what it cannot place.
    Update {
        session: String,
        /// True while the agent replays a session that is being loaded.
        replay: bool,
        /// The parameters of the notification as the agent sent them: `{sessionId, update, …}`.
        raw: Value,
        kind: Update,
    },
    /// The agent asks whether it may do something; answered by [`crate::Process::answer_permission`].
    Permission { session: String, request_id: u64, tool_call: Value, options: Vec<PermissionOption> },
    /// The question is void: the turn ended or was cancelled, or the agent took it back.
    PermissionWithdrawn { session: String, request_id: u64 },
    /// The process has ended, with its whole tree. Nothing comes after this.
    Exited(Exit),
}

/// One of the answers the agent offers to a permission request. Ids are arbitrary; choose by `kind`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionOption {
    pub id: String,
    pub name: String,
    /// `allow_once`, `allow_always`, `reject_once`, `reject_always`, or whatever the agent says.
    pub kind: String,
}

/// The answer to a permission request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PermissionAnswer {
    /// The id of one of the offered options.
    Selected(String),
    Cancelled,
}

/// How a turn ended.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnEnd {
    /// `end_turn`, `cancelled`, `max_tokens`, `max_turn_requests`, `refusal`, or a word of the agent's own.
    pub stop_reason: String,
    /// Token counts, where the agent reports them with the turn.
    pub usage: Option<Value>,
    pub raw: Value,
}

/// What an agent says of itself when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentInfo {
    pub name: String,
    pub version: String,
    pub protocol_version: u64,
    /// Whether earlier sessions can be loaded.
    pub load_session: bool,
    pub auth_methods: Vec<AuthMethod>,
}

/// A way to sign in that an agent names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthMethod {
    pub id: String,
    pub name: String,
    pub description: String,
}

/// How an agent process ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    /// True when we ended it.
    pub requested: bool,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code, self.signal) {
            (Some(code), _) => write!(f, "exit code {code}"),
            (None, Some(signal)) => write!(f, "signal {signal}"),
            (None, None) => f.write_str("an unknown status"),
        }
    }
}
