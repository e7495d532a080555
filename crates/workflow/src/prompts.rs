//! What a thread is told: the prompts of every kind of turn, as text.

use crate::{Ask, Message, Session, SessionStatus, Task, Turn};
use std::fmt::Write as _;

/// The absolute paths of a task's documents, for the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentPaths {
    pub requirements: String,
    pub design: String,
    pub tasks: String,
    pub progress: String,
}

/// What the prompt of a turn is made from.
pub struct Briefing<'a> {
    pub task: &'a Task,
    pub session: &'a Session,
    pub turn: &'a Turn,
    pub documents: &'a DocumentPaths,
    /// The session's working directory.
    pub directory: &'a str,
    /// Rules of the project that its people wrote down for agents.
    pub rules: Option<&'a str>,
    /// How often this turn was begun, from 1; later attempts follow an interruption.
    pub attempt: i64,
    /// What was said and done in the session before, where the agent itself does not remember it.
    pub memory: Option<&'a str>,
}

/// The text of a turn's prompt.
pub fn render(briefing: &Briefing<'_>) -> String {
    let Briefing { task, session, turn, documents, directory, rules, attempt, memory } = briefing;
    let mut text = String::new();
    if *attempt > 1 {
        text.push_str(
            "This turn was interrupted before it ended. Look at what is already there, and go on from it \
             instead of doing it again.\n\n",
        );
    }
    if let Some(memory) = memory {
        let _ = writeln!(text, "## What happened in this session before\n\n{memory}\n");
    }
    match &turn.ask {
        Ask::Plan => text.push_str(&plan(task, documents, directory)),
        Ask::Revise { comments, changes } => text.push_str(&revise(task, documents, comments, changes)),
        Ask::MendDocuments { problems } => {
            text.push_str("The documents cannot be used yet:\n\n");
            bullets(&mut text, problems);
            let _ = write!(text, "\nMend them in place:\n\n{}", paths(documents));
        }
        Ask::Implement => text.push_str(&implement(task, session, documents, directory)),
        Ask::Continue { why } => {
            let _ = writeln!(text, "{why} Go on with your planned task where it stands.\n");
            text.push_str(&implement(task, session, documents, directory));
        }
        Ask::NothingChanged => {
            text.push_str(
                "Your last turn ended without changing a file, although your planned task asks for a change. Do it now; \
                 if there is nothing to do, say why in one sentence.\n\n",
            );
            text.push_str(&implement(task, session, documents, directory));
        }
        Ask::ResolveConflict { files, details } => {
            let other = if session.unit.is_some() { task.branch() } else { task.base_branch.clone() };
            let _ = writeln!(
                text,
                "Your branch conflicts with `{other}`, on which the work done before yours is merged. Merge it into \
                 your branch (`git merge {other}`), resolve the conflicts so that both sides' intentions hold, and commit.\n",
            );
            bullets(&mut text, files);
            if !details.is_empty() {
                let _ = writeln!(text, "\nThe conflicting places:\n\n{details}");
            }
        }
        Ask::Rework { comments } => {
            let _ = writeln!(
                text,
                "The implementation of {:?} was reviewed. Change what the reviewer asks for:\n\n{comments}\n",
                task.name
            );
            let _ = write!(text, "You work in `{directory}`. The documents:\n\n{}", paths(documents));
        }
        Ask::Message => {}
    }
    said(&mut text, &turn.messages);
    if let Some(rules) = rules
        && session.turns <= 1
    {
        let _ = write!(text, "\n## Rules of this project\n\n{rules}\n");
    }
    text
}

