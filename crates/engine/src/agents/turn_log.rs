//! The limit of what one turn adds to its session's log: the turn's beginning and its end are kept, and a notice says how
//! much is left out between them.

use protocol::log::Notice;
use protocol::{LogEntry, Optional};
use std::collections::VecDeque;
use workflow::TurnId;

/// How much of a turn's end is kept beyond its limit, in bytes.
const MAX_END: usize = 256 * 1024;
/// About how much an entry takes beside its texts, in bytes.
const ENTRY_OVERHEAD: usize = 64;

/// The size of one session's turn in the log so far.
pub(crate) struct TurnLog {
    /// In bytes; none is no limit.
    limit: Option<usize>,
    turn: Option<TurnId>,
    written: usize,
    excess: Option<Excess>,
}

/// The entries after the limit was reached.
#[derive(Default)]
struct Excess {
    entries: u64,
    bytes: u64,
    /// The last of it.
    end: VecDeque<LogEntry>,
    end_bytes: usize,
}

impl TurnLog {
    /// `limit_mb` is in MiB; 0 is no limit.
    pub(crate) fn new(limit_mb: u64) -> Self {
        let limit =
            usize::try_from(limit_mb).ok().filter(|mb| *mb > 0).and_then(|mb| mb.checked_mul(1 << 20));
        Self { limit, turn: None, written: 0, excess: None }
    }

    /// Restarts the count, unless the turn is the counted one. Returns the unwritten entries of the turn before.
    pub(crate) fn begin(&mut self, turn: TurnId) -> Vec<LogEntry> {
        if self.turn.as_ref() == Some(&turn) {
            return Vec::new();
        }
        let end = self.end();
        self.turn = Some(turn);
        self.written = 0;
        end
    }

    /// Takes an entry and returns what is to be written now.
    pub(crate) fn take(&mut self, entry: LogEntry) -> Vec<LogEntry> {
        let Some(limit) = self.limit.filter(|_| is_limited(&entry)) else { return vec![entry] };
        let size = size(&entry);
        if let Some(excess) = &mut self.excess {
            excess.add(entry, size);
            return Vec::new();
        }
        self.written = self.written.saturating_add(size);
        if self.written <= limit {
            return vec![entry];
        }
        self.excess.get_or_insert_default().add(entry, size);
        vec![self.notice(format!(
            "This turn has written {} MiB into the log, which is its limit (limits.turn_log_mb). From here on the log leaves \
             out what the agent sends, except for the end of the turn.",
            limit >> 20
        ))]
    }

    /// Ends the turn: returns how much was left out, and the turn's end.
    pub(crate) fn end(&mut self) -> Vec<LogEntry> {
        let Some(mut excess) = self.excess.take() else { return Vec::new() };
        let end = std::mem::take(&mut excess.end);
        let kept = u64::try_from(end.len()).unwrap_or(u64::MAX);
        let (entries, bytes) = (
            excess.entries - kept,
            excess.bytes.saturating_sub(u64::try_from(excess.end_bytes).unwrap_or(0)),
        );
        if entries == 0 && bytes == 0 {
            return end.into();
        }
        let text = format!(
            "{entries} entries ({}) are left out here: the turn was over its limit (limits.turn_log_mb). The end of the turn \
             follows.",
            megabytes(bytes)
        );
        let mut left_out = self.notice(text);
        if let LogEntry::Notice(notice) = &mut left_out {
            notice.left_out_entries = Optional::Value(entries);
            notice.left_out_bytes = Optional::Value(bytes);
        }
        std::iter::once(left_out).chain(end).collect()
    }

    fn notice(&self, text: String) -> LogEntry {
        let turn_id = self.turn.as_ref().map(ToString::to_string).map(Into::into).unwrap_or_default();
        Notice { text, turn_id, ..Notice::default() }.into()
    }
}

impl Excess {
    fn add(&mut self, entry: LogEntry, size: usize) {
        self.entries += 1;
        self.bytes = self.bytes.saturating_add(u64::try_from(size).unwrap_or(u64::MAX));
        self.end_bytes += size;
        self.end.push_back(entry);
        // An entry that is too large as a whole is kept by the end of its text, where it has one.
        while self.end_bytes > MAX_END {
            let Some(mut first) = self.end.pop_front() else { break };
            let over = self.end_bytes - MAX_END;
            self.end_bytes -= self::size(&first);
            if self.end.is_empty()
                && let Some(text) = first.chunk_mut()
            {
                let from = (over.min(text.len())..=text.len()).find(|at| text.is_char_boundary(*at));
                text.drain(..from.unwrap_or(text.len()));
                self.end_bytes += self::size(&first);
                self.end.push_front(first);
                break;
            }
        }
    }
}

