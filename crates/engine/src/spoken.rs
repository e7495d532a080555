//! What an agent says, without secrets: entries of a log, among them the pieces of messages.

use secrets::{Redactor, Stream};
use serde_json::{Value, json};

/// The entries of one session, as they come.
pub(crate) struct RedactingLog {
    redactor: Redactor,
    message: Option<Message>,
}

/// A message that comes in pieces.
struct Message {
    /// Its entry without the text.
    entry: Value,
    pub text: Stream,
}

impl RedactingLog {
    pub(crate) fn new(redactor: Redactor) -> Self {
        Self { redactor, message: None }
    }

    /// Takes an entry and returns what can be written: the end of the message before it, and what is whole of it.
    pub(crate) fn take(&mut self, mut entry: Value) -> Vec<Value> {
        let mut whole = Vec::new();
        let is_piece = matches!(entry["kind"].as_str(), Some("agent_message" | "agent_thought"));
        let Some(piece) = entry.get("text").and_then(Value::as_str).filter(|_| is_piece).map(str::to_owned)
        else {
            whole.extend(self.finish());
            self.redactor.redact_json(&mut entry);
            whole.push(entry);
            return whole;
        };
        entry["text"] = json!("");
        if self.message.as_ref().is_some_and(|message| message.entry != entry) {
            whole.extend(self.finish());
        }
        let text = || self.redactor.stream();
        let message = self.message.get_or_insert_with(|| Message { entry, text: text() });
        let clean = message.text.push(&piece);
        whole.extend(message.says(&clean));
        whole
    }

    /// The rest of the message, which is over.
    pub(crate) fn finish(&mut self) -> Option<Value> {
        let mut message = self.message.take()?;
        let rest = message.text.finish();
        message.says(&rest)
    }

    /// The word at which the agent paused, where it can be no secret.
    pub(crate) fn settle(&mut self) -> Option<Value> {
        let message = self.message.as_mut()?;
        let word = message.text.settle();
        message.says(&word)
    }
}

impl Message {
    fn says(&self, text: &str) -> Option<Value> {
        if text.is_empty() {
            return None;
        }
        let mut entry = self.entry.clone();
        entry["text"] = json!(text);
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrets::Settings;

    fn spoken() -> RedactingLog {
        RedactingLog::new(Redactor::new(&Settings::default()).expect("the rules compile"))
    }

    fn texts(entries: &[Value]) -> Vec<&str> {
        entries.iter().filter_map(|entry| entry["text"].as_str()).collect()
    }

    #[test]
    fn a_secret_in_pieces_is_taken_out() {
        let mut spoken = spoken();
        let token = format!("ghp_{}", "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5");
        let mut entries = Vec::new();
        for piece in ["the token is g", "hp_", &token[4..20], &token[20..], " and more"] {
            entries.extend(spoken.take(json!({ "kind": "agent_message", "text": piece })));
        }
        entries.extend(spoken.finish());
        let text = texts(&entries).concat();
        assert!(
            text.starts_with("the token is [secret:github-token:") && text.ends_with("] and more"),
            "{text}"
        );
    }

    #[test]
    fn another_entry_ends_the_message() {
        let mut spoken = spoken();
        assert!(spoken.take(json!({ "kind": "agent_message", "text": "done" })).is_empty());
        let entries = spoken.take(json!({ "kind": "agent_thought", "text": "next " }));
        assert_eq!(texts(&entries), ["done", "next "]);
        let entries = spoken.take(json!({ "kind": "tool_call", "title": "run" }));
        assert_eq!(entries.len(), 1);
    }

    #[test]
    fn a_pause_shows_the_last_word() {
        let mut spoken = spoken();
        spoken.take(json!({ "kind": "agent_message", "text": "I look at it" }));
        assert_eq!(spoken.settle().map(|entry| entry["text"].clone()), Some(json!("it")));
        assert!(spoken.finish().is_none());
    }

    #[test]
    fn updates_of_tools_are_cleaned_as_a_whole() {
        let mut spoken = spoken();
        let token = format!("glpat-{}", "aB3dE5fG7hJ9kL1mN3pQ");
        let entries =
            spoken.take(json!({ "kind": "tool_call", "raw_output": { "stdout": token }, "title": token }));
        assert!(!entries[0].to_string().contains(&token), "{}", entries[0]);
    }
}
