//! Passages: what is indexed and found as one. In a log, the entries that follow each other up to a few KiB of text; in a
//! document, a section or a part of one.

use crate::LogRow;
use protocol::{LogEntry, Optional};
use serde_json::Value;

/// From which size on a passage ends with the message it is in.
const ENOUGH: usize = 4 * 1024;
/// From which size on it ends within a message, between two words.
const FULL: usize = 16 * 1024;
/// From which size on it ends within a word: what is so long is no word.
const MAX: usize = 64 * 1024;
/// How many entries it has at most, but for the end of a word, which has as many again.
const ENTRIES: u64 = 1024;
/// How much of one entry is indexed; the rest of a longer one, such as a large file that a tool read, is not.
pub(super) const OF_ENTRY: usize = 32 * 1024;
/// From which size on a section of a document is a passage of its own.
const SECTION: usize = 1024;

/// A passage, which is indexed and found as one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Passage {
    /// The numbers of the first and last entry or line.
    pub(super) from: u64,
    pub(super) to: u64,
    pub(super) text: String,
    /// Where the text of each entry or line begins, in bytes, with its number.
    pub(super) starts: Vec<(usize, u64)>,
    /// Where messages begin that do not continue the one before; no phrase reaches over these.
    pub(super) breaks: Vec<usize>,
    /// When its last entry was written.
    pub(super) at: i64,
}

impl Passage {
    /// Returns whether nothing is added to it any more.
    pub(super) fn is_full(&self) -> bool {
        self.text.len() >= FULL || self.is_long()
    }

    fn is_long(&self) -> bool {
        self.to - self.from >= ENTRIES
    }

    /// Returns whether it ends even within a word.
    fn is_over(&self) -> bool {
        self.text.len() >= MAX || self.to - self.from >= 2 * ENTRIES
    }

    /// Returns the number of the entry or line in which a place of the text is.
    pub(super) fn number_at(&self, offset: usize) -> u64 {
        self.starts.iter().rev().find(|(start, _)| *start <= offset).map_or(self.from, |(_, number)| *number)
    }
}

/// The indexed text of an entry.
pub(super) struct EntryText {
    seq: u64,
    at: i64,
    text: String,
    /// Of which streamed message it is a chunk.
    message: Option<Chunk>,
}

impl EntryText {
    pub(super) fn of(row: &LogRow) -> Self {
        let text = cut(entry_text(&row.entry), OF_ENTRY);
        Self { seq: row.seq, at: row.at.0, text, message: chunk_of(&row.entry) }
    }
}

/// Returns the passages of entries that follow each other; more entries may be added to the last one.
pub(super) fn of_log(entries: &[EntryText]) -> Vec<Passage> {
    gather(entries, true)
}

/// Entries as the one passage that they were indexed as.
pub(super) fn of_entries(entries: &[EntryText]) -> Passage {
    gather(entries, false).pop().unwrap_or_default()
}

fn gather(entries: &[EntryText], divides: bool) -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::new();
    let mut message: Option<&Chunk> = None;
    for EntryText { seq, at, text, message: this } in entries {
        let this = this.as_ref();
        let continues = this.is_some() && this == message;
        if !text.is_empty() {
            message = this;
        }
        let ends = passages.last().is_none_or(|last| {
            divides
                && if text.is_empty() {
                    last.is_long()
                } else if continues {
                    last.is_over() || (last.is_full() && !is_one_word(&last.text, text))
                } else {
                    last.text.len() >= ENOUGH || last.is_long()
                }
        });
        if ends {
            passages.push(Passage { from: *seq, ..Passage::default() });
        }
        let Some(last) = passages.last_mut() else { continue };
        last.to = *seq;
        last.at = *at;
        if text.is_empty() {
            continue;
        }
        if !continues && !last.text.is_empty() {
            last.text.push('\n');
            last.breaks.push(last.text.len());
        }
        last.starts.push((last.text.len(), *seq));
        last.text.push_str(text);
    }
    passages
}

/// A streamed message that entries are chunks of.
#[derive(Debug, PartialEq, Eq)]
struct Chunk {
    is_thought: bool,
    message_id: Optional<String>,
}

/// Of which streamed message an entry is a chunk.
fn chunk_of(entry: &LogEntry) -> Option<Chunk> {
    let (is_thought, message_id) = match entry {
        LogEntry::AgentMessage(message) => (false, &message.message_id),
        LogEntry::AgentThought(thought) => (true, &thought.message_id),
        _ => return None,
    };
    Some(Chunk { is_thought, message_id: message_id.clone() })
}

/// Returns whether a word continues from one text into the next.
fn is_one_word(before: &str, after: &str) -> bool {
    before.chars().next_back().is_some_and(char::is_alphanumeric)
        && after.chars().next().is_some_and(char::is_alphanumeric)
}

/// Returns what people can find of an entry.
pub(super) fn entry_text(entry: &LogEntry) -> String {
    let mut parts: Vec<&str> = Vec::new();
    match entry {
        LogEntry::ToolCall(call) => {
            parts.extend(call.title.as_deref());
            for member in [&call.content, &call.locations, &call.raw_input] {
                member.as_ref().into_iter().for_each(|value| texts(value, &mut parts));
            }
            // A tool that shows what it gave back has it in its content already.
            let content = call.content.as_ref().and_then(Value::as_array);
            if content.is_none_or(Vec::is_empty) {
                call.raw_output.as_ref().into_iter().for_each(|value| texts(value, &mut parts));
            }
        }
        LogEntry::Plan(plan) => parts.extend(plan.entries.items().iter().map(|item| item.content.as_str())),
        LogEntry::TurnStarted(turn) => turn.ask.as_ref().into_iter().for_each(|ask| texts(ask, &mut parts)),
        // What SpecTask asks of agents is made of tasks and documents, which are found themselves.
        LogEntry::UserMessage(message) if message.by.as_deref() == Some("spectask") => {}
        LogEntry::TurnFailed(turn) => parts.extend(turn.message.as_deref()),
        LogEntry::Commit(commit) => parts.push(&commit.commit),
        LogEntry::Setup(setup) => {
            parts.push(&setup.command);
            parts.extend(setup.output.as_deref());
        }
        other => parts.extend(other.text()),
    }
    parts.join("\n")
}

