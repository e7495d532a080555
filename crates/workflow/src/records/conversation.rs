//! conversation.md: all messages, tool calls and answers of a session, as they are in the session's log.
//!
//! What people and agents wrote stands in quotes; the marker before each part has the rest of the log's entries.
//! Neighbouring pieces of one message are shown as one.

use super::markup::{Unreadable, displayed, inline, is_plain, marker, moment, quote};
use super::{paths, sections, tool_call};
use crate::Millis;
use protocol::log::{ActivityType, PermissionResolved, Plan};
use protocol::{Attachment, LogEntry};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// An entry of a session's log.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub seq: u64,
    pub at: Millis,
    pub entry: LogEntry,
}

/// The session of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub session: String,
    pub name: String,
    pub task: String,
    pub agent: String,
    /// Which part of the conversation the file is, counted from 1.
    pub part: u32,
}

/// An entry in a marker; with `bytes`, its text is that many bytes of the quote.
#[derive(Serialize, Deserialize)]
struct Row {
    seq: u64,
    at: Millis,
    entry: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
}

#[derive(Serialize, Deserialize)]
struct Rows {
    rows: Vec<Row>,
}

/// Returns the heading of the file.
pub fn head(head: &Head) -> String {
    let part = if head.part > 1 { format!(", part {}", head.part) } else { String::new() };
    format!(
        "# {}{part}\n\nTask {}, work session {}, agent {}. Written by SpecTask as it happens; the file only grows.\n\n",
        inline(&head.name),
        inline(&head.task),
        inline(&head.session),
        inline(&head.agent)
    )
}

/// Entries to be added to a file that says `before` so far.
pub fn render(before: &str, entries: &[Entry]) -> Result<String, Unreadable> {
    let titles = titles(before, entries)?;
    let mut text = String::new();
    let mut rest = entries;
    while let [first, ..] = rest {
        let together = rest.iter().take_while(|entry| continues(first, entry)).count().max(1);
        let (group, others) = rest.split_at(together);
        text.push_str(&part(group, &titles));
        rest = others;
    }
    Ok(text)
}

/// Returns the entries of a file; they are numbered without gaps, after the last one of the part before. Of messages
/// that were edited in the file, the first entry of their quote has all.
pub fn parse(text: &str, after: u64) -> Result<Vec<Entry>, Unreadable> {
    match parse_prefix(text, after) {
        (entries, None) => Ok(entries),
        (_, Some(error)) => Err(error),
    }
}

/// Returns the entries of a file up to the first that cannot be read, and what is wrong with that one.
pub fn parse_prefix(text: &str, after: u64) -> (Vec<Entry>, Option<Unreadable>) {
    let mut entries: Vec<Entry> = Vec::new();
    let (sections, wrong) = sections::read_prefix(text);
    for section in sections {
        if let Err(error) = take(&mut entries, after, section) {
            return (entries, Some(error));
        }
    }
    (entries, wrong)
}

/// Adds the entries of a section.
fn take(entries: &mut Vec<Entry>, after: u64, section: sections::Section) -> Result<(), Unreadable> {
    let sections::Section { line, data, quoted } = section;
    let wrong = |reason: String| Unreadable { line, reason };
    let Rows { rows } = serde_json::from_value(data).map_err(|error| wrong(error.to_string()))?;
    let quoted = quoted.unwrap_or_default();
    let mut pieces = pieces(&quoted, &rows).into_iter();
    for Row { seq, at, mut entry, bytes } in rows {
        if bytes.is_some()
            && let Some(fields) = entry.as_object_mut()
        {
            fields.insert("text".to_owned(), pieces.next().unwrap_or_default().into());
        }
        let next = entries.last().map_or(after, |last| last.seq) + 1;
        if seq != next {
            return Err(wrong(format!("the entry has number {seq}, and {next} comes next")));
        }
        entries.push(Entry { seq, at, entry: entry.into() });
    }
    Ok(())
}

/// Returns the texts of the entries that share a quote.
fn pieces<'q>(quoted: &'q str, rows: &[Row]) -> Vec<&'q str> {
    let mut pieces = Vec::new();
    let mut from = 0;
    for bytes in rows.iter().filter_map(|row| row.bytes) {
        let Some(piece) = quoted.get(from..from + bytes) else { return vec![quoted] };
        pieces.push(piece);
        from += bytes;
    }
    if from == quoted.len() { pieces } else { vec![quoted] }
}

