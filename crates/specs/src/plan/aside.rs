//! Items of a plan that no session carries out, or that need a second look, each with a finding.

use super::model::{Item, Plan};
use crate::finding::{Document, Finding, Severity, warning};
use crate::markdown::marker::Marker;
use std::collections::{BTreeMap, BTreeSet};

/// Takes boxes without numbers in a section of their own for checks of the whole plan, where tasks have numbers.
pub(super) fn set_checks_aside(plan: &mut Plan, sections: &[(usize, bool)]) {
    let has_number = |item: &Item| item.number.is_some();
    let numbered: BTreeSet<usize> = plan
        .items
        .iter()
        .zip(sections)
        .filter(|(item, _)| has_number(item))
        .map(|(_, section)| section.0)
        .collect();
    let is_aside = |item: &Item, section: &(usize, bool)| {
        item.number.is_none()
            && !item.is_criterion
            && section.0 > 0
            && !section.1
            && !numbered.contains(&section.0)
    };
    let mut aside: Vec<usize> = Vec::new();
    for (at, item) in plan.items.iter().enumerate() {
        let is_below = at > 0 && aside.last() == Some(&(at - 1));
        if is_aside(item, &sections[at]) && (item.depth == 0 || is_below) {
            aside.push(at);
        }
    }
    let total = plan.items.iter().filter(|item| has_number(item)).count();
    if total == 0 || aside.len() >= total {
        return;
    }
    for at in aside {
        let item = &mut plan.items[at];
        item.is_check = true;
        plan.findings.push(Finding {
            document: Document::Tasks,
            line: item.line,
            rule: "plan-check",
            severity: Severity::Warning,
            message: "This box has no number and stands in a section without tasks: it is a check of the plan, and no session carries it out."
                .to_owned(),
            suggestion: Some("Give it a number if it is a task.".to_owned()),
        });
    }
}

/// Leaves out what stands below a task that is struck through, and names each such task.
pub(super) fn drop_struck(plan: &mut Plan) {
    for at in 0..plan.items.len() {
        let parent = plan.items[at].parent;
        let is_below = parent.is_some_and(|parent| plan.items[parent].is_dropped);
        let item = &mut plan.items[at];
        if item.is_dropped && !is_below {
            let name = item.number.clone().unwrap_or_else(|| format!("{:?}", item.title));
            plan.findings.push(warning(
                item.line,
                "struck-out",
                format!("Task {name} is struck through or cancelled: no session carries it out."),
                "Remove the strikethrough, or the word for it, if it is to be done.",
            ));
        }
        item.is_dropped |= is_below && item.state != Marker::Completed;
    }
}

/// Finds numbers that several tasks have; where the numbers start again in a section, once for all of them.
pub(super) fn repeated_numbers(plan: &Plan) -> Vec<Finding> {
    let mut first: BTreeMap<&str, &Item> = BTreeMap::new();
    let mut starts_again = false;
    let mut found = Vec::new();
    let counted = |item: &&Item| !item.is_dropped && !item.is_check && !item.is_criterion;
    for item in plan.items.iter().filter(counted) {
        let Some(number) = item.number.as_deref() else { continue };
        let Some(known) = first.insert(number, item) else { continue };
        if known.phase != item.phase && std::mem::replace(&mut starts_again, true) {
            continue;
        }
        let message = format!(
            "The number {number} stands on line {} too: a dependency on it means the nearest task before.",
            known.line
        );
        found.push(warning(item.line, "duplicate-number", message, "Give each task a number of its own."));
    }
    found
}

pub(super) fn untitled(line: usize) -> Finding {
    warning(
        line,
        "no-title",
        "This checkbox has no text: nothing says what is to be done.".to_owned(),
        "Write what is to be done behind it, or remove it.",
    )
}

pub(super) fn in_code(item: &Item) -> Finding {
    let number = item.number.as_deref().unwrap_or_default();
    Finding {
        document: Document::Tasks,
        line: item.line,
        rule: "task-in-code",
        severity: Severity::Warning,
        message: format!("Task {number} stands inside a code fence and is taken as a task.")
            .replace("Task  ", "The box "),
        suggestion: Some(
            "Move it out of the code fence, or take its number away if it is an example.".to_owned(),
        ),
    }
}
