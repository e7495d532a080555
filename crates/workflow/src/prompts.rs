//! The prompts of every kind of turn, as text.

use crate::records::fenced;
use crate::{
    Ask, Comment, CoordinationEvent, CoordinationKind, DiffSide, Isolation, LineComment, Message,
    PlannedItem, Session, SessionId, SessionStatus, Task, Template, Turn,
};
use specs::anchor::Place;
use specs::requirements;
use std::fmt::Write as _;

/// The absolute paths of a task's documents, for the prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentPaths {
    pub requirements: String,
    pub design: String,
    pub tasks: String,
    pub progress: String,
}

/// The context of a turn's prompt.
pub struct Briefing<'a> {
    pub task: &'a Task,
    pub session: &'a Session,
    pub turn: &'a Turn,
    pub documents: &'a DocumentPaths,
    /// The session's working directory.
    pub directory: &'a str,
    /// The text of the requirements in force.
    pub requirements: &'a str,
    /// Rules of the project that its people wrote down for agents.
    pub rules: Option<&'a str>,
    /// The attempt of this turn, from 1; later attempts follow an interruption.
    pub attempt: i64,
    /// A summary of the session so far, if the agent has lost its context.
    pub memory: Option<&'a str>,
    /// The comments that the planner is to answer.
    pub points: &'a [Point<'a>],
    /// The session's own variables; none where it has no file of them.
    pub environment: Option<Environment<'a>>,
}

/// The variables of a session, for programs that it starts.
pub struct Environment<'a> {
    /// The absolute path of the file that sets them in a shell.
    pub file: &'a str,
    /// The ports that are reserved for it, in their order.
    pub ports: &'a [u16],
}

/// A comment on the documents, and where it stands in them as they are.
pub struct Point<'a> {
    pub comment: &'a Comment,
    pub place: Place,
}

/// Returns the text of a turn's prompt.
pub fn render(briefing: &Briefing<'_>) -> String {
    let Briefing {
        task,
        session,
        turn,
        documents,
        directory,
        requirements: _,
        rules,
        attempt,
        memory,
        points,
        environment: _,
    } = briefing;
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
        Ask::Revise { comments, changes, points: _ } => {
            text.push_str(&revise(task, documents, comments, changes, points));
        }
        Ask::FixDocuments { problems } => {
            text.push_str("The documents cannot be used yet:\n\n");
            bullets(&mut text, problems);
            let _ = write!(text, "\nFix them in place:\n\n{}", paths(documents));
        }
        Ask::Implement => text.push_str(&implement(briefing)),
        Ask::Continue { why } if task.converses(session) => {
            let _ = writeln!(text, "{why} Go on where it stands.\n");
            text.push_str(&implement(briefing));
        }
        Ask::Continue { why } => {
            let _ = writeln!(text, "{why} Go on with your planned task where it stands.\n");
            text.push_str(&implement(briefing));
        }
        Ask::NothingChanged => {
            text.push_str(
                "Your last turn ended without changing a file, although your planned task asks for a change. Do it now; \
                 if there is nothing to do, say why in one sentence.\n\n",
            );
            text.push_str(&implement(briefing));
        }
        Ask::ResolveConflict { files, details, begun } => {
            // Only a session that was made to resolve a conflict with the base branch begins with it.
            let other = if turn.number > 1 { task.branch() } else { task.base_branch.clone() };
            let what = if *begun {
                "The merge in your worktree is not finished: files still have conflict markers. Resolve them"
                    .to_owned()
            } else {
                format!(
                    "Your branch conflicts with `{other}`, on which the work done before yours is merged. Merge it into \
                     your branch (`git merge {other}`), resolve the conflicts"
                )
            };
            let _ = writeln!(text, "{what} so that both sides' intentions hold, and commit.\n");
            bullets(&mut text, files);
            if !details.is_empty() {
                let _ = writeln!(text, "\nThe conflicting places:\n\n{details}");
            }
        }
        Ask::Rework { comments, line_comments } => {
            let _ = writeln!(
                text,
                "The implementation of {:?} was reviewed. Change what the reviewer asks for:\n\n{}\n",
                task.name,
                rework_words(comments, line_comments)
            );
            let _ = write!(text, "You work in `{directory}`. The documents:\n\n{}", paths(documents));
        }
        Ask::ReportItems { items } => {
            text.push_str(
                "Your last turn ended, and these sub-tasks of your planned task are not reported as done:\n\n",
            );
            let labels: Vec<String> = items.iter().map(PlannedItem::label).collect();
            bullets(&mut text, &labels);
            let _ = write!(
                text,
                "\n1. Finish each one that is not done.\n2. Mark each one that is done `[x]` in progress.md.\n3. End with a \
                 message that has a line for each of them: `1.1: done`, or `1.1: not done` and why.\n\nDo not report as \
                 done what is not.\n\n{}",
                paths(documents)
            );
        }
        Ask::Message => {}
    }
    append_messages(&mut text, task, turn);
    said(&mut text, &turn.messages);
    if turn.ask == Ask::Message && session.cut_short > 0 && session.is_crew() && !task.converses(session) {
        text.push_str("\nYou were interrupted: do this, then go on with your task where you left off.\n");
    }
    if let Some(rules) = rules
        && session.turns <= 1
    {
        let _ = write!(text, "\n## Rules of this project\n\n{rules}\n");
    }
    text
}

