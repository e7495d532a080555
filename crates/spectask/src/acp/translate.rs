//! From entries of a session's log to updates of the Agent Client Protocol.

use protocol::log::{LogEntry, Plan, ToolCall, UserMessage};
use protocol::{NumberedEntry, Optional};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// The kinds of tools that editors know.
const TOOL_KINDS: [&str; 9] =
    ["read", "edit", "delete", "move", "search", "execute", "think", "fetch", "switch_mode"];

/// Translates a session's log, entry by entry.
#[derive(Debug, Default)]
pub(super) struct Translator {
    /// The tool calls that the editor knows.
    calls: HashSet<String>,
    /// The kind of message that the last entry is a piece of, the agent's id for it, and the editor's.
    message: Option<(&'static str, Option<String>, String)>,
    /// The turns that carry messages of people.
    turns_of_people: HashSet<String>,
}

impl Translator {
    /// Returns the update of an entry, if editors see it. What the editor itself said it shows already.
    pub(super) fn update(&mut self, numbered: &NumberedEntry, is_own: bool) -> Option<Value> {
        let NumberedEntry { seq, entry, .. } = numbered;
        match entry {
            LogEntry::AgentMessage(piece) => {
                let id = self.message_id("agent_message_chunk", &piece.message_id, *seq);
                let mut update = chunk("agent_message_chunk", &piece.text, &id);
                if let Some(block) = piece.content.as_ref().filter(|content| content.is_object()) {
                    update["content"] = block.clone();
                }
                Some(update)
            }
            LogEntry::AgentThought(piece) => {
                let id = self.message_id("agent_thought_chunk", &piece.message_id, *seq);
                Some(chunk("agent_thought_chunk", &piece.text, &id))
            }
            entry => {
                self.message = None;
                self.other(*seq, entry, is_own)
            }
        }
    }

    fn other(&mut self, seq: u64, entry: &LogEntry, is_own: bool) -> Option<Value> {
        match entry {
            LogEntry::UserMessage(message) => self.user_message(seq, message).filter(|_| !is_own),
            LogEntry::ToolCall(call) => self.tool_call(call),
            LogEntry::Plan(plan) => Some(plan_update(plan)),
            LogEntry::UsageUpdate(update) => usage_update(update.usage.as_ref()?),
            LogEntry::TurnStarted(turn) => {
                if !turn.message_ids.items().is_empty() {
                    self.turns_of_people.insert(turn.turn_id.text().to_owned());
                }
                None
            }
            LogEntry::TurnEnded(turn) => {
                self.turns_of_people.remove(turn.turn_id.text());
                None
            }
            LogEntry::TurnFailed(failure) if failure.tried_again.as_ref() == Some(&true) => {
                Some(note(seq, &format!("The turn is tried again: {}", failure.message.text())))
            }
            LogEntry::TurnFailed(failure) => {
                Some(note(seq, &format!("The turn failed: {}", failure.message.text())))
            }
            LogEntry::Notice(notice) => Some(note(seq, &notice.text)),
            LogEntry::Commit(commit) => Some(note(seq, &format!("Committed as {}.", commit.commit))),
            LogEntry::Setup(setup) => {
                let end = if setup.passed.as_ref() == Some(&false) { "failed" } else { "is done" };
                Some(note(seq, &format!("The setup command `{}` {end}.", setup.command)))
            }
            LogEntry::Coordination(event) => {
                Some(note(seq, &format!("{}: {}", event.event_type.text(), event.text)))
            }
            LogEntry::AgentMessage(_)
            | LogEntry::AgentThought(_)
            | LogEntry::Update(_)
            | LogEntry::MessageEdited(_)
            | LogEntry::MessageWithdrawn(_)
            | LogEntry::PermissionRequested(_)
            | LogEntry::PermissionResolved(_)
            | LogEntry::Recorded(_)
            | LogEntry::Other(_) => None,
        }
    }

