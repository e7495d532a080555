//! The end of a session's log as text, for agents that do not have the conversation.

use crate::agents::transcript::last_message;
use crate::effects::Job;
use crate::record::log_archive;
use protocol::LogEntry;
use workflow::{Session, SessionId, SessionPhase, TurnId};

/// How much of the log a new agent session gets, in bytes.
const MAX_MEMORY_BYTES: usize = 8 * 1024;
/// How much of what an agent said last is handed on, in bytes.
const MAX_SUMMARY_BYTES: usize = 4 * 1024;
/// How much of a planner's last message is read for its answers to comments, in bytes.
const MAX_ANSWER_BYTES: usize = 32 * 1024;

/// Returns the agent's last message, as other sessions read it that continue from it.
pub(super) async fn last_words(job: &Job<'_>, session: &Session) -> Option<String> {
    log_archive::ensure_present(job.app, &session.id).await.ok()?;
    let rows = job.app.store.read_log_end(&session.id, 200).await.ok()?;
    let said = last_message(rows.iter().map(|row| &row.entry));
    let said = said.trim();
    let most = match session.phase {
        SessionPhase::Planning => MAX_ANSWER_BYTES,
        SessionPhase::Implementation | SessionPhase::Validation => MAX_SUMMARY_BYTES,
    };
    (!said.is_empty()).then(|| end_of(said, most).to_owned())
}

/// Returns the end of a text, at most so many bytes.
fn end_of(text: &str, bytes: usize) -> &str {
    let from = text.len().saturating_sub(bytes);
    let from = (from..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    &text[from..]
}

/// Returns the end of a session's log, or of what it was when a turn ended, as text for an agent that starts a new
/// session.
pub(super) async fn summarize_log(
    job: &Job<'_>,
    session: &SessionId,
    until: Option<&TurnId>,
) -> Option<String> {
    log_archive::ensure_present(job.app, session).await.ok()?;
    let mut memory = LogSummary::default();
    match until {
        None => {
            let rows = job.app.store.read_log_end(session, 400).await.ok()?;
            for row in &rows {
                memory.take(&row.entry);
            }
        }
        // A conversation that is forked at a turn may have continued since.
        Some(turn) => {
            let mut after = 0;
            'log: loop {
                let rows = job.app.store.read_log(session, after, 1_000).await.ok()?;
                let Some(last) = rows.last() else { break };
                after = last.seq;
                for row in &rows {
                    if matches!(&row.entry, LogEntry::TurnEnded(ended) if ended.turn_id.as_deref() == Some(turn.as_str()))
                    {
                        break 'log;
                    }
                    memory.take(&row.entry);
                }
            }
        }
    }
    let text = end_of(&memory.text, MAX_MEMORY_BYTES);
    (!text.is_empty()).then(|| text.to_owned())
}

/// The end of a conversation, as its entries come.
#[derive(Default)]
struct LogSummary {
    text: String,
}

impl LogSummary {
    fn take(&mut self, entry: &LogEntry) {
        match entry {
            LogEntry::UserMessage(message) => self.text.push_str(&format!("\n[asked] {}\n", message.text)),
            LogEntry::AgentMessage(message) => self.text.push_str(&message.text),
            LogEntry::ToolCall(call) => {
                if let Some(title) = call.title.as_deref() {
                    self.text.push_str(&format!("\n[tool] {title}\n"));
                }
            }
            _ => {}
        }
        if self.text.len() > 2 * MAX_MEMORY_BYTES {
            self.text = end_of(&self.text, MAX_MEMORY_BYTES).to_owned();
        }
    }
}
