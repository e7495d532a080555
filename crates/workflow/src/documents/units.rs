//! From the items of a plan to its planned tasks and what each of them needs.

use super::checklist::{ChecklistItem, Marker};
use super::plan::{Item, Plan, PlanUnit};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// A top-level task and its parts, as indices into the plan's items.
struct Group {
    number: String,
    title: String,
    head: Option<usize>,
    parts: Vec<usize>,
    line: usize,
}

/// The first part of a number: `2` of `2.1`.
fn root(number: &str) -> &str {
    if number.starts_with(|c: char| c.is_ascii_digit()) {
        number.split('.').next().unwrap_or(number)
    } else {
        number
    }
}

fn groups(plan: &Plan) -> Vec<Group> {
    let has_numbers = plan.items.iter().any(|item| item.number.is_some());
    let mut groups: Vec<Group> = Vec::new();
    for (at, item) in plan.items.iter().enumerate() {
        let Some(number) = &item.number else {
            match groups.last_mut().filter(|_| has_numbers || item.depth > 0) {
                Some(group) => group.parts.push(at),
                None => groups.push(Group {
                    number: (groups.len() + 1).to_string(),
                    title: item.title.clone(),
                    head: Some(at),
                    parts: Vec::new(),
                    line: item.line,
                }),
            }
            continue;
        };
        let root = root(number);
        let known = groups.iter_mut().find(|group| group.number == root);
        match known {
            Some(group) if number == root && group.head.is_none() => {
                group.head = Some(at);
                group.title.clone_from(&item.title);
            }
            Some(group) if number != root => group.parts.push(at),
            // A number that is used twice: two tasks, told apart by their place.
            Some(_) => groups.push(Group {
                number: unused(&groups, root),
                title: item.title.clone(),
                head: Some(at),
                parts: Vec::new(),
                line: item.line,
            }),
            None if number == root => groups.push(Group {
                number: root.to_owned(),
                title: item.title.clone(),
                head: Some(at),
                parts: Vec::new(),
                line: item.line,
            }),
            None => {
                // Parts without their whole: the heading above them names it.
                let above = plan
                    .headings
                    .iter()
                    .rev()
                    .find(|heading| heading.number == root && heading.line < item.line);
                groups.push(Group {
                    number: root.to_owned(),
                    title: above.map_or_else(|| item.title.clone(), |heading| heading.title.clone()),
                    head: None,
                    parts: vec![at],
                    line: item.line,
                });
            }
        }
    }
    groups
}

fn unused(groups: &[Group], number: &str) -> String {
    (2..groups.len() + 3)
        .map(|again| format!("{number}-{again}"))
        .find(|number| groups.iter().all(|group| group.number != *number))
        .unwrap_or_else(|| number.to_owned())
}

pub(super) fn of(plan: &Plan) -> Vec<PlanUnit> {
    let groups = groups(plan);
    let index_of = |reference: &str| groups.iter().position(|group| group.number == root(reference));
    let waves: Vec<Option<usize>> = groups.iter().map(|group| wave(plan, group)).collect();
    let mut uids: BTreeMap<String, usize> = BTreeMap::new();
    let mut units = Vec::with_capacity(groups.len());
    for (index, group) in groups.iter().enumerate() {
        let items: Vec<&Item> = group.head.iter().chain(&group.parts).map(|at| &plan.items[*at]).collect();
        let head = group.head.map(|at| &plan.items[at]);
        let mut unknown = Vec::new();
        let mut needs: BTreeSet<usize> = match head.and_then(|head| head.dependencies.as_ref()) {
            // What is said replaces what the order of writing says.
            Some(_) => BTreeSet::new(),
            None => match waves[index] {
                Some(wave) => before_wave(&waves, wave),
                None => written_before(plan, &groups, &waves, index),
            },
        };
        for reference in items.iter().filter_map(|item| item.dependencies.as_ref()).flatten() {
            match index_of(reference) {
                Some(needed) if needed != index => {
                    needs.insert(needed);
                }
                Some(_) => {}
                None => unknown.push(reference.clone()),
            }
        }
        let again = uids.entry(uid(&group.title)).or_default();
        *again += 1;
        let uid = if *again == 1 { uid(&group.title) } else { format!("{}-{again}", uid(&group.title)) };
        units.push(PlanUnit {
            uid,
            index,
            number: group.number.clone(),
            title: group.title.clone(),
            description: description(plan, group),
            acceptance_criteria: items
                .iter()
                .flat_map(|item| &item.acceptance)
                .cloned()
                .collect::<Vec<_>>()
                .join("\n"),
            effort: head.and_then(|head| head.effort).or_else(|| items.iter().find_map(|item| item.effort)),
            optional: head.is_some_and(|head| head.optional),
            dependencies: needs.into_iter().collect(),
            requirements: distinct(items.iter().flat_map(|item| &item.requirements)),
            boundary: distinct(items.iter().flat_map(|item| &item.boundary)),
            line: group.line,
            unknown,
        });
    }
    units
}

