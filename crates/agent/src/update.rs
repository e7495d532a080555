//! A lenient view of `session/update`: what is understood is typed, what is not keeps its name, and nothing fails.

use serde_json::Value;

/// The content of a `session/update`.
#[derive(Clone, Debug, PartialEq)]
pub enum Update {
    /// A piece of the agent's answer.
    AgentText(String),
    /// A piece of the agent's thinking.
    Thought(String),
    /// A piece of what the user said: a replay, or an echo of the prompt.
    UserText(String),
    /// The agent's whole plan; it replaces the one before.
    Plan(Vec<PlanEntry>),
    /// A tool call, inserted or changed: whichever comes first, fields that are absent stay as they were.
    ToolCall { id: String, title: Option<String>, kind: Option<String>, status: Option<String>, raw: Value },
    /// How full the context is, and what the session has cost so far.
    Usage { used: Option<u64>, size: Option<u64>, cost: Option<Value> },
    /// Everything else, by the name of its kind.
    Other(String),
}

/// One line of an agent's plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanEntry {
    pub content: String,
    /// `pending`, `in_progress` or `completed`.
    pub status: String,
    pub priority: String,
}

impl Update {
    /// Reads the `update` object of a notification.
    pub fn read(update: &Value) -> Update {
        let kind = text(update, "sessionUpdate").unwrap_or_default();
        match kind.as_str() {
            "agent_message_chunk" => Update::AgentText(content_text(&update["content"])),
            "agent_thought_chunk" => Update::Thought(content_text(&update["content"])),
            "user_message_chunk" => Update::UserText(content_text(&update["content"])),
            "plan" => Update::Plan(
                update["entries"].as_array().into_iter().flatten().filter_map(PlanEntry::read).collect(),
            ),
            "tool_call" | "tool_call_update" => match text(update, "toolCallId") {
                Some(id) => Update::ToolCall {
                    id,
                    title: text(update, "title"),
                    kind: text(update, "kind"),
                    status: text(update, "status"),
                    raw: update.clone(),
                },
                None => Update::Other(kind),
            },
            "usage_update" => Update::Usage {
                used: update["used"].as_u64(),
                size: update["size"].as_u64(),
                cost: update.get("cost").filter(|cost| !cost.is_null()).cloned(),
            },
            _ => Update::Other(kind),
        }
    }
}

impl PlanEntry {
    fn read(entry: &Value) -> Option<PlanEntry> {
        Some(PlanEntry {
            content: text(entry, "content")?,
            status: text(entry, "status").unwrap_or_else(|| "pending".into()),
            priority: text(entry, "priority").unwrap_or_else(|| "medium".into()),
        })
    }
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key)?.as_str().map(str::to_owned)
}

/// Returns a content block, or several, as text; what is not text shows as a placeholder.
fn content_text(content: &Value) -> String {
    if let Some(blocks) = content.as_array() {
        return blocks.iter().map(content_text).collect();
    }
    match content["type"].as_str() {
        Some("text") => text(content, "text").unwrap_or_default(),
        Some("resource_link") => {
            let uri = text(content, "uri").unwrap_or_default();
            format!("[{}]({uri})", text(content, "name").unwrap_or_else(|| uri.clone()))
        }
        Some("resource") => text(&content["resource"], "text").unwrap_or_else(|| "[resource]".into()),
        Some(other) => format!("[{other}]"),
        None => content.as_str().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn kinds_nobody_knows_keep_their_name() {
        assert_eq!(Update::read(&json!({"sessionUpdate": "dream", "x": 1})), Update::Other("dream".into()));
        assert_eq!(Update::read(&json!(17)), Update::Other(String::new()));
        assert_eq!(Update::read(&json!({"sessionUpdate": "tool_call"})), Update::Other("tool_call".into()));
    }

    #[test]
    fn text_is_found_in_whatever_shape_it_has() {
        let chunk = |content: Value| {
            Update::read(&json!({"sessionUpdate": "agent_message_chunk", "content": content}))
        };
        assert_eq!(chunk(json!({"type": "text", "text": "a"})), Update::AgentText("a".into()));
        assert_eq!(
            chunk(json!([{"type": "text", "text": "a"}, {"type": "image"}])),
            Update::AgentText("a[image]".into())
        );
        assert_eq!(
            chunk(json!({"type": "resource_link", "uri": "file:///a", "name": "a"})),
            Update::AgentText("[a](file:///a)".into())
        );
    }

    #[test]
    fn a_tool_call_may_start_as_its_update() {
        let raw = json!({"sessionUpdate": "tool_call_update", "toolCallId": "1", "status": "completed"});
        assert_eq!(
            Update::read(&raw),
            Update::ToolCall {
                id: "1".into(),
                title: None,
                kind: None,
                status: Some("completed".into()),
                raw: raw.clone()
            }
        );
    }
}
