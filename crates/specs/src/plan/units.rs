//! From the items of a plan to its planned tasks and what each of them needs.

use super::checklist::ChecklistItem;
use super::model::{Item, Plan, PlanUnit};
use super::needs;
use super::needs::{Needs, needs};
use crate::finding::Finding;
use crate::finding::warning;
use crate::markdown::marker::Marker;
use crate::outline::headings::Heading;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// A top-level task and its parts, as indices into the plan's items.
pub(crate) struct Group {
    /// The unique number of the task; unlike the number it is written with, no other has it.
    pub(crate) number: String,
    /// The number it is written with.
    pub(crate) root: String,
    pub(crate) title: String,
    pub(crate) head: Option<usize>,
    pub(crate) parts: Vec<usize>,
    pub(crate) line: usize,
}

/// Returns the number of the whole that a number is a part of: `2` of `2.1`; of `T2.1.3` the part of it that is a
/// heading.
pub(crate) fn root<'n>(plan: &Plan, number: &'n str) -> &'n str {
    if number.starts_with(|c: char| c.is_ascii_digit()) {
        return number.split('.').next().unwrap_or(number);
    }
    // `S1.T2` is the second task of a sprint, and `S1.T2.1` a part of it.
    if let Some(at) = number.rfind(|c: char| c.is_ascii_uppercase())
        && number[..at].ends_with('.')
    {
        return number[at..].find('.').map_or(number, |end| &number[..at + end]);
    }
    let first = if number.starts_with('T') { number.split('-').next().unwrap_or(number) } else { number };
    if !first.contains('.') {
        return number;
    }
    let ends = first.match_indices('.').map(|(at, _)| &first[..at]);
    let headed = ends
        .clone()
        .rfind(|start| plan.headings.iter().any(|heading| heading.number.as_deref() == Some(*start)));
    headed.or_else(|| ends.clone().next()).unwrap_or(number)
}

pub(super) fn groups(plan: &Plan) -> Vec<Group> {
    let taken: BTreeSet<&str> = plan
        .items
        .iter()
        .filter_map(|item| item.number.as_deref())
        .map(|number| root(plan, number))
        .collect();
    let mut groups: Vec<Group> = Vec::new();
    let mut names = UnitNames::default();
    // The latest group of each number: a number may be used again.
    let mut latest: BTreeMap<String, usize> = BTreeMap::new();
    let kept = |item: &Item| !item.is_check && !item.is_dropped;
    for (at, item) in plan.items.iter().enumerate().filter(|(_, item)| kept(item)) {
        let alone = |number: String, root: &str| Group {
            number,
            root: root.to_owned(),
            title: item.title.clone(),
            head: Some(at),
            parts: Vec::new(),
            line: item.line,
        };
        let Some(number) = &item.number else {
            if let Some(group) = groups.last_mut().filter(|_| !taken.is_empty() || item.depth > 0) {
                group.parts.push(at);
            } else {
                let mut number = groups.len() + 1;
                while taken.contains(number.to_string().as_str()) {
                    number += 1;
                }
                let number = number.to_string();
                names.used.insert(number.clone());
                groups.push(alone(number.clone(), &number));
            }
            continue;
        };
        let root = root(plan, number);
        let known = latest.get(root).map(|known| &mut groups[*known]);
        match known {
            Some(group) if number == root && group.head.is_none() => {
                group.head = Some(at);
                group.title.clone_from(&item.title);
            }
            Some(group) if number != root => group.parts.push(at),
            _ => {
                let whole = alone(names.unused(root), root);
                latest.insert(root.to_owned(), groups.len());
                if number == root {
                    groups.push(whole);
                    continue;
                }
                // Parts without their whole: the heading above them names it.
                let above = plan.headings.iter().rev().filter(|heading| heading.line < item.line);
                let is_whole = |heading: &&Heading| {
                    heading.digits() == Some(root) || heading.number.as_deref() == Some(root)
                };
                let title = above
                    .filter(is_whole)
                    .map(|heading| if heading.title.is_empty() { &heading.text } else { &heading.title })
                    .next();
                let title = title.unwrap_or(&item.title).clone();
                groups.push(Group { title, head: None, parts: vec![at], ..whole });
            }
        }
    }
    groups
}

/// The names of planned tasks, each used once.
#[derive(Default)]
struct UnitNames {
    used: BTreeSet<String>,
    /// The suffix that was last tried for each number: a number may be there thousands of times.
    suffixes: BTreeMap<String, usize>,
}

