//! What a step means for those who watch: messages of the live feed and entries of session logs.

use crate::wire;
use serde_json::{Value, json};
use store::{FeedEntry, LogEntry};
use workflow::{Event, Session, Step, Task, UserId};

/// The topic of everything a user owns.
pub(crate) fn fleet_topic(owner: &UserId) -> String {
    format!("fleet:{owner}")
}

/// The topic of one task.
pub(crate) fn task_topic(task: &workflow::TaskId) -> String {
    format!("task:{task}")
}

/// The feed messages of a step, given the task before it.
pub(crate) fn of(before: Option<&Task>, step: &Step) -> Vec<FeedEntry> {
    let task = &step.task;
    let mut entries = Vec::new();
    if !step.events.is_empty() {
        entries.extend(entry(task, "task.updated", &wire::task_news(task)));
    }
    for session in &task.sessions {
        if before.and_then(|before| before.session(&session.id).map(|old| (before, old))).is_none_or(
            |(before, old)| old != session || before.session_status(old) != task.session_status(session),
        ) {
            entries.extend(entry(task, "work_session.updated", &wire::session_news(task, session)));
        }
    }
    for event in &step.events {
        if matches!(
            event,
            Event::SpecsReady { .. }
                | Event::DocumentsChanged { .. }
                | Event::SpecsReviewed { .. }
                | Event::ImplementationReviewed { .. }
                | Event::ChangeReady { .. }
        ) {
            let data = json!({ "spec_task_id": task.id, "event": event.name(), "status": task.status() });
            entries.extend(entry(task, "review", &data));
        }
        if let Event::TurnEnded { usage: Some(_), session, .. } = event {
            let data = json!({ "spec_task_id": task.id, "work_session_id": session, "usage": task.usage });
            entries.extend(entry(task, "usage", &data));
        }
    }
    entries
}

/// One message for those who watch the task and those who watch everything of its owner.
pub(crate) fn entry(task: &Task, kind: &str, data: &Value) -> [FeedEntry; 2] {
    [fleet_topic(&task.owner), task_topic(&task.id)].map(|topic| FeedEntry {
        topic,
        kind: kind.to_owned(),
        data: data.clone(),
    })
}

/// What a step adds to its sessions' logs.
pub(crate) fn log_entries(step: &Step) -> Vec<LogEntry> {
    let mut entries = Vec::new();
    for event in &step.events {
        let Some(id) = event.session() else { continue };
        let Some(session) = step.task.session(id) else { continue };
        if let Some(entry) = log_entry(event, session) {
            entries.push(LogEntry { session: id.clone(), entry });
        }
    }
    entries
}

fn log_entry(event: &Event, session: &Session) -> Option<Value> {
    let notice = |text: String| Some(json!({ "kind": "notice", "text": text }));
    match event {
        Event::TurnStarted { turn, .. } => Some(json!({
            "kind": "turn_started", "turn_id": turn.id, "number": turn.number, "ask": turn.ask,
        })),
        Event::TurnEnded { turn, stop_reason, usage, .. } => Some(json!({
            "kind": "turn_ended", "turn_id": turn, "stop_reason": stop_reason, "usage": usage,
        })),
        Event::TurnFailed { turn, failure, heals, .. } => Some(json!({
            "kind": "turn_failed", "turn_id": turn, "code": failure.class, "message": failure.message, "tried_again": heals,
        })),
        Event::MessageQueued { message, .. } => Some(json!({
            "kind": "user_message", "turn_id": message.turn, "by": message.by, "text": message.text,
        })),
        Event::WorkCommitted { head: Some(head), changed: true, .. } => {
            Some(json!({ "kind": "commit", "commit": head }))
        }
        Event::SessionMerging { .. } => {
            notice("The session's branch is being merged into the task's branch.".to_owned())
        }
        Event::SessionCompleted { merged: Some(commit), .. } => notice(format!("Merged as {commit}.")),
        Event::SessionFailed { failure, .. } => notice(format!("The session failed: {}", failure.message)),
        Event::SessionRetried { .. } => notice("The session is tried again.".to_owned()),
        Event::SessionSkipped { .. } => notice("A person decided to go on without this session.".to_owned()),
        Event::SessionCancelled { .. } => notice("The session was cancelled.".to_owned()),
        Event::SessionPaused { why, .. } => notice(format!("The session is paused. {why}")),
        Event::DocumentsInvalid { problems, .. } => {
            notice(format!("The documents cannot be used yet: {}", problems.join(" ")))
        }
        Event::SessionReadyToMerge { .. } if session.branch.is_some() => {
            notice("The work is complete and waits for the sessions before it in the plan.".to_owned())
        }
        Event::TaskCreated { .. }
        | Event::TaskEdited { .. }
        | Event::Queued { .. }
        | Event::PlanningQueued { .. }
        | Event::PlanningStarted { .. }
        | Event::PlanningWriting { .. }
        | Event::PlanningCommitting { .. }
        | Event::SpecsReady { .. }
        | Event::DocumentsChanged { .. }
        | Event::SpecsReviewed { .. }
        | Event::SpecsApproved { .. }
        | Event::HandedOff { .. }
        | Event::ImplementationQueued
        | Event::ImplementationStarted
        | Event::SessionPlanned { .. }
        | Event::SessionReplanned { .. }
        | Event::SessionOpening { .. }
        | Event::TurnInterrupted { .. }
        | Event::WorkCommitted { .. }
        | Event::SessionTold { .. }
        | Event::SessionAskedAgain { .. }
        | Event::SessionReadyToMerge { .. }
        | Event::SessionCompleted { .. }
        | Event::ChecksStarted
        | Event::ChecksRan { .. }
        | Event::ChangeReady { .. }
        | Event::ImplementationReviewed { .. }
        | Event::LandingHeld { .. }
        | Event::Landed { .. }
        | Event::Closed { .. }
        | Event::SpecFailed { .. }
        | Event::ImplementationFailed { .. }
        | Event::Retried { .. }
        | Event::Cancelled { .. } => None,
    }
}
