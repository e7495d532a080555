//! The headings that hold tasks, by which a dependency may name all of them: `Phase 1`, `Setup`.

use crate::markdown::fold::fold;
use crate::outline::headings::Heading;
use std::ops::Range;

/// A heading that is no task, and the lines below it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Phase {
    heading: Heading,
    /// From the heading to the next one of its level or above.
    pub(crate) lines: Range<usize>,
}

/// Returns the phases of a plan; a heading that is a task is none.
pub(crate) fn of(headings: &[Heading], is_task: &[bool]) -> Vec<Phase> {
    headings
        .iter()
        .zip(is_task)
        .enumerate()
        .filter(|(_, (_, is_task))| !**is_task)
        .map(|(at, (heading, _))| {
            let after = headings[at + 1..].iter().find(|other| other.level <= heading.level);
            let end = after.map_or(usize::MAX, |other| other.line);
            Phase { heading: heading.clone(), lines: heading.line..end }
        })
        .collect()
}

impl Phase {
    /// Returns whether a text that ends before a number names the phase with that number: `Phase`, `the phases`,
    /// `依赖阶段`.
    pub(crate) fn is_named(&self, before: &str, number: &str) -> bool {
        let word = fold(&self.heading.word).to_lowercase();
        if word.is_empty() || self.heading.number.as_deref() != Some(number) {
            return false;
        }
        let before = before.to_lowercase();
        let before = before.trim_end_matches(|c: char| !c.is_alphanumeric());
        let last = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
        // Words of many languages end otherwise in the plural.
        before.ends_with(&word) || word.chars().count() > 3 && last.starts_with(&word)
    }

    /// Returns whether a text is the title of the phase, with or without what stands in parentheses behind it.
    pub(crate) fn is_titled(&self, title: &str) -> bool {
        let plain = |text: &str| fold(text).trim().to_lowercase();
        let own = plain(&self.heading.title);
        let short = own.split('(').next().unwrap_or_default().trim();
        let title = plain(title);
        title.chars().count() > 2 && (title == own || title == short)
    }
}
