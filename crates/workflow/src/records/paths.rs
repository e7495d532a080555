//! Where the record of a task is on the design-docs branch.

use crate::{Millis, ProjectId, SessionId, TaskId};

/// The task's own events.
pub fn events(task: &TaskId) -> String {
    format!("sessions/{task}/events.jsonl")
}

/// The rounds of its documents.
pub fn rounds(task: &TaskId) -> String {
    format!("specs/{task}/reviews/rounds.jsonl")
}

/// What was said about the documents of a round.
pub fn comments(task: &TaskId, round: u32) -> String {
    format!("specs/{task}/reviews/{round:04}-comments.md")
}

pub fn coordination(task: &TaskId) -> String {
    format!("sessions/{task}/coordination-log.md")
}

pub fn progress_update(task: &TaskId, at: Millis) -> String {
    format!("sessions/{task}/progress-updates/{}.md", super::markup::time(at).replace(':', "-"))
}

pub fn completion(task: &TaskId) -> String {
    format!("sessions/{task}/IMPLEMENTATION_COMPLETE.md")
}

pub fn conversation(task: &TaskId, session: &SessionId) -> String {
    format!("sessions/{task}/{session}/conversation.md")
}

/// How the session is run.
pub fn thread(task: &TaskId, session: &SessionId) -> String {
    format!("sessions/{task}/{session}/thread.json")
}

pub fn code_changes(task: &TaskId, session: &SessionId) -> String {
    format!("sessions/{task}/{session}/code-changes.md")
}

pub fn decisions(task: &TaskId, session: &SessionId) -> String {
    format!("sessions/{task}/{session}/decisions.md")
}

pub fn activity(task: &TaskId, session: &SessionId) -> String {
    format!("sessions/{task}/{session}/activity-log.md")
}

/// A project that has tasks in this repository.
pub fn project(project: &ProjectId) -> String {
    format!("projects/{project}.json")
}
