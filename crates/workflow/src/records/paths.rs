//! Where the record of a task is on the design-docs branch.

use crate::{Decision, Millis, ProjectId, SessionId, TaskId};

/// The folders that hold the record of a task; beside it, others may keep what they like there.
pub fn folders(task: &TaskId) -> [String; 2] {
    [format!("sessions/{task}"), format!("specs/{task}/reviews")]
}

/// Whether a file in these folders is part of the record and only grows.
pub fn only_grows(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["sessions", _, name] => {
            matches!(*name, "events.jsonl" | "coordination-log.md" | "IMPLEMENTATION_COMPLETE.md")
        }
        ["sessions", _, "progress-updates", _] => true,
        ["sessions", _, _, name] => {
            matches!(*name, "conversation.md" | "code-changes.md" | "decisions.md" | "activity-log.md")
        }
        ["specs", _, "reviews", name] => *name == "rounds.jsonl" || name.ends_with("-comments.md"),
        _ => false,
    }
}

/// Whether a file in these folders says how a round was decided. It is another one when the round is decided anew.
pub fn is_review(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let decision = name.split_once('-').and_then(|(_, rest)| rest.strip_suffix(".md"));
    path.starts_with("specs/") && decision.is_some_and(|word| word.parse::<Decision>().is_ok())
}

/// The task's own events.
pub fn events(task: &TaskId) -> String {
    format!("sessions/{task}/events.jsonl")
}

/// The rounds of its documents.
pub fn rounds(task: &TaskId) -> String {
    format!("specs/{task}/reviews/rounds.jsonl")
}

/// How a round of its documents was decided.
pub fn review(task: &TaskId, round: u32, decision: Decision) -> String {
    format!("specs/{task}/reviews/{round:04}-{decision}.md")
}

/// What was said about the documents of a round.
pub fn comments(task: &TaskId, round: u32) -> String {
    format!("specs/{task}/reviews/{round:04}-comments.md")
}

/// The agent that served it.
pub fn instance(task: &TaskId) -> String {
    format!("sessions/{task}/instance.json")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_grows_is_in_the_folders_of_the_record() {
        let (task, session) = (TaskId::from("spt_1"), SessionId::from("stws_1"));
        for path in [
            events(&task),
            rounds(&task),
            comments(&task, 1),
            coordination(&task),
            progress_update(&task, Millis(0)),
            completion(&task),
            conversation(&task, &session),
            code_changes(&task, &session),
            decisions(&task, &session),
            activity(&task, &session),
        ] {
            assert!(only_grows(&path), "{path}");
            assert!(folders(&task).iter().any(|folder| path.starts_with(folder)), "{path}");
        }
        for path in [thread(&task, &session), "sessions/spt_1/notes.md".to_owned()] {
            assert!(!only_grows(&path) && !is_review(&path), "{path}");
        }
        let review = review(&task, 1, Decision::RequestChanges);
        assert!(is_review(&review) && !only_grows(&review), "{review}");
        assert!(!is_review(&comments(&task, 1)));
    }
}
