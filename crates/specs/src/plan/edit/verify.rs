//! Checks an edited document: it has the operation's result, and every other planned task is equal to that of the
//! original.

use super::fields::shown;
use super::{EditError, Operation, not_expressible};
use crate::outline::facts::Effort;
use crate::plan::model::{Plan, PlanUnit};
use crate::plan::needs;
use crate::plan::units::groups;
use std::collections::BTreeSet;

/// What a planned task says, apart from its number.
#[derive(Clone, Debug, PartialEq)]
struct Reading {
    title: String,
    details: Vec<String>,
    /// The title, the details and whether it is optional and done, of each part.
    parts: Vec<(String, Vec<String>, bool, &'static str)>,
    acceptance: Vec<String>,
    effort: Option<Effort>,
    optional: bool,
    is_done: bool,
    requirements: BTreeSet<String>,
    boundary: BTreeSet<String>,
    resources: BTreeSet<String>,
    /// The tasks that it names as its dependencies.
    needed: BTreeSet<usize>,
}

fn lines(text: &str) -> Vec<String> {
    let is_text = |line: &String| line.contains(|c: char| !c.is_whitespace() && c != '-');
    text.lines().map(shown).filter(is_text).collect()
}

fn readings(plan: &Plan, units: &[PlanUnit]) -> Vec<Reading> {
    let groups = groups(plan);
    let written = needs::written(plan, &groups);
    let of =
        |((group, unit), written): ((&crate::plan::units::Group, &PlanUnit), &Vec<(_, BTreeSet<usize>)>)| {
            let parts = group.parts.iter().map(|at| &plan.items[*at]).filter(|part| !part.is_criterion);
            let head = group.head.map(|at| &plan.items[at]);
            Reading {
                title: unit.title.clone(),
                details: head.map(|head| lines(&head.description)).unwrap_or_default(),
                parts: parts
                    .map(|part| {
                        (part.title.clone(), lines(&part.description), part.optional, part.state.status())
                    })
                    .collect(),
                acceptance: lines(&unit.acceptance_criteria),
                effort: unit.effort,
                optional: unit.optional,
                is_done: unit.is_done,
                requirements: unit.requirements.iter().cloned().collect(),
                boundary: unit.boundary.iter().cloned().collect(),
                resources: unit.resources.iter().cloned().collect(),
                needed: written.iter().flat_map(|(_, found)| found).copied().collect(),
            }
        };
    groups.iter().zip(units).zip(&written).map(of).collect()
}

/// Compares the plan after an operation with what the operation means.
pub(super) fn verify(
    before: &Plan,
    after: &Plan,
    operation: &Operation,
    origins: &[Option<usize>],
) -> Result<(), EditError> {
    let (old, new) = (before.units(), after.units());
    if new.len() != origins.len() {
        return not_expressible("a task would be read as something else.");
    }
    let (was, is) = (readings(before, &old), readings(after, &new));
    let index = |number: &str| old.iter().position(|unit| unit.number == number);
    let now = |at: usize| origins.iter().position(|origin| *origin == Some(at));
    let follow = |at: usize| -> Vec<usize> {
        match operation {
            Operation::Remove { task } if index(task) == Some(at) => {
                was[at].needed.iter().filter_map(|needed| now(*needed)).collect()
            }
            Operation::Merge { task, into } if index(task) == Some(at) => {
                index(into).and_then(now).into_iter().collect()
            }
            Operation::Split { task, parts } if index(task) == Some(at) => {
                now(at).into_iter().flat_map(|first| first..first + parts.len()).collect()
            }
            _ => now(at).into_iter().collect(),
        }
    };
    for (place, origin) in origins.iter().enumerate() {
        let Some(at) = *origin else { continue };
        let mut wanted = was[at].clone();
        wanted.needed = wanted
            .needed
            .iter()
            .flat_map(|needed| follow(*needed))
            .filter(|needed| *needed != place)
            .collect();
        let found = &is[place];
        match operation {
            Operation::Change { task, fields } if index(task) == Some(at) => {
                let set = |values: &Option<Vec<String>>, wanted: &mut BTreeSet<String>| {
                    if let Some(values) = values {
                        *wanted = values.iter().cloned().collect();
                    }
                };
                set(&fields.requirements, &mut wanted.requirements);
                set(&fields.boundary, &mut wanted.boundary);
                set(&fields.resources, &mut wanted.resources);
                wanted.title = fields.title.clone().unwrap_or(wanted.title);
                wanted.effort = fields.effort.or(wanted.effort);
                wanted.optional = fields.optional.unwrap_or(wanted.optional);
                wanted.details = fields.details.clone().unwrap_or(wanted.details);
                wanted.acceptance = fields.acceptance.clone().unwrap_or(wanted.acceptance);
                if let Some(numbers) = &fields.dependencies {
                    let numbers: BTreeSet<usize> =
                        numbers.iter().filter_map(|number| index(number)).collect();
                    let depends: BTreeSet<usize> = new[place].dependencies.iter().copied().collect();
                    if depends != numbers {
                        return not_expressible(
                            "its dependencies are also written elsewhere, as below its parts or in a graph.",
                        );
                    }
                    wanted.needed.clone_from(&found.needed);
                }
            }
            Operation::Split { task, parts } if index(task) == Some(at) => {
                wanted.title.clone_from(&parts[0].title);
                wanted.details = parts[0].details.clone().unwrap_or(wanted.details);
            }
            Operation::Merge { task, into } if index(into) == Some(at) => {
                let Some(other) = index(task).map(|other| &was[other]) else { continue };
                wanted.parts.extend(other.parts.clone());
                wanted.requirements.extend(other.requirements.clone());
                wanted.boundary.extend(other.boundary.clone());
                wanted.resources.extend(other.resources.clone());
                wanted.effort = wanted.effort.or(other.effort);
                let lost = other.details.iter().find(|line| !found.details.contains(line));
                if lost.is_some() {
                    return not_expressible("a line of the merged task would be read as something else.");
                }
                wanted.details.clone_from(&found.details);
                wanted.acceptance.clone_from(&found.acceptance);
                wanted.needed.clone_from(&found.needed);
                wanted.is_done &= other.is_done;
            }
            _ => {}
        }
        if let Some(what) = difference(&wanted, found) {
            let number = &old[at].number;
            return not_expressible(&format!("{what} of task {number} would be read in another way."));
        }
    }
    let added: Vec<&str> = match operation {
        Operation::Split { parts, .. } => parts[1..].iter().map(|part| part.title.as_str()).collect(),
        Operation::Add { task, .. } => vec![task.title.as_str()],
        _ => Vec::new(),
    };
    let titles: Vec<&str> = origins
        .iter()
        .zip(&is)
        .filter(|(origin, _)| origin.is_none())
        .map(|(_, one)| one.title.as_str())
        .collect();
    if titles != added {
        return not_expressible("the title of an added task would be read in another way.");
    }
    Ok(())
}

/// Returns what differs between two readings of a task.
fn difference(wanted: &Reading, found: &Reading) -> Option<&'static str> {
    let differs = [
        ("the title", wanted.title != found.title),
        ("the details", wanted.details != found.details),
        ("the parts", wanted.parts != found.parts),
        ("the acceptance criteria", wanted.acceptance != found.acceptance),
        ("the effort", wanted.effort != found.effort),
        ("the checkbox", wanted.optional != found.optional || wanted.is_done != found.is_done),
        ("the requirements", wanted.requirements != found.requirements),
        ("the boundary", wanted.boundary != found.boundary),
        ("the resources", wanted.resources != found.resources),
        ("the dependencies", wanted.needed != found.needed),
    ];
    differs.into_iter().find(|(_, differs)| *differs).map(|(what, _)| what)
}
