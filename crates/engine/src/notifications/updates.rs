//! The notifications of a step: messages of the live feed and entries of session logs.

use crate::notifications::inbox;
use crate::wire;
use protocol::feed::{ReviewUpdate, TaskUsage};
use protocol::log::{
    Commit as CommitEntry, Coordination, MessageEdited, MessageWithdrawn, TurnEnded, TurnFailed, TurnStarted,
    TurnUsage, UserMessage,
};
use protocol::words::ReviewEvent;
use protocol::{Attachment, FeedMessage, InboxUpdate, LogEntry, Optional};
use serde_json::json;
use std::sync::Arc;
use store::{FeedEntry, LogAppend};
use workflow::{
    Ask, Commit, CoordinationEvent, Event, Message, PlannedItem, Session, SessionGraph, SessionId, Step,
    Task, Usage, UserId, event_of_task,
};

/// Returns the topic of everything a user owns.
pub fn fleet_topic(owner: &UserId) -> String {
    format!("fleet:{owner}")
}

/// Returns the topic of one task.
pub fn task_topic(task: &workflow::TaskId) -> String {
    format!("task:{task}")
}

/// Returns the feed messages of a step, given the task before it and what changes in the inbox.
pub fn of(before: Option<&Task>, step: &Step, inbox: &[InboxUpdate]) -> Vec<FeedEntry> {
    let task = &step.task;
    let mut entries = Vec::new();
    if !step.events.is_empty() {
        entries.extend(entry(task, wire::task_update(task)));
    }
    let (graph, before_graph) = (SessionGraph::of(task), before.map(SessionGraph::of));
    let old =
        |session: &Session| before.and_then(|before| before.session(&session.id)).zip(before_graph.as_ref());
    for session in &task.sessions {
        let is_same = |(old, before): (&Session, &SessionGraph<'_>)| {
            old == session && before.status(old) == graph.status(session)
        };
        if !old(session).is_some_and(is_same) {
            entries.extend(entry(task, wire::session_update(&graph, session)));
        }
    }
    // Watchers are notified when an event is sent, when it is delivered, and when it is answered.
    let known = before.map_or(&[][..], |before| &before.coordination);
    for (at, event) in task.coordination.iter().enumerate() {
        if known.get(at) != Some(event) {
            entries.extend(entry(task, wire::coordination_update(task, event)));
        }
    }
    for event in &step.events {
        if let Some(event) = review_event(event) {
            let update = ReviewUpdate { spec_task_id: task.id.to_string(), event, status: task.status() };
            entries.extend(entry(task, update));
        }
        if let Event::TurnEnded { usage: Some(_), session, .. }
        | Event::TurnFailed { usage: Some(_), session, .. }
        | Event::Spent { session, .. } = event
        {
            let (spec_task_id, work_session_id) = (task.id.to_string(), session.to_string());
            entries.extend(entry(
                task,
                TaskUsage { spec_task_id, work_session_id, usage: wire::usage(task.usage) },
            ));
        }
    }
    entries.extend(inbox::feed_entries(task, inbox));
    entries
}

/// Returns one message for those who watch the task and those who watch everything of its owner.
pub(crate) fn entry(task: &Task, message: impl Into<FeedMessage>) -> [FeedEntry; 2] {
    let message = Arc::new(message.into());
    [fleet_topic(&task.owner), task_topic(&task.id)]
        .map(|topic| FeedEntry { topic, message: message.clone() })
}

/// Returns the review event of an event, if it is one for the documents or the change under review.
fn review_event(event: &Event) -> Option<ReviewEvent> {
    match event {
        Event::SpecsReady { .. } => Some(ReviewEvent::SpecsReady),
        Event::DocumentsChanged { .. } => Some(ReviewEvent::DocumentsChanged),
        Event::SpecsReviewed { .. } => Some(ReviewEvent::SpecsReviewed),
        Event::Commented { .. } => Some(ReviewEvent::Commented),
        Event::CommentReplied { .. } => Some(ReviewEvent::CommentReplied),
        Event::CommentResolved { .. } => Some(ReviewEvent::CommentResolved),
        Event::ImplementationReviewed { .. } => Some(ReviewEvent::ImplementationReviewed),
        Event::ChangeReady { .. } => Some(ReviewEvent::ChangeReady),
        _ => None,
    }
}

