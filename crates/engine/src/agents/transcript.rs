//! Converts updates of an agent into entries of a session's log.

use super::sent_files::has_file;
use agent::Update;
use protocol::log::{AgentMessage, AgentThought, Plan, ToolCall, Update as UpdateEntry, UsageUpdate};
use protocol::{LogEntry, Optional};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use store::{LogRow, Store, StoreError};
use workflow::{Millis, SessionId, Usage};

/// Returns the log entry of an update, or none for what is not part of the conversation.
pub(crate) fn entry(update: &Update, raw: &Value) -> Option<LogEntry> {
    let id = raw.get("messageId").or_else(|| raw.pointer("/update/messageId"));
    let mut entry = match update {
        Update::AgentText(text) => {
            let message_id = id.map(text_or_null).unwrap_or_default();
            let content = Some(&body(raw)["content"]).filter(|content| has_file(content));
            let content = content.map_or(Optional::Absent, |content| Optional::Value(content.clone()));
            let message = AgentMessage { text: text.clone(), message_id, content, ..AgentMessage::default() };
            return Some(message.into());
        }
        Update::Thought(text) => {
            let message_id = id.map(text_or_null).unwrap_or_default();
            return Some(AgentThought { text: text.clone(), message_id, ..AgentThought::default() }.into());
        }
        // The prompt's echo: the log has the prompt already.
        Update::UserText(_) => return None,
        // Entries that are no list of items keep their JSON.
        Update::Plan(_) => match &body(raw)["entries"] {
            Value::Null => Plan { entries: Optional::Null, ..Plan::default() }.into(),
            entries => LogEntry::from(json!({ "kind": "plan", "entries": entries })),
        },
        Update::ToolCall { .. } => tool_call(body(raw)).into(),
        Update::Usage { .. } => {
            UsageUpdate { usage: Optional::Value(body(raw).clone()), ..UsageUpdate::default() }.into()
        }
        Update::Other(_) => {
            UpdateEntry { raw: Optional::Value(body(raw).clone()), ..UpdateEntry::default() }.into()
        }
    };
    if let Some((id, members)) = id.zip(entry.extra_mut()) {
        members.insert("message_id".to_owned(), id.clone());
    }
    Some(entry)
}

/// Returns a member that is a text in the Agent Client Protocol; an agent that sends another value gets it as JSON.
fn text_or_null(value: &Value) -> Optional<String> {
    match value {
        Value::Null => Optional::Null,
        Value::String(text) => text.clone().into(),
        other => other.to_string().into(),
    }
}

/// The relation of an entry to the agent's messages around it.
enum MessageBoundary {
    /// An entry of another source: the message continues.
    Nothing,
    /// The agent stopped to think: the next piece begins another paragraph.
    Pause,
    /// The agent did something: the next piece begins another message.
    End,
}

impl MessageBoundary {
    pub(crate) fn of(entry: &LogEntry) -> Self {
        match entry {
            LogEntry::Commit(_)
            | LogEntry::Coordination(_)
            | LogEntry::MessageEdited(_)
            | LogEntry::MessageWithdrawn(_)
            | LogEntry::Notice(_)
            | LogEntry::PermissionResolved(_)
            | LogEntry::Recorded(_)
            | LogEntry::Setup(_)
            | LogEntry::Update(_)
            | LogEntry::UsageUpdate(_)
            | LogEntry::UserMessage(_) => Self::Nothing,
            LogEntry::AgentThought(_) | LogEntry::Plan(_) => Self::Pause,
            LogEntry::AgentMessage(_)
            | LogEntry::ToolCall(_)
            | LogEntry::TurnStarted(_)
            | LogEntry::TurnEnded(_)
            | LogEntry::TurnFailed(_)
            | LogEntry::PermissionRequested(_)
            | LogEntry::Other(_) => Self::End,
        }
    }
}

