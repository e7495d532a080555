//! A plan as a person edits it: each planned task with its fields.

use super::EditError;
use super::fields::shown;
use super::layout::{Layout, LineRole};
use crate::outline::facts::Effort;

/// A planned task with the values that an operation can change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedTask {
    pub number: String,
    pub title: String,
    /// The lines of its description, without bullets.
    pub details: Vec<String>,
    pub parts: Vec<SubTask>,
    pub acceptance: Vec<String>,
    pub effort: Option<Effort>,
    pub optional: bool,
    pub is_done: bool,
    pub requirements: Vec<String>,
    pub boundary: Vec<String>,
    pub resources: Vec<String>,
    /// The numbers of the tasks that it waits for.
    pub dependencies: Vec<String>,
    /// Whether the plan names its dependencies; else the order of writing makes them.
    pub has_written_dependencies: bool,
    /// The line that it begins with, from 1.
    pub line: usize,
}

/// A part of a planned task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubTask {
    pub number: Option<String>,
    pub title: String,
    pub optional: bool,
}

/// Returns the planned tasks of a document, or why its format cannot be edited task by task.
pub fn outline(text: &str) -> Result<Vec<PlannedTask>, EditError> {
    let layout = Layout::of(text)?;
    let task = |at: usize| {
        let unit = &layout.units[at];
        let roles = layout.roles(layout.own_lines(at));
        let of_role = |role: LineRole| {
            roles
                .iter()
                .filter(move |(_, found)| *found == role)
                .map(|(line, _)| shown(layout.bare(*line)))
                .collect()
        };
        let parts = layout.groups[at].parts.iter().map(|part| &layout.plan.items[*part]);
        PlannedTask {
            number: unit.number.clone(),
            title: unit.title.clone(),
            details: if layout.head(at).is_some() { of_role(LineRole::Detail) } else { Vec::new() },
            parts: parts
                .filter(|part| !part.is_criterion)
                .map(|part| SubTask {
                    number: part.number.clone(),
                    title: part.title.clone(),
                    optional: part.optional,
                })
                .collect(),
            acceptance: unit.acceptance_criteria.lines().map(str::to_owned).collect(),
            effort: unit.effort,
            optional: unit.optional,
            is_done: unit.is_done,
            requirements: unit.requirements.clone(),
            boundary: unit.boundary.clone(),
            resources: unit.resources.clone(),
            dependencies: unit.dependencies.iter().map(|other| layout.units[*other].number.clone()).collect(),
            has_written_dependencies: !layout.written[at].is_empty(),
            line: layout.blocks[at].start + 1,
        }
    };
    Ok((0..layout.units.len()).map(task).collect())
}