/// What a title is known by: its words, whatever their case and spacing.
fn uid(title: &str) -> String {
    let words: Vec<String> = title
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let digest = Sha256::digest(words.join(" "));
    hex::encode(&digest[..8])
}

fn distinct<'t>(values: impl Iterator<Item = &'t String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for value in values {
        if !kept.contains(value) {
            kept.push(value.clone());
        }
    }
    kept
}

fn is_parallel(plan: &Plan, group: &Group) -> bool {
    group.head.is_some_and(|at| plan.items[at].parallel)
}

/// What the order of writing says: a task waits for the one before it, and tasks side by side wait for the same one and
/// are all waited for by the next.
fn written_before(plan: &Plan, groups: &[Group], waves: &[Option<usize>], index: usize) -> BTreeSet<usize> {
    let mut before: Vec<usize> = (0..index).rev().filter(|at| waves[*at].is_none()).collect();
    let run: Vec<usize> = before.iter().copied().take_while(|at| is_parallel(plan, &groups[*at])).collect();
    if is_parallel(plan, &groups[index]) {
        before.retain(|at| !run.contains(at));
        return before.into_iter().take(1).collect();
    }
    if run.is_empty() { before.into_iter().take(1).collect() } else { run.into_iter().collect() }
}

/// The earliest wave of a task's parts.
fn wave(plan: &Plan, group: &Group) -> Option<usize> {
    let numbers = group.head.iter().chain(&group.parts).filter_map(|at| plan.items[*at].number.as_ref());
    numbers.filter_map(|number| plan.waves.get(number)).min().copied()
}

/// The tasks of the wave before.
fn before_wave(waves: &[Option<usize>], wave: usize) -> BTreeSet<usize> {
    let last = waves.iter().flatten().filter(|other| **other < wave).max();
    (0..waves.len()).filter(|at| last.is_some() && waves[*at].as_ref() == last).collect()
}

fn description(plan: &Plan, group: &Group) -> String {
    let mut text = group.head.map_or_else(String::new, |at| plan.items[at].description.clone());
    for part in group.parts.iter().map(|at| &plan.items[*at]) {
        if !text.is_empty() {
            text.push('\n');
        }
        let number = part.number.as_ref().map_or(String::new(), |number| format!("{number} "));
        let optional = if part.optional { " (optional)" } else { "" };
        let _ = write!(text, "- {number}{}{optional}", part.title);
        for line in part.description.lines() {
            let _ = write!(text, "\n  {line}");
        }
    }
    text
}

/// The plan as a checklist.
pub(super) fn checklist(plan: &Plan) -> Vec<ChecklistItem> {
    let mut items = Vec::new();
    for group in groups(plan) {
        items.push(ChecklistItem {
            number: Some(group.number.clone()),
            description: group.title.clone(),
            marker: Marker::Pending,
            depth: 0,
            optional: group.head.is_some_and(|at| plan.items[at].optional),
        });
        items.extend(group.parts.iter().map(|at| &plan.items[*at]).map(|part| ChecklistItem {
            number: part.number.clone(),
            description: part.title.clone(),
            marker: Marker::Pending,
            depth: part.depth.max(1),
            optional: part.optional,
        }));
    }
    items
}