/// Returns the last message of an agent in entries of a log, whole.
pub(crate) fn last_message<'e>(entries: impl DoubleEndedIterator<Item = &'e LogEntry>) -> String {
    let mut pieces: Vec<&str> = Vec::new();
    for entry in entries.rev() {
        if let LogEntry::AgentMessage(message) = entry {
            pieces.push(&message.text);
            continue;
        }
        match MessageBoundary::of(entry) {
            MessageBoundary::End if !pieces.is_empty() => break,
            MessageBoundary::Pause if pieces.last().is_some_and(|piece| !piece.starts_with('\n')) => {
                pieces.push("\n\n");
            }
            MessageBoundary::Nothing | MessageBoundary::Pause | MessageBoundary::End => {}
        }
    }
    pieces.into_iter().rev().collect()
}

/// A whole message of a conversation.
#[derive(Debug)]
pub struct Message {
    pub seq: u64,
    /// The last entry that it is made of.
    pub to: u64,
    pub at: Millis,
    pub is_agent: bool,
    pub text: String,
    /// The id by which it is edited while it waits.
    id: Option<String>,
}

/// How many entries of a log are read at once.
const READ: u64 = 5_000;
/// The size of a conversation's texts in bytes from which on they are not held all at the same time.
const MAX_TEXT_BYTES: usize = 4 * 1024 * 1024;

/// Reads the messages of a session's log, of which at least the chosen ones have their texts; `visit` gets every entry.
///
/// A long log is read a second time for the texts of the chosen messages, so that memory depends on these and not on the
/// length of the conversation.
pub async fn read_messages(
    store: &Store,
    session: &SessionId,
    mut visit: impl FnMut(&LogRow) + Send,
    choose: impl FnOnce(&[Message]) -> BTreeSet<u64> + Send,
) -> Result<Vec<Message>, StoreError> {
    let mut messages = Messages::default();
    let mut end = 0;
    loop {
        let rows = store.read_log(session, end, READ).await?;
        let Some(last) = rows.last() else { break };
        end = last.seq;
        for row in &rows {
            messages.take(row);
            visit(row);
        }
        if messages.text_bytes() > MAX_TEXT_BYTES {
            messages.drop_texts();
        }
    }
    if messages.kept.is_none() {
        return Ok(messages.all());
    }
    let mut messages = Messages { kept: Some(choose(&messages.all())), ..Messages::default() };
    let mut read = 0;
    while read < end {
        let rows = store.read_log(session, read, READ).await?;
        let Some(last) = rows.last() else { break };
        read = last.seq;
        rows.iter().filter(|row| row.seq <= end).for_each(|row| messages.take(row));
    }
    Ok(messages.all())
}

/// The messages of a log, put together from its entries in their order.
#[derive(Default)]
pub(crate) struct Messages {
    said: Vec<Message>,
    /// The agent's message that continues.
    open: Option<usize>,
    /// The numbers of the messages that keep their texts; all do when absent.
    kept: Option<BTreeSet<u64>>,
}

impl Messages {
    /// Adds an entry.
    pub(crate) fn take(&mut self, row: &LogRow) {
        if let Some(changed) = self.add(row)
            && let Some(message) = self.said.get_mut(changed)
            && self.kept.as_ref().is_some_and(|kept| !kept.contains(&message.seq))
        {
            message.drop_text();
        }
    }

    /// Returns how much text is held.
    fn text_bytes(&self) -> usize {
        self.said.iter().map(|message| message.text.len()).sum()
    }

    /// Drops all texts, also those that follow.
    fn drop_texts(&mut self) {
        self.kept = Some(BTreeSet::new());
        self.said.iter_mut().for_each(Message::drop_text);
    }