/// Returns what a step adds to its sessions' logs.
pub(crate) fn log_entries(step: &Step) -> Vec<LogAppend> {
    let mut entries = Vec::new();
    for event in &step.events {
        if let Event::Coordinated { coordination } = event {
            let entry = coordination_entry(coordination);
            let readers = coordination.deliveries.iter().map(|delivery| &delivery.to);
            entries.extend(
                coordination
                    .from
                    .iter()
                    .chain(readers)
                    .map(|session| LogAppend { session: session.clone(), entry: entry.clone() }),
            );
            continue;
        }
        let Some(id) = event.session() else { continue };
        let Some(session) = step.task.session(id) else { continue };
        if let Some(entry) = log_entry(&step.task, event, session) {
            entries.push(LogAppend { session: id.clone(), entry });
        }
    }
    entries
}

/// Adds the message to the sender's and recipients' logs.
fn coordination_entry(event: &CoordinationEvent) -> LogEntry {
    let has_data = event.data.as_object().is_some_and(|data| !data.is_empty());
    let session = |id: &Option<SessionId>| id.as_ref().map(ToString::to_string).into();
    LogEntry::Coordination(Coordination {
        event_id: event.id.to_string().into(),
        event_type: event.kind.to_string().into(),
        from_session_id: session(&event.from),
        to_session_id: session(&event.to),
        by: event.by.clone().into(),
        text: event.message.clone(),
        data: if has_data { Optional::Value(event.data.clone()) } else { Optional::Absent },
        ..Coordination::default()
    })
}

/// Returns what a turn used, as its session's log has it.
fn turn_usage(usage: &Usage) -> TurnUsage {
    TurnUsage {
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        cached_tokens: usage.cached_tokens,
        cost_usd: usage.cost_usd.into(),
        ..TurnUsage::default()
    }
}

/// Returns the files that go with a message, if any do.
fn listed(attachments: &[Attachment]) -> Optional<Vec<Attachment>> {
    if attachments.is_empty() { Optional::Absent } else { Optional::Value(attachments.to_vec()) }
}

/// Returns the ids of the messages that a turn carries, if it carries any.
fn message_ids(messages: &[Message]) -> Optional<Vec<String>> {
    if messages.is_empty() {
        return Optional::Absent;
    }
    Optional::Value(messages.iter().map(|message| message.id.to_string()).collect())
}

/// Returns whether the turn that ended last, with this commit, moved the session's branch.
fn is_new(session: &Session, head: &Commit) -> bool {
    let before = session.ended.iter().rev().nth(1).and_then(|turn| turn.commit.as_ref());
    before != Some(head)
}

