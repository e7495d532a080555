//! The decisions about a session's work, from the task's events and the session's log.

use protocol::LogEntry;
use protocol::log::ActivityType;
use serde_json::Value;
use store::LogRow;
use workflow::prompts::rework_words;
use workflow::records::decisions::DecisionRecord;
use workflow::records::events::Line;
use workflow::{Decision, Event, Millis, Session, SessionPhase};

/// Returns what was decided, in the order of time.
pub(super) fn of(session: &Session, lines: &[Line], rows: &[LogRow]) -> Vec<DecisionRecord> {
    let mut all: Vec<DecisionRecord> = lines.iter().filter_map(|line| by_event(session, line)).collect();
    all.extend(rows.iter().filter_map(|row| by_entry(row, rows)));
    all.sort_by_key(|decision| decision.at);
    all
}

pub(super) fn record(at: Millis, by: &str, what: String, text: &str) -> DecisionRecord {
    DecisionRecord {
        at,
        by: by.to_owned(),
        what,
        text: text.to_owned(),
        context: None,
        rationale: None,
        files: Vec::new(),
    }
}

/// Decisions about the documents belong to the planning session, those about the change to the ones that made it.
fn by_event(session: &Session, Line { at, event, .. }: &Line) -> Option<DecisionRecord> {
    let is_planning = session.phase == SessionPhase::Planning;
    let verb = |decision: &Decision| match decision {
        Decision::Approve => "approved",
        Decision::RequestChanges => "asked for changes to",
        Decision::Reject => "rejected",
    };
    match event {
        Event::SpecsReviewed { decision, by, comments, changes, round, points: _ } if is_planning => {
            let mut text = comments.clone();
            for change in changes {
                text.push_str(if text.is_empty() { "- " } else { "\n- " });
                text.push_str(change);
            }
            Some(record(*at, by, format!("{} the documents of round {round}", verb(decision)), &text))
        }
        Event::DocumentsChanged { by, specs } if is_planning => {
            let by = if by.is_empty() { "Somebody" } else { by };
            let what = format!("changed the documents of round {}", specs.round);
            Some(record(*at, by, what, "Approval is needed again."))
        }
        Event::ImplementationReviewed { decision, by, comments, acknowledged: _, line_comments }
            if !is_planning =>
        {
            let text = rework_words(comments, line_comments);
            Some(record(*at, by, format!("{} the change", verb(decision)), &text))
        }
        Event::SessionSkipped { session: id } if *id == session.id => {
            Some(record(*at, "A person", "decided to continue without this session".to_owned(), ""))
        }
        Event::Cancelled { by } => Some(record(*at, by, "cancelled the task".to_owned(), "")),
        Event::Reopened { by, .. } => Some(record(*at, by, "reopened the task".to_owned(), "")),
        Event::Closed { by } => Some(record(*at, by, "closed the task".to_owned(), "")),
        Event::Retried { by } => Some(record(*at, by, "tried the task again".to_owned(), "")),
        _ => None,
    }
}

fn by_entry(row: &LogRow, rows: &[LogRow]) -> Option<DecisionRecord> {
    match &row.entry {
        LogEntry::UserMessage(message) if message.by.as_deref() != Some("spectask") => {
            Some(record(row.at, message.by.text(), "wrote".to_owned(), &message.text))
        }
        LogEntry::MessageEdited(edited) => {
            Some(record(row.at, "A person", "changed it before it was read".to_owned(), &edited.text))
        }
        LogEntry::MessageWithdrawn(withdrawn) => {
            let words = rows.iter().rev().find_map(|written| match &written.entry {
                LogEntry::UserMessage(message)
                    if message.message_id.as_deref() == Some(withdrawn.message_id.as_str()) =>
                {
                    Some(message.text.as_str())
                }
                _ => None,
            });
            let what = "took it back before it was read".to_owned();
            Some(record(row.at, "A person", what, words.unwrap_or_default()))
        }
        LogEntry::PermissionResolved(answer) => {
            let title = rows.iter().rev().find_map(|asked| match &asked.entry {
                LogEntry::PermissionRequested(request) if request.request_id == answer.request_id => {
                    Some(request.title.as_deref())
                }
                _ => None,
            });
            let question = title.flatten().unwrap_or("a question");
            let by = match (answer.by.text(), answer.reason.text()) {
                ("", "") => "A person",
                ("", _) => "SpecTask",
                (by, _) => by,
            };
            let words = [answer.outcome.text(), answer.option_id.text(), answer.reason.text()];
            let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
            Some(record(row.at, by, format!("answered: {question}"), &words.join(", ")))
        }
        LogEntry::Recorded(recorded) if recorded.activity_type.as_ref() == Some(&ActivityType::Decision) => {
            let aside = |name: &str| {
                let metadata = recorded.metadata.as_ref()?;
                metadata.get(name).and_then(Value::as_str).map(str::to_owned)
            };
            Some(DecisionRecord {
                context: aside("context"),
                rationale: aside("rationale"),
                files: recorded.files_affected.items().to_vec(),
                ..record(row.at, recorded.by.text(), "decided".to_owned(), &recorded.text)
            })
        }
        _ => None,
    }
}