    /// Returns the id of the message that a piece belongs to: pieces that follow each other under one name are one message.
    fn message_id(&mut self, kind: &'static str, named: &Optional<String>, seq: u64) -> String {
        let named = named.as_deref().map(str::to_owned);
        match &self.message {
            Some((known, name, id)) if *known == kind && *name == named => id.clone(),
            Some(_) | None => {
                let id = named.clone().unwrap_or_else(|| format!("message-{seq}"));
                self.message = Some((kind, named, id.clone()));
                id
            }
        }
    }

    /// Returns a person's message; what SpecTask asks of the agent is shown where no person asked.
    fn user_message(&mut self, seq: u64, message: &UserMessage) -> Option<Value> {
        let turn = message.turn_id.text();
        match message.message_id.as_deref() {
            Some(id) => {
                self.turns_of_people.insert(turn.to_owned());
                Some(chunk("user_message_chunk", &message.text, id))
            }
            None if self.turns_of_people.contains(turn) => None,
            None => Some(chunk("user_message_chunk", &message.text, &format!("message-{seq}"))),
        }
    }

    fn tool_call(&mut self, call: &ToolCall) -> Option<Value> {
        let id = call.tool_call_id.as_deref()?;
        let is_new = self.calls.insert(id.to_owned());
        let mut update = Map::new();
        let kind = if is_new { "tool_call" } else { "tool_call_update" };
        update.insert("sessionUpdate".to_owned(), kind.into());
        update.insert("toolCallId".to_owned(), id.into());
        let title = call.title.as_deref().or(is_new.then_some("Tool call"));
        if let Some(title) = title {
            update.insert("title".to_owned(), title.into());
        }
        if let Some(kind) = call.tool_kind.as_deref() {
            let kind = if TOOL_KINDS.contains(&kind) { kind } else { "other" };
            update.insert("kind".to_owned(), kind.into());
        }
        if let Some(status) = call.status.as_deref() {
            let status = match status {
                "pending" | "in_progress" | "completed" | "failed" => status,
                "cancelled" => "failed",
                _ => "in_progress",
            };
            update.insert("status".to_owned(), status.into());
        }
        if let Some(content) = call.content.as_ref().and_then(Value::as_array) {
            update.insert("content".to_owned(), tool_content(content, call.raw_output.as_ref()).into());
        }
        if let Some(locations) = call.locations.as_ref().filter(|locations| locations.is_array()) {
            update.insert("locations".to_owned(), locations.clone());
        }
        for (name, value) in [("rawInput", &call.raw_input), ("rawOutput", &call.raw_output)] {
            if let Some(value) = value.as_ref() {
                update.insert(name.to_owned(), value.clone());
            }
        }
        Some(update.into())
    }
}

/// Returns the content of a tool call. A terminal is known to the agent that made it only: its text takes its place.
pub(super) fn tool_content(content: &[Value], output: Option<&Value>) -> Vec<Value> {
    let shown = |block: &Value| match block["type"].as_str() {
        Some("content" | "diff") => Some(block.clone()),
        Some("terminal") => {
            let text =
                output.and_then(output_text).unwrap_or("The command's output is in the session's log.");
            Some(json!({ "type": "content", "content": { "type": "text", "text": text } }))
        }
        _ => None,
    };
    content.iter().filter_map(shown).collect()
}

fn output_text(output: &Value) -> Option<&str> {
    let members = ["formatted_output", "output", "aggregated_output", "stdout"];
    output.as_str().or_else(|| members.iter().find_map(|member| output[*member].as_str()))
}

fn chunk(kind: &str, text: &str, id: &str) -> Value {
    json!({ "sessionUpdate": kind, "content": { "type": "text", "text": text }, "messageId": id })
}

/// Returns what SpecTask says about the session, as a thought: editors fold it away.
pub(super) fn note(seq: u64, text: &str) -> Value {
    chunk("agent_thought_chunk", &format!("{text}\n"), &format!("note-{seq}"))
}

/// Returns a message of SpecTask itself.
pub(super) fn message(text: &str, id: &str) -> Value {
    chunk("agent_message_chunk", text, id)
}

fn plan_update(plan: &Plan) -> Value {
    let entries = plan.entries.items().iter().map(|item| {
        let status = match item.status.text() {
            status @ ("in_progress" | "completed") => status,
            _ => "pending",
        };
        let priority = item.extra.get("priority").and_then(Value::as_str);
        let priority =
            priority.filter(|priority| ["high", "medium", "low"].contains(priority)).unwrap_or("medium");
        json!({ "content": item.content, "priority": priority, "status": status })
    });
    json!({ "sessionUpdate": "plan", "entries": entries.collect::<Vec<_>>() })
}

/// Returns how full the agent's context is, where the agent reports it as the protocol says.
fn usage_update(usage: &Value) -> Option<Value> {
    let (used, size) = (usage["used"].as_u64()?, usage["size"].as_u64()?);
    let mut update = json!({ "sessionUpdate": "usage_update", "used": used, "size": size });
    if usage["cost"]["amount"].is_number() && usage["cost"]["currency"].is_string() {
        update["cost"] = json!({ "amount": usage["cost"]["amount"], "currency": usage["cost"]["currency"] });
    }
    Some(update)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn updates(entries: &[Value]) -> Vec<Value> {
        let mut translator = Translator::default();
        let numbered = (1..).zip(entries).map(|(seq, entry)| {
            NumberedEntry::new(seq, "2026-01-01T00:00:00Z".to_owned(), LogEntry::from(entry.clone()))
        });
        numbered.filter_map(|entry| translator.update(&entry, false)).collect()
    }

    #[test]
    fn pieces_of_one_message_have_one_id() {
        let said = updates(&[
            json!({ "kind": "agent_message", "text": "a" }),
            json!({ "kind": "agent_message", "text": "b" }),
            json!({ "kind": "tool_call", "tool_call_id": "t", "status": "completed" }),
            json!({ "kind": "agent_message", "text": "c" }),
            json!({ "kind": "agent_message", "text": "d", "message_id": "m" }),
        ]);
        let ids: Vec<&str> = said.iter().filter_map(|update| update["messageId"].as_str()).collect();
        assert_eq!(ids, ["message-1", "message-1", "message-4", "m"]);
    }

    #[test]
    fn what_spectask_asks_is_shown_where_no_person_asks() {
        let asked =
            |turn: &str| json!({ "kind": "user_message", "text": "work", "turn_id": turn, "by": "spectask" });
        let said = updates(&[
            json!({ "kind": "user_message", "text": "hello", "turn_id": "a", "message_id": "msg_1", "by": "ada" }),
            json!({ "kind": "turn_started", "turn_id": "a", "message_ids": ["msg_1"] }),
            asked("a"),
            json!({ "kind": "turn_ended", "turn_id": "a" }),
            asked("b"),
        ]);
        let texts: Vec<&str> = said.iter().filter_map(|update| update["content"]["text"].as_str()).collect();
        assert_eq!(texts, ["hello", "work"]);
    }

    #[test]
    fn terminals_become_text_and_unknown_words_known_ones() {
        let said = updates(&[
            json!({ "kind": "tool_call", "tool_call_id": "t", "tool_kind": "shout", "status": "cancelled",
                "content": [{ "type": "terminal", "terminalId": "x" }, 7], "raw_output": { "stdout": "done" } }),
            json!({ "kind": "tool_call", "tool_call_id": "t", "title": "Run" }),
        ]);
        assert_eq!(said[0]["kind"], "other");
        assert_eq!(said[0]["status"], "failed");
        assert_eq!(
            said[0]["content"],
            json!([{ "type": "content", "content": { "type": "text", "text": "done" } }])
        );
        assert_eq!(
            said[1],
            json!({ "sessionUpdate": "tool_call_update", "toolCallId": "t", "title": "Run" })
        );
    }
}