fn plan(task: &Task, documents: &DocumentPaths, directory: &str) -> String {
    let mut text = format!(
        "You plan a change; you do not make it. The repository is checked out, to read, in `{directory}`.\n\n\
         ## What is wanted\n\n{}\n\n\
         ## What to write\n\nThree documents, to exactly these paths:\n\n- requirements: `{}`\n- design: `{}`\n- tasks: `{}`\n\n\
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
        documents.requirements,
        documents.design,
        documents.tasks,
        match task.complexity {
            crate::Complexity::Simple => " This is a simple task: plan it as one task with sub-tasks.",
            crate::Complexity::Complex => "",
        }
    );
    if let Some(template) = &task.template {
        text.push_str(&template_guidance(template));
    }
    text
}

/// Returns the part of the prompt that comes from the template.
fn template_guidance(template: &Template) -> String {
    let mut text = format!(
        "\n## Where to begin\n\nThe task was made from the template {:?}. Take over what fits what is wanted, change what \
         does not, and leave out what is of no use.\n",
        template.name
    );
    for (heading, part) in [
        ("Requirements guidance", &template.requirements),
        ("Design guidance", &template.design),
        ("The skeleton of the plan", &template.tasks),
    ] {
        if !part.trim().is_empty() {
            let _ = write!(text, "\n### {heading}\n\n{}\n", part.trim());
        }
    }
    text
}

/// Returns the request for changes after a review, with its line comments.
pub fn rework_words(comments: &str, line_comments: &[LineComment]) -> String {
    let mut text = comments.trim().to_owned();
    for LineComment { path, side, line, quote, text: said } in line_comments {
        if !text.is_empty() {
            text.push_str("\n\n");
        }
        let before = match side {
            DiffSide::Old => " as it was before the change",
            DiffSide::New => "",
        };
        let _ = writeln!(text, "`{path}`, line {line}{before}:\n");
        if !quote.trim().is_empty() {
            let _ = writeln!(text, "{}\n", fenced("", quote));
        }
        text.push_str(said.trim());
    }
    text
}

