//! From what an agent sends to entries of a session's log.

use agent::Update;
use serde_json::{Value, json};
use store::LogRow;
use workflow::{Millis, Usage};

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

/// What an entry is to the words of an agent between which it stands.
enum Between {
    /// Others said it meanwhile: the words go on.
    Nothing,
    /// The agent stopped to think: what it says then is another paragraph.
    Pause,
    /// The agent did something: what it says then is another message.
    End,
}

impl Between {
    fn of(entry: &Value) -> Self {
        match entry["kind"].as_str().unwrap_or_default() {
            "commit"
            | "coordination"
            | "message_edited"
            | "message_withdrawn"
            | "notice"
            | "permission_resolved"
            | "recorded"
            | "update"
            | "usage"
            | "user_message" => Self::Nothing,
            "agent_thought" | "plan" => Self::Pause,
            _ => Self::End,
        }
    }
}

/// The last message of an agent in entries of a log, whole.
pub(crate) fn last_message<'e>(entries: impl DoubleEndedIterator<Item = &'e Value>) -> String {
    let mut pieces: Vec<&str> = Vec::new();
    for entry in entries.rev() {
        if entry["kind"] == "agent_message" {
            pieces.push(entry["text"].as_str().unwrap_or_default());
            continue;
        }
        match Between::of(entry) {
            Between::End if !pieces.is_empty() => break,
            Between::Pause if pieces.last().is_some_and(|piece| !piece.starts_with('\n')) => {
                pieces.push("\n\n");
            }
            Between::Nothing | Between::Pause | Between::End => {}
        }
    }
    pieces.into_iter().rev().collect()
}

/// Something that was said in a conversation, whole.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) seq: u64,
    /// The last entry that it is made of.
    pub(crate) to: u64,
    pub(crate) at: Millis,
    pub(crate) is_agent: bool,
    pub(crate) text: String,
    /// By which it is changed while it waits.
    id: Option<String>,
}

/// The messages of a log, put together from its entries in their order.
#[derive(Default)]
pub(crate) struct Messages {
    said: Vec<Message>,
    /// The agent's message that goes on.
    open: Option<usize>,
}

impl Messages {
    pub(crate) fn take(&mut self, row: &LogRow) {
        let field = |name: &str| row.entry[name].as_str();
        let said = field("text").unwrap_or_default();
        match field("kind").unwrap_or_default() {
            "agent_message" => match self.open.and_then(|at| self.said.get_mut(at)) {
                Some(open) => {
                    open.text.push_str(said);
                    open.to = row.seq;
                }
                None => {
                    self.open = Some(self.said.len());
                    self.said.push(Message::of(row, true, said, None));
                }
            },
            "user_message" => {
                if field("by") == Some("spectask") {
                    // What the agent says next is its answer to this.
                    self.open = None;
                }
                self.said.push(Message::of(row, false, said, field("message_id")));
            }
            "message_edited" => {
                if let Some(message) = self.changed(field("message_id")) {
                    said.clone_into(&mut message.text);
                }
            }
            "message_withdrawn" => {
                if let Some(message) = self.changed(field("message_id")) {
                    message.text.clear();
                }
            }
            _ => match Between::of(&row.entry) {
                Between::Nothing => {}
                Between::Pause => {
                    if let Some(open) = self.open.and_then(|at| self.said.get_mut(at))
                        && !open.text.ends_with('\n')
                    {
                        open.text.push_str("\n\n");
                    }
                }
                Between::End => self.open = None,
            },
        }
    }

    fn changed(&mut self, id: Option<&str>) -> Option<&mut Message> {
        self.said.iter_mut().rfind(|message| message.id.is_some() && message.id.as_deref() == id)
    }

    /// What was said; what was withdrawn before anybody read it was not.
    pub(crate) fn all(self) -> Vec<Message> {
        let mut said = self.said;
        for message in &mut said {
            message.text.truncate(message.text.trim_end().len());
        }
        said.retain(|message| !message.text.is_empty());
        said
    }
}

impl Message {
    fn of(row: &LogRow, is_agent: bool, text: &str, id: Option<&str>) -> Self {
        Self {
            seq: row.seq,
            to: row.seq,
            at: row.at,
            is_agent,
            text: text.to_owned(),
            id: id.map(str::to_owned),
        }
    }
}

/// The update itself, inside or without its notification.
fn body(raw: &Value) -> &Value {
    raw.get("update").unwrap_or(raw)
}

/// What an agent says that it spent.
pub(crate) fn usage(raw: &Value) -> Option<Usage> {
    let number = |names: [&str; 2]| names.iter().find_map(|name| raw.get(name).and_then(Value::as_u64));
    let spent = Usage {
        input_tokens: number(["inputTokens", "input_tokens"]).unwrap_or(0),
        output_tokens: number(["outputTokens", "output_tokens"]).unwrap_or(0),
        cached_tokens: number(["cachedReadTokens", "cached_tokens"]).unwrap_or(0),
        cost_usd: raw.pointer("/cost/amount").and_then(Value::as_f64),
    };
    (spent != Usage::default()).then_some(spent)
}

