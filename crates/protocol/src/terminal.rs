//! What a page and the server say to each other about a terminal, beside the bytes that are typed and printed.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the server says about a terminal. Its output comes as binary messages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum TerminalMessage {
    /// The terminal is shown; the end of what it printed before follows.
    Opened {
        /// Whether the shell was started for this connection.
        is_new: bool,
        /// How many seconds the terminal stays when the connection ends.
        grace_seconds: u64,
    },
    /// The terminal cannot be opened, and the connection ends.
    Refused {
        code: String,
        /// What is wrong, as a sentence.
        detail: String,
    },
    /// Input was dropped, since the program has not read what was typed before.
    InputDropped,
    /// The connection does not show the terminal any more, and ends.
    Ended {
        /// `exited`, `replaced`, `worktree_removed`, `idle`, `unattended`, `signed_out` or `server_stopped`.
        reason: String,
        /// What happened, as a sentence.
        detail: String,
        /// The exit code of the shell, where it ended by itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exit_code: Option<i32>,
    },
}

/// What a page says about a terminal. What is typed is sent as binary messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TerminalRequest {
    /// The terminal has another size, in characters.
    Resize { columns: u16, rows: u16 },
    /// So many more bytes of output were shown. The server sends only so much beyond what was shown.
    Shown(u64),
}
