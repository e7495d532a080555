//! The paths of a task's record on the design-docs branch.

use crate::{Decision, Millis, ProjectId, SessionId, TaskId};

/// Returns the folders that hold the record of a task; beside it, others may keep their own files there.
pub fn folders(task: &TaskId) -> [String; 2] {
    [format!("sessions/{task}"), format!("specs/{task}/reviews")]
}

/// Returns whether a file in these folders is part of the record and only grows.
pub fn only_grows(path: &str) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["sessions", _, name] => {
            matches!(
                *name,
                "events.jsonl" | "attachments.jsonl" | "coordination-log.md" | "IMPLEMENTATION_COMPLETE.md"
            )
        }
        ["sessions", _, "progress-updates" | "attachments", _] => true,
        ["sessions", _, _, name] => {
            matches!(*name, "code-changes.md" | "decisions.md" | "activity-log.md")
                || conversation_part(name).is_some()
        }
        ["specs", _, "reviews", name] => *name == "rounds.jsonl" || name.ends_with("-comments.md"),
        _ => false,
    }
}

/// Returns whether a file in these folders says how a round was decided. It is another one when the round is decided
/// again.
pub fn is_review(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let decision = name.split_once('-').and_then(|(_, rest)| rest.strip_suffix(".md"));
    path.starts_with("specs/") && decision.is_some_and(|word| word.parse::<Decision>().is_ok())
}

/// Returns the task's own events.
pub fn events(task: &TaskId) -> String {
    format!("sessions/{task}/events.jsonl")
}

/// Returns the rounds of its documents.
pub fn rounds(task: &TaskId) -> String {
    format!("specs/{task}/reviews/rounds.jsonl")
}

/// Returns how a round of its documents was decided.
pub fn review(task: &TaskId, round: u32, decision: Decision) -> String {
    format!("specs/{task}/reviews/{round:04}-{decision}.md")
}

/// Returns the review comments on the documents of a round.
pub fn comments(task: &TaskId, round: u32) -> String {
    format!("specs/{task}/reviews/{round:04}-comments.md")
}

/// Returns the list of the files that people attached and agents sent.
pub fn attachments(task: &TaskId) -> String {
    format!("sessions/{task}/attachments.jsonl")
}

/// Returns the content of a file of a task.
pub fn attachment(task: &TaskId, id: &str, name: &str) -> String {
    format!("sessions/{task}/attachments/{}", attachment_name(id, name))
}

/// Returns the name of a file in the record, which ends like the file's own with plain characters.
pub(crate) fn attachment_name(id: &str, name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' || c == '-' { c } else { '_' };
    let characters: Vec<char> = name.chars().map(plain).collect();
    let last: String = characters[characters.len().saturating_sub(60)..].iter().collect();
    format!("{id}-{last}")
}

/// Returns the agent that served it.
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

/// Returns a part of a session's conversation, counted from 1: a long conversation has several files.
pub fn conversation(task: &TaskId, session: &SessionId, part: u32) -> String {
    let folder = session_folder(task, session);
    if part <= 1 {
        format!("{folder}/conversation.md")
    } else {
        format!("{folder}/conversation-{part:04}.md")
    }
}

/// Returns the part of a conversation that a file of this name is; `None` for any other file.
pub fn conversation_part(name: &str) -> Option<u32> {
    match name.strip_prefix("conversation")?.strip_suffix(".md")? {
        "" => Some(1),
        rest => {
            let digits = rest.strip_prefix('-').filter(|digits| digits.len() >= 4)?;
            digits.parse().ok().filter(|part| *part > 1 && format!("{part:04}") == digits)
        }
    }
}

/// Returns where the files of a session are.
pub fn session_folder(task: &TaskId, session: &SessionId) -> String {
    format!("sessions/{task}/{session}")
}

/// Returns how the session is run.
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

/// Returns a project that has tasks in this repository.
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
            attachments(&task),
            attachment(&task, "att_1", "../a b\u{202e}.png"),
            coordination(&task),
            progress_update(&task, Millis(0)),
            completion(&task),
            conversation(&task, &session, 1),
            conversation(&task, &session, 2),
            conversation(&task, &session, 12_345),
            code_changes(&task, &session),
            decisions(&task, &session),
            activity(&task, &session),
        ] {
            assert!(only_grows(&path), "{path}");
            assert!(folders(&task).iter().any(|folder| path.starts_with(folder)), "{path}");
        }
        assert_eq!(
            attachment(&task, "att_1", "../a b\u{202e}.png"),
            "sessions/spt_1/attachments/att_1-.._a_b_.png"
        );
        for part in [1, 2, 12_345] {
            let path = conversation(&task, &session, part);
            assert_eq!(path.rsplit('/').next().and_then(conversation_part), Some(part), "{path}");
        }
        let folder = session_folder(&task, &session);
        let others =
            ["conversation-2.md", "conversation-0001.md", "conversation-.md", "conversation-+002.md"];
        let others = others.map(|name| format!("{folder}/{name}"));
        for path in others.into_iter().chain([thread(&task, &session), "sessions/spt_1/notes.md".to_owned()])
        {
            assert!(!only_grows(&path) && !is_review(&path), "{path}");
        }
        let review = review(&task, 1, Decision::RequestChanges);
        assert!(is_review(&review) && !only_grows(&review), "{review}");
        assert!(!is_review(&comments(&task, 1)));
    }
}
