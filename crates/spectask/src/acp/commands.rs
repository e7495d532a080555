//! Commands that a person types into a thread. They only read: decisions about documents and changes are made where these are
//! shown, on the page or the command line.

use super::rpc::RpcError;
use super::server::Server;
use crate::commands::patch;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// How much of a diff is shown, in bytes.
const MAX_DIFF_BYTES: usize = 64 * 1024;

/// Returns the update that announces the commands.
pub(super) fn available() -> Value {
    json!({ "sessionUpdate": "available_commands_update", "availableCommands": [
        { "name": "status", "description": "Show what the session and its task are doing" },
        { "name": "diff", "description": "Show what the session changed" },
    ] })
}

/// Returns the answer to a command; none if the text is no command of SpecTask.
pub(super) async fn run(server: &Server, session: &str, text: &str) -> Option<Result<String, RpcError>> {
    match text.trim() {
        "/status" => Some(status(server, session).await),
        "/diff" => Some(diff(server, session).await),
        _ => None,
    }
}

async fn status(server: &Server, session: &str) -> Result<String, RpcError> {
    let found = server.session(session).await?;
    let (session, task) = (&found["work_session"], &found["spec_task"]);
    let word = |value: &Value, member: &str| value[member].as_str().unwrap_or_default().to_owned();
    let mut text = format!(
        "**{}**: {}\n\nTask **{}**: {}\n",
        word(session, "name"),
        word(session, "status"),
        word(task, "name"),
        word(task, "status")
    );
    for (name, value) in [
        ("Waiting", word(session, "queue_reason")),
        ("Task waiting", word(task, "queue_reason")),
        ("Last error", word(&session["last_error"], "message")),
        ("Branch", word(session, "branch_name")),
        ("Worktree", word(session, "workspace_path")),
    ] {
        if !value.is_empty() {
            let _ = write!(text, "\n{name}: {value}\n");
        }
    }
    Ok(text)
}

async fn diff(server: &Server, session: &str) -> Result<String, RpcError> {
    let query = [("limit", "500".to_owned())];
    let found = server.get(&format!("/work-sessions/{session}/diff"), &query).await?.body;
    let text: String = found["files"].as_array().into_iter().flatten().map(patch).collect();
    if text.trim().is_empty() {
        return Ok("The session changed nothing.".to_owned());
    }
    let is_cut = text.len() > MAX_DIFF_BYTES;
    let shown = &text[..text.floor_char_boundary(MAX_DIFF_BYTES)];
    let end = if is_cut { "\nThe rest is on the page, and in `spectask diff`.\n" } else { "" };
    Ok(format!("````diff\n{}\n````\n{end}", shown.trim_end()))
}
