//! conversation.md: all messages, tool calls and answers of a session, as they are in the session's log.
//!
//! What people and agents wrote stands in quotes; the marker before each part has the rest of the log's entries.
//! Neighbouring pieces of one message are shown as one.

use super::markup::{Unreadable, displayed, inline, is_plain, marker, moment, quote};
use super::{sections, tool_call};
use crate::Millis;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// An entry of a session's log.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub seq: u64,
    pub at: Millis,
    pub entry: Value,
}

/// Whose conversation it is.
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

/// What the file begins with.
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

/// The entries of a file; they are numbered without gaps, after the last one of the part before. Of messages that were edited in the file,
/// the first entry of their quote has all.
pub fn parse(text: &str, after: u64) -> Result<Vec<Entry>, Unreadable> {
    match parse_prefix(text, after) {
        (entries, None) => Ok(entries),
        (_, Some(error)) => Err(error),
    }
}

/// The entries of a file up to the first that cannot be read, and what is wrong with that one.
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
        entries.push(Entry { seq, at, entry });
    }
    Ok(())
}

/// The texts of the entries that share a quote.
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

/// The number of the last entry in a file; 0 when it has none.
pub fn last_seq(text: &str) -> Result<u64, Unreadable> {
    // Markers stand at the beginning of a line, which no quoted text does.
    let begin = text.rfind("\n<!-- spectask ").map_or(0, |at| at + 1);
    let last = sections::read(&text[begin..])?.pop();
    let Some(sections::Section { line, data, .. }) = last else { return Ok(0) };
    let rows: Rows =
        serde_json::from_value(data).map_err(|error| Unreadable { line, reason: error.to_string() })?;
    Ok(rows.rows.last().map_or(0, |row| row.seq))
}