fn plan(task: &Task, documents: &DocumentPaths, directory: &str) -> String {
    format!(
        "You plan a change; you do not make it. The repository is checked out, to read, in `{directory}`.\n\n\
         ## What is wanted\n\n{}\n\n\
         ## What to write\n\nThree documents, to exactly these paths:\n\n{}\n\
         **requirements.md**: `# Requirements Document`, `## Introduction`, `## Glossary`, `## Requirements`, then for each \
         `### Requirement 1: Title`, `**User Story:** As a …, I want …, so that …`, `#### Acceptance Criteria` and numbered \
         EARS sentences (`WHEN …, THE <system> SHALL …`; `IF …, THEN THE <system> SHALL …`; `WHILE …`; `WHERE …`). One \
         SHALL a sentence, no vague words, at least one IF sentence a requirement. End with `## Open Questions`: ask what you \
         do not know, invent nothing.\n\n\
         **design.md**: Overview, Architecture, Components and Interfaces, Data Models, Error Handling, Testing Strategy, and \
         Sessions: which planned tasks run side by side and what they share.\n\n\
         **tasks.md**: `- [ ] 1. Title` for each planned task, carried out by one agent thread; sub-tasks `- [ ] 1.1 Title`; \
         under them `_Requirements: 1.1, 2.3_`, `_Depends: 1_`, `_Boundary: path_` (what it may touch), \
         `_Effort: small|medium|large_`. Mark with `(P)` after the number what may run beside its neighbours; such tasks \
         touch different files.{}\n\n\
         Short is a feature: at most 150 lines of requirements and 400 of design, and a small change gets a small spec. \
         Your turn ends when the three documents are written.\n",
        task.prompt,
        paths(documents),
        match task.complexity {
            crate::Complexity::Simple => " This is a simple task: plan it as one task with sub-tasks.",
            crate::Complexity::Complex => "",
        }
    )
}

fn revise(task: &Task, documents: &DocumentPaths, comments: &str, changes: &[String]) -> String {
    let mut text = format!(
        "The documents for {:?} were reviewed and sent back.\n\n## What the reviewer says\n\n{}\n",
        task.name,
        if comments.trim().is_empty() { "(no general comment)" } else { comments }
    );
    if !changes.is_empty() {
        text.push_str("\nChanges asked for:\n\n");
        bullets(&mut text, changes);
    }
    let _ = write!(
        text,
        "\nRevise the documents in place, keep what was not criticised word for word, and answer each point in your last \
         message: done, or declined and why.\n\n{}",
        paths(documents)
    );
    text
}

fn implement(task: &Task, session: &Session, documents: &DocumentPaths, directory: &str) -> String {
    let mut text = format!("You carry out one planned task of {:?} in `{directory}`.\n\n", task.name);
    let unit = session.unit.and_then(|index| task.units().get(index));
    if let Some(unit) = unit {
        let _ = writeln!(text, "## Your task: {}. {}\n\n{}\n", unit.number, unit.title, unit.description);
        if !unit.acceptance_criteria.is_empty() {
            let _ = writeln!(text, "Acceptance criteria:\n\n{}\n", unit.acceptance_criteria);
        }
        if !unit.boundary.is_empty() {
            let _ = writeln!(text, "Touch only: {}\n", unit.boundary.join(", "));
        }
    } else {
        let _ = writeln!(text, "## Your task: {}\n\n{}\n", session.name, session.description);
    }
    if task.approved().is_some() {
        let _ = write!(text, "The approved documents (read them, do not edit them):\n\n{}", paths(documents));
        let _ = writeln!(
            text,
            "\nAs you finish a sub-task, mark it `[x]` in progress.md and commit that file in its own folder. Other threads work \
             on the other planned tasks at the same time, each in its own worktree."
        );
    }
    let finished: Vec<String> = session
        .depends_on
        .iter()
        .filter_map(|id| task.session(id))
        .filter(|needed| needed.plain_status() == SessionStatus::Completed)
        .map(|needed| format!("{} (merged; its work is in your worktree)", needed.name))
        .collect();
    if !finished.is_empty() {
        text.push_str("\nFinished before yours:\n\n");
        bullets(&mut text, &finished);
    }
    text.push_str("\nCommit your work or leave it uncommitted: what is left at the end of your turn is committed for you.\n");
    text
}

fn said(text: &mut String, messages: &[Message]) {
    for message in messages {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&message.text);
        text.push('\n');
    }
}

fn paths(documents: &DocumentPaths) -> String {
    let DocumentPaths { requirements, design, tasks, progress } = documents;
    format!(
        "- requirements: `{requirements}`\n- design: `{design}`\n- tasks: `{tasks}`\n- progress: `{progress}`\n"
    )
}

fn bullets(text: &mut String, lines: &[String]) {
    for line in lines {
        let _ = writeln!(text, "- {line}");
    }
}
