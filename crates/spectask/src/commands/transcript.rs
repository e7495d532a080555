//! A session's log as text: messages, tool calls with their output, plans, permission requests, and how turns ended.

use crate::output::{plain, text};
use agent::{readable, strip_escapes};
use serde_json::Value;
use std::collections::HashMap;

/// How much of one output is shown, in lines.
const MAX_LINES: usize = 20;

/// Returns a log as text. Entries of one tool call are shown as one, where it ended.
pub(crate) fn render(entries: &[Value]) -> String {
    let mut shown = Transcript::default();
    for entry in entries {
        shown.take(entry);
    }
    shown.close_message();
    shown.text
}

#[derive(Default)]
struct Transcript {
    text: String,
    /// What the agent said since it last did something.
    message: String,
    message_at: String,
    /// What is known of the tool calls that run, by id.
    calls: HashMap<String, Value>,
}

impl Transcript {
    fn take(&mut self, entry: &Value) {
        let kind = text(entry, "kind");
        if !matches!(kind, "agent_message" | "agent_thought" | "usage" | "update" | "recorded" | "commit") {
            self.close_message();
        }
        match kind {
            "agent_message" => {
                if self.message.is_empty() {
                    text(entry, "at").clone_into(&mut self.message_at);
                }
                self.message.push_str(text(entry, "text"));
            }
            "user_message" => self.block(&format!("asked, {}", text(entry, "at")), text(entry, "text")),
            "tool_call" => self.tool_call(entry),
            "plan" => self.plan(entry),
            "permission_requested" => {
                self.line(&format!("asks for permission: {}", title(entry)));
            }
            "permission_resolved" => {
                let by = [text(entry, "by"), text(entry, "reason")].join(" ");
                let option = text(entry, "option_id");
                let answer = if option.is_empty() { text(entry, "outcome") } else { option };
                let said = format!("permission: {answer} {}", plain(by.trim()));
                self.line(said.trim_end());
            }
            "commit" => {
                self.line(&format!("commit {}", text(entry, "commit")));
            }
            "notice" => self.line(&readable(text(entry, "text"))),
            "turn_failed" | "error" => {
                let failure = [&entry["failure"], &entry["error"], entry];
                let said = failure.iter().map(|from| text(from, "message")).find(|said| !said.is_empty());
                self.line(&format!("failed: {}", readable(said.unwrap_or_default())));
            }
            "turn_ended" => {
                let reason = text(entry, "stop_reason");
                if reason != "end_turn" && !reason.is_empty() {
                    self.line(&format!("the turn ended: {}", plain(reason)));
                }
                self.line(&usage(&entry["usage"]));
            }
            _ => {}
        }
    }

