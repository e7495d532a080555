//! The dependencies of planned tasks: written ones, waves, and the order of writing.

use super::drawn;
use super::finding::Finding;
use super::fold::fold;
use super::labels;
use super::phases::Phase;
use super::plan::{Item, Plan, PlanUnit, Told, Unresolved};
use super::references::{self, Names};
use super::units::{Group, root};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Among how many titles a part of one is looked for.
const MAX_TITLES: usize = 2_000;

/// The largest number of planned tasks for which marks such as `(P)` count. Larger plans run in the order of writing, which
/// bounds the number of dependencies.
const MAX_PARALLEL_PLAN: usize = 2_000;

/// The dependencies of a planned task.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    pub(super) needed: BTreeSet<usize>,
    /// Written dependencies that name no task.
    pub(super) unresolved: Vec<Unresolved>,
    /// Written dependencies that are left out, since the tasks would wait for each other.
    pub(super) cut: Vec<usize>,
    /// Texts that are taken to mean that there is no dependency.
    pub(super) taken_as_none: Vec<Told>,
    /// Whether the task depends on all tasks before it by its own words.
    all_before: bool,
}

/// Returns the dependencies of each planned task.
///
/// Where all written dependencies of a task are understood, they replace the order of writing. Where one is not, the
/// order of writing counts besides: a dependency is never lost.
pub(super) fn needs(plan: &Plan, groups: &[Group]) -> Vec<Needs> {
    let mut all = vec![Needs::default(); groups.len()];
    let titles = titles(plan, groups);
    let mut is_said = vec![false; groups.len()];
    let drawn = drawn::of(plan, groups, &Tasks { plan, groups, titles: &titles, from: groups.len() });
    let said_of_first = said_of_first(plan, groups, &titles);
    for (index, (group, drawn)) in groups.iter().zip(drawn).enumerate() {
        let head = group.head.map(|at| &plan.items[at]);
        let parts = group.parts.iter().map(|at| &plan.items[*at]);
        is_said[index] = drawn.unknown.is_empty()
            && (drawn.is_node || head.is_some_and(|head| !head.dependencies.is_empty()));
        all[index].needed.extend(drawn.needed);
        all[index].unresolved.extend(drawn.unknown.into_iter().map(|Told { line, text }| {
            let is_number = text.starts_with(|c: char| c.is_ascii_digit())
                && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '.');
            Unresolved { line, text, is_number }
        }));
        let names = Tasks { plan, groups, titles: &titles, from: index };
        // Beside its neighbours it would miss what its words say; any other waits for all tasks before it anyway.
        if let Some(head) = head.filter(|head| head.parallel && head.dependencies.is_empty())
            && let Some(text) = order_in_prose(head, &names)
        {
            all[index].unresolved.push(Unresolved { line: head.line, text, is_number: false });
        }
        for item in head.into_iter().chain(parts) {
            for told in &item.dependencies {
                let mut resolved = references::resolve(&told.text, &names);
                if index > 0 && said_of_first.contains(&fold(&told.text)) {
                    resolved.nothing.append(&mut resolved.words);
                }
                let nothing = resolved.nothing.into_iter().map(|text| Told { line: told.line, text });
                all[index].taken_as_none.extend(nothing);
                is_said[index] &= !resolved.all;
                all[index].all_before |= resolved.all;
                all[index].needed.extend(resolved.found.into_iter().filter(|needed| *needed != index));
                let unresolved = unresolved(told.line, resolved.numbers, resolved.words);
                is_said[index] &= unresolved.is_empty();
                all[index].unresolved.extend(unresolved);
            }
            for told in &item.assumed_dependencies {
                let resolved = references::resolve(&told.text, &names);
                all[index].needed.extend(resolved.found.into_iter().filter(|needed| *needed != index));
            }
            for told in &item.dependents {
                let resolved = references::resolve(&told.text, &names);
                for waiting in resolved.found.into_iter().filter(|waiting| *waiting != index) {
                    all[waiting].needed.insert(index);
                }
                all[index].unresolved.extend(unresolved(told.line, resolved.numbers, resolved.words));
            }
        }
    }
    for told in &plan.phase_dependencies {
        let Some(phase) = plan.phases.iter().rfind(|phase| phase.lines.contains(&told.line)) else {
            continue;
        };
        let Some(first) = tasks_in(groups, &phase.lines).next() else { continue };
        let resolved = references::resolve(&told.text, &Tasks { plan, groups, titles: &titles, from: first });
        for index in tasks_in(groups, &phase.lines) {
            all[index].needed.extend(resolved.found.iter().filter(|needed| **needed != index));
        }
        for text in resolved.numbers.into_iter().chain(resolved.words) {
            all[first].unresolved.push(Unresolved { line: told.line, text, is_number: false });
        }
    }
    cut_cycles(&mut all);
    // Where a written dependency is left out, the order of writing counts besides.
    for (is_said, needs) in is_said.iter_mut().zip(&all) {
        *is_said &= needs.cut.is_empty();
    }
    order_of_writing(plan, groups, &is_said, &mut all);
    all
}