/// The titles of tool calls, by their ids; the file is read only where the entries do not tell.
fn titles(before: &str, entries: &[Entry]) -> Result<BTreeMap<String, String>, Unreadable> {
    let mut titles = BTreeMap::new();
    let mut is_missing = false;
    for Entry { entry, .. } in entries.iter().filter(|entry| kind(&entry.entry) == "tool_call") {
        let id = field(entry, "tool_call_id");
        match entry["title"].as_str() {
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

/// The entries in the markers of a file, whatever their numbers are, without the texts that stand in quotes.
fn rows(text: &str) -> Result<Vec<Row>, Unreadable> {
    let mut all = Vec::new();
    for sections::Section { line, data, .. } in sections::read(text)? {
        let Rows { rows } =
            serde_json::from_value(data).map_err(|error| Unreadable { line, reason: error.to_string() })?;
        all.extend(rows);
    }
    Ok(all)
}

fn kind(entry: &Value) -> &str {
    field(entry, "kind")
}

fn field<'v>(entry: &'v Value, name: &str) -> &'v str {
    entry[name].as_str().unwrap_or_default()
}

/// Whether an entry continues the message or the tool call that another one begins.
fn continues(first: &Entry, entry: &Entry) -> bool {
    if kind(&first.entry) == "tool_call" {
        let id = field(&first.entry, "tool_call_id");
        return kind(&entry.entry) == "tool_call"
            && !id.is_empty()
            && id == field(&entry.entry, "tool_call_id");
    }
    let streamed = matches!(kind(&first.entry), "agent_message" | "agent_thought");
    let same = |name: &str| first.entry[name] == entry.entry[name];
    streamed && same("kind") && same("message_id") && entry.entry["text"].is_string()
}

/// Entries that are shown together: their marker, and what people read.
fn part(group: &[Entry], titles: &BTreeMap<String, String>) -> String {
    let said: String = group.iter().map(|entry| field(&entry.entry, "text")).collect();
    let is_quoted = is_plain(&said) && group.iter().all(|entry| entry.entry["text"].is_string());
    let rows = group
        .iter()
        .map(|Entry { seq, at, entry }| {
            let mut entry = entry.clone();
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
        if kind(&first.entry) == "tool_call" {
            for entry in others {
                update(&mut shown.entry, &entry.entry);
            }
        }
        text.push_str(&body(&shown, &said, titles));
    }
    text
}

/// Takes into a tool call what a later entry says of it.
fn update(call: &mut Value, later: &Value) {
    if let (Some(call), Some(later)) = (call.as_object_mut(), later.as_object()) {
        call.extend(later.iter().map(|(name, value)| (name.clone(), value.clone())));
    }
}

/// What people read of a part.
fn body(Entry { at, entry, .. }: &Entry, said: &str, titles: &BTreeMap<String, String>) -> String {
    let time = moment(*at);
    let spoken = |who: &str| format!("\n**{}** · {time}\n\n{}\n", inline(who), quote(&displayed(said)));
    match kind(entry) {
        "user_message" => match field(entry, "by") {
            "spectask" => format!(
                "\n<details><summary><b>SpecTask</b> asks the agent · {time}</summary>\n\n{}\n</details>\n\n",
                quote(&displayed(said))
            ),
            "" => spoken("A person"),
            by => spoken(by),
        },
        "agent_message" => spoken("Agent"),
        "agent_thought" => {
            format!("\n<details><summary>Thought</summary>\n\n{}\n</details>\n\n", quote(&displayed(said)))
        }
        "tool_call" => {
            match tool_call::render(entry, titles.get(field(entry, "tool_call_id")).map(String::as_str)) {
                shown if shown.is_empty() => shown,
                shown => format!("\n{shown}"),
            }
        }
        "plan" => format!("\n**Plan** · {time}\n\n{}\n", quote(&plan(entry))),
        "turn_started" => {
            let number = entry["number"].as_u64().unwrap_or_default();
            let ask = entry.pointer("/ask/ask").and_then(Value::as_str).unwrap_or_default().replace('_', " ");
            format!("\n## Turn {number}: {}\n\n{time}\n\n", inline(&ask))
        }
        "turn_ended" => format!("\nThe turn ended ({}) · {time}\n\n", inline(field(entry, "stop_reason"))),
        "turn_failed" => {
            let next = if entry["tried_again"] == true { "; it is tried again" } else { "" };
            format!(
                "\n**The turn failed**{next} · {time}\n\n{}\n",
                quote(&displayed(field(entry, "message")))
            )
        }
        "permission_requested" => {
            format!("\n**The agent asks:** {} · {time}\n\n", inline(field(entry, "title")))
        }
        "permission_resolved" => format!("\n**Answered:** {} · {time}\n\n", inline(&answer(entry))),
        "commit" => format!("\n**Committed** {} · {time}\n\n", inline(field(entry, "commit"))),
        "recorded" => {
            let what = format!(
                "{} recorded: {}",
                field(entry, "by"),
                field(entry, "activity_type").replace('_', " ")
            );
            spoken(what.trim())
        }
        "notice" => format!("\n{}\n", quote(&displayed(said))),
        // Figures, and what only the agent's own client understands.
        "usage" | "update" => String::new(),
        other if said.is_empty() => format!("\n{} · {time}\n\n", inline(&other.replace('_', " "))),
        other => spoken(&other.replace('_', " ")),
    }
}

/// How a question of the agent was answered, in words.
pub(super) fn answer(entry: &Value) -> String {
    let words = [field(entry, "outcome"), field(entry, "option_id"), field(entry, "reason")];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
}

fn plan(entry: &Value) -> String {
    let entries = entry["entries"].as_array().into_iter().flatten();
    let lines: Vec<String> = entries
        .map(|item| {
            let mark = match item["status"].as_str() {
                Some("completed") => "[x]",
                Some("in_progress") => "[~]",
                Some(_) | None => "[ ]",
            };
            format!("- {mark} {}", inline(field(item, "content")))
        })
        .collect();
    lines.join("\n")
}
