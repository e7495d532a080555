//! Cycles of dependencies, and which task depends on which.

use super::model::PlanUnit;
use super::needs::Needs;
use std::collections::{BTreeMap, BTreeSet};

/// Removes dependency cycles: of the dependencies on a cycle, those that point ahead in the order of writing.
pub(super) fn cut_cycles(all: &mut [Needs]) {
    let ring: BTreeSet<usize> = on_cycles(all.len(), |at| all[at].needed.iter().copied());
    for at in &ring {
        let ahead: Vec<usize> =
            all[*at].needed.iter().copied().filter(|needed| needed > at && ring.contains(needed)).collect();
        all[*at].needed.retain(|needed| !ahead.contains(needed));
        all[*at].cut = ahead;
    }
}

/// Returns the tasks on a cycle or between two: those that are left when the tasks that can be carried out are taken
/// away from both ends.
fn on_cycles<I: Iterator<Item = usize>>(count: usize, needs: impl Fn(usize) -> I) -> BTreeSet<usize> {
    let mut wanted_by = vec![Vec::new(); count];
    let mut needed = vec![Vec::new(); count];
    for (at, own) in needed.iter_mut().enumerate() {
        for other in needs(at) {
            wanted_by[other].push(at);
            own.push(other);
        }
    }
    let mut kept = vec![true; count];
    for (from, to) in [(&needed, &wanted_by), (&wanted_by, &needed)] {
        let mut open: Vec<usize> =
            (0..count).map(|at| from[at].iter().filter(|other| kept[**other]).count()).collect();
        let mut ready: Vec<usize> = (0..count).filter(|at| kept[*at] && open[*at] == 0).collect();
        while let Some(at) = ready.pop() {
            kept[at] = false;
            for other in to[at].iter().filter(|other| kept[**other]) {
                open[*other] -= 1;
                if open[*other] == 0 {
                    ready.push(*other);
                }
            }
        }
    }
    (0..count).filter(|at| kept[*at]).collect()
}

/// Returns what a task waits for, directly or not, itself included.
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
pub(crate) fn reaches(units: &[PlanUnit]) -> Vec<Vec<bool>> {
    let needs = |at: usize| units[at].dependencies.iter().copied();
    (0..units.len()).map(|from| reach(units.len(), from, needs)).collect()
}

/// How many circles are named.
const MAX_CYCLES: usize = 10;

/// Returns a circle of planned tasks that the text makes wait for each other, as their numbers in its order.
pub(crate) fn cycle(units: &[PlanUnit]) -> Option<Vec<String>> {
    cycles(units).into_iter().next()
}

/// Returns circles of planned tasks that the text makes wait for each other, none with a task of one before it.
pub(crate) fn cycles(units: &[PlanUnit]) -> Vec<Vec<String>> {
    let mut named: BTreeSet<usize> = BTreeSet::new();
    let mut found = Vec::new();
    let starts = units.iter().filter(|unit| !unit.cut.is_empty()).map(|unit| unit.index);
    for start in starts.take(MAX_CYCLES * MAX_CYCLES) {
        if named.contains(&start) || found.len() == MAX_CYCLES {
            continue;
        }
        // A need that was cut between two circles has no way back.
        let Some(way) = circle(units, start) else { continue };
        named.extend(&way);
        found.push(way.into_iter().map(|at| units[at].number.clone()).collect());
    }
    found
}

/// Returns the way from a task over one of its needs that were cut back to it.
fn circle(units: &[PlanUnit], start: usize) -> Option<Vec<usize>> {
    let all = |at: usize| units[at].dependencies.iter().chain(&units[at].cut).copied();
    for goal in &units[start].cut {
        if *goal == start {
            return Some(vec![start, start]);
        }
        let mut from: BTreeMap<usize, usize> = BTreeMap::new();
        let mut open = vec![*goal];
        while let Some(at) = open.pop() {
            if at == start {
                break;
            }
            for next in all(at) {
                if next != *goal && !from.contains_key(&next) {
                    from.insert(next, at);
                    open.push(next);
                }
            }
        }
        if from.contains_key(&start) {
            let mut way = vec![start];
            let mut at = start;
            while at != *goal {
                at = from[&at];
                way.push(at);
            }
            way.push(start);
            way.reverse();
            return Some(way);
        }
    }
    None
}
