//! What a client is shown of a conversation when it loads it.

use crate::history::History;
use crate::tools::Call;
use crate::workspace::Workspace;
use genai::chat::{ChatRole, ContentPart};
use serde_json::{Value, json};

/// Returns the updates that show a conversation, in its order.
pub(crate) fn updates(history: &History, workspace: &Workspace) -> Vec<Value> {
    let mut updates: Vec<Value> = Vec::new();
    for (at, message) in history.messages().iter().enumerate() {
        let said = |kind: &str, text: &str| json!({"sessionUpdate": kind, "messageId": format!("replay-{at}"), "content": {"type": "text", "text": text}});
        for part in message.content.parts() {
            match part {
                ContentPart::Text(text) if message.role == ChatRole::User => {
                    updates.push(said("user_message_chunk", text));
                }
                ContentPart::Text(text) => updates.push(said("agent_message_chunk", text)),
                ContentPart::ToolCall(call) => {
                    let known = Call::read(&call.fn_name, &call.fn_arguments).ok();
                    let locations = known.iter().flat_map(|known| known.locations(workspace));
                    let locations: Vec<Value> = locations.map(|path| json!({"path": path})).collect();
                    updates.push(json!({
                        "sessionUpdate": "tool_call", "toolCallId": call.call_id, "status": "completed",
                        "title": known.as_ref().map_or_else(|| call.fn_name.clone(), Call::title),
                        "kind": known.as_ref().map_or("other", Call::kind),
                        "locations": locations, "rawInput": call.fn_arguments,
                    }));
                }
                ContentPart::ToolResponse(response) => {
                    let content =
                        json!([{"type": "content", "content": {"type": "text", "text": response.content}}]);
                    let call = updates
                        .iter_mut()
                        .rev()
                        .find(|update| update["toolCallId"] == response.call_id.as_str());
                    if let Some(call) = call {
                        call["content"] = content;
                    }
                }
                _ => {}
            }
        }
    }
    updates
}

#[cfg(test)]
mod tests {
    use super::*;
    use genai::chat::{MessageContent, ToolCall, ToolResponse};

    #[test]
    fn calls_come_once_with_their_results() {
        let folder = tempfile::tempdir().unwrap();
        let workspace = Workspace::new(folder.path(), &[]).unwrap();
        let call = ToolCall {
            call_id: "1".into(),
            fn_name: "read_file".into(),
            fn_arguments: json!({"path": "a"}),
            thought_signatures: None,
        };
        let mut history = History::default();
        history.push_user("Read a.");
        history.push_assistant(MessageContent::from_tool_calls(vec![call.clone()]));
        history.push_results(vec![ToolResponse::from_tool_call(&call, "one")]);
        history.push_assistant(MessageContent::from_text("It says one."));
        let updates = updates(&history, &workspace);
        let kinds: Vec<_> = updates.iter().map(|update| update["sessionUpdate"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["user_message_chunk", "tool_call", "agent_message_chunk"]);
        assert_eq!(updates[1]["content"][0]["content"]["text"], "one");
        assert_eq!(updates[1]["title"], "Read a");
    }
}