/// The parts of a text that name no task: numbers that no task has, and words.
fn unresolved(line: usize, numbers: Vec<String>, words: Vec<String>) -> Vec<Unresolved> {
    let numbers = numbers.into_iter().map(|text| Unresolved { line, text, is_number: true });
    let words = words.into_iter().map(|text| Unresolved { line, text, is_number: false });
    numbers.chain(words).collect()
}

/// The texts about dependencies of the first task that name nothing: as nothing comes before it, they say that there is no
/// dependency, whatever their language.
fn said_of_first(
    plan: &Plan,
    groups: &[Group],
    titles: &BTreeMap<String, BTreeSet<usize>>,
) -> BTreeSet<String> {
    let Some(head) = groups.first().and_then(|group| group.head).map(|at| &plan.items[at]) else {
        return BTreeSet::new();
    };
    let names = Tasks { plan, groups, titles, from: 0 };
    let names_nothing = |told: &&Told| {
        let resolved = references::resolve(&told.text, &names);
        resolved.found.is_empty()
            && resolved.numbers.is_empty()
            && !resolved.all
            && !resolved.words.is_empty()
    };
    head.dependencies.iter().filter(names_nothing).map(|told| fold(&told.text)).collect()
}

/// The words by which the title or a line of a task seems to name tasks before it: `after 1`, `once 1 and 2 are done`.
fn order_in_prose(head: &Item, names: &Tasks<'_>) -> Option<String> {
    let is_before = |number: &str| names.by_number(number).is_some_and(|at| at < names.from);
    let pair = |text: &str| {
        references::pair(text)
            .filter(|(one, other, _)| is_before(one) && is_before(other))
            .map(|(_, _, words)| words)
    };
    let names_task = |text: &&str| {
        let text = fold(text);
        let numbers = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
        numbers.filter(|word| word.contains(|c: char| c.is_ascii_digit())).any(is_before)
    };
    labels::order_in(&head.title)
        .filter(names_task)
        .map(str::to_owned)
        .or_else(|| std::iter::once(head.title.as_str()).chain(head.description.lines()).find_map(pair))
}

