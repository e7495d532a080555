//! From what an agent sends to entries of a session's log.

use agent::Update;
use serde_json::{Value, json};

/// The log entry of an update, or none for what is not part of the conversation.
pub(crate) fn entry(update: &Update, raw: &Value) -> Option<Value> {
    let message_id = raw.get("messageId").or_else(|| raw.pointer("/update/messageId")).cloned();
    let mut entry = match update {
        Update::AgentText(text) => json!({ "kind": "agent_message", "text": text }),
        Update::Thought(text) => json!({ "kind": "agent_thought", "text": text }),
        // The prompt's echo: the log has the prompt already.
        Update::UserText(_) => return None,
        Update::Plan(_) => json!({ "kind": "plan", "entries": body(raw)["entries"] }),
        Update::ToolCall { .. } => tool_call(body(raw)),
        Update::Usage { .. } => json!({ "kind": "usage", "usage": body(raw) }),
        Update::Other(_) => json!({ "kind": "update", "raw": body(raw) }),
    };
    if let Some(id) = message_id {
        entry["message_id"] = id;
    }
    Some(entry)
}

/// The update itself, inside or without its notification.
fn body(raw: &Value) -> &Value {
    raw.get("update").unwrap_or(raw)
}

/// A tool call as it is shown; absent fields stay as an earlier entry with the same id left them.
fn tool_call(update: &Value) -> Value {
    let mut entry = json!({ "kind": "tool_call", "tool_call_id": update["toolCallId"] });
    for (from, to) in [
        ("title", "title"),
        ("kind", "tool_kind"),
        ("status", "status"),
        ("content", "content"),
        ("locations", "locations"),
        ("rawInput", "raw_input"),
        ("rawOutput", "raw_output"),
    ] {
        if let Some(value) = update.get(from).filter(|value| !value.is_null()) {
            entry[to] = value.clone();
        }
    }
    entry
}
