//! IMPLEMENTATION_COMPLETE.md: the work done for each requirement, with its evidence.

use super::Unreadable;
use super::events::Line;
use super::markup::{displayed, inline, moment, quote};
use super::sections;
use crate::{CheckResult, Commit, Event, Millis, Session, SessionId, Task, Unit, UnitStatus};
use serde::{Deserialize, Serialize};
use specs::requirements;
use std::fmt::Write as _;

/// The completed work of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Completion {
    pub name: String,
    pub at: Millis,
    /// Where the change landed; absent when the task was closed without landing anything.
    pub landed: Option<Commit>,
    pub requirements: Vec<Fulfilled>,
    pub parts: Vec<Part>,
    pub checks: Vec<CheckResult>,
    pub prompt: String,
}

/// A requirement's criterion, and the planned tasks that carry it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfilled {
    pub number: String,
    pub text: String,
    /// The numbers of the planned tasks that cite it.
    pub parts: Vec<String>,
    pub proof: Proof,
}

/// A planned task or a further session, with what came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub number: String,
    pub title: String,
    pub requirements: Vec<String>,
    pub session: Option<SessionId>,
    pub status: String,
    pub commits: Vec<Commit>,
    pub proof: Proof,
}

/// The evidence for a word like *done*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Not done.
    Missing,
    /// Its session ended, and its agent did not report all of it as done.
    NotReported,
    /// Reported as done, without evidence.
    Claimed,
    /// A commit or a check that passed says so.
    Evidenced,
}

/// Returns what was done for a task that has ended, by its events and its approved requirements.
pub fn of(task: &Task, lines: &[Line], requirements: &str) -> Completion {
    let parts: Vec<Part> = task
        .units()
        .iter()
        .map(|unit| part(task, lines, Some(unit), task.session_of_unit(unit.index)))
        .chain(
            task.sessions
                .iter()
                .filter(|session| session.unit.is_none() && session.branch.is_some())
                .map(|session| part(task, lines, None, Some(session))),
        )
        .collect();
    let checks = lines.iter().rev().find_map(|line| match &line.event {
        Event::ChangeReady { change } => Some(change.checks.clone()),
        _ => None,
    });
    let landed = lines.iter().rev().find_map(|line| match &line.event {
        Event::Landed { commit } => Some(commit.clone()),
        _ => None,
    });
    Completion {
        name: task.name.clone(),
        at: task.completed_at.unwrap_or(task.updated_at),
        landed,
        requirements: fulfilled(requirements, &parts),
        parts,
        checks: checks.unwrap_or_default(),
        prompt: task.prompt.clone(),
    }
}

fn part(task: &Task, lines: &[Line], unit: Option<&Unit>, session: Option<&Session>) -> Part {
    let mut commits: Vec<Commit> = lines
        .iter()
        .filter_map(|line| match &line.event {
            Event::WorkCommitted { session: id, head: Some(head), changed: true, .. }
                if session.is_some_and(|session| session.id == *id) =>
            {
                Some(head.clone())
            }
            _ => None,
        })
        .collect();
    // A conflict that was not resolved, or a turn that changed nothing more, ends where the one before ended.
    commits.dedup();
    let status = session.map(|session| task.session_status(session));
    let of_unit = unit.map(|unit| task.unit_status(unit.index));
    let is_completed = match of_unit {
        Some(status) => status == UnitStatus::Completed,
        None => session.is_some_and(Session::is_satisfied),
    };
    let proof = match (is_completed, commits.is_empty()) {
        (true, false) => Proof::Evidenced,
        (true, true) => Proof::Claimed,
        (false, _) if of_unit == Some(UnitStatus::NotReported) => Proof::NotReported,
        (false, _) => Proof::Missing,
    };
    Part {
        number: unit.map_or_else(String::new, |unit| unit.number.clone()),
        title: unit.map_or_else(
            || session.map_or_else(String::new, |session| session.display_name().to_owned()),
            |unit| unit.title.clone(),
        ),
        requirements: unit.map_or_else(Vec::new, |unit| unit.requirements.clone()),
        session: session.map(|session| session.id.clone()),
        status: status.map_or("pending", crate::SessionStatus::as_str).to_owned(),
        commits,
        proof,
    }
}

fn fulfilled(text: &str, parts: &[Part]) -> Vec<Fulfilled> {
    let mut all = Vec::new();
    for requirement in requirements::parse(text).items {
        for criterion in &requirement.criteria {
            let citing: Vec<&Part> = parts
                .iter()
                .filter(|part| {
                    part.requirements
                        .iter()
                        .any(|cited| *cited == criterion.number || *cited == requirement.number)
                })
                .collect();
            all.push(Fulfilled {
                number: criterion.number.clone(),
                text: criterion.text.clone(),
                parts: citing.iter().map(|part| part.number.clone()).collect(),
                proof: citing.iter().map(|part| part.proof).min().unwrap_or(Proof::Missing),
            });
        }
    }
    all
}

pub fn render(done: &Completion) -> String {
    let mut heading = format!("\n# Implementation complete: {}\n\n", inline(&done.name));
    let _ = match &done.landed {
        Some(commit) => write!(heading, "Landed as {}, {}.", inline(&commit.0), moment(done.at)),
        None => write!(heading, "Closed without landing anything, {}.", moment(done.at)),
    };
    let mut rest = String::new();
    if !done.requirements.is_empty() {
        rest.push_str("## Requirements\n\n| | criterion | planned tasks | |\n|---|---|---|---|\n");
        for one in &done.requirements {
            let _ = writeln!(
                rest,
                "| {} | {} | {} | {} |",
                inline(&one.number),
                inline(&one.text),
                inline(&one.parts.join(", ")),
                one.proof.word()
            );
        }
        rest.push('\n');
    }
    if !done.parts.is_empty() {
        rest.push_str(
            "## Work\n\n| | planned task | session | status | commits | |\n|---|---|---|---|---|---|\n",
        );
        for part in &done.parts {
            let commits: Vec<String> =
                part.commits.iter().map(|commit| inline(commit.0.get(..12).unwrap_or(&commit.0))).collect();
            let _ = writeln!(
                rest,
                "| {} | {} | {} | {} | {} | {} |",
                inline(&part.number),
                inline(&part.title),
                inline(part.session.as_ref().map_or("", SessionId::as_str)),
                inline(&part.status),
                commits.join(", "),
                part.proof.word()
            );
        }
        rest.push('\n');
    }
    if !done.checks.is_empty() {
        rest.push_str("## Checks\n\n");
        for check in &done.checks {
            let word = if check.passed { "passed" } else { "failed" };
            let _ = writeln!(rest, "{} {word}.\n", inline(&check.command));
            if !check.passed {
                let _ = writeln!(rest, "{}", quote(&displayed(&check.output)));
            }
        }
    }
    sections::section(done, "prompt", &heading, &rest)
}

pub fn parse(text: &str) -> Result<Vec<Completion>, Unreadable> {
    sections::items(text, "prompt")
}

impl Proof {
    fn word(self) -> &'static str {
        match self {
            Self::Missing => "not done",
            Self::NotReported => "not reported",
            Self::Claimed => "claimed",
            Self::Evidenced => "evidenced",
        }
    }
}
