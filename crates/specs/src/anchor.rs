//! Where a comment stands in later versions of a document.
//!
//! From one version to the next an anchor goes through the line diff; else to the same requirement, section or planned
//! task, where its words still stand or a passage is similar enough; else to where its words stand once. What is lost
//! in one version may be found again in a later one, compared with the last version that had it.

use crate::markdown::item;
use crate::markdown::pattern::pattern;
use regex::Regex;
use similar::{DiffOp, TextDiff};
use std::sync::LazyLock;

/// How similar a passage has to be to what the comment is about.
const SIMILAR: f32 = 0.6;

/// Whole lines of a document, from 1, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lines {
    pub start: usize,
    pub end: usize,
}

/// Where an anchor is in the last version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The lines are there, word for word.
    Kept(Lines),
    /// The text there has changed.
    Changed(Lines),
    /// The last version has no such place.
    Outdated,
}

/// The versions of a document, oldest first, and how their lines go over into each other.
pub struct Versions<'t> {
    texts: Vec<Text<'t>>,
}

struct Text<'t> {
    whole: &'t str,
    lines: Vec<&'t str>,
    sections: Vec<Section>,
    letters: Letters,
}

/// A heading or planned task with what stands below it, up to the next one.
#[derive(Debug, PartialEq, Eq)]
struct Section {
    lines: Lines,
    number: Option<String>,
    title: String,
}

/// The letters and digits of a text, without its markup, each with its line.
#[derive(Default)]
struct Letters {
    text: String,
    /// The line of each byte of the text.
    lines: Vec<usize>,
}

static MARKER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^[\s\u{a0}>]*(?:(?:[-*+•]|\d{1,4}[.)])[\s\u{a0}]+)?(?:\[[ xX~\-]\][\s\u{a0}]*)?")
});
static HEADING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^ {0,3}#{1,3}[\s\u{a0}]+(?:[\p{L}\p{M}-]+\s+)?(\d+(?:\.\d+)*)?[.:：)\s]*(.*?)[\s#]*$")
});

impl<'t> Versions<'t> {
    pub fn new(texts: impl IntoIterator<Item = &'t str>) -> Self {
        Self { texts: texts.into_iter().map(Text::read).collect() }
    }

    /// Returns where lines of one version, and a quote of what they say, are in the last version.
    pub fn follow(&self, version: usize, lines: Lines, quote: &str) -> Place {
        let Some(first) = self.texts.get(version) else { return Place::Outdated };
        let (mut known, mut at, mut is_kept, mut is_lost) = (first, lines, true, false);
        for next in &self.texts[version + 1..] {
            match known.carry(next, at, quote) {
                Some((there, kept)) => {
                    is_kept &= kept;
                    is_lost = false;
                    (known, at) = (next, there);
                }
                None => is_lost = true,
            }
        }
        match (is_lost, is_kept) {
            (true, _) => Place::Outdated,
            (false, true) => Place::Kept(at),
            (false, false) => Place::Changed(at),
        }
    }
}

/// Returns the lines on which a quote stands that people copied from a rendered document: within the lines they name,
/// else where it stands once.
pub fn locate(text: &str, quote: &str, named: Option<Lines>) -> Option<Lines> {
    let text = Text::read(text);
    let whole = Lines { start: 1, end: text.lines.len() };
    named.and_then(|named| text.letters.find(quote, named)).or_else(|| text.letters.find_once(quote, whole))
}

/// Returns what stands on some lines of a text.
pub fn excerpt(text: &str, lines: Lines) -> String {
    let shown =
        text.lines().skip(lines.start.saturating_sub(1)).take(lines.end + 1 - lines.start.min(lines.end));
    shown.collect::<Vec<_>>().join("\n")
}

impl<'t> Text<'t> {
    fn read(whole: &'t str) -> Self {
        let lines: Vec<&str> = whole.lines().collect();
        let sections = sections(whole, lines.len());
        let letters = Letters::read(&lines);
        Self { whole, lines, sections, letters }
    }

    fn slice(&self, at: Lines) -> &[&'t str] {
        let end = at.end.min(self.lines.len());
        self.lines.get(at.start.saturating_sub(1)..end).unwrap_or_default()
    }