/// Adds the order of writing to the tasks that do not say all of what they need.
///
/// Such a task needs all tasks before it. Neighbours that may run side by side, and the tasks of a wave, need what stands
/// before all of them; a heading ends such neighbours. What another needed task waits for already is left out.
fn order_of_writing(plan: &Plan, groups: &[Group], is_said: &[bool], all: &mut [Needs]) {
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

/// The ends of the tasks before a place when those that wait for a task are left out.
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

/// The tasks that wait for one, directly or not, itself included.
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

/// Removes dependency cycles: of the dependencies on a cycle, those that point ahead in the order of writing.
fn cut_cycles(all: &mut [Needs]) {
    let ring: BTreeSet<usize> = on_cycles(all.len(), |at| all[at].needed.iter().copied());
    for at in &ring {
        let ahead: Vec<usize> =
            all[*at].needed.iter().copied().filter(|needed| needed > at && ring.contains(needed)).collect();
        all[*at].needed.retain(|needed| !ahead.contains(needed));
        all[*at].cut = ahead;
    }
}

/// The tasks on a cycle or between two: those that are left when the tasks that can be carried out are taken away from
/// both ends.
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

/// The planned tasks by their titles' words, and those of their parts.
fn titles(plan: &Plan, groups: &[Group]) -> BTreeMap<String, BTreeSet<usize>> {
    let mut titles: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for (index, group) in groups.iter().enumerate() {
        let parts = group.parts.iter().chain(&group.head).map(|at| plan.items[*at].title.as_str());
        for title in parts.chain([group.title.as_str()]) {
            let words = words(title);
            if words.chars().count() > 2 {
                titles.entry(words).or_default().insert(index);
            }
        }
    }
    titles
}

fn words(title: &str) -> String {
    let words: Vec<String> = title
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join(" ")
}

/// Returns a finding for each part of the plan's graphs that is not understood.
pub(super) fn drawn_findings(plan: &Plan, groups: &[Group]) -> Vec<Finding> {
    let titles = titles(plan, groups);
    drawn::findings(plan, &Tasks { plan, groups, titles: &titles, from: groups.len() })
}

/// Looks up the planned tasks for references of the task `from`; the number of tasks stands for none of them.
pub(super) struct Tasks<'p> {
    plan: &'p Plan,
    groups: &'p [Group],
    titles: &'p BTreeMap<String, BTreeSet<usize>>,
    from: usize,
}

impl Tasks<'_> {
    /// The tasks of the phase that is meant; the phase around the referring task never is.
    fn of_phase(&self, is_meant: impl Fn(&Phase) -> bool) -> Vec<usize> {
        let line = self.groups.get(self.from).map_or(0, |group| group.line);
        let phases =
            || self.plan.phases.iter().filter(|phase| is_meant(phase) && !phase.lines.contains(&line));
        let before = phases().rfind(|phase| phase.lines.start < line);
        let Some(phase) = before.or_else(|| phases().next()) else { return Vec::new() };
        tasks_in(self.groups, &phase.lines).collect()
    }

    /// The first of several tasks that is not the one that refers to it.
    fn other(&self, found: &BTreeSet<usize>) -> Option<usize> {
        found.iter().copied().find(|at| *at != self.from)
    }
}

impl Names for Tasks<'_> {
    type Target = usize;

    fn by_number(&self, number: &str) -> Option<usize> {
        find(self.plan, self.groups, number, self.from)
    }

    fn has_number(&self, number: &str) -> bool {
        self.plan.items.iter().any(|item| item.number.as_deref() == Some(number))
    }

    fn by_whole_title(&self, title: &str) -> Option<usize> {
        self.titles.get(&words(title)).and_then(|found| self.other(found))
    }

    fn by_title(&self, title: &str) -> Option<usize> {
        let words = words(title);
        if let Some(found) = self.titles.get(&words) {
            return self.other(found);
        }
        // A part of a title counts when it is most of it and of one title only.
        let long = words.chars().count();
        if long < 8 || self.titles.len() > MAX_TITLES {
            return None;
        }
        let mut alike = self.titles.iter().filter(|(title, _)| {
            let other = title.chars().count();
            other > 7
                && (title.contains(&words) && long * 2 >= other
                    || words.contains(title.as_str()) && other * 2 >= long)
        });
        let found = alike.next().and_then(|(_, found)| self.other(found))?;
        alike.all(|(_, others)| others.contains(&found)).then_some(found)
    }

    fn shares_word(&self, text: &str) -> bool {
        let is_name = |word: &&str| word.chars().count() > 3 && !labels::is_task_word(word);
        let own = words(text);
        let own: BTreeSet<&str> = own.split(' ').filter(is_name).collect();
        self.titles.keys().flat_map(|title| title.split(' ')).any(|word| own.contains(word))
    }

    fn by_phase(&self, before: &str, number: &str) -> Vec<usize> {
        self.of_phase(|phase| phase.is_named(before, number))
    }

    fn by_phase_title(&self, title: &str) -> Vec<usize> {
        self.of_phase(|phase| phase.is_titled(title))
    }
}