#[expect(clippy::unnested_or_patterns, reason = "the events of the task are a pattern of their own")]
fn log_entry(task: &Task, event: &Event, session: &Session) -> Option<LogEntry> {
    let is_conversation = task.converses(session);
    let notice = |text: String| Some(LogEntry::notice(text));
    match event {
        Event::TurnStarted { turn, .. } => Some(LogEntry::TurnStarted(TurnStarted {
            turn_id: turn.id.to_string().into(),
            number: Optional::Value(turn.number.into()),
            ask: Optional::Value(json!(turn.ask)),
            message_ids: message_ids(&turn.messages),
            ..TurnStarted::default()
        })),
        Event::TurnEnded { turn, stop_reason, usage, .. } => Some(LogEntry::TurnEnded(TurnEnded {
            turn_id: turn.to_string().into(),
            stop_reason: stop_reason.clone().into(),
            usage: usage.as_ref().map(turn_usage).into(),
            ..TurnEnded::default()
        })),
        Event::TurnFailed { turn, failure, will_retry, .. } => Some(LogEntry::TurnFailed(TurnFailed {
            turn_id: turn.to_string().into(),
            code: failure.class.to_string().into(),
            message: failure.message.clone().into(),
            tried_again: Optional::Value(*will_retry),
            ..TurnFailed::default()
        })),
        Event::MessageQueued { message, .. } => Some(LogEntry::UserMessage(UserMessage {
            turn_id: message.turn.to_string().into(),
            message_id: message.id.to_string().into(),
            by: message.by.clone().into(),
            text: message.text.clone(),
            attachments: listed(&message.attachments),
            ..UserMessage::default()
        })),
        Event::MessageEdited { message, text, .. } => Some(LogEntry::MessageEdited(MessageEdited {
            message_id: message.to_string(),
            text: text.clone(),
            ..MessageEdited::default()
        })),
        Event::MessageWithdrawn { message, .. } => Some(LogEntry::MessageWithdrawn(MessageWithdrawn {
            message_id: message.to_string(),
            ..MessageWithdrawn::default()
        })),
        Event::ResourceAwaited { reason, .. } => notice(reason.clone()),
        Event::SessionReopened { .. } if !is_conversation => {
            notice("The session continues: it has more work to do.".to_owned())
        }
        Event::SessionChosen { .. } => {
            notice("A person chose this session instead of its alternatives.".to_owned())
        }
        Event::ThreadMoved { status, .. } => notice(format!("The editor says that the thread is {status}.")),
        Event::WorkCommitted { head: Some(head), changed: true, .. } if is_new(session, head) => {
            Some(LogEntry::Commit(CommitEntry { commit: head.to_string(), ..CommitEntry::default() }))
        }
        Event::WorkCommitted { head: None, changed: true, .. } => notice(
            "Files changed in the worktree that all sessions share, but no tool call of this one says that it changed them: \
             its work is claimed, not shown by a commit."
                .to_owned(),
        ),
        Event::SessionMerging { .. } if !is_conversation => {
            notice("The session's branch is being merged into the task's branch.".to_owned())
        }
        Event::SessionCompleted { merged: Some(commit), .. } => notice(format!("Merged as {commit}.")),
        Event::SessionIdle { merged: Some(commit), .. } => notice(format!("Merged as {commit}.")),
        Event::SessionFailed { failure, .. } => notice(format!("The session failed: {}", failure.message)),
        Event::SessionRetried { .. } => notice("The session is retried.".to_owned()),
        Event::SessionSkipped { .. } => notice("A person decided to continue without this session.".to_owned()),
        Event::SessionCancelled { .. } => notice("The session was cancelled.".to_owned()),
        Event::SessionPaused { why, .. } => notice(format!("The session is paused. {why}")),
        Event::DocumentsInvalid { problems, .. } => {
            notice(format!("The documents cannot be used yet: {}", problems.join(" ")))
        }
        Event::TurnInterrupted { why, .. } => notice(format!("The turn is interrupted. {why}")),
        Event::WorkCommitted { is_silent: true, .. } => {
            notice("The agent ended the turn without a final message.".to_owned())
        }
        Event::SessionAskedAgain { ask: Ask::ReportItems { items }, .. } => {
            let items: Vec<String> = items.iter().map(PlannedItem::label).collect();
            notice(format!("The agent is asked for what it did not report as done: {}.", items.join("; ")))
        }
        Event::TurnParked { failure, .. } => {
            notice(format!("The turn waits until a limit of the agent ends: {}", failure.message))
        }
        Event::SessionTold { ask: Ask::Repair { round, problems, .. }, .. } => {
            let names: Vec<&str> = problems.iter().map(|problem| problem.name.as_str()).collect();
            notice(format!("The session repairs the change, round {round}: {}.", names.join("; ")))
        }
        Event::SessionReadyToMerge { .. } if session.branch.is_some() && !is_conversation => {
            notice("The work is complete and waits for the sessions before it in the plan.".to_owned())
        }
        event_of_task!()
        | Event::PlanningStarted { .. }
        | Event::PlanningWriting { .. }
        | Event::PlanningCommitting { .. }
        | Event::SessionPlanned { .. }
        | Event::SessionRenamed { .. }
        | Event::SessionAssigned { .. }
        | Event::SessionReplanned { .. }
        | Event::SessionOpening { .. }
        | Event::TurnRetried { .. }
        | Event::PlanUpdated { .. }
        | Event::Spent { .. }
        | Event::Coordinated { .. }
        | Event::CoordinationRead { .. }
        | Event::WorkCommitted { .. }
        | Event::SessionTold { .. }
        | Event::SessionAskedAgain { .. }
        | Event::SessionReadyToMerge { .. }
        | Event::SessionMerging { .. }
        | Event::SessionReopened { .. }
        | Event::SessionCompleted { .. }
        | Event::SessionIdle { .. } => None,
    }
}