    /// Returns the lines in the next version, and whether they say the same.
    fn carry(&self, next: &Text<'_>, at: Lines, quote: &str) -> Option<(Lines, bool)> {
        if self.whole == next.whole {
            return Some((at, true));
        }
        if let Some(there) = self.through_diff(next, at) {
            return Some((there, next.slice(there) == self.slice(at)));
        }
        let passage = self.slice(at).join("\n");
        let words = if quote.trim().is_empty() { passage.as_str() } else { quote };
        let in_section = self.section_in(next, at).and_then(|section| {
            next.letters.find_once(words, section).or_else(|| next.most_similar(&passage, section, at))
        });
        let whole = Lines { start: 1, end: next.lines.len() };
        let there = in_section.or_else(|| next.letters.find_once(words, whole))?;
        Some((there, next.slice(there) == self.slice(at)))
    }

    /// Every line is in the next version as it was.
    fn through_diff(&self, next: &Text<'_>, at: Lines) -> Option<Lines> {
        let diff = TextDiff::from_slices(&self.lines, &next.lines);
        let line = |number: usize| {
            diff.ops().iter().find_map(|op| match *op {
                DiffOp::Equal { old_index, new_index, len }
                    if (old_index..old_index + len).contains(&(number - 1)) =>
                {
                    Some(new_index + number - old_index)
                }
                DiffOp::Equal { .. }
                | DiffOp::Delete { .. }
                | DiffOp::Insert { .. }
                | DiffOp::Replace { .. } => None,
            })
        };
        // Blank lines say nothing, and a diff takes any of them for any other.
        let says = |number: &usize| self.lines.get(number - 1).is_some_and(|line| !line.trim().is_empty());
        let mut there = (at.start.max(1)..=at.end).filter(says).map(line);
        let start = there.next()??;
        let end = there.try_fold(start, |_, line| line)?;
        Some(Lines { start, end })
    }

    /// Returns the section of the next version that is the one around the lines.
    fn section_in(&self, next: &Text<'_>, at: Lines) -> Option<Lines> {
        let own = self.sections.iter().rev().find(|section| section.lines.start <= at.start)?;
        let same = |fits: &dyn Fn(&Section) -> bool| {
            let mut found = next.sections.iter().filter(|section| fits(section));
            found.next().filter(|_| found.next().is_none()).map(|section| section.lines)
        };
        same(&|section| section.number == own.number && section.title == own.title)
            .or_else(|| same(&|section| section.title == own.title))
            .or_else(|| same(&|section| own.number.is_some() && section.number == own.number))
    }

    /// Returns the lines of a section, as many as were quoted, that say nearly the same.
    fn most_similar(&self, passage: &str, section: Lines, was: Lines) -> Option<Lines> {
        let words: Vec<&str> = passage.split_whitespace().collect();
        if words.is_empty() {
            return None;
        }
        let count = was.end + 1 - was.start;
        let mut best: Option<(f32, Lines)> = None;
        for start in section.start..=section.end {
            let there = Lines { start, end: (start + count - 1).min(section.end) };
            let lines = self.slice(there);
            let others: Vec<&str> = lines.iter().flat_map(|line| line.split_whitespace()).collect();
            let ratio = TextDiff::from_slices(&words, &others).ratio();
            if ratio >= SIMILAR && best.is_none_or(|(most, _)| ratio > most) {
                best = Some((ratio, there));
            }
        }
        best.map(|(_, there)| there)
    }
}

fn sections(text: &str, count: usize) -> Vec<Section> {
    let mut found: Vec<Section> = Vec::new();
    let mut begin = |line: usize, number: Option<String>, title: String| {
        found.push(Section { lines: Lines { start: line, end: count }, number, title });
    };
    let items = item::items(text);
    for (at, line) in text.lines().enumerate() {
        if let Some(item) = items.iter().find(|item| item.line == at + 1) {
            begin(at + 1, item.number.clone(), item.title.clone());
        } else if let Some(heading) = HEADING.captures(line) {
            let number = heading.get(1).map(|number| number.as_str().to_owned());
            begin(at + 1, number, heading[2].to_owned());
        }
    }
    for at in 1..found.len() {
        found[at - 1].lines.end = found[at].lines.start - 1;
    }
    found
}

impl Letters {
    fn read(lines: &[&str]) -> Self {
        let mut letters = Self::default();
        for (at, line) in lines.iter().enumerate() {
            letters.add(line, at + 1);
        }
        letters
    }

    fn add(&mut self, line: &str, number: usize) {
        let marker = MARKER.find(line).map_or(0, |marker| marker.end());
        let said = line[marker..].chars().filter(|letter| letter.is_alphanumeric());
        self.text.extend(said);
        self.lines.resize(self.text.len(), number);
    }

    fn of_quote(quote: &str) -> String {
        let lines: Vec<&str> = quote.lines().collect();
        Self::read(&lines).text
    }