/// The planned tasks that stand in some lines.
pub(super) fn tasks_in(groups: &[Group], lines: &Range<usize>) -> impl Iterator<Item = usize> {
    groups.iter().enumerate().filter(|(_, group)| lines.contains(&group.line)).map(|(at, _)| at)
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
    let bare = bare.trim_end_matches(|c: char| c.is_ascii_lowercase());
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

/// A circle of planned tasks that the text makes wait for each other, as their numbers in its order.
pub(super) fn cycle(units: &[PlanUnit]) -> Option<Vec<String>> {
    let all = |at: usize| units[at].dependencies.iter().chain(&units[at].cut).copied();
    let start = units.iter().find(|unit| !unit.cut.is_empty())?.index;
    // From a task whose need was cut there is a way back to it.
    for goal in &units[start].cut {
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
            return Some(way.into_iter().map(|at| units[at].number.clone()).collect());
        }
    }
    None
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
        assert_eq!(needs(text), [vec![], vec![2], vec![0], vec![1]]);
        assert_eq!(super::cycle(&plan::parse(text).units()), None);
    }

    #[test]
    fn the_order_of_writing_means_all_tasks_before() {
        for (text, expected) in [
            // A task that says what it needs does not cut off those before it.
            ("1. a|2. b|  _Depends: none_|3. c", vec![vec![], vec![], vec![0, 1]]),
            ("1. a|2. b|  _Depends: 1_|3. c|  _Depends: 1_|4. d", vec![vec![], vec![0], vec![0], vec![1, 2]]),
            // Neighbours side by side need what stands before all of them.
            (
                "1. a|2. b|  _Depends: none_|3. (P) c|4. (P) d|5. e",
                vec![vec![], vec![], vec![0, 1], vec![0, 1], vec![2, 3]],
            ),
            ("1. a|2. (P) b|  _Depends: none_|3. (P) c|4. d", vec![vec![], vec![], vec![0], vec![1, 2]]),
            (
                "1. a|2. b|  _Depends: none_|3. (P) c|  _Depends: all previous tasks_",
                vec![vec![], vec![], vec![0, 1]],
            ),
            // What is not understood may mean any of the tasks before.
            ("1. a|2. b|  _Depends: none_|3. c|  _Depends: the review_", vec![vec![], vec![], vec![0, 1]]),
            // A task that waits for this one is not waited for.
            ("1. a|2. b|  _Depends: 4_|3. c|4. d|5. e", vec![vec![], vec![3], vec![0, 1], vec![0], vec![2]]),
            ("1. a|  _Depends: 3_|2. b|3. c", vec![vec![2], vec![0], vec![]]),
        ] {
            let line = |line: &str| {
                if line.starts_with([' ', '#']) { line.to_owned() } else { format!("- [ ] {line}") }
            };
            let text = text.split('|').map(line).collect::<Vec<_>>().join("\n");
            assert_eq!(needs(&text), expected, "{text}");
            let unread = plan::parse(&text).units().iter().any(|unit| !unit.unresolved.is_empty());
            assert_eq!(unread, text.contains("review"), "{text}");
        }
    }

    #[test]
    fn a_task_of_a_circle_keeps_its_place_in_the_order_of_writing() {
        let text = "- [ ] 1. a\n- [ ] 2. b\n  _Depends: 3_\n- [ ] 3. c\n  _Depends: 2_\n- [ ] 4. d\n";
        assert_eq!(needs(text), [vec![], vec![0], vec![1], vec![2]]);
        assert!(super::cycle(&plan::parse(text).units()).is_some());
    }

    #[test]
    fn an_order_told_in_a_title_is_not_lost() {
        for (title, needed, is_unread) in [
            ("Wire after 1, 2 (P)", &[0, 1][..], true),
            ("(P) Zusammenführen, nach 1 und 2", &[0, 1], true),
            ("(P) Release: blocked by #1 and #2", &[0, 1], true),
            ("(P) Release (depends on 1 and 2)", &[0, 1], false),
            ("(P) Wire — once 1 and 2 are done", &[0, 1], true),
            ("(P) 結合（1と2の完了後）", &[0, 1], true),
            ("(P) 结合（需要 1 和 2）", &[0, 1], true),
            ("(P) Wire\n  - This can only start when task 1 and task 2 are finished.", &[0, 1], true),
            ("(P) Retry after 5 seconds", &[], false),
            ("(P) Support 7 and 8\n  - As in task 1", &[], false),
            ("(P) Release", &[], false),
            ("Integrate after 1 and 2", &[0, 1], false),
        ] {
            let units = plan::parse(&format!("- [ ] 1. (P) a\n- [ ] 2. (P) b\n- [ ] 3. {title}\n")).units();
            assert_eq!(units[2].dependencies, needed, "{title}");
            assert_eq!(!units[2].unresolved.is_empty(), is_unread, "{title}");
        }
    }

    #[test]
    fn a_section_of_dependencies_is_read() {
        let text = "- [ ] 1. a\n- [ ] 2. b\n- [ ] 3. c\n- [ ] 4. d\n\n## Dependencies\n\n- 2 depends on 1\n- Task 3 depends on 1\n- **4** depends on 2 and 3\n";
        assert_eq!(needs(text), [vec![], vec![0], vec![0], vec![1, 2]]);
        assert!(plan::parse(text).findings.is_empty());
        for (line, is_found) in [("- 2 comes before 3", true), ("- Setup comes first", false)] {
            let text = format!(
                "- [ ] 1. a\n- [ ] 2. b\n- [ ] 3. c\n## Dependencies\n{line}\n{line}\n## Notes\n{line}\n"
            );
            let found: Vec<usize> = plan::parse(&text).findings.iter().map(|one| one.line).collect();
            assert_eq!(found, if is_found { vec![5] } else { vec![] }, "{line}");
        }
    }

    #[test]
    fn a_heading_ends_what_may_run_side_by_side() {
        let text = "# Tasks\n## Phase 1: Setup\n- [ ] T001 Create\n- [ ] T002 [P] Lint\n## Phase 2: Foundation\n- [ ] T003 [P] Auth\n\
                    - [ ] T004 [P] Routing\n## Phase 3: Story\n- [ ] T005 [P] [US1] Model\n- [ ] T006 [US1] Service\n\
                    ## Phase 4: Story\n- [ ] T007 [P] [US2] Page\n- [ ] T008 [P] Docs (depends on T001)\n";
        assert_eq!(needs(text), [vec![], vec![0], vec![1], vec![1], vec![2, 3], vec![4], vec![5], vec![0]]);
        let tasks = "## Phase 1\n### Task 1: [P] a\n#### Notes\nWords.\n### Task 2: [P] b\n## Phase 2\n### Task 3: [P] c\n";
        assert_eq!(needs(tasks), [vec![], vec![], vec![0, 1]]);
    }

    #[test]
    fn a_plan_of_many_sections_is_read_in_time() {
        let section = |at: usize| format!("## S{at}\n- [ ] {at}. (P) a\n  _Depends: none_\n");
        let text: String = (1..1_500).map(section).collect();
        let units = plan::parse(&format!("{text}## End\n- [ ] 1500. (P) b\n")).units();
        assert_eq!(units[1_499].dependencies.len(), 1_499);
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

    #[test]
    fn a_phase_means_all_of_its_tasks() {
        let plan = |told: &str| {
            format!(
                "## Phase 1: Setup\n- [ ] T001 a\n- [ ] T002 [P] b\n## Phase 2: Foundations (shared)\n- [ ] T003 [P] c\n### Tests\n- [ ] T004 [P] d\n\
                 ## Phase 3: Story\n- [ ] T005 [P] e\n  - Depends on: {told}\n"
            )
        };
        for (told, needed) in [
            ("Phase 1", &[0, 1][..]),
            ("phase 2", &[2, 3]),
            ("Phases 1 and 2", &[0, 1, 2, 3]),
            ("Phases 1-2", &[0, 1, 2, 3]),
            ("Setup", &[0, 1]),
            ("Foundations", &[2, 3]),
            ("Phase 1, T003", &[0, 1, 2]),
        ] {
            let unit = plan::parse(&plan(told)).units().remove(4);
            assert_eq!((&unit.dependencies[..], unit.unresolved.len()), (needed, 0), "{told}");
        }
        for told in ["Phase 9", "Phase 3"] {
            let unit = plan::parse(&plan(told)).units().remove(4);
            assert_eq!((unit.dependencies, unit.unresolved.len()), (vec![3], 1), "{told}");
        }
        let text = "## フェーズ1：準備\n- [ ] 1. a\n- [ ] 2. b\n## フェーズ2：実装\n- [ ] 3. c\n- [ ] 4. d\n  - 依存: フェーズ1\n";
        assert_eq!(needs(text)[3], [0, 1]);
    }

    #[test]
    fn what_a_phase_waits_for_is_read() {
        let plan = |told: &str| {
            format!("## Phase 1\n**Depends on**: {told}\n\n- [ ] 1. a\n- [ ] 2. b\n## Phase 2\n- [ ] 3. c\n")
        };
        assert_eq!(needs(&plan("Phase 2")), [vec![2], vec![0, 2], vec![]]);
        assert_eq!(needs(&plan("None (can start at once)")), [vec![], vec![0], vec![1]]);
        let units = plan::parse(&plan("the legal review")).units();
        assert_eq!(units.iter().map(|unit| unit.unresolved.len()).collect::<Vec<_>>(), [1, 0, 0]);
    }

    #[test]
    fn no_dependency_is_known_by_its_shape() {
        for (said, needed, is_named) in [
            ("_Depends: keine weiteren_", &[][..], true),
            ("Dépendances : aucune dépendance", &[], true),
            ("依存: 特になし", &[], true),
            ("依赖：不依赖任何任务", &[], true),
            ("Não depende de nenhuma tarefa", &[], true),
            ("Riippuvuudet: ei riippuvuuksia", &[], true),
            ("Depends: none", &[], false),
            ("Depends: the security review", &[0], false),
        ] {
            let unit = plan::parse(&format!("- [ ] 1. a\n- [ ] 2. b\n  - {said}\n")).units().remove(1);
            assert_eq!(unit.dependencies, needed, "{said}");
            assert_eq!(!unit.taken_as_none.is_empty(), is_named, "{said}");
            assert!(unit.unresolved.is_empty() || !needed.is_empty(), "{said}");
        }
        // Words that the first task has too mean that there is no dependency.
        let text = "- [ ] 1. a\n  - Depends: zero deps\n- [ ] 2. b\n  - Depends: zero deps\n- [ ] 3. c\n  - Depends: the review\n";
        assert_eq!(needs(text), [vec![], vec![], vec![0, 1]]);
        assert_eq!(plan::parse(text).units()[1].taken_as_none[0].line, 4);
    }
}
