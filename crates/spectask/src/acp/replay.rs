//! The content of a session's log, as few updates: whole messages, and the last state of each tool call, plan and
//! usage.

use super::translate::Translator;
use protocol::{LogEntry, NumberedEntry};
use serde_json::Value;
use std::collections::HashMap;

/// The updates that make up a session so far.
#[derive(Debug, Default)]
pub(super) struct Replay {
    translator: Translator,
    updates: Vec<Option<Value>>,
    /// Where each tool call, message of a person, plan and usage is.
    places: HashMap<String, usize>,
}

impl Replay {
    /// Takes in the next entry.
    pub(super) fn push(&mut self, entry: &NumberedEntry) {
        match &entry.entry {
            LogEntry::MessageWithdrawn(message) => {
                if let Some(at) = self.places.remove(&message_key(&message.message_id)) {
                    self.updates[at] = None;
                }
                return;
            }
            LogEntry::MessageEdited(message) => {
                let at = self.places.get(&message_key(&message.message_id));
                if let Some(shown) = at.and_then(|at| self.updates[*at].as_mut()) {
                    shown["content"]["text"] = message.text.clone().into();
                }
                return;
            }
            _ => {}
        }
        let Some(update) = self.translator.update(entry, false) else { return };
        match update["sessionUpdate"].as_str().unwrap_or_default() {
            "tool_call_update" => self.update_call(update),
            "agent_message_chunk" | "agent_thought_chunk" => self.push_piece(update),
            kind => {
                let key = match kind {
                    "tool_call" => call_key(&update),
                    "user_message_chunk" => message_key(update["messageId"].as_str().unwrap_or_default()),
                    other => other.to_owned(),
                };
                // A later plan or usage takes the place of the one before.
                if let Some(before) = self.places.insert(key, self.updates.len()) {
                    self.updates[before] = None;
                }
                self.updates.push(Some(update));
            }
        }
    }

    fn update_call(&mut self, mut update: Value) {
        let at = self.places.get(&call_key(&update));
        let Some(call) = at.and_then(|at| self.updates[*at].as_mut()) else { return };
        let later = update.as_object_mut().into_iter().flatten();
        for (name, value) in later.filter(|(name, _)| *name != "sessionUpdate") {
            call[name] = value.take();
        }
    }

    fn push_piece(&mut self, update: Value) {
        let last = self.updates.last_mut().and_then(Option::as_mut);
        let is_same = |last: &&mut Value| {
            ["/sessionUpdate", "/messageId", "/content/type"]
                .iter()
                .all(|member| last.pointer(member) == update.pointer(member))
                && update["content"]["type"] == "text"
        };
        match last.filter(is_same) {
            Some(last) => {
                let mut text = last["content"]["text"].as_str().unwrap_or_default().to_owned();
                text.push_str(update["content"]["text"].as_str().unwrap_or_default());
                last["content"]["text"] = text.into();
            }
            None => self.updates.push(Some(update)),
        }
    }

    /// Returns the updates, and what translates the entries that follow.
    pub(super) fn finish(self) -> (Vec<Value>, Translator) {
        (self.updates.into_iter().flatten().collect(), self.translator)
    }
}

fn call_key(update: &Value) -> String {
    format!("call {}", update["toolCallId"].as_str().unwrap_or_default())
}

fn message_key(id: &str) -> String {
    format!("message {id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_session_is_replayed_in_whole_messages_and_final_tool_calls() {
        let mut replay = Replay::default();
        let entries = [
            json!({ "kind": "user_message", "text": "one", "message_id": "a" }),
            json!({ "kind": "user_message", "text": "two", "message_id": "b" }),
            json!({ "kind": "message_edited", "text": "uno", "message_id": "a" }),
            json!({ "kind": "message_withdrawn", "message_id": "b" }),
            json!({ "kind": "plan", "entries": [{ "content": "x", "status": "pending" }] }),
            json!({ "kind": "agent_message", "text": "He" }),
            json!({ "kind": "agent_message", "text": "llo" }),
            json!({ "kind": "tool_call", "tool_call_id": "t", "title": "Write", "status": "pending" }),
            json!({ "kind": "plan", "entries": [{ "content": "x", "status": "completed" }] }),
            json!({ "kind": "tool_call", "tool_call_id": "t", "status": "completed" }),
        ];
        for (seq, entry) in (1..).zip(entries) {
            replay.push(&NumberedEntry::new(seq, String::new(), LogEntry::from(entry)));
        }
        let (updates, _) = replay.finish();
        let kinds: Vec<&str> =
            updates.iter().map(|update| update["sessionUpdate"].as_str().expect("a kind")).collect();
        assert_eq!(kinds, ["user_message_chunk", "agent_message_chunk", "tool_call", "plan"]);
        assert_eq!(updates[0]["content"]["text"], "uno");
        assert_eq!(updates[1]["content"]["text"], "Hello");
        assert_eq!((&updates[2]["title"], &updates[2]["status"]), (&json!("Write"), &json!("completed")));
        assert_eq!(updates[3]["entries"][0]["status"], "completed");
    }
}
