//! A session's log as text: messages, tool calls with their output, plans, permission requests, and how turns ended.

use crate::output::{plain, text};
use agent::{readable, strip_escapes};
use protocol::log::{PlanItem, Setup, ToolCall, TurnUsage};
use protocol::{LogEntry, NumberedEntry};
use serde_json::Value;
use std::collections::HashMap;

/// How much of one output is shown, in lines.
const MAX_LINES: usize = 20;

/// Returns a log as text. Entries of one tool call are shown as one, where it ended.
pub(crate) fn render(entries: &[NumberedEntry]) -> String {
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
    /// The agent's message since its last tool call.
    message: String,
    message_at: String,
    /// The tool calls that run, by id.
    calls: HashMap<String, ToolCall>,
}

impl Transcript {
    fn take(&mut self, NumberedEntry { at, entry, .. }: &NumberedEntry) {
        if !matches!(
            entry,
            LogEntry::AgentMessage(_)
                | LogEntry::AgentThought(_)
                | LogEntry::UsageUpdate(_)
                | LogEntry::Update(_)
                | LogEntry::Recorded(_)
                | LogEntry::Commit(_)
        ) {
            self.close_message();
        }
        match entry {
            LogEntry::AgentMessage(message) => {
                if self.message.is_empty() {
                    at.clone_into(&mut self.message_at);
                }
                self.message.push_str(&message.text);
            }
            LogEntry::UserMessage(message) => self.block(&format!("asked, {at}"), &message.text),
            LogEntry::ToolCall(call) => self.tool_call(call),
            LogEntry::Plan(plan) => self.plan(plan.entries.items()),
            LogEntry::PermissionRequested(request) => {
                let title = request.title.as_deref().filter(|title| !title.is_empty());
                let title = title.or_else(|| request.tool_call.as_ref()?["title"].as_str());
                self.line(&format!("asks for permission: {}", shown_title(title)));
            }
            LogEntry::PermissionResolved(answer) => {
                let by = [answer.by.text(), answer.reason.text()].join(" ");
                let option = answer.option_id.text();
                let answer = if option.is_empty() { answer.outcome.text() } else { option };
                let said = format!("permission: {answer} {}", plain(by.trim()));
                self.line(said.trim_end());
            }
            LogEntry::Commit(commit) => self.line(&format!("commit {}", commit.commit)),
            LogEntry::Notice(notice) => self.line(&readable(&notice.text)),
            LogEntry::Setup(setup) => self.setup(setup),
            LogEntry::TurnFailed(failed) => {
                self.line(&format!("failed: {}", readable(failed.message.text())));
            }
            LogEntry::TurnEnded(ended) => {
                let reason = ended.stop_reason.text();
                if reason != "end_turn" && !reason.is_empty() {
                    self.line(&format!("the turn ended: {}", plain(reason)));
                }
                self.line(&usage(ended.usage.as_ref()));
            }
            LogEntry::AgentThought(_)
            | LogEntry::UsageUpdate(_)
            | LogEntry::Update(_)
            | LogEntry::TurnStarted(_)
            | LogEntry::MessageEdited(_)
            | LogEntry::MessageWithdrawn(_)
            | LogEntry::Coordination(_)
            | LogEntry::Recorded(_)
            | LogEntry::Other(_) => {}
        }
    }