/// Every text in a value that is not a word of the protocol.
fn texts<'v>(value: &'v Value, parts: &mut Vec<&'v str>) {
    const WORDS: [&str; 8] = ["type", "kind", "status", "priority", "ask", "mimeType", "data", "terminalId"];
    match value {
        Value::String(text) => parts.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, parts)),
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(name, _)| !WORDS.contains(&name.as_str()));
            fields.for_each(|(_, value)| texts(value, parts));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Returns a text without what is beyond a size.
fn cut(mut text: String, size: usize) -> String {
    if text.len() > size {
        text.truncate(text.floor_char_boundary(size));
    }
    text
}

/// Returns the passages of a document, by its headings where these are far enough apart.
pub(super) fn of_document(text: &str) -> Vec<Passage> {
    let mut passages: Vec<Passage> = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let ends = passages.last().is_none_or(|last: &Passage| {
            last.text.len() >= ENOUGH || (line.starts_with('#') && last.text.len() >= SECTION)
        });
        if ends {
            passages.push(Passage { from: number, ..Passage::default() });
        }
        let Some(last) = passages.last_mut() else { continue };
        last.to = number;
        last.starts.push((last.text.len(), number));
        last.text.push_str(&line[..line.floor_char_boundary(OF_ENTRY)]);
        last.text.push('\n');
    }
    passages
}

/// Some lines of a document as the one passage that they were indexed as.
pub(super) fn of_lines(text: &str, from: u64, to: u64) -> Passage {
    let mut passage = Passage { from, to, ..Passage::default() };
    for (line, number) in text.lines().zip(1..).filter(|(_, number)| (from..=to).contains(number)) {
        passage.starts.push((passage.text.len(), number));
        passage.text.push_str(line);
        passage.text.push('\n');
    }
    passage
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use workflow::Millis;

    fn rows(entries: &[Value]) -> Vec<EntryText> {
        let rows = entries.iter().zip(1..);
        rows.map(|(entry, seq)| EntryText::of(&LogRow { seq, at: Millis(9), entry: entry.clone().into() }))
            .collect()
    }

    #[test]
    fn a_passage_has_no_more_entries_than_its_limit_even_where_they_have_no_text() {
        let usage = json!({ "kind": "usage", "usage": {} });
        let found = of_log(&rows(&vec![usage; 5_000]));
        assert!(found.iter().all(|passage| passage.to - passage.from <= ENTRIES), "{}", found.len());
        assert_eq!(found.last().map(|passage| passage.to), Some(5_000));
    }

    #[test]
    fn a_passage_ends_within_a_word_that_has_no_end() {
        let say = |text: &str| json!({ "kind": "agent_message", "message_id": "m", "text": text });
        for (piece, pieces) in [("word ".repeat(20_000) + "w", 100), ("a".to_owned(), 10_000)] {
            let found = of_log(&rows(&vec![say(&piece); pieces]));
            let longest = found.iter().map(|passage| passage.text.len()).max();
            assert!(longest < Some(MAX + OF_ENTRY), "{longest:?}");
            assert!(found.iter().all(|passage| passage.to - passage.from <= 2 * ENTRIES), "{}", found.len());
        }
    }

    #[test]
    fn chunks_of_a_message_are_one_text() {
        let say = |text: &str| json!({ "kind": "agent_message", "text": text });
        let usage = json!({ "kind": "usage", "usage": {} });
        let tool = json!({ "kind": "tool_call", "title": "Read src/lib.rs", "status": "completed",
            "content": [{ "type": "content", "content": { "type": "text", "text": "fn main" } }] });
        let found = of_log(&rows(&[say("migra"), usage, say("tion"), tool]));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].text, "migration\nRead src/lib.rs\nfn main");
        assert_eq!((found[0].from, found[0].to), (1, 4));
        assert_eq!((found[0].number_at(7), found[0].number_at(12)), (3, 4));
        assert_eq!(found[0].breaks, [10]);
    }

    #[test]
    fn passages_end_between_messages_or_words() {
        let say = |text: &str| json!({ "kind": "agent_message", "message_id": "m", "text": text });
        let mut long = vec![say(&"word ".repeat(4_000)), say("split"), say("here"), say(" then")];
        let found = of_log(&rows(&long));
        let texts: Vec<&str> = found.iter().map(|passage| passage.text.as_str()).skip(1).collect();
        assert_eq!(texts, ["splithere then"], "the first was full");
        long[0] = say(&"w".repeat(20_000));
        assert_eq!(of_log(&rows(&long)).len(), 2);
        assert_eq!(of_log(&rows(&long))[0].to, 3);
        let user = json!({ "kind": "user_message", "text": "x".repeat(5_000) });
        assert_eq!(of_log(&rows(&[user.clone(), user])).len(), 2);
    }

    #[test]
    fn documents_are_divided_at_headings() {
        let text = format!("# One\n{}\n## Two\nshort\n## Three\n", "text ".repeat(300));
        let found = of_document(&text);
        assert_eq!(
            found.iter().map(|passage| (passage.from, passage.to)).collect::<Vec<_>>(),
            [(1, 2), (3, 5)]
        );
        assert_eq!(of_lines(&text, 3, 5).text, found[1].text);
    }
}