    fn tool_call(&mut self, entry: &Value) {
        let id = text(entry, "tool_call_id").to_owned();
        let call = self.calls.entry(id.clone()).or_insert(Value::Null);
        if call.is_null() {
            *call = entry.clone();
        } else if let (Some(call), Some(fields)) = (call.as_object_mut(), entry.as_object()) {
            // What an entry leaves out stays as an earlier one had it.
            call.extend(fields.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        let status = text(call, "status").to_owned();
        if !matches!(status.as_str(), "completed" | "failed" | "cancelled") {
            return;
        }
        let call = self.calls.remove(&id).unwrap_or_default();
        let ended = if status == "completed" { String::new() } else { format!(" ({status})") };
        self.line(&format!("{}: {}{ended}", name_of(&call), title(&call)));
        for line in output(&call) {
            self.text.push_str(&format!("   │ {line}\n"));
        }
    }

    fn plan(&mut self, entry: &Value) {
        self.line("plan");
        for item in entry["entries"].as_array().into_iter().flatten() {
            let mark = match text(item, "status") {
                "completed" => "x",
                "in_progress" => "~",
                _ => " ",
            };
            self.text.push_str(&format!("   [{mark}] {}\n", plain(text(item, "content"))));
        }
    }

    fn close_message(&mut self) {
        let message = std::mem::take(&mut self.message);
        if !message.trim().is_empty() {
            let head = format!("agent, {}", self.message_at);
            self.block(&head, &message);
        }
    }

    fn block(&mut self, head: &str, body: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(&format!("── {head}\n{}\n", strip_escapes(body).trim_end()));
    }

    fn line(&mut self, line: &str) {
        if !line.is_empty() {
            self.text.push_str(&format!(" ▸ {line}\n"));
        }
    }
}

/// The kind of a tool call in a word.
fn name_of(call: &Value) -> &str {
    match text(call, "tool_kind") {
        "" | "other" => "tool",
        "execute" => "run",
        kind => kind,
    }
}

fn title(call: &Value) -> String {
    let title = [text(call, "title"), text(&call["tool_call"], "title"), text(&call["raw_input"], "command")];
    let title = title.into_iter().find(|title| !title.is_empty()).unwrap_or("(no title)");
    plain(&strip_escapes(title))
}

/// What a tool call printed or changed, at most so many lines.
fn output(call: &Value) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for block in call["content"].as_array().into_iter().flatten() {
        match text(block, "type") {
            "content" => {
                lines.extend(strip_escapes(text(&block["content"], "text")).lines().map(str::to_owned));
            }
            "diff" => lines.push(format!("changed {}", text(block, "path"))),
            _ => {}
        }
    }
    if lines.is_empty() {
        let raw = [
            call["raw_output"].as_str(),
            call["raw_output"]["output"].as_str(),
            call["raw_output"]["stdout"].as_str(),
        ];
        lines = raw
            .into_iter()
            .flatten()
            .flat_map(|raw| strip_escapes(raw).lines().map(str::to_owned).collect::<Vec<_>>())
            .collect();
    }
    lines.retain(|line| !line.trim().is_empty());
    if lines.len() > MAX_LINES {
        let hidden = lines.len() - MAX_LINES;
        lines.truncate(MAX_LINES);
        lines.push(format!("… {hidden} more lines"));
    }
    lines
}

/// What a turn used; agents that report nothing used an unknown amount.
fn usage(usage: &Value) -> String {
    let count = |name: &str| usage[name].as_u64().unwrap_or(0);
    match (count("input_tokens"), count("output_tokens")) {
        (0, 0) => "tokens: unknown".to_owned(),
        (input, output) => format!("tokens: {input} in, {output} out"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_log_shows_what_was_said_and_done() {
        let entries = [
            json!({ "kind": "user_message", "at": "10:00", "text": "Write it." }),
            json!({ "kind": "plan", "entries": [{ "content": "Look", "status": "completed" }, { "content": "Write", "status": "pending" }] }),
            json!({ "kind": "agent_message", "at": "10:01", "text": "I " }),
            json!({ "kind": "usage", "usage": {} }),
            json!({ "kind": "agent_message", "at": "10:01", "text": "look." }),
            json!({ "kind": "tool_call", "tool_call_id": "1", "title": "ls", "tool_kind": "execute", "status": "in_progress" }),
            json!({ "kind": "permission_requested", "title": "ls" }),
            json!({ "kind": "permission_resolved", "outcome": "selected", "option_id": "allow", "by": "ada" }),
            json!({ "kind": "tool_call", "tool_call_id": "1", "status": "failed",
                "content": [{ "type": "content", "content": { "type": "text", "text": "\u{1b}[31mno\u{1b}[0m\n" } }] }),
            json!({ "kind": "turn_ended", "stop_reason": "end_turn", "usage": null }),
        ];
        assert_eq!(
            render(&entries),
            "── asked, 10:00\nWrite it.\n ▸ plan\n   [x] Look\n   [ ] Write\n\n── agent, 10:01\nI look.\n ▸ asks for permission: ls\n \
             ▸ permission: allow ada\n ▸ run: ls (failed)\n   │ no\n ▸ tokens: unknown\n"
        );
    }
}