    /// Returns the first place of a quote within some lines.
    fn find(&self, quote: &str, within: Lines) -> Option<Lines> {
        self.places(quote, within).next()
    }

    /// Returns the place of a quote that stands only once within some lines.
    fn find_once(&self, quote: &str, within: Lines) -> Option<Lines> {
        let mut places = self.places(quote, within);
        places.next().filter(|_| places.next().is_none())
    }

    fn places(&self, quote: &str, within: Lines) -> impl Iterator<Item = Lines> {
        let quote = Self::of_quote(quote);
        let from = self.lines.partition_point(|line| *line < within.start);
        let to = self.lines.partition_point(|line| *line <= within.end);
        let mut next = from;
        std::iter::from_fn(move || {
            // A quote without letters stands nowhere.
            let last = quote.len().checked_sub(1)?;
            let begin = next + self.text.get(next..to)?.find(&quote)?;
            next = begin + self.text[begin..].chars().next()?.len_utf8();
            Some(Lines { start: self.lines[begin], end: self.lines[begin + last] })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "# Requirements Document\n\n## Requirements\n\n### Requirement 1: Dates\n\n#### Acceptance Criteria\n\n\
        1. WHEN a date is given, THE Todo SHALL keep it.\n2. IF the date is wrong, THEN THE Todo SHALL say so at once.\n\n\
        ### Requirement 2: Lists\n\n#### Acceptance Criteria\n\n1. WHEN a list is asked for, THE Todo SHALL show it.\n";

    fn follow(new: &str, line: usize, quote: &str) -> Place {
        Versions::new([OLD, new]).follow(0, Lines { start: line, end: line }, quote)
    }

    fn at(line: usize) -> Lines {
        Lines { start: line, end: line }
    }

    #[test]
    fn lines_that_only_moved_are_followed() {
        let new = OLD.replace("## Requirements\n", "## Introduction\n\nTodos.\n\n## Requirements\n");
        assert_eq!(follow(&new, 10, "say so"), Place::Kept(at(14)));
        assert_eq!(follow(&OLD.replace('\n', "\r\n"), 10, "say so"), Place::Kept(at(10)));
    }

    #[test]
    fn a_reworded_criterion_is_found_in_its_requirement() {
        let new = OLD.replace("Todo SHALL say so at once", "Todo SHALL say so and keep the old one");
        assert_eq!(follow(&new, 10, "at once"), Place::Changed(at(10)));
        let renumbered = new.replace("### Requirement 1: Dates", "### Requirement 3: Dates");
        assert_eq!(follow(&renumbered, 10, "at once"), Place::Changed(at(10)));
    }

    #[test]
    fn a_quote_that_stands_once_is_found_elsewhere() {
        let moved = "2. IF the date is wrong, THEN THE Todo SHALL say so at once.";
        let new = format!(
            "{}\n### Requirement 3: Errors\n\n- {}\n",
            OLD.replace(&format!("{moved}\n"), ""),
            &moved[3..]
        );
        let Place::Changed(there) = follow(&new, 10, "the date is wrong") else { panic!("it is found") };
        assert!(excerpt(&new, there).starts_with("- IF the date is wrong"), "{}", excerpt(&new, there));
    }

    #[test]
    fn what_is_gone_is_outdated_and_may_come_back() {
        let gone = OLD.replace("2. IF the date is wrong, THEN THE Todo SHALL say so at once.\n", "");
        assert_eq!(follow(&gone, 10, "say so at once"), Place::Outdated);
        let back = Versions::new([OLD, &gone, OLD]);
        assert_eq!(back.follow(0, at(10), "say so at once"), Place::Kept(at(10)));
    }

    #[test]
    fn quotes_of_a_rendered_document_are_found_in_its_source() {
        let text = "- [ ] 1. **Keep** the `date`\n  - Write it\n1. One\n2. Two\n3. One\n";
        assert_eq!(locate(text, "Keep the date", None), Some(at(1)));
        assert_eq!(locate(text, "Keep the date\nWrite it", None), Some(Lines { start: 1, end: 2 }));
        assert_eq!(locate(text, "One\nTwo", None), Some(Lines { start: 3, end: 4 }));
        assert_eq!(locate(text, "One", None), None, "it stands twice");
        assert_eq!(locate(text, "One", Some(at(5))), Some(at(5)));
        assert_eq!((locate(text, "…", None), locate("", "x", None)), (None, None));
        let named = Some(Lines { start: 1, end: 2 });
        assert_eq!(
            (locate("---\nOne\n", "---", named), locate("One\n---\n", "…", Some(at(2)))),
            (None, None)
        );
    }
}
