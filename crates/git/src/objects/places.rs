//! The conflicting places of two versions of a file: the lines of each side, and their text.
//!
//! Whether a file conflicts is decided by the merge itself. This finds the lines: changes of the two sides that
//! overlap or touch in the base are one place, and what both sides have in common at its ends is left out.

use gix::diff::blob::{Algorithm, InternedInput, diff_with_slider_heuristics};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The number of places of a file that are reported, and the size of each side's text, in bytes.
const PLACES: usize = 20;
const TEXT: usize = 4096;

/// A place where both sides changed a file in conflicting ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub ours: Lines,
    pub theirs: Lines,
}

/// Lines of one side of a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// The first line, from 1; where there is none, the line that what is missing would follow.
    pub start: u32,
    pub count: u32,
    /// The text of the lines; bounded.
    pub text: String,
}

/// Returns the places where two sides differ in lines that both changed. A side that deleted the file is `None`.
pub(crate) fn places(base: &[u8], ours: Option<&[u8]>, theirs: Option<&[u8]>) -> Vec<Place> {
    let (our_changes, their_changes) = (changes(base, ours), changes(base, theirs));
    let is_one_gone = ours.is_none() || theirs.is_none();
    let (our_lines, their_lines) = (lines(ours.unwrap_or_default()), lines(theirs.unwrap_or_default()));
    let mut places = Vec::new();
    let mut walk = Walk { ours: &our_changes, theirs: &their_changes, offsets: [0, 0] };
    while let Some(group) = walk.next_group() {
        if places.len() == PLACES {
            break;
        }
        if !group.is_shared && !is_one_gone {
            continue;
        }
        let mut sides = [(&our_lines, group.ours), (&their_lines, group.theirs)];
        if !is_one_gone {
            trim(&mut sides);
        }
        let [(_, our_range), (_, their_range)] = &sides;
        if our_range.is_empty() && their_range.is_empty() && !is_one_gone {
            continue;
        }
        let [ours, theirs] = sides.map(|(lines, range)| told(lines, range));
        places.push(Place { ours, theirs });
    }
    places
}

type Change = (Range<usize>, Range<usize>);

/// Returns what a side changed: lines of the base, and the side's in their place. A deleted file has no lines to
/// compare.
fn changes(base: &[u8], side: Option<&[u8]>) -> Vec<Change> {
    let Some(side) = side else { return Vec::new() };
    let input = InternedInput::new(base, side);
    let found = diff_with_slider_heuristics(Algorithm::Histogram, &input);
    let wide = |range: Range<u32>| range.start as usize..range.end as usize;
    found.hunks().map(|hunk| (wide(hunk.before), wide(hunk.after))).collect()
}

/// Walks the changes of both sides in the order of the base.
struct Walk<'a> {
    ours: &'a [Change],
    theirs: &'a [Change],
    /// How far each side is shifted against the base so far.
    offsets: [isize; 2],
}

/// Changes that overlap or touch, as lines of each side.
struct Group {
    ours: Range<usize>,
    theirs: Range<usize>,
    is_shared: bool,
}

impl Walk<'_> {
    fn next_group(&mut self) -> Option<Group> {
        let first = match (self.ours.first(), self.theirs.first()) {
            (Some(one), Some(other)) => one.0.start.min(other.0.start),
            (Some((range, _)), None) | (None, Some((range, _))) => range.start,
            (None, None) => return None,
        };
        let mut base = first..first;
        let (mut taken, mut shifts) = ([0, 0], [0, 0]);
        loop {
            let mut grew = false;
            for (at, side) in [&mut self.ours, &mut self.theirs].into_iter().enumerate() {
                while let Some((head, rest)) =
                    side.split_first().filter(|((old, _), _)| old.start <= base.end)
                {
                    base.end = base.end.max(head.0.end);
                    shifts[at] += length(&head.1) - length(&head.0);
                    taken[at] += 1;
                    *side = rest;
                    grew = true;
                }
            }
            if !grew {
                break;
            }
        }
        let range = |at: usize| {
            let start = base.start.saturating_add_signed(self.offsets[at]);
            start..base.end.saturating_add_signed(self.offsets[at] + shifts[at])
        };
        let group =
            Group { ours: range(0), theirs: range(1), is_shared: taken.iter().all(|taken| *taken > 0) };
        self.offsets = [self.offsets[0] + shifts[0], self.offsets[1] + shifts[1]];
        Some(group)
    }
}