/// Returns the number of the last entry in a file; 0 when it has none.
pub fn last_seq(text: &str) -> Result<u64, Unreadable> {
    // Markers stand at the beginning of a line, which no quoted text does.
    let begin = text.rfind("\n<!-- spectask ").map_or(0, |at| at + 1);
    let last = sections::read(&text[begin..])?.pop();
    let Some(sections::Section { line, data, .. }) = last else { return Ok(0) };
    let rows: Rows =
        serde_json::from_value(data).map_err(|error| Unreadable { line, reason: error.to_string() })?;
    Ok(rows.rows.last().map_or(0, |row| row.seq))
}

/// Returns the titles of tool calls, by their ids; the file is read only where the entries do not tell.
fn titles(before: &str, entries: &[Entry]) -> Result<BTreeMap<String, String>, Unreadable> {
    let mut titles = BTreeMap::new();
    let mut is_missing = false;
    for Entry { entry, .. } in entries {
        let LogEntry::ToolCall(call) = entry else { continue };
        let id = call.tool_call_id.text();
        match call.title.as_deref() {
            Some(title) => {
                titles.insert(id.to_owned(), title.to_owned());
            }
            None => is_missing |= !titles.contains_key(id),
        }
    }
    if is_missing {
        for Row { entry, .. } in rows(before)? {
            if let (Some(id), Some(title)) = (entry["tool_call_id"].as_str(), entry["title"].as_str()) {
                titles.entry(id.to_owned()).or_insert_with(|| title.to_owned());
            }
        }
    }
    Ok(titles)
}

/// Returns the entries in the markers of a file, whatever their numbers are, without the texts that stand in quotes.
fn rows(text: &str) -> Result<Vec<Row>, Unreadable> {
    let mut all = Vec::new();
    for sections::Section { line, data, .. } in sections::read(text)? {
        let Rows { rows } =
            serde_json::from_value(data).map_err(|error| Unreadable { line, reason: error.to_string() })?;
        all.extend(rows);
    }
    Ok(all)
}

/// Returns whether an entry continues the message or the tool call that another one begins.
fn continues(first: &Entry, entry: &Entry) -> bool {
    match (&first.entry, &entry.entry) {
        (LogEntry::ToolCall(first), LogEntry::ToolCall(call)) => {
            let id = first.tool_call_id.text();
            !id.is_empty() && id == call.tool_call_id.text()
        }
        (first, entry) => first.is_continued_by(entry),
    }
}

/// Entries that are shown together: their marker, and what people read.
fn part(group: &[Entry], titles: &BTreeMap<String, String>) -> String {
    let said: String = group.iter().filter_map(|entry| entry.entry.text()).collect();
    let is_quoted = is_plain(&said) && group.iter().all(|entry| entry.entry.text().is_some());
    let rows = group
        .iter()
        .map(|Entry { seq, at, entry }| {
            let mut entry = Value::from(entry.clone());
            let mut bytes = None;
            if is_quoted && let Some(fields) = entry.as_object_mut() {
                bytes = fields.remove("text").and_then(|text| text.as_str().map(str::len));
            }
            Row { seq: *seq, at: *at, entry, bytes }
        })
        .collect();
    // Rows are plain data, whose serialization cannot fail.
    let data = serde_json::to_value(Rows { rows }).unwrap_or_default();
    let mut text = marker(&data);
    if let [first, others @ ..] = group {
        let mut shown = first.clone();
        if let LogEntry::ToolCall(call) = &mut shown.entry {
            for entry in others {
                if let LogEntry::ToolCall(later) = &entry.entry {
                    call.update(later);
                }
            }
        }
        text.push_str(&body(&shown, &said, titles));
    }
    text
}

/// Returns links from a conversation to files of its task.
fn files(attachments: &[Attachment]) -> String {
    let link = |file: &Attachment| {
        let path = paths::attachment_name(&file.id, &file.name);
        format!("\n[{}](../attachments/{path})\n", inline(&file.name))
    };
    attachments.iter().map(link).collect()
}

