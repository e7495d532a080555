//! What an agent process reports, and the answers to it.

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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TurnEnd {
    /// `end_turn`, `cancelled`, `max_tokens`, `max_turn_requests`, `refusal`, or a word of the agent's own.
    pub stop_reason: String,
    /// Token counts, where the agent reports them with the turn.
    pub usage: Option<Value>,
    /// The agent's words after the last thing that it did, at most 4 KiB; empty where it ended without any, as agents do
    /// whose model answered nothing.
    pub last_message: String,
    /// Whether the agent ended the turn with `end_turn` and sent no message, thought, plan or tool call before: its model
    /// answered nothing, or the agent does not report its work.
    pub is_silent: bool,
    /// How many updates the process had sent before this end, over all of its sessions. A receiver that has taken in this
    /// many has the whole turn.
    pub updates: u64,
    pub raw: Value,
}

/// The name and version that an agent reports when it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a capability that agents name by itself")]
pub struct AgentInfo {
    pub name: String,
    pub version: String,
    pub protocol_version: u64,
    /// Whether earlier sessions can be loaded.
    pub load_session: bool,
    /// Whether sessions can be closed one by one.
    pub close_session: bool,
    /// Whether sessions can be given folders beside their working directory.
    pub additional_directories: bool,
    /// Whether prompts may have images.
    pub images: bool,
    /// Whether prompts may have the contents of files.
    pub embedded_context: bool,
    /// Whether sessions can be given MCP servers over streamable HTTP.
    pub mcp_http: bool,
    /// Whether sessions can be given MCP servers over HTTP with server-sent events.
    pub mcp_sse: bool,
    pub auth_methods: Vec<AuthMethod>,
}

/// A way to sign in that an agent names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthMethod {
    pub id: String,
    pub name: String,
    pub description: String,
    /// The variables that hold the key which this method takes; empty where it takes none, or does not say so.
    pub variables: Vec<String>,
}

impl AgentInfo {
    pub(crate) fn read(answer: &Value) -> AgentInfo {
        let agent = &answer["agentInfo"];
        let capabilities = &answer["agentCapabilities"];
        let can =
            |name: &str| capabilities["sessionCapabilities"].get(name).is_some_and(|value| !value.is_null());
        let methods = answer["authMethods"].as_array().into_iter().flatten();
        AgentInfo {
            name: agent["title"].as_str().map_or_else(|| text(agent, "name"), str::to_owned),
            version: text(agent, "version"),
            protocol_version: answer["protocolVersion"].as_u64().unwrap_or_default(),
            load_session: capabilities["loadSession"].as_bool().unwrap_or_default(),
            close_session: can("close"),
            additional_directories: can("additionalDirectories"),
            images: capabilities["promptCapabilities"]["image"].as_bool().unwrap_or_default(),
            embedded_context: capabilities["promptCapabilities"]["embeddedContext"]
                .as_bool()
                .unwrap_or_default(),
            mcp_http: capabilities["mcpCapabilities"]["http"].as_bool().unwrap_or_default(),
            mcp_sse: capabilities["mcpCapabilities"]["sse"].as_bool().unwrap_or_default(),
            auth_methods: methods.map(AuthMethod::read).collect(),
        }
    }
}

impl AuthMethod {
    fn read(method: &Value) -> AuthMethod {
        let (name, description) = (text(method, "name"), text(method, "description"));
        let listed = method["vars"].as_array().into_iter().flatten();
        let mut variables: Vec<String> = listed.map(|variable| text(variable, "name")).collect();
        variables.extend(method["varName"].as_str().map(str::to_owned));
        let keys: &[&str] = match method["_meta"]["api-key"]["provider"].as_str() {
            Some("openai") => &["CODEX_API_KEY", "OPENAI_API_KEY"],
            Some("google") => &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
            Some("anthropic") => &["ANTHROPIC_API_KEY"],
            _ => &[],
        };
        variables.extend(keys.iter().map(|&key| key.to_owned()));
        let words = format!("{name} {description}");
        let words = words.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        variables.extend(words.filter(|word| word.ends_with("_API_KEY")).map(str::to_owned));
        AuthMethod { id: text(method, "id"), name, description, variables }
    }

    /// Returns whether one of these variables holds the key that this method takes.
    pub(crate) fn takes_key_of(&self, variables: &[String]) -> bool {
        self.variables.iter().any(|variable| variables.contains(variable))
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
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
