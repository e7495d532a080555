//! The prompts of every kind of turn, put together from templates.
//!
//! The built-in templates are the files in `prompts/`. A project can override most of them; the parts whose content the server
//! depends on, named `server-…`, follow in every case.

mod catalog;
mod template;

pub use catalog::{PromptTemplate, TEMPLATES, Variable, find};
pub use template::{TemplateProblem, UsedTemplate, check};

use crate::records::fenced;
use crate::{
    Ask, Comment, Complexity, CoordinationEvent, CoordinationKind, DiffSide, Isolation, LineComment,
    PlannedItem, Problem, ProblemKind, Session, SessionId, SessionStatus, Task, Template, Turn,
};
use serde_json::{Value, json};
use specs::anchor::Place;
use specs::requirements;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use template::Parts;

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

/// A turn's prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub text: String,
    /// The templates that it was put together from, in their order.
    pub templates: Vec<UsedTemplate>,
    /// The overrides that could not be used.
    pub problems: Vec<TemplateProblem>,
}

/// Returns a turn's prompt. Of the templates that a project can override, `overrides` has the project's own texts by name.
pub fn render(briefing: &Briefing<'_>, overrides: &BTreeMap<String, String>) -> Rendered {
    let Briefing { task, session, turn, documents, directory, rules, attempt, memory, points, .. } = briefing;
    let mut parts = Parts { overrides: Some(overrides), ..Parts::default() };
    if *attempt > 1 {
        parts.template("interrupted", &json!({}));
    }
    if let Some(memory) = memory {
        parts.template("memory", &json!({ "summary": memory }));
    }
    let paths = paths(documents);
    match &turn.ask {
        Ask::Plan => {
            let guidance = task.template.as_ref().map(template_guidance).unwrap_or_default();
            let is_simple = task.complexity == Complexity::Simple;
            let variables = json!({
                "directory": directory, "prompt": task.prompt, "is_simple": is_simple, "guidance": guidance.trim(),
            });
            parts.template("plan", &variables);
            parts.template("server-plan", &paths);
        }
        Ask::Revise { comments, changes, points: _ } => {
            let threads = comment_threads(points);
            let variables = json!({
                "task_name": task.name, "comments": comments.trim(), "changes": changes, "comment_threads": threads.trim(),
            });
            parts.template("revise", &variables);
            if !points.is_empty() {
                parts.template("server-answers", &json!({}));
            }
            parts.template("server-documents", &paths);
        }
        Ask::FixDocuments { problems } => {
            parts.template("fix-documents", &json!({ "problems": problems }));
            parts.template("server-documents", &paths);
        }
        Ask::Implement => implement(&mut parts, briefing),
        Ask::Continue { why } => {
            parts.template("continue", &json!({ "why": why }));
            implement(&mut parts, briefing);
        }
        Ask::NothingChanged => {
            parts.template("nothing-changed", &json!({}));
            implement(&mut parts, briefing);
        }
        Ask::ResolveConflict { files, details, begun } => {
            // Only a session that was made to resolve a conflict with the base branch begins with it.
            let other = if turn.number > 1 { task.branch() } else { task.base_branch.clone() };
            let variables = json!({
                "is_merge_begun": begun, "other_branch": other, "files": files, "details": details.trim(),
            });
            parts.template("resolve-conflict", &variables);
        }
        Ask::Rework { comments, line_comments } => {
            let comments = rework_words(comments, line_comments);
            let variables = json!({ "task_name": task.name, "directory": directory, "comments": comments });
            parts.template("rework", &variables);
            parts.template("server-documents", &paths);
        }
        Ask::Repair { problems, with_base, .. } => {
            parts.template("repair", &repair(task, directory, problems, *with_base));
        }
        Ask::ReportItems { items } => {
            let labels: Vec<String> = items.iter().map(PlannedItem::label).collect();
            parts.template("report-items", &json!({ "items": labels }));
            parts.template("server-report", &json!({}));
            parts.template("server-documents", &paths);
        }
        Ask::Message => {}
    }
    let messages = messages(task, turn);
    if !messages.is_empty() {
        parts.template("messages", &json!({ "messages": messages }));
    }
    for message in &turn.messages {
        parts.text(&message.text);
    }
    if turn.ask == Ask::Message && session.cut_short > 0 && session.is_crew() && !task.converses(session) {
        parts.template("after-message", &json!({}));
    }
    if let Some(rules) = rules
        && session.turns <= 1
    {
        parts.template("server-rules", &json!({ "rules": rules.trim() }));
    }
    Rendered { text: parts.text, templates: parts.used, problems: parts.problems }
}

