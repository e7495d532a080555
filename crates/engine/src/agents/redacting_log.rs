//! Redacts the entries of a session's log, including messages that come in pieces.

use protocol::LogEntry;
use secrets::{Redactor, Stream};
use serde_json::Value;

/// The entries of one session, as they come.
pub(crate) struct RedactingLog {
    redactor: Redactor,
    message: Option<Message>,
}

/// A message that comes in pieces.
struct Message {
    /// Its entry without the text.
    entry: LogEntry,
    pub text: Stream,
}

impl RedactingLog {
    pub(crate) fn new(redactor: Redactor) -> Self {
        Self { redactor, message: None }
    }

    /// Takes an entry and returns what can be written: the end of the message before it, and its own complete part.
    pub(crate) fn take(&mut self, mut entry: LogEntry) -> Vec<LogEntry> {
        let mut whole = Vec::new();
        let Some(piece) = entry.chunk_mut().map(std::mem::take) else {
            whole.extend(self.finish());
            let mut json = Value::from(entry);
            self.redactor.redact_json(&mut json);
            whole.push(json.into());
            return whole;
        };
        if self.message.as_ref().is_some_and(|message| message.entry != entry) {
            whole.extend(self.finish());
        }
        let text = || self.redactor.stream();
        let message = self.message.get_or_insert_with(|| Message { entry, text: text() });
        let clean = message.text.push(&piece);
        whole.extend(message.says(&clean));
        whole
    }

    /// Returns the rest of the message, which is over.
    pub(crate) fn finish(&mut self) -> Option<LogEntry> {
        let mut message = self.message.take()?;
        let rest = message.text.finish();
        message.says(&rest)
    }

    /// Returns the word at which the agent paused, where it can be no secret.
    pub(crate) fn settle(&mut self) -> Option<LogEntry> {
        let message = self.message.as_mut()?;
        let word = message.text.settle();
        message.says(&word)
    }
}

impl Message {
    fn says(&self, text: &str) -> Option<LogEntry> {
        if text.is_empty() {
            return None;
        }
        let mut entry = self.entry.clone();
        text.clone_into(entry.chunk_mut()?);
        Some(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrets::Settings;
    use serde_json::json;

    fn spoken() -> RedactingLog {
        RedactingLog::new(Redactor::new(&Settings::default()).expect("the rules compile"))
    }

    fn texts(entries: &[LogEntry]) -> Vec<&str> {
        entries.iter().filter_map(LogEntry::text).collect()
    }

    #[test]
    fn a_secret_in_pieces_is_taken_out() {
        let mut spoken = spoken();
        let token = format!("ghp_{}", "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3zA5");
        let mut entries = Vec::new();
        for piece in ["the token is g", "hp_", &token[4..20], &token[20..], " and more"] {
            entries.extend(spoken.take(json!({ "kind": "agent_message", "text": piece }).into()));
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
        assert!(spoken.take(json!({ "kind": "agent_message", "text": "done" }).into()).is_empty());
        let entries = spoken.take(json!({ "kind": "agent_thought", "text": "next " }).into());
        assert_eq!(texts(&entries), ["done", "next "]);
        let entries = spoken.take(json!({ "kind": "tool_call", "title": "run" }).into());
        assert_eq!(entries.len(), 1);
    }

    #[test]
    fn a_pause_shows_the_last_word() {
        let mut spoken = spoken();
        spoken.take(json!({ "kind": "agent_message", "text": "I look at it" }).into());
        assert_eq!(spoken.settle().as_ref().and_then(LogEntry::text), Some("it"));
        assert!(spoken.finish().is_none());
    }

    #[test]
    fn updates_of_tools_are_cleaned_as_a_whole() {
        let mut spoken = spoken();
        let token = format!("glpat-{}", "aB3dE5fG7hJ9kL1mN3pQ");
        let call = json!({ "kind": "tool_call", "raw_output": { "stdout": token }, "title": token });
        let entries = spoken.take(call.into());
        let written = Value::from(entries[0].clone()).to_string();
        assert!(!written.contains(&token), "{written}");
    }
}
