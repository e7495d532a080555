//! Which planned task waits for which: what is said, waves, and the order of writing.

use super::plan::{Plan, PlanUnit};
use super::units::{Group, root};
use std::collections::BTreeSet;

/// What each planned task needs, and the references in it that name no task.
pub(super) fn needs(plan: &Plan, groups: &[Group]) -> (Vec<BTreeSet<usize>>, Vec<Vec<String>>) {
    let mut needs = vec![BTreeSet::new(); groups.len()];
    let mut unknown = vec![Vec::new(); groups.len()];
    for (index, group) in groups.iter().enumerate() {
        let items = group.head.iter().chain(&group.parts).map(|at| &plan.items[*at]);
        for reference in items.filter_map(|item| item.dependencies.as_ref()).flatten() {
            match find(plan, groups, reference, index) {
                Some(needed) if needed != index => {
                    needs[index].insert(needed);
                }
                Some(_) => {}
                None => unknown[index].push(reference.clone()),
            }
        }
    }
    let waves: Vec<Option<usize>> = groups.iter().map(|group| wave(plan, group)).collect();
    let is_beside =
        |at: usize| waves[at].is_some() || groups[at].head.is_some_and(|head| plan.items[head].parallel);
    // Only what is said can point ahead, and only then can the order of writing go against it.
    let ahead = needs.iter().enumerate().any(|(at, needed)| needed.iter().any(|other| *other > at));
    let against = ahead || waves.iter().any(Option::is_some);
    for index in 0..groups.len() {
        // What is said of the whole replaces what the order of writing says.
        if groups[index].head.is_some_and(|head| plan.items[head].dependencies.is_some()) {
            continue;
        }
        let free = |at: &usize| !against || !waits(&needs, *at, index);
        let mut implied: BTreeSet<usize> = BTreeSet::new();
        if let Some(wave) = waves[index] {
            implied.extend(before_wave(&waves, wave).filter(free));
        }
        let (mut run, mut last) = (Vec::new(), None);
        for at in (0..index).rev().filter(free) {
            if !is_beside(at) {
                last = Some(at);
                break;
            }
            run.push(at);
        }
        // Tasks side by side wait for the one before all of them, and the next waits for all of them.
        if is_beside(index) || run.is_empty() {
            implied.extend(last);
        } else {
            implied.extend(run);
        }
        needs[index].extend(implied);
    }
    (needs, unknown)
}

/// The task that a reference is to: with the number it is written with, nearest before the one that refers to it.
fn find(plan: &Plan, groups: &[Group], reference: &str, from: usize) -> Option<usize> {
    let by_number = |number: &str| {
        let written = |at: &usize| groups[*at].root == number;
        let named = groups.iter().position(|group| group.number == number && group.root != number);
        let part = |at: &usize| {
            let parts = groups[*at].parts.iter().map(|part| &plan.items[*part]);
            parts.filter_map(|part| part.number.as_deref()).any(|other| other == number)
        };
        named
            .or_else(|| (0..from).rev().find(written))
            .or_else(|| (from..groups.len()).find(written))
            .or_else(|| (0..from).rev().find(part))
            .or_else(|| (from..groups.len()).find(part))
    };
    let bare = reference.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '-');
    by_number(reference).or_else(|| by_number(root(plan, reference))).or_else(|| by_number(root(plan, bare)))
}

/// The earliest wave of a task's parts.
fn wave(plan: &Plan, group: &Group) -> Option<usize> {
    let numbers = group.head.iter().chain(&group.parts).filter_map(|at| plan.items[*at].number.as_ref());
    numbers.filter_map(|number| plan.waves.get(number)).min().copied()
}

/// The tasks of the wave before.
fn before_wave(waves: &[Option<usize>], wave: usize) -> impl Iterator<Item = usize> + '_ {
    let last = waves.iter().flatten().filter(|other| **other < wave).max();
    (0..waves.len()).filter(move |at| last.is_some() && waves[*at].as_ref() == last)
}

/// Whether one task waits for another, directly or not.
fn waits(needs: &[BTreeSet<usize>], one: usize, other: usize) -> bool {
    reach(needs.len(), one, |at| needs[at].iter().copied())[other]
}