    fn tool_call(&mut self, entry: &ToolCall) {
        let id = entry.tool_call_id.text().to_owned();
        let call = self.calls.entry(id.clone()).or_default();
        // What an entry leaves out stays as an earlier one had it.
        call.update(entry);
        let status = call.status.text().to_owned();
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

    fn setup(&mut self, setup: &Setup) {
        let ended = match (setup.cached.as_ref(), setup.passed.as_ref()) {
            (Some(true), _) => {
                format!(
                    " (not run: the result of the same inputs was used again, in {:.1} s)",
                    seconds(setup)
                )
            }
            (_, Some(true)) => format!(" (passed in {:.1} s)", seconds(setup)),
            _ => match setup.exit_code.as_ref() {
                Some(code) => format!(" (failed with exit code {code} after {:.1} s)", seconds(setup)),
                None => " (failed)".to_owned(),
            },
        };
        self.line(&format!("setup: {}{ended}", plain(&strip_escapes(&setup.command))));
        let output = strip_escapes(setup.output.text());
        let lines: Vec<&str> = output.lines().filter(|line| !line.trim().is_empty()).collect();
        // What a command prints last says how it ended.
        let hidden = lines.len().saturating_sub(MAX_LINES);
        if hidden > 0 {
            self.text.push_str(&format!("   │ … {hidden} earlier lines\n"));
        }
        for line in &lines[hidden..] {
            self.text.push_str(&format!("   │ {line}\n"));
        }
    }

    fn plan(&mut self, items: &[PlanItem]) {
        self.line("plan");
        for item in items {
            let mark = match item.status.text() {
                "completed" => "x",
                "in_progress" => "~",
                _ => " ",
            };
            self.text.push_str(&format!("   [{mark}] {}\n", plain(&item.content)));
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

/// Returns how long a setup command took, in seconds.
fn seconds(setup: &Setup) -> f64 {
    std::time::Duration::from_millis(setup.took_ms.as_ref().copied().unwrap_or(0)).as_secs_f64()
}

/// Returns the kind of a tool call in a word.
fn name_of(call: &ToolCall) -> &str {
    match call.tool_kind.text() {
        "" | "other" => "tool",
        "execute" => "run",
        kind => kind,
    }
}

fn title(call: &ToolCall) -> String {
    let title = call.title.as_deref().filter(|title| !title.is_empty());
    shown_title(title.or_else(|| call.raw_input.as_ref()?["command"].as_str()))
}

fn shown_title(title: Option<&str>) -> String {
    plain(&strip_escapes(title.filter(|title| !title.is_empty()).unwrap_or("(no title)")))
}

/// Returns what a tool call printed or changed, at most so many lines.
fn output(call: &ToolCall) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for block in call.content.as_ref().and_then(Value::as_array).into_iter().flatten() {
        match text(block, "type") {
            "content" => {
                lines.extend(strip_escapes(text(&block["content"], "text")).lines().map(str::to_owned));
            }
            "diff" => lines.push(format!("changed {}", text(block, "path"))),
            _ => {}
        }
    }
    if lines.is_empty()
        && let Some(raw) = call.raw_output.as_ref()
    {
        let raw = [raw.as_str(), raw["output"].as_str(), raw["stdout"].as_str()];
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

/// Returns what a turn used; agents that report nothing used an unknown amount.
fn usage(usage: Option<&TurnUsage>) -> String {
    match usage.map_or((0, 0), |usage| (usage.input_tokens, usage.output_tokens)) {
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
            json!({ "kind": "permission_requested", "request_id": "p", "title": "ls" }),
            json!({ "kind": "permission_resolved", "request_id": "p", "outcome": "selected", "option_id": "allow", "by": "ada" }),
            json!({ "kind": "tool_call", "tool_call_id": "1", "status": "failed",
                "content": [{ "type": "content", "content": { "type": "text", "text": "\u{1b}[31mno\u{1b}[0m\n" } }] }),
            json!({ "kind": "turn_ended", "stop_reason": "end_turn", "usage": null }),
        ];
        let numbered = |(at, mut entry): (usize, Value)| {
            entry["seq"] = (at + 1).into();
            if entry["at"].is_null() {
                entry["at"] = "10:02".into();
            }
            serde_json::from_value(entry).expect("an entry")
        };
        let entries: Vec<NumberedEntry> = entries.into_iter().enumerate().map(numbered).collect();
        assert_eq!(
            render(&entries),
            "── asked, 10:00\nWrite it.\n ▸ plan\n   [x] Look\n   [ ] Write\n\n── agent, 10:01\nI look.\n ▸ asks for permission: ls\n \
             ▸ permission: allow ada\n ▸ run: ls (failed)\n   │ no\n ▸ tokens: unknown\n"
        );
    }
}
