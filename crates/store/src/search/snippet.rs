//! A few words around what was found.

use super::markdown::marks;
use super::passage::Passage;
use super::query::Query;
use super::words::words;
use serde::Serialize;
use std::ops::Range;

/// How long a snippet is, in bytes, about.
const LENGTH: usize = 220;
/// How much of it stands before what was found.
const BEFORE: usize = 50;

/// A part of a snippet: what was found is marked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Segment {
    pub text: String,
    pub marked: bool,
}

/// Returns the part of a passage that says most about why it was found, without marks of Markdown, and the number of
/// the entry or line it is in.
pub(super) fn snippet(passage: &Passage, query: &Query) -> (Vec<Segment>, u64) {
    let text = passage.text.as_str();
    let found = query.matches(&words(text));
    let best = (0..found.len()).max_by_key(|first| {
        let within =
            found[*first..].iter().take_while(|(start, _, _)| *start < found[*first].0 + LENGTH - BEFORE);
        let mut groups: Vec<usize> = within.map(|(_, _, group)| *group).collect();
        let many = groups.len();
        groups.sort_unstable();
        groups.dedup();
        // The first of those that say as much.
        (groups.len(), many.min(3), std::cmp::Reverse(*first))
    });
    let anchor = best.map_or(0, |best| found[best].0);
    let number = passage.number_at(anchor);
    let start = begin(text, anchor);
    let end = finish(text, start + LENGTH);
    let marks = marks(text);
    let mut segments = Vec::new();
    if start > 0 {
        push(&mut segments, "…", false);
    }
    let mut at = start;
    for (from, to, _) in found {
        let (from, to) = (from.max(at), to.min(end));
        if from >= to {
            continue;
        }
        push(&mut segments, &without(text, at..from, &marks), false);
        push(&mut segments, &without(text, from..to, &marks), true);
        at = to;
    }
    push(&mut segments, &without(text, at..end, &marks), false);
    if end < text.trim_end().len() {
        push(&mut segments, "…", false);
    }
    (segments, number)
}

/// Returns a part of a text without marks.
fn without(text: &str, part: Range<usize>, marks: &[Range<usize>]) -> String {
    let mut rest = String::with_capacity(part.len());
    let mut at = part.start;
    let first = marks.partition_point(|mark| mark.end <= part.start);
    for mark in marks[first..].iter().take_while(|mark| mark.start < part.end) {
        rest.push_str(&text[at..mark.start.max(at)]);
        at = mark.end.clamp(at, part.end);
    }
    rest.push_str(&text[at..part.end]);
    rest
}

/// Returns where a snippet begins: a little before a place, at a word.
fn begin(text: &str, anchor: usize) -> usize {
    let from = text.floor_char_boundary(anchor.saturating_sub(BEFORE));
    if from == 0 {
        return 0;
    }
    text[from..anchor].find(char::is_whitespace).map_or(from, |space| from + space)
}

fn finish(text: &str, wanted: usize) -> usize {
    if wanted >= text.len() {
        return text.len();
    }
    let end = text.floor_char_boundary(wanted);
    let from = text.floor_char_boundary(end.saturating_sub(BEFORE));
    text[from..end].rfind(char::is_whitespace).map_or(end, |space| from + space)
}

/// Adds a text on one line, to the segment before it where both are alike.
fn push(segments: &mut Vec<Segment>, text: &str, marked: bool) {
    let mut line = String::with_capacity(text.len());
    let mut after_space = segments.last().is_none_or(|last| last.text.ends_with(' '));
    for c in text.chars() {
        let is_space = c.is_whitespace() || c.is_control();
        if !(is_space && after_space) {
            line.push(if is_space { ' ' } else { c });
        }
        after_space = is_space;
    }
    match segments.last_mut() {
        _ if line.is_empty() => {}
        Some(last) if last.marked == marked => last.text.push_str(&line),
        _ => segments.push(Segment { text: line, marked }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::passage::of_lines;

    fn shown(text: &str, query: &str) -> (String, u64) {
        let (segments, number) = snippet(&of_lines(text, 1, 99), &Query::parse(query));
        let mark =
            |segment: Segment| if segment.marked { format!("[{}]", segment.text) } else { segment.text };
        (segments.into_iter().map(mark).collect(), number)
    }

    #[test]
    fn what_was_found_is_marked() {
        assert_eq!(
            shown("Add due dates\n  to `todo_items`.", "todo due"),
            ("Add [due] dates to [todo]_items. ".to_owned(), 1)
        );
        let far = format!("{}\nthe needle <b>in</b> hay\n{}", "hay ".repeat(200), "more ".repeat(200));
        let (text, line) = shown(&far, "needle");
        assert!(
            text.starts_with("… hay")
                && text.contains("the [needle] <b>in</b> hay more")
                && text.ends_with('…'),
            "{text}"
        );
        assert_eq!(line, 2);
        assert_eq!(shown("nothing here", "else").0, "nothing here ");
        let plan = "- [ ] 2. **Search** the [list](https://x.test)\n  - _Requirements: 1.1_\n";
        assert_eq!(shown(plan, "search list").0, "2. [Search] the [list] Requirements: 1.1 ");
    }

    #[test]
    fn the_place_with_the_most_words_is_shown() {
        let text = format!("alpha {} alpha beta", "x ".repeat(300));
        assert!(
            shown(&text, "alpha beta").0.ends_with("[alpha] [beta] "),
            "{:?}",
            shown(&text, "alpha beta")
        );
    }
}
