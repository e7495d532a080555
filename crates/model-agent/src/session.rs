//! One session: its folders, its conversation, and what its user allowed.

use crate::history::History;
use crate::mcp::McpServers;
use crate::modes::Mode;
use crate::workspace::Workspace;
use agent::wire::Wire;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use tokio::sync::{OnceCell, OwnedMutexGuard};
use tokio_util::sync::CancellationToken;

pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) workspace: Workspace,
    pub(crate) choices: Mutex<Choices>,
    /// The MCP servers that the client names, and those that run since the first turn.
    described_mcp: Value,
    mcp: OnceCell<McpServers>,
    /// Held by the turn that runs.
    history: Arc<tokio::sync::Mutex<History>>,
    running: Mutex<Option<CancellationToken>>,
}

/// What the user chose for a session.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    pub(crate) mode: Mode,
    pub(crate) model: String,
    /// Whether every change of a file is allowed.
    pub(crate) allows_edits: bool,
    /// Commands that are allowed every time.
    pub(crate) allowed_commands: BTreeSet<String>,
    /// Tools of MCP servers that are allowed every time.
    pub(crate) allowed_tools: BTreeSet<String>,
}

/// Shows how far a tool call has come.
pub(crate) struct Progress<'a> {
    pub(crate) wire: &'a Wire,
    pub(crate) session: &'a str,
    pub(crate) call: &'a str,
}

impl Choices {
    pub(crate) fn new(mode: Mode, model: &str) -> Choices {
        Choices {
            mode,
            model: model.to_owned(),
            allows_edits: false,
            allowed_commands: BTreeSet::new(),
            allowed_tools: BTreeSet::new(),
        }
    }
}

impl Session {
    pub(crate) fn new(
        id: String,
        workspace: Workspace,
        mcp_servers: &Value,
        choices: Choices,
        history: History,
    ) -> Session {
        Session {
            id,
            workspace,
            choices: Mutex::new(choices),
            described_mcp: mcp_servers.clone(),
            mcp: OnceCell::new(),
            history: Arc::new(tokio::sync::Mutex::new(history)),
            running: Mutex::default(),
        }
    }

    /// Begins a turn unless one is under way; the conversation is the turn's until it drops it.
    pub(crate) fn begin(
        &self,
        closing: &CancellationToken,
    ) -> Option<(CancellationToken, OwnedMutexGuard<History>)> {
        let history = self.history.clone().try_lock_owned().ok()?;
        let cancel = closing.child_token();
        *self.running.lock() = Some(cancel.clone());
        Some((cancel, history))
    }

    /// Returns the MCP servers; the first call starts them.
    pub(crate) async fn start_mcp(&self) -> &McpServers {
        self.mcp.get_or_init(|| McpServers::start(&self.described_mcp, self.workspace.cwd())).await
    }

    /// Returns the MCP servers, if they were started.
    pub(crate) fn mcp(&self) -> Option<&McpServers> {
        self.mcp.get()
    }

    pub(crate) fn cancel(&self) {
        if let Some(running) = &*self.running.lock() {
            running.cancel();
        }
    }
}

impl Progress<'_> {
    pub(crate) async fn show(&self, text: &str) -> io::Result<()> {
        let content = json!([{"type": "content", "content": {"type": "text", "text": text}}]);
        let update = json!({
            "sessionUpdate": "tool_call_update", "toolCallId": self.call, "status": "in_progress", "content": content,
        });
        self.wire.update(self.session, update).await
    }
}