    /// Adds an entry, and returns the place of the message that it changed.
    fn add(&mut self, row: &LogRow) -> Option<usize> {
        match &row.entry {
            LogEntry::AgentMessage(piece) => match self.open.and_then(|at| self.said.get_mut(at)) {
                Some(open) => {
                    open.text.push_str(&piece.text);
                    open.to = row.seq;
                    self.open
                }
                None => {
                    self.open = Some(self.said.len());
                    self.said.push(Message::of(row, true, &piece.text, None));
                    self.open
                }
            },
            LogEntry::UserMessage(message) => {
                if message.by.as_deref() == Some("spectask") {
                    // What the agent says next is its answer to this.
                    self.open = None;
                }
                self.said.push(Message::of(row, false, &message.text, message.message_id.as_deref()));
                Some(self.said.len() - 1)
            }
            LogEntry::MessageEdited(edited) => {
                let at = self.place_of(&edited.message_id)?;
                self.said[at].text.clone_from(&edited.text);
                Some(at)
            }
            LogEntry::MessageWithdrawn(withdrawn) => {
                let at = self.place_of(&withdrawn.message_id)?;
                self.said[at].text.clear();
                Some(at)
            }
            other => match MessageBoundary::of(other) {
                MessageBoundary::Nothing => None,
                MessageBoundary::Pause => {
                    let open = self.said.get_mut(self.open?)?;
                    if !open.text.ends_with('\n') {
                        open.text.push_str("\n\n");
                    }
                    self.open
                }
                MessageBoundary::End => {
                    self.open = None;
                    None
                }
            },
        }
    }

    fn place_of(&self, id: &str) -> Option<usize> {
        self.said.iter().rposition(|message| message.id.as_deref() == Some(id))
    }

    /// Returns the messages, without those that were withdrawn before they were read.
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
    pub fn of(row: &LogRow, is_agent: bool, text: &str, id: Option<&str>) -> Self {
        Self {
            seq: row.seq,
            to: row.seq,
            at: row.at,
            is_agent,
            text: text.to_owned(),
            id: id.map(str::to_owned),
        }
    }

    /// Leaves of the text only whether there is some and whether it ends a line.
    fn drop_text(&mut self) {
        let end = if self.text.ends_with('\n') { "\n" } else { "" };
        let begin = if self.text.trim_end().is_empty() { "" } else { "…" };
        self.text = [begin, end].concat();
    }
}

/// Returns the update itself, inside or without its notification.
fn body(raw: &Value) -> &Value {
    raw.get("update").unwrap_or(raw)
}

/// Returns what an agent says that it spent.
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

/// Returns a tool call that an agent asks for, as it is shown; none when its id is all that it says.
pub(crate) fn asked_for(call: &Value) -> Option<ToolCall> {
    let entry = tool_call(call);
    (!entry.is_bare() && call["toolCallId"].is_string()).then_some(entry)
}

/// Returns a tool call as it is shown; absent fields stay as an earlier entry with the same id left them.
fn tool_call(update: &Value) -> ToolCall {
    let member = |name: &str| update.get(name).filter(|value| !value.is_null());
    let text = |name: &str| member(name).map(text_or_null).unwrap_or_default();
    let value = |name: &str| member(name).cloned().map_or(Optional::Absent, Optional::Value);
    let mut content = value("content");
    // A terminal belongs to the client, and this one has none: its output is reported beside the call.
    if let Optional::Value(Value::Array(blocks)) = &mut content {
        blocks.retain(|block| block["type"] != "terminal");
        if blocks.is_empty() {
            content = Optional::Absent;
        }
    }
    ToolCall {
        tool_call_id: text_or_null(&update["toolCallId"]),
        title: text("title"),
        tool_kind: text("kind"),
        status: text("status"),
        content,
        locations: value("locations"),
        raw_input: value("rawInput"),
        raw_output: value("rawOutput"),
        ..ToolCall::default()
    }
}

/// Output of a tool call that an agent reports beside it, as a client's terminal would show it.
pub(crate) enum TerminalOutput<'u> {
    /// All of it so far.
    Whole(&'u str),
    /// The output since the last report.
    Delta(&'u str),
}

/// Returns the output that an update of a tool call carries.
pub(crate) fn terminal_output(raw: &Value) -> Option<TerminalOutput<'_>> {
    let meta = &body(raw)["_meta"];
    let data = |name: &str| meta[name]["data"].as_str().or_else(|| meta[name]["output"].as_str());
    let whole = data("terminal_output").map(TerminalOutput::Whole);
    whole.or_else(|| data("terminal_output_delta").map(TerminalOutput::Delta))
}