/// The comments that a planner answers one by one.
fn points_to_answer(text: &mut String, points: &[Point<'_>]) {
    text.push_str("\n## Comments on the documents\n");
    for Point { comment, place } in points {
        let place = match place {
            _ if comment.anchor.lines.is_none() => String::new(),
            Place::Kept(lines) | Place::Changed(lines) if lines.start == lines.end => {
                format!(", line {}", lines.start)
            }
            Place::Kept(lines) | Place::Changed(lines) => format!(", lines {} to {}", lines.start, lines.end),
            Place::Outdated => ", in an earlier version".to_owned(),
        };
        let _ = writeln!(
            text,
            "\n{} ({}), {}.md{place}:\n",
            comment.label(),
            comment.kind,
            comment.anchor.document
        );
        let about =
            if comment.anchor.quote.is_empty() { &comment.anchor.excerpt } else { &comment.anchor.quote };
        for line in about.lines() {
            let _ = writeln!(text, "> {line}");
        }
        let _ = writeln!(text, "\n{}: {}", comment.by, comment.text.trim());
        for reply in &comment.replies {
            let answer = reply.answer.map_or_else(String::new, |answer| format!("{answer}. "));
            let _ = writeln!(text, "{}: {answer}{}", reply.by, reply.text.trim());
        }
    }
    text.push_str(
        "\nAnswer each of these comments but praise in your last message, on a line of its own that begins with its \
         name: `C1: done.` and what you changed, or `C1: declined,` and why. A question is answered in the documents \
         where its answer belongs there. What is praised stays as it is.\n",
    );
}

fn revise(
    task: &Task,
    documents: &DocumentPaths,
    comments: &str,
    changes: &[String],
    points: &[Point<'_>],
) -> String {
    let mut text = format!(
        "The documents for {:?} were reviewed and sent back.\n\n## What the reviewer says\n\n{}\n",
        task.name,
        if comments.trim().is_empty() { "(no general comment)" } else { comments }
    );
    if !changes.is_empty() {
        text.push_str("\nChanges asked for:\n\n");
        bullets(&mut text, changes);
    }
    if !points.is_empty() {
        points_to_answer(&mut text, points);
    }
    let _ = write!(
        text,
        "\nRevise the documents in place, keep what was not criticised word for word, and answer each point in your last \
         message: done, or declined and why.\n\n{}",
        paths(documents)
    );
    text
}

fn implement(briefing: &Briefing<'_>) -> String {
    let Briefing { task, session, turn, documents, directory, .. } = briefing;
    let mut text = if task.converses(session) {
        format!(
            "You work with a person in `{directory}`, in turns: do what is asked, say in a few words what you did and what \
             you would like to know, and end your turn. The person reads it and answers, now or days later. The \
             conversation is called {:?}.\n\n",
            task.name
        )
    } else {
        format!("You carry out one planned task of {:?} in `{directory}`.\n\n", task.name)
    };
    let unit = session.unit.and_then(|index| task.units().get(index));
    if let Some(unit) = unit {
        let _ = writeln!(text, "## Your task: {}. {}\n\n{}\n", unit.number, unit.title, unit.description);
        if !unit.acceptance_criteria.is_empty() {
            let _ = writeln!(text, "Acceptance criteria:\n\n{}\n", unit.acceptance_criteria);
        }
        let cited = cited_criteria(briefing.requirements, &unit.requirements);
        if !cited.is_empty() {
            text.push_str("Requirements that it fulfils:\n\n");
            bullets(&mut text, &cited);
            text.push('\n');
        }
        if !unit.boundary.is_empty() {
            let _ = writeln!(text, "Touch only: {}\n", unit.boundary.join(", "));
        }
    } else if session.is_conversation {
        // The person's message says what is to be done.
    } else if task.is_conversation() {
        let _ = writeln!(text, "## {}\n\n{}\n", session.name, session.description);
    } else {
        let _ = writeln!(text, "## Your task: {}\n\n{}\n", session.name, session.description);
    }
    if let Some(template) = task.template.as_ref().filter(|_| !task.planned) {
        let _ = writeln!(text, "{}", template_guidance(template));
    }
    if let Some(prompt) = &session.wish.prompt {
        let _ = writeln!(text, "{prompt}\n");
    }
    if let Some(parent) = task.parent_to_wait_for(session).and_then(|id| task.session(id)) {
        let _ = writeln!(
            text,
            "You were spawned by {:?}. Your branch begins where that one stood, and is merged after it.\n",
            parent.name
        );
    }
    if task.approved().is_some() {
        let _ = write!(text, "The approved documents (read them, do not edit them):\n\n{}", paths(documents));
        let _ = writeln!(
            text,
            "\nAs you finish a sub-task, mark it `[x]` in progress.md: change the marker of your own items only, and do not \
             commit that file; SpecTask does. If you cannot write there, end with a message that has a line for each \
             sub-task: `1.1: done`, or `1.1: not done` and why. What you do not report does not count as done. Other \
             threads work on the other planned tasks at the same time, {}.",
            match task.isolation {
                Isolation::Worktree => "each in its own worktree",
                Isolation::Shared =>
                    "in this same worktree: touch only what is yours, and leave branches alone",
            }
        );
    }
    // What is handed over in this turn says so itself.
    let carried = turn.coordination.iter().filter_map(|id| task.coordination_event(id));
    let handed_over: Vec<&SessionId> = carried.filter_map(|event| event.from.as_ref()).collect();
    let finished: Vec<String> = session
        .depends_on
        .iter()
        .filter_map(|id| task.session(id))
        .filter(|needed| {
            needed.own_status() == SessionStatus::Completed && !handed_over.contains(&&needed.id)
        })
        .map(|needed| format!("{} (merged; its work is in your worktree)", needed.name))
        .collect();
    if !finished.is_empty() {
        text.push_str("\nFinished before yours:\n\n");
        bullets(&mut text, &finished);
    }
    if let Some(environment) = &briefing.environment {
        text.push_str(&environment_guidance(environment));
    }
    text.push_str("\nCommit your work or leave it uncommitted: what is left at the end of your turn is committed for you.\n");
    text
}

/// Returns the part of the prompt that names a session's variables and ports.
fn environment_guidance(environment: &Environment<'_>) -> String {
    let Environment { file, ports } = environment;
    let mut text = format!(
        "\nBefore you start a program that needs `SPECTASK_WORKTREE`, `SPECTASK_SOURCE` or a port, run `. '{file}'` in its shell."
    );
    match (ports.first(), ports.last()) {
        (Some(_), Some(_)) => {
            let listed: Vec<String> = ports.iter().map(ToString::to_string).collect();
            let _ = writeln!(
                text,
                " Servers that you start listen on your own ports alone, `SPECTASK_PORT_1` to `SPECTASK_PORT_{}` ({}): other \
                 sessions use theirs on this machine at the same time.",
                ports.len(),
                listed.join(", ")
            );
        }
        _ => text.push('\n'),
    }
    text
}

/// The acceptance criteria that a planned task cites, in full; a cited requirement stands for all of its criteria.
pub fn cited_criteria(requirements: &str, cited: &[String]) -> Vec<String> {
    if cited.is_empty() {
        return Vec::new();
    }
    requirements::parse(requirements).cited_in_full(cited)
}

/// Appends the messages of other sessions that the turn delivers.
fn append_messages(text: &mut String, task: &Task, turn: &Turn) {
    let events: Vec<&CoordinationEvent> =
        turn.coordination.iter().filter_map(|id| task.coordination_event(id)).collect();
    if events.is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str("## What the others tell you\n\n");
    for event in events {
        let asked = event.answers.as_ref().and_then(|id| task.coordination_event(id));
        if let (Some(asked), Some(by)) = (asked.filter(|asked| asked.person_request.is_some()), &event.by) {
            let (question, answer) = (asked.message.trim(), event.message.trim());
            let _ = writeln!(text, "- You asked: {question}\n  {by} answers: {answer}");
            continue;
        }
        let from = match (event.from.as_ref().and_then(|id| task.session(id)), &event.by) {
            (Some(session), Some(by)) => format!("{:?} (by {by})", session.name),
            (Some(session), None) => format!("{:?}", session.name),
            (None, Some(by)) => by.clone(),
            (None, None) => "SpecTask".to_owned(),
        };
        let _ = writeln!(text, "- {} from {from}: {}", event.kind, event.message.trim());
        if !event.data.is_null() && event.by.is_some() {
            let _ = writeln!(text, "  Data: `{}`", event.data);
        }
        if event.kind == CoordinationKind::Request {
            let _ = writeln!(text, "  Answer it in the last message of this turn.");
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planned_task_is_given_the_criteria_that_it_cites() {
        let text = "### Requirement 1: A\n\n#### Acceptance Criteria\n\n1. THE system SHALL a.\n2. THE system SHALL b.\n\n\
                    ### Requirement 2: B\n\n#### Acceptance Criteria\n\n1. THE system SHALL c.\n";
        let cited =
            |ids: &[&str]| cited_criteria(text, &ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>());
        assert_eq!(cited(&["1.2", "2"]), ["1.2 THE system SHALL b.", "2.1 THE system SHALL c."]);
        assert_eq!(cited(&["All"]).len(), 3);
        assert_eq!(cited(&["7"]), Vec::<String>::new());
    }
}