/// A tool call that an agent asks for, as it is shown; none when its id is all that it says.
pub(crate) fn asked_for(call: &Value) -> Option<Value> {
    let entry = tool_call(call);
    let says_more = entry.as_object().is_some_and(|fields| fields.len() > 2);
    (says_more && call["toolCallId"].is_string()).then_some(entry)
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
    // A terminal belongs to the client, and this one has none: its output is reported beside the call.
    if let Some(content) = entry["content"].as_array_mut() {
        content.retain(|block| block["type"] != "terminal");
        if content.is_empty() {
            drop(entry.as_object_mut().map(|fields| fields.remove("content")));
        }
    }
    entry
}

/// Output of a tool call that an agent reports beside it, as a client's terminal would show it.
pub(crate) enum TerminalOutput<'u> {
    /// All of it so far.
    Whole(&'u str),
    /// What came after the last report.
    Delta(&'u str),
}

/// The output that an update of a tool call carries.
pub(crate) fn terminal_output(raw: &Value) -> Option<TerminalOutput<'_>> {
    let meta = &body(raw)["_meta"];
    let data = |name: &str| meta[name]["data"].as_str().or_else(|| meta[name]["output"].as_str());
    let whole = data("terminal_output").map(TerminalOutput::Whole);
    whole.or_else(|| data("terminal_output_delta").map(TerminalOutput::Delta))
}

/// The content of a tool call that shows an output.
pub(crate) fn output_content(output: &str) -> Value {
    json!([{ "type": "content", "content": { "type": "text", "text": output } }])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(entries: &[(&str, &str)]) -> String {
        let entries: Vec<Value> =
            entries.iter().map(|(kind, text)| json!({ "kind": kind, "text": text })).collect();
        last_message(entries.iter())
    }

    #[test]
    fn what_others_say_meanwhile_does_not_cut_a_message() {
        let words =
            [("agent_message", "The words are "), ("coordination", "Look."), ("agent_message", "written.")];
        assert_eq!(said(&words), "The words are written.");
    }

    #[test]
    fn only_what_was_said_after_the_last_act_is_the_last_message() {
        let words =
            [("agent_message", "I look."), ("tool_call", ""), ("agent_message", "Done."), ("commit", "")];
        assert_eq!(said(&words), "Done.");
    }

    #[test]
    fn a_conversation_is_its_messages() {
        let entries = [
            json!({ "kind": "user_message", "text": "Write.", "by": "spectask" }),
            json!({ "kind": "agent_message", "text": "I " }),
            json!({ "kind": "user_message", "text": "Shorter", "message_id": "m1" }),
            json!({ "kind": "agent_message", "text": "look.\n" }),
            json!({ "kind": "user_message", "text": "No", "message_id": "m2" }),
            json!({ "kind": "message_edited", "text": "Shorter, please.", "message_id": "m1" }),
            json!({ "kind": "message_withdrawn", "message_id": "m2" }),
            json!({ "kind": "tool_call" }),
            json!({ "kind": "agent_message", "text": "Done." }),
        ];
        let mut messages = Messages::default();
        for (seq, entry) in (1..).zip(entries) {
            messages.take(&LogRow { seq, at: Millis(0), entry });
        }
        let said: Vec<_> = messages.all().into_iter().map(|one| (one.seq, one.is_agent, one.text)).collect();
        let expected =
            [(1, false, "Write."), (2, true, "I look."), (3, false, "Shorter, please."), (9, true, "Done.")];
        assert_eq!(said, expected.map(|(seq, is_agent, text)| (seq, is_agent, text.to_owned())));
    }

    #[test]
    fn output_of_terminals_is_read_and_terminals_are_not_shown() {
        let call = json!({ "update": { "sessionUpdate": "tool_call", "toolCallId": "1",
            "content": [{ "type": "terminal", "terminalId": "1" }],
            "_meta": { "terminal_output_delta": { "data": "hi\n", "terminal_id": "1" } } } });
        assert!(matches!(terminal_output(&call), Some(TerminalOutput::Delta("hi\n"))));
        let kind = Update::read(&call["update"]);
        let entry = entry(&kind, &call).expect("an entry");
        assert!(entry.get("content").is_none(), "{entry}");
        assert!(terminal_output(&json!({ "update": {} })).is_none());
    }

    #[test]
    fn a_thought_is_a_pause() {
        let words = [("agent_message", "First."), ("agent_thought", "Hm."), ("agent_message", "Second.")];
        assert_eq!(said(&words), "First.\n\nSecond.");
    }
}