impl UnitNames {
    /// Returns the number itself, with a suffix where it is used already.
    fn unused(&mut self, number: &str) -> String {
        if self.used.insert(number.to_owned()) {
            return number.to_owned();
        }
        let suffix = self.suffixes.entry(number.to_owned()).or_insert(1);
        loop {
            *suffix += 1;
            let name = format!("{number}-{suffix}");
            if self.used.insert(name.clone()) {
                return name;
            }
        }
    }
}

/// Gives each item its identity and its whole.
pub(crate) fn identify(items: &mut [Item]) {
    let mut uids: BTreeMap<String, usize> = BTreeMap::new();
    let mut numbered: BTreeMap<String, usize> = BTreeMap::new();
    let mut open: Vec<(usize, usize)> = Vec::new();
    for (at, item) in items.iter_mut().enumerate() {
        item.uid = distinct_uid(&mut uids, &item.title);
        open.retain(|(depth, _)| *depth < item.depth);
        let around = open.last().map(|(_, at)| *at);
        item.parent = match item.number.as_deref().and_then(|number| number.rsplit_once('.')) {
            Some((whole, _)) => numbered.get(whole).copied(),
            None => around,
        };
        open.push((item.depth, at));
        if let Some(number) = &item.number {
            numbered.insert(number.clone(), at);
        }
    }
}

pub(crate) fn of(plan: &Plan) -> Vec<PlanUnit> {
    let groups = groups(plan);
    let mut uids: BTreeMap<String, usize> = BTreeMap::new();
    groups
        .iter()
        .zip(needs(plan, &groups))
        .enumerate()
        .map(|(index, (group, Needs { needed, unresolved, cut, taken_as_none, .. }))| {
            let items: Vec<&Item> =
                group.head.iter().chain(&group.parts).map(|at| &plan.items[*at]).collect();
            let head = group.head.map(|at| &plan.items[at]);
            let acceptance: Vec<&str> =
                items.iter().flat_map(|item| &item.acceptance).map(String::as_str).collect();
            PlanUnit {
                uid: distinct_uid(&mut uids, &group.title),
                index,
                number: group.number.clone(),
                title: group.title.clone(),
                description: description(plan, group),
                acceptance_criteria: acceptance.join("\n"),
                effort: head
                    .and_then(|head| head.effort)
                    .or_else(|| items.iter().find_map(|item| item.effort)),
                optional: head.is_some_and(|head| head.optional),
                dependencies: needed.into_iter().collect(),
                requirements: distinct(items.iter().flat_map(|item| &item.requirements)),
                boundary: distinct(items.iter().flat_map(|item| &item.boundary)),
                resources: items
                    .iter()
                    .flat_map(|item| item.resources.iter().cloned())
                    .collect::<BTreeSet<String>>()
                    .into_iter()
                    .collect(),
                line: group.line,
                is_done: is_done(&items, head),
                unresolved,
                cut,
                taken_as_none,
            }
        })
        .collect()
}

/// Returns whether a planned task is ticked: all its parts that are not optional, and itself where a box stands for the
/// whole.
fn is_done(items: &[&Item], head: Option<&Item>) -> bool {
    let is_ticked = |item: &Item| item.state == Marker::Completed;
    // A row of a table tells its state without a box.
    match head.filter(|head| !head.is_heading || is_ticked(head)) {
        Some(head) => is_ticked(head) && items.iter().all(|item| !is_open_part(head, item)),
        None => {
            let mut parts = items.iter().filter(|item| !item.is_heading && !item.optional).peekable();
            parts.peek().is_some() && parts.all(|item| is_ticked(item))
        }
    }
}

fn is_open_part(head: &Item, item: &Item) -> bool {
    item.line != head.line && !item.optional && !item.is_criterion && item.state != Marker::Completed
}

/// Names the tasks that are ticked and have parts that are not.
pub(crate) fn open_parts(plan: &Plan) -> Vec<Finding> {
    let is_ticked = |head: &&Item| head.state == Marker::Completed;
    groups(plan)
        .iter()
        .filter_map(|group| {
            let head = group.head.map(|at| &plan.items[at]).filter(is_ticked)?;
            let mut parts = group.parts.iter().map(|at| &plan.items[*at]);
            let open = parts.find(|part| is_open_part(head, part))?;
            let name = open.number.as_deref().unwrap_or(&open.title);
            let message =
                format!("Task {} is ticked but its part {name} is not: it counts as open.", group.number);
            Some(warning(head.line, "open-part", message, "Tick the part, or remove the tick of the task."))
        })
        .collect()
}