/// Returns the text of a part for people.
fn body(Entry { at, entry, .. }: &Entry, said: &str, titles: &BTreeMap<String, String>) -> String {
    let time = moment(*at);
    let spoken = |who: &str| format!("\n**{}** · {time}\n\n{}\n", inline(who), quote(&displayed(said)));
    match entry {
        LogEntry::UserMessage(message) => match message.by.text() {
            "spectask" => format!(
                "\n<details><summary><b>SpecTask</b> asks the agent · {time}</summary>\n\n{}\n</details>\n\n",
                quote(&displayed(said))
            ),
            "" => spoken("A person") + &files(message.attachments.items()),
            by => spoken(by) + &files(message.attachments.items()),
        },
        LogEntry::AgentMessage(message) => spoken("Agent") + &files(message.attachments.items()),
        LogEntry::AgentThought(_) => {
            format!("\n<details><summary>Thought</summary>\n\n{}\n</details>\n\n", quote(&displayed(said)))
        }
        LogEntry::ToolCall(call) => {
            match tool_call::render(call, titles.get(call.tool_call_id.text()).map(String::as_str)) {
                shown if shown.is_empty() => files(call.attachments.items()),
                shown => format!("\n{shown}{}", files(call.attachments.items())),
            }
        }
        LogEntry::Plan(items) => format!("\n**Plan** · {time}\n\n{}\n", quote(&plan(items))),
        LogEntry::Setup(setup) => {
            let outcome = match (setup.cached.as_ref(), setup.passed.as_ref()) {
                (Some(true), _) => "its earlier result was used again",
                (_, Some(true)) => "it passed",
                _ => "it failed",
            };
            let output = setup.output.text();
            let output = if output.is_empty() { String::new() } else { quote(&displayed(output)) };
            format!("\n**Setup** {} ({outcome}) · {time}\n\n{output}\n", inline(&setup.command))
        }
        LogEntry::TurnStarted(turn) => {
            let number = turn.number.as_ref().copied().unwrap_or_default();
            let ask = turn.ask.as_ref().and_then(|ask| ask["ask"].as_str()).unwrap_or_default();
            format!("\n## Turn {number}: {}\n\n{time}\n\n", inline(&ask.replace('_', " ")))
        }
        LogEntry::TurnEnded(turn) => {
            format!("\nThe turn ended ({}) · {time}\n\n", inline(turn.stop_reason.text()))
        }
        LogEntry::TurnFailed(turn) => {
            let next = if turn.tried_again.as_ref() == Some(&true) { "; it is tried again" } else { "" };
            let message = quote(&displayed(turn.message.text()));
            format!("\n**The turn failed**{next} · {time}\n\n{message}\n")
        }
        LogEntry::PermissionRequested(request) => {
            format!("\n**The agent asks:** {} · {time}\n\n", inline(request.title.text()))
        }
        LogEntry::PermissionResolved(resolved) => {
            format!("\n**Answered:** {} · {time}\n\n", inline(&answer(resolved)))
        }
        LogEntry::Commit(made) => format!("\n**Committed** {} · {time}\n\n", inline(&made.commit)),
        LogEntry::Recorded(recorded) => {
            let activity = match recorded.activity_type.as_ref() {
                Some(ActivityType::Conversation) => "conversation",
                Some(ActivityType::CodeChange) => "code change",
                Some(ActivityType::Decision) => "decision",
                Some(ActivityType::Coordination) => "coordination",
                None => "",
            };
            spoken(format!("{} recorded: {activity}", recorded.by.text()).trim())
        }
        LogEntry::Notice(_) => format!("\n{}\n", quote(&displayed(said))),
        // Figures, and what only the agent's own client understands.
        LogEntry::UsageUpdate(_) | LogEntry::Update(_) => String::new(),
        LogEntry::MessageEdited(_)
        | LogEntry::MessageWithdrawn(_)
        | LogEntry::Coordination(_)
        | LogEntry::Other(_) => {
            let kind = entry.kind().replace('_', " ");
            if said.is_empty() { format!("\n{} · {time}\n\n", inline(&kind)) } else { spoken(&kind) }
        }
    }
}

/// Returns how a question of the agent was answered, in words.
fn answer(answer: &PermissionResolved) -> String {
    let words = [answer.outcome.text(), answer.option_id.text(), answer.reason.text()];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
}

fn plan(plan: &Plan) -> String {
    let lines: Vec<String> = plan
        .entries
        .items()
        .iter()
        .map(|item| {
            let mark = match item.status.text() {
                "completed" => "[x]",
                "in_progress" => "[~]",
                _ => "[ ]",
            };
            format!("- {mark} {}", inline(&item.content))
        })
        .collect();
    lines.join("\n")
}