/// What a task waits for, directly or not, itself included.
fn reach<I: Iterator<Item = usize>>(count: usize, from: usize, needs: impl Fn(usize) -> I) -> Vec<bool> {
    let mut seen = vec![false; count];
    let mut open = vec![from];
    while let Some(at) = open.pop() {
        if !std::mem::replace(&mut seen[at], true) {
            open.extend(needs(at));
        }
    }
    seen
}

/// For each planned task, what it waits for, directly or not, itself included.
pub(super) fn reaches(units: &[PlanUnit]) -> Vec<Vec<bool>> {
    let needs = |at: usize| units[at].dependencies.iter().copied();
    (0..units.len()).map(|from| reach(units.len(), from, needs)).collect()
}

/// A cycle among planned tasks, as their numbers in its order.
pub(super) fn cycle(units: &[PlanUnit]) -> Option<Vec<String>> {
    // What can be carried out is taken away again and again; what is left waits for itself.
    let mut wanted: Vec<usize> = units.iter().map(|unit| unit.dependencies.len()).collect();
    let mut wanted_by = vec![Vec::new(); units.len()];
    for unit in units {
        for needed in &unit.dependencies {
            wanted_by[*needed].push(unit.index);
        }
    }
    let mut ready: Vec<usize> = (0..units.len()).filter(|at| wanted[*at] == 0).collect();
    while let Some(at) = ready.pop() {
        for other in &wanted_by[at] {
            wanted[*other] -= 1;
            if wanted[*other] == 0 {
                ready.push(*other);
            }
        }
    }
    let mut at = (0..units.len()).find(|at| wanted[*at] > 0)?;
    let mut way: Vec<usize> = Vec::new();
    while !way.contains(&at) {
        way.push(at);
        at = *units[at].dependencies.iter().find(|needed| wanted[**needed] > 0)?;
    }
    let from = way.iter().position(|other| *other == at)?;
    Some(way[from..].iter().chain([&at]).map(|at| units[*at].number.clone()).collect())
}

#[cfg(test)]
mod tests {
    use crate::documents::plan;

    fn needs(text: &str) -> Vec<Vec<usize>> {
        plan::parse(text).units().into_iter().map(|unit| unit.dependencies).collect()
    }

    #[test]
    fn the_order_of_writing_gives_way_to_what_is_said() {
        let text = "- [ ] 1. a\n- [ ] 2. b\n  _Depends: 3_\n- [ ] 3. c\n- [ ] 4. d\n";
        assert_eq!(needs(text), [vec![], vec![2], vec![0], vec![2]]);
        assert_eq!(super::cycle(&plan::parse(text).units()), None);
    }

    #[test]
    fn what_the_waves_leave_out_keeps_its_order() {
        let text = "- [ ] 1. a\n- [ ] 2. b\n- [ ] 3. c\n- [ ] 4. d\n\n{\"waves\":[{\"id\":0,\"tasks\":[\"2\",\"3.1\",\"3\"]}]}\n";
        assert_eq!(needs(text), [vec![], vec![0], vec![0], vec![1, 2]]);
    }

    #[test]
    fn a_reference_is_to_the_nearest_task_before_with_its_number() {
        let text = "## A\n- [ ] 1. a\n- [ ] 2. b\n## B\n- [ ] 1. c\n- [ ] 2. d\n- [ ] 3. e\n  _Depends: 1_\n";
        assert_eq!(needs(text)[4], [2]);
        let named = "- [ ] **FOUNDATION-1: a**\n  - **Dependencies:** None\n- [ ] **CORE-1: b**\n  - **Dependencies:** FOUNDATION-1\n";
        assert_eq!(needs(named), [vec![], vec![0]]);
    }

    #[test]
    fn a_long_plan_is_no_trouble() {
        let lines: Vec<String> = (1..20_000).map(|number| format!("- [ ] {number}. t{number}")).collect();
        let units = plan::parse(&lines.join("\n")).units();
        assert_eq!(super::cycle(&units), None);
    }
}