/// Returns the part of the prompt that comes from the template.
fn template_guidance(template: &Template) -> String {
    let mut text = format!(
        "## Template\n\nThis task was created from the template {:?}. Use the parts that fit the task, adapt the parts that \
         do not, and leave out the rest.\n",
        template.name
    );
    for (heading, part) in [
        ("Requirements guidance", &template.requirements),
        ("Design guidance", &template.design),
        ("Outline of the plan", &template.tasks),
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

/// Returns the variables of the request to fix problems of the change that all sessions made together.
fn repair(task: &Task, directory: &str, problems: &[Problem], with_base: bool) -> Value {
    let problem = |problem: &Problem| {
        let (is_check, details) = match problem.kind {
            ProblemKind::Check => (true, fenced("", problem.details.trim())),
            ProblemKind::Finding => (false, problem.details.trim().to_owned()),
        };
        json!({ "is_check": is_check, "name": problem.name, "details": details })
    };
    let branch = task.branch();
    json!({
        "task_name": task.name,
        "directory": directory,
        "task_branch": branch,
        "merge_branch": if with_base { &task.base_branch } else { &branch },
        "problems": problems.iter().map(problem).collect::<Vec<_>>(),
    })
}

/// Returns the comments that a planner answers one by one, with their replies.
fn comment_threads(points: &[Point<'_>]) -> String {
    let mut text = String::new();
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
    text
}

/// Appends the request to carry out a session's task.
fn implement(parts: &mut Parts<'_>, briefing: &Briefing<'_>) {
    let Briefing { task, session, turn, documents, directory, environment, .. } = briefing;
    let unit = session.unit.and_then(|index| task.units().get(index));
    let guidance =
        task.template.as_ref().filter(|_| !task.planned).map(template_guidance).unwrap_or_default();
    let parent = task.parent_to_wait_for(session).and_then(|id| task.session(id));
    let parent = parent.map_or("", |parent| &parent.name);
    let instructions = session.wish.prompt.as_deref().unwrap_or_default();
    let (title, description) = match unit {
        Some(unit) => (format!("{}. {}", unit.number, unit.title), unit.description.as_str()),
        // The person's message says what is to be done.
        None if session.is_conversation => (String::new(), ""),
        None => (session.name.clone(), session.description.as_str()),
    };
    if task.converses(session) {
        let variables = json!({
            "task_name": task.name, "directory": directory, "title": title, "description": description.trim(),
            "guidance": guidance.trim(), "instructions": instructions.trim(), "parent": parent,
        });
        parts.template("conversation", &variables);
    } else {
        let requirements =
            unit.map(|unit| cited_criteria(briefing.requirements, &unit.requirements)).unwrap_or_default();
        let variables = json!({
            "task_name": task.name, "directory": directory, "is_planned_task": unit.is_some(), "title": title,
            "description": description.trim(),
            "acceptance_criteria": unit.map_or("", |unit| unit.acceptance_criteria.trim()),
            "requirements": requirements,
            "boundary": unit.map_or(&[][..], |unit| &unit.boundary),
            "guidance": guidance.trim(), "instructions": instructions.trim(), "parent": parent,
            "finished": finished(task, session, turn),
        });
        parts.template("implement", &variables);
    }
    let mut variables = paths(documents);
    variables["is_approved"] = task.approved().is_some().into();
    variables["is_shared"] = (task.isolation == Isolation::Shared).into();
    variables["environment_file"] = environment.as_ref().map_or("", |environment| environment.file).into();
    variables["ports"] = environment.as_ref().map_or(&[][..], |environment| environment.ports).into();
    parts.template("server-work", &variables);
}

/// Returns the names of the completed sessions that a session depends on, except those whose handover the turn delivers.
fn finished<'t>(task: &'t Task, session: &Session, turn: &Turn) -> Vec<&'t str> {
    let carried = turn.coordination.iter().filter_map(|id| task.coordination_event(id));
    let handed_over: Vec<&SessionId> = carried.filter_map(|event| event.from.as_ref()).collect();
    let needed = session.depends_on.iter().filter_map(|id| task.session(id));
    needed
        .filter(|needed| {
            needed.own_status() == SessionStatus::Completed && !handed_over.contains(&&needed.id)
        })
        .map(|needed| needed.name.as_str())
        .collect()
}

/// Returns the acceptance criteria that a planned task cites, in full; a cited requirement stands for all of its
/// criteria.
pub fn cited_criteria(requirements: &str, cited: &[String]) -> Vec<String> {
    if cited.is_empty() {
        return Vec::new();
    }
    requirements::parse(requirements).cited_in_full(cited)
}

/// Returns the messages of other sessions that the turn delivers.
fn messages(task: &Task, turn: &Turn) -> Vec<Value> {
    let events = turn.coordination.iter().filter_map(|id| task.coordination_event(id));
    let message = |event: &CoordinationEvent| {
        let asked = event.answers.as_ref().and_then(|id| task.coordination_event(id));
        let question = match (asked.filter(|asked| asked.person_request.is_some()), &event.by) {
            (Some(asked), Some(_)) => asked.message.trim(),
            _ => "",
        };
        let from = match (event.from.as_ref().and_then(|id| task.session(id)), &event.by) {
            (_, Some(by)) if !question.is_empty() => by.clone(),
            (Some(session), Some(by)) => format!("{:?} (by {by})", session.name),
            (Some(session), None) => format!("{:?}", session.name),
            (None, Some(by)) => by.clone(),
            (None, None) => "SpecTask".to_owned(),
        };
        let has_data = !event.data.is_null() && event.by.is_some();
        json!({
            "kind": event.kind.as_str(),
            "from": from,
            "text": event.message.trim(),
            "question": question,
            "data": if has_data { event.data.to_string() } else { String::new() },
            "needs_answer": event.kind == CoordinationKind::Request,
        })
    };
    events.map(message).collect()
}

fn paths(documents: &DocumentPaths) -> Value {
    let DocumentPaths { requirements, design, tasks, progress } = documents;
    json!({
        "requirements_path": requirements, "design_path": design, "tasks_path": tasks, "progress_path": progress,
    })
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