/// Returns the uid of a title, told apart from the same title before it.
fn distinct_uid(uids: &mut BTreeMap<String, usize>, title: &str) -> String {
    let uid = uid(title);
    let again = uids.entry(uid.clone()).or_default();
    *again += 1;
    if *again == 1 { uid } else { format!("{uid}-{again}") }
}

/// Returns what a title is known by: its words, whatever their case and spacing.
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

fn description(plan: &Plan, group: &Group) -> String {
    let mut text = group.head.map_or_else(String::new, |at| plan.items[at].description.clone());
    for part in group.parts.iter().map(|at| &plan.items[*at]).filter(|part| !part.is_criterion) {
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

fn is_ticked(plan: &Plan, group: &Group) -> bool {
    let items: Vec<&Item> = group.head.iter().chain(&group.parts).map(|at| &plan.items[*at]).collect();
    is_done(&items, group.head.map(|at| &plan.items[at]))
}

/// Names what the graphs of a plan have that is not understood.
pub(crate) fn drawn_findings(plan: &Plan) -> Vec<Finding> {
    if plan.graphs.is_empty() && plan.chains.is_empty() {
        return Vec::new();
    }
    needs::drawn_findings(plan, &groups(plan))
}

/// Opens planned tasks and their parts again, by the numbers of the tasks.
pub(crate) fn open_again(plan: &mut Plan, numbers: &[&str]) {
    let opened: Vec<usize> = groups(plan)
        .into_iter()
        .filter(|group| numbers.contains(&group.number.as_str()))
        .flat_map(|group| group.head.into_iter().chain(group.parts))
        .collect();
    for at in opened {
        plan.items[at].state = Marker::Pending;
    }
}

/// Returns the plan as a checklist.
pub(crate) fn checklist(plan: &Plan) -> Vec<ChecklistItem> {
    let mut items = Vec::new();
    for group in groups(plan) {
        items.push(ChecklistItem {
            number: Some(group.number.clone()),
            description: group.title.clone(),
            marker: if is_ticked(plan, &group) { Marker::Completed } else { Marker::Pending },
            depth: 0,
            optional: group.head.is_some_and(|at| plan.items[at].optional),
        });
        items.extend(group.parts.iter().map(|at| &plan.items[*at]).map(|part| ChecklistItem {
            number: part.number.clone(),
            description: part.title.clone(),
            marker: if part.state == Marker::Completed { Marker::Completed } else { Marker::Pending },
            depth: part.depth.max(1),
            optional: part.optional,
        }));
    }
    items
}

#[cfg(test)]
mod tests {
    use crate::plan;

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
    fn documents_that_are_needed_are_no_tasks() {
        let kit = "# Tasks: Todos\n\n**Prerequisites**: plan.md (required), research.md, contracts/\n\n- [ ] T001 Make it\n- [ ] T002 [P] x\n";
        let plan = plan::parse(kit);
        assert_eq!(plan.units().iter().map(|unit| unit.unresolved.len()).sum::<usize>(), 0);
    }

    #[test]
    fn numbered_lists_with_numbered_parts_are_plans_too() {
        for part in ["- [ ] 1.1 a", "1.1. [ ] a", "1.1 [ ] a", "- [ ] 1.1. a"] {
            let text = format!("1. [ ] First\n   {part}\n2. [ ] Second\n3. [ ] Third (depends on 1)\n");
            let plan = plan::parse(&text);
            let parts: Vec<_> = plan.items.iter().map(|item| item.number.as_deref()).collect();
            assert_eq!(parts, [Some("1"), Some("1.1"), Some("2"), Some("3")], "{text}");
            assert_eq!(needs(&text), [vec![], vec![0], vec![0]], "{text}");
        }
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
        assert_eq!(crate::plan::cycles::cycle(&plan.units()), Some(vec!["1".into(), "2".into(), "1".into()]));
        let text = "- [ ] 1. a\n- [ ] 2. b\n  _Depends: 2_\n- [ ] 3. c\n  _Depends: 4_\n- [ ] 4. d\n  _Depends: 3_\n- [ ] 5. e\n  - [ ] 5.1 f\n  - [ ] 5.2 g\n    _Depends: 5.1_\n";
        let cycles = crate::plan::cycles::cycles(&plan::parse(text).units());
        assert_eq!(cycles, [vec!["2", "2"], vec!["3", "4", "3"]]);
        // The order of writing counts where the dependency does not.
        assert_eq!(needs(text)[1], vec![0]);
    }
}
