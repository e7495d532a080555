//! The decisions about a session's work, from the task's events and the session's log.

use serde_json::Value;
use store::LogRow;
use workflow::prompts::rework_words;
use workflow::records::decisions::DecisionRecord;
use workflow::records::events::Line;
use workflow::{Decision, Event, Millis, Session, SessionPhase};

/// What was decided, in the order of time.
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
    let text = |field: &str| row.entry[field].as_str().unwrap_or_default();
    match text("kind") {
        "user_message" if text("by") != "spectask" => {
            Some(record(row.at, text("by"), "wrote".to_owned(), text("text")))
        }
        "message_edited" => {
            Some(record(row.at, "A person", "changed it before it was read".to_owned(), text("text")))
        }
        "message_withdrawn" => {
            let written = rows.iter().rev().find(|written| {
                written.entry["kind"] == "user_message"
                    && written.entry["message_id"] == row.entry["message_id"]
            });
            let words = written.and_then(|written| written.entry["text"].as_str()).unwrap_or_default();
            Some(record(row.at, "A person", "took it back before it was read".to_owned(), words))
        }
        "permission_resolved" => {
            let asked = rows.iter().rev().find(|asked| {
                asked.entry["kind"] == "permission_requested"
                    && asked.entry["request_id"] == row.entry["request_id"]
            });
            let question = asked.and_then(|asked| asked.entry["title"].as_str()).unwrap_or("a question");
            let by = match (text("by"), text("reason")) {
                ("", "") => "A person",
                ("", _) => "SpecTask",
                (by, _) => by,
            };
            let answer = [text("outcome"), text("option_id"), text("reason")];
            let answer: Vec<&str> = answer.into_iter().filter(|word| !word.is_empty()).collect();
            Some(record(row.at, by, format!("answered: {question}"), &answer.join(", ")))
        }
        "recorded" if row.entry["activity_type"] == "decision" => {
            let aside = |name: &str| row.entry["metadata"][name].as_str().map(str::to_owned);
            let files = row.entry["files_affected"].as_array().into_iter().flatten();
            Some(DecisionRecord {
                context: aside("context"),
                rationale: aside("rationale"),
                files: files.filter_map(Value::as_str).map(str::to_owned).collect(),
                ..record(row.at, text("by"), "decided".to_owned(), text("text"))
            })
        }
        _ => None,
    }
}