fn length(range: &Range<usize>) -> isize {
    isize::try_from(range.len()).unwrap_or(isize::MAX)
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|byte| *byte == b'\n').collect()
}

/// Leaves out what both sides begin and end with.
fn trim(sides: &mut [(&Vec<&[u8]>, Range<usize>); 2]) {
    let [(ours, our), (theirs, their)] = sides;
    while our.start < our.end && their.start < their.end && ours.get(our.start) == theirs.get(their.start) {
        our.start += 1;
        their.start += 1;
    }
    while our.start < our.end && their.start < their.end && ours.get(our.end - 1) == theirs.get(their.end - 1)
    {
        our.end -= 1;
        their.end -= 1;
    }
}

fn told(lines: &[&[u8]], range: Range<usize>) -> Lines {
    let range = range.start.min(lines.len())..range.end.min(lines.len());
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    let start = number(if range.is_empty() { range.start } else { range.start + 1 });
    let count = number(range.len());
    let mut text = String::new();
    for line in &lines[range] {
        if text.len() + line.len() > TEXT {
            let room = TEXT.saturating_sub(text.len());
            text.push_str(&String::from_utf8_lossy(&line[..line.len().min(room)]));
            text.push('…');
            break;
        }
        text.push_str(&String::from_utf8_lossy(line));
    }
    Lines { start, count, text }
}

#[cfg(test)]
mod tests {
    use super::{Place, places};

    fn told(base: &str, ours: Option<&str>, theirs: Option<&str>) -> Vec<String> {
        let show = |Place { ours, theirs }: Place| {
            let side = |lines: super::Lines| format!("{}+{} {:?}", lines.start, lines.count, lines.text);
            format!("{} | {}", side(ours), side(theirs))
        };
        places(base.as_bytes(), ours.map(str::as_bytes), theirs.map(str::as_bytes))
            .into_iter()
            .map(show)
            .collect()
    }

    #[test]
    fn lines_that_both_changed_are_a_place_with_each_sides_numbers() {
        let found = told("a\nb\nc\nd\n", Some("0\na\nB\nc\nd\n"), Some("a\nbb\nbb\nc\nD\n"));
        assert_eq!(found, [r#"3+1 "B\n" | 2+2 "bb\nbb\n""#]);
    }

    #[test]
    fn what_both_sides_share_is_left_out() {
        assert_eq!(told("a\n", Some("x\n1\ny\n"), Some("x\n2\ny\n")), [r#"2+1 "1\n" | 2+1 "2\n""#]);
        assert!(told("a\n", Some("x\n"), Some("x\n")).is_empty());
    }

    #[test]
    fn changes_that_touch_are_one_place() {
        assert_eq!(told("a\nb\n", Some("A\nb\n"), Some("a\nB\n")), [r#"1+2 "A\nb\n" | 1+2 "a\nB\n""#]);
    }

    #[test]
    fn a_deleted_file_is_shown_by_what_the_other_side_changed() {
        assert_eq!(told("a\nb\nc\nd\n", Some("a\nb\nC\nd\n"), None), [r#"3+1 "C\n" | 0+0 """#]);
    }

    #[test]
    fn long_texts_are_bounded() {
        let found = places(b"a\n", Some("ä".repeat(9000).as_bytes()), Some(b"b\n"));
        assert!(found[0].ours.text.len() < 4200);
    }
}
