//! Finds the planned tasks that a reference names: by number, title or phase.

use super::model::Plan;
use super::phases::Phase;
use super::units::{Group, root};
use crate::markdown::labels;
use crate::outline::references::Names;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Among how many titles a part of one is looked for.
const MAX_TITLES: usize = 2_000;

/// Returns the planned tasks by their titles' words, and those of their parts.
pub(super) fn title_index(plan: &Plan, groups: &[Group]) -> BTreeMap<String, BTreeSet<usize>> {
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

/// Looks up the planned tasks for references of the task `from`; the number of tasks stands for none of them.
pub(crate) struct Tasks<'p> {
    pub(super) plan: &'p Plan,
    pub(super) groups: &'p [Group],
    pub(super) titles: &'p BTreeMap<String, BTreeSet<usize>>,
    pub(super) from: usize,
}

impl Tasks<'_> {
    /// Returns the tasks of the phase that is meant; the phase around the referring task never is.
    fn of_phase(&self, is_meant: impl Fn(&Phase) -> bool) -> Vec<usize> {
        let line = self.groups.get(self.from).map_or(0, |group| group.line);
        let phases =
            || self.plan.phases.iter().filter(|phase| is_meant(phase) && !phase.lines.contains(&line));
        let before = phases().rfind(|phase| phase.lines.start < line);
        let Some(phase) = before.or_else(|| phases().next()) else { return Vec::new() };
        tasks_in(self.groups, &phase.lines).collect()
    }

    /// Returns the first of several tasks that is not the one that refers to it.
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

/// Returns the planned tasks that stand in some lines.
pub(crate) fn tasks_in(groups: &[Group], lines: &Range<usize>) -> impl Iterator<Item = usize> {
    groups.iter().enumerate().filter(|(_, group)| lines.contains(&group.line)).map(|(at, _)| at)
}

/// Returns the task that a reference is to: with the number it is written with, nearest before the one that refers to
/// it.
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