/// A cycle among planned tasks, as their numbers in its order.
pub(super) fn cycle(units: &[PlanUnit]) -> Option<Vec<String>> {
    // 0 unseen, 1 on the way, 2 done.
    fn visit(at: usize, units: &[PlanUnit], seen: &mut [u8], way: &mut Vec<usize>) -> Option<Vec<usize>> {
        if seen[at] == 2 {
            return None;
        }
        if seen[at] == 1 {
            let from = way.iter().position(|other| *other == at).unwrap_or(0);
            return Some(way[from..].iter().copied().chain([at]).collect());
        }
        seen[at] = 1;
        way.push(at);
        for needed in &units[at].dependencies {
            if let Some(cycle) = visit(*needed, units, seen, way) {
                return Some(cycle);
            }
        }
        way.pop();
        seen[at] = 2;
        None
    }
    let mut seen = vec![0; units.len()];
    let found = (0..units.len()).find_map(|at| visit(at, units, &mut seen, &mut Vec::new()))?;
    Some(found.into_iter().map(|at| units[at].number.clone()).collect())
}

#[cfg(test)]
mod tests {
    use crate::documents::plan;

    /// Number, title and needs of each planned task.
    fn units(text: &str) -> Vec<(String, String, Vec<usize>)> {
        plan::parse(text)
            .units()
            .into_iter()
            .map(|unit| (unit.number, unit.title, unit.dependencies))
            .collect()
    }

    fn needs(text: &str) -> Vec<Vec<usize>> {
        units(text).into_iter().map(|(_, _, needs)| needs).collect()
    }

    #[test]
    fn the_order_of_writing_counts_except_side_by_side() {
        let text = "- [ ] 1. a\n- [ ] 2. (P) b\n- [ ] 3. (P) c\n- [ ] 4. d\n- [ ] 5. e\n";
        assert_eq!(needs(text), [vec![], vec![0], vec![0], vec![1, 2], vec![3]]);
    }

    #[test]
    fn what_is_said_replaces_the_order() {
        let text = "- [ ] 1. a\n- [ ] 2. b\n  _Depends: none_\n- [ ] 3. c\n  - _Depends: 1, 2.1_\n";
        assert_eq!(needs(text), [vec![], vec![], vec![0, 1]]);
    }

    #[test]
    fn parts_without_their_whole_are_named_by_the_heading() {
        let text = "## 1. Setup\n\n- [ ] 1.1 a\n- [ ] 1.2 b\n\n## 2. Core\n\n- [ ] 2.1 c\n";
        assert_eq!(units(text), [("1".into(), "Setup".into(), vec![]), ("2".into(), "Core".into(), vec![0])]);
    }

    #[test]
    fn spec_kit_and_plain_headings_are_plans_too() {
        let kit = "- [ ] T001 Make it\n- [ ] T002 [P] [US1] x in src/x\n- [ ] T003 [P] y (depends on T002)\n";
        assert_eq!(needs(kit), [vec![], vec![0], vec![1]]);
        let plain = "### Task 1: First\n\n**Effort**: small\n\n- [ ] a part\n\n### Task 2: Second\n\n**Dependencies**: Task 1\n";
        assert_eq!(
            units(plain),
            [("1".into(), "First".into(), vec![]), ("2".into(), "Second".into(), vec![0])]
        );
    }

    #[test]
    fn waves_wait_for_the_wave_before() {
        let text = "- [ ] 1. a\n- [ ] 2. b\n- [ ] 3. c\n\n```json\n{\"waves\":[{\"id\":0,\"tasks\":[\"1\",\"2\"]},{\"id\":1,\"tasks\":[\"3\"]}]}\n```\n";
        assert_eq!(needs(text), [vec![], vec![], vec![0, 1]]);
    }

    #[test]
    fn renumbering_keeps_the_identity() {
        let uids =
            |text: &str| plan::parse(text).units().into_iter().map(|unit| unit.uid).collect::<Vec<_>>();
        let before = uids("- [ ] 1. Set up\n- [ ] 2. Build it\n");
        let after = uids("- [ ] 1. Something else\n- [ ] 2. Set  up\n- [ ] 3. Build it\n");
        assert_eq!(before, after[1..]);
        let twins = uids("- [ ] 1. Same\n- [ ] 2. Same\n");
        assert_ne!(twins[0], twins[1]);
    }

    #[test]
    fn cycles_are_named() {
        let plan = plan::parse("- [ ] 1. a\n  _Depends: 2_\n- [ ] 2. b\n  _Depends: 1_\n");
        assert_eq!(super::cycle(&plan.units()), Some(vec!["1".into(), "2".into(), "1".into()]));
    }
}
