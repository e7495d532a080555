//! The order of writing: what a task depends on that does not say all of it.

use super::model::Plan;
use super::needs::Needs;
use super::units::Group;
use std::collections::BTreeSet;

/// The largest number of planned tasks for which marks such as `(P)` count. Larger plans run in the order of writing, which
/// bounds the number of dependencies.
pub(super) const MAX_PARALLEL_PLAN: usize = 2_000;

/// Adds the order of writing to the tasks that do not say all of what they need.
///
/// Such a task needs all tasks before it. Neighbours that may run side by side, and the tasks of a wave, need what stands
/// before all of them; a heading ends such neighbours. What another needed task waits for already is left out.
pub(super) fn order_of_writing(plan: &Plan, groups: &[Group], is_said: &[bool], all: &mut [Needs]) {
    let count = groups.len();
    let waves: Vec<Option<usize>> = groups.iter().map(|group| wave(plan, group)).collect();
    let is_parallel = |at: usize| {
        count <= MAX_PARALLEL_PLAN && groups[at].head.is_some_and(|head| plan.items[head].parallel)
    };
    let is_beside = |at: usize| waves[at].is_some() || is_parallel(at);
    let phase = |at: usize| {
        let first = groups[at].head.iter().chain(&groups[at].parts).min();
        first.map_or(0, |first| plan.items[*first].phase)
    };
    // Only written dependencies can point ahead, and only then can the order of writing go against them.
    let ahead = all.iter().enumerate().any(|(at, needs)| needs.needed.iter().any(|other| *other > at));
    let against = ahead || waves.iter().any(Option::is_some);
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (at, needs) in all.iter().enumerate() {
        for needed in &needs.needed {
            dependents[*needed].push(at);
        }
    }
    // The tasks so far without dependents among them: a task that depends on these depends on all.
    let mut ends: BTreeSet<usize> = BTreeSet::new();
    // Where the present neighbours begin, and what the ends were there; a wave goes past headings.
    let mut run = (0, BTreeSet::new());
    let mut wave_run = (0, BTreeSet::new());
    for index in 0..count {
        if is_beside(index) {
            let is_first = index == 0 || !is_beside(index - 1);
            if is_first {
                wave_run = (index, ends.clone());
            }
            if is_first || phase(index) != phase(index - 1) {
                run = (index, ends.clone());
            }
        }
        if !is_said[index] {
            let waiting = if against { waiting_for(&dependents, index) } else { BTreeSet::new() };
            // What is not understood may mean any of the tasks before.
            let needs_all = all[index].all_before || !all[index].unresolved.is_empty();
            let (start, before) = if needs_all || !is_beside(index) {
                (index, &ends)
            } else if waves[index].is_some() {
                (wave_run.0, &wave_run.1)
            } else {
                (run.0, &run.1)
            };
            let mut implied = ends_without(before, start, &waiting, all, &dependents);
            if let Some(wave) = waves[index] {
                implied.retain(|at| waves[*at].is_none());
                implied.extend(before_wave(&waves, wave).filter(|at| !waiting.contains(at)));
            }
            for needed in implied {
                if all[index].needed.insert(needed) {
                    dependents[needed].push(index);
                }
            }
        }
        for needed in &all[index].needed {
            ends.remove(needed);
        }
        if dependents[index].iter().all(|dependent| *dependent > index) {
            ends.insert(index);
        }
    }
}

/// Returns the ends of the tasks before a place when those that wait for a task are left out.
fn ends_without(
    ends: &BTreeSet<usize>,
    before: usize,
    waiting: &BTreeSet<usize>,
    all: &[Needs],
    dependents: &[Vec<usize>],
) -> BTreeSet<usize> {
    let is_free = |at: &usize| *at < before && !waiting.contains(at);
    let mut kept: BTreeSet<usize> = ends.iter().copied().filter(is_free).collect();
    for other in waiting.range(..before) {
        let uncovered = |at: &usize| !dependents[*at].iter().any(is_free);
        kept.extend(all[*other].needed.iter().copied().filter(is_free).filter(uncovered));
    }
    kept
}

/// Returns the tasks that wait for one, directly or not, itself included.
fn waiting_for(dependents: &[Vec<usize>], index: usize) -> BTreeSet<usize> {
    let mut waiting = BTreeSet::new();
    let mut open = vec![index];
    while let Some(at) = open.pop() {
        if waiting.insert(at) {
            open.extend(&dependents[at]);
        }
    }
    waiting
}

/// Returns the earliest wave of a task's parts.
fn wave(plan: &Plan, group: &Group) -> Option<usize> {
    let numbers = group.head.iter().chain(&group.parts).filter_map(|at| plan.items[*at].number.as_ref());
    numbers.filter_map(|number| plan.waves.get(number)).min().copied()
}

/// Returns the tasks of the wave before.
fn before_wave(waves: &[Option<usize>], wave: usize) -> impl Iterator<Item = usize> + '_ {
    let last = waves.iter().flatten().filter(|other| **other < wave).max();
    (0..waves.len()).filter(move |at| last.is_some() && waves[*at].as_ref() == last)
}