/// Returns whether an entry is one of those of which an agent can send any number.
fn is_limited(entry: &LogEntry) -> bool {
    match entry {
        LogEntry::AgentMessage(_)
        | LogEntry::AgentThought(_)
        | LogEntry::ToolCall(_)
        | LogEntry::Plan(_)
        | LogEntry::Update(_)
        | LogEntry::UsageUpdate(_)
        | LogEntry::Other(_) => true,
        LogEntry::PermissionRequested(request) => request.for_person.as_ref() != Some(&true),
        LogEntry::PermissionResolved(answer) => answer.for_person.as_ref() != Some(&true),
        LogEntry::Notice(_)
        | LogEntry::Setup(_)
        | LogEntry::UserMessage(_)
        | LogEntry::TurnStarted(_)
        | LogEntry::TurnEnded(_)
        | LogEntry::TurnFailed(_)
        | LogEntry::MessageEdited(_)
        | LogEntry::MessageWithdrawn(_)
        | LogEntry::Commit(_)
        | LogEntry::Coordination(_)
        | LogEntry::Recorded(_) => false,
    }
}

fn size(entry: &LogEntry) -> usize {
    entry.text_bytes().saturating_add(ENTRY_OVERHEAD)
}

fn megabytes(bytes: u64) -> String {
    const MIB: u64 = 1 << 20;
    if bytes < MIB { format!("{} KiB", bytes.div_ceil(1024)) } else { format!("{} MiB", bytes / MIB) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const MIB: usize = 1 << 20;

    fn said(text: impl Into<String>) -> LogEntry {
        json!({ "kind": "agent_message", "text": text.into() }).into()
    }

    fn texts(entries: &[LogEntry]) -> Vec<&str> {
        entries.iter().filter_map(LogEntry::text).collect()
    }

    fn log_of_one_mib() -> TurnLog {
        let mut log = TurnLog::new(1);
        log.begin(TurnId::from("trn_1"));
        log
    }

    #[test]
    fn a_turn_within_its_limit_is_written_whole() {
        let mut log = log_of_one_mib();
        for number in 0..1000 {
            let entry = said(number.to_string());
            assert_eq!(log.take(entry.clone()), [entry]);
        }
        assert!(log.end().is_empty());
    }

    #[test]
    fn what_is_over_the_limit_is_counted_and_its_end_kept() {
        let mut log = log_of_one_mib();
        let mut written = 0;
        let mut notices = 0;
        for number in 0..100_usize {
            for entry in log.take(said(format!("{number} {}", "x".repeat(100_000)))) {
                notices += usize::from(matches!(entry, LogEntry::Notice(_)));
                written += size(&entry);
            }
        }
        assert!(written <= MIB + 1024 && notices == 1, "{written} bytes, {notices} notices");
        // What is no word of the agent is written meanwhile.
        let commit = LogEntry::from(json!({ "kind": "commit", "commit": "abc" }));
        assert_eq!(log.take(commit.clone()), [commit]);
        assert!(log.take(said("I am done.")).is_empty());
        let end = log.end();
        let notice = Value::from(end[0].clone());
        assert_eq!(notice["turn_id"], "trn_1");
        // 10 entries were written, the last two and the short one are the end.
        assert_eq!(notice["left_out_entries"], 88, "{notice}");
        assert!(notice["left_out_bytes"].as_u64().is_some_and(|bytes| bytes > 8_700_000), "{notice}");
        assert_eq!(texts(&end[1..]).last(), Some(&"I am done."));
        assert!(end.iter().map(size).sum::<usize>() <= MAX_END + 1024);
        assert!(log.end().is_empty());
    }

    #[test]
    fn of_a_text_that_is_too_large_the_end_is_kept() {
        let mut log = log_of_one_mib();
        let large = format!("{}ä end", "ä".repeat(MIB));
        assert!(matches!(log.take(said(large))[..], [LogEntry::Notice(_)]));
        let end = log.end();
        let text = texts(&end[1..]).concat();
        assert!(text.ends_with("ä end") && text.len() <= MAX_END, "{} bytes", text.len());
        let call = json!({ "kind": "tool_call", "tool_call_id": "1", "raw_output": "x".repeat(2 * MIB) });
        let mut log = log_of_one_mib();
        log.take(call.into());
        assert_eq!(Value::from(log.end()[0].clone())["left_out_entries"], 1);
    }

    #[test]
    fn the_next_turn_counts_anew_and_a_repeated_one_goes_on() {
        let mut log = log_of_one_mib();
        log.take(said("x".repeat(MIB)));
        log.end();
        log.begin(TurnId::from("trn_1"));
        assert!(matches!(log.take(said("more"))[..], [LogEntry::Notice(_)]));
        // What comes between two turns is of the one before.
        let end = log.begin(TurnId::from("trn_2"));
        assert_eq!(texts(&end), ["more"]);
        assert_eq!(log.take(said("more")).len(), 1);
        assert!(matches!(log.take(said("x".repeat(MIB)))[..], [LogEntry::Notice(_)]));
    }

    #[test]
    fn without_a_limit_everything_is_written() {
        let mut log = TurnLog::new(0);
        log.begin(TurnId::from("trn_1"));
        assert_eq!(log.take(said("x".repeat(3 * MIB))).len(), 1);
    }
}