/// Returns the content of a tool call that shows an output.
pub(crate) fn output_content(output: &str) -> Value {
    json!([{ "type": "content", "content": { "type": "text", "text": output } }])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(entries: &[(&str, &str)]) -> String {
        let entries: Vec<LogEntry> =
            entries.iter().map(|(kind, text)| json!({ "kind": kind, "text": text }).into()).collect();
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
        let rows: Vec<LogRow> = (1..)
            .zip(entries)
            .map(|(seq, entry)| LogRow { seq, at: Millis(0), entry: entry.into() })
            .collect();
        let read = |kept| {
            let mut messages = Messages { kept, ..Messages::default() };
            for row in &rows {
                messages.take(row);
            }
            messages.all()
        };
        let said: Vec<_> = read(None).into_iter().map(|one| (one.seq, one.is_agent, one.text)).collect();
        let expected =
            [(1, false, "Write."), (2, true, "I look."), (3, false, "Shorter, please."), (9, true, "Done.")];
        assert_eq!(said, expected.map(|(seq, is_agent, text)| (seq, is_agent, text.to_owned())));
        let places = |messages: &[Message]| messages.iter().map(|one| (one.seq, one.to)).collect::<Vec<_>>();
        for (seq, _, text) in expected {
            let some = read(Some(BTreeSet::from([seq])));
            assert_eq!(places(&some), places(&read(None)), "the messages are the same without their texts");
            for message in &some {
                let is_kept = message.seq == seq;
                assert!(if is_kept { message.text == text } else { message.text == "…" }, "{message:?}");
            }
        }
    }

    #[tokio::test]
    async fn a_long_conversation_is_read_in_bounded_memory() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("test.db");
        let store = Store::open(&format!("sqlite://{}", path.display())).await.expect("it opens");
        let session = SessionId::from("wks_1");
        let words = "word ".repeat(100_000);
        for number in 0..24 {
            let entries = vec![
                json!({ "kind": "user_message", "text": format!("Question {number}"), "by": "spectask" })
                    .into(),
                json!({ "kind": "agent_message", "text": format!("{number} {words}") }).into(),
            ];
            store.append_log(&session, Millis(0), entries).await.expect("it is written");
        }
        let mut visited = 0;
        let messages = read_messages(
            &store,
            &session,
            |_| visited += 1,
            |all| all.iter().rev().take(2).map(|one| one.seq).collect(),
        )
        .await
        .expect("it is read");
        assert_eq!((visited, messages.len()), (48, 48));
        assert_eq!(messages[46].text, "Question 23");
        assert_eq!(messages[47].text, format!("23 {}", words.trim_end()));
        assert!(messages[..46].iter().all(|message| message.text == "…"));
    }

    #[test]
    fn output_of_terminals_is_read_and_terminals_are_not_shown() {
        let call = json!({ "update": { "sessionUpdate": "tool_call", "toolCallId": "1",
            "content": [{ "type": "terminal", "terminalId": "1" }],
            "_meta": { "terminal_output_delta": { "data": "hi\n", "terminal_id": "1" } } } });
        assert!(matches!(terminal_output(&call), Some(TerminalOutput::Delta("hi\n"))));
        let kind = Update::read(&call["update"]);
        let entry = entry(&kind, &call).expect("an entry");
        assert_eq!(Value::from(entry), json!({ "kind": "tool_call", "tool_call_id": "1" }));
        assert!(terminal_output(&json!({ "update": {} })).is_none());
    }

    #[test]
    fn a_thought_is_a_pause() {
        let words = [("agent_message", "First."), ("agent_thought", "Hm."), ("agent_message", "Second.")];
        assert_eq!(said(&words), "First.\n\nSecond.");
    }
}
