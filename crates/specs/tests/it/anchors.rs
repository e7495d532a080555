//! Comments stay where they were made while real documents change around them.

#![expect(clippy::disallowed_methods, reason = "a test may read files; the crate may not")]

use crate::corpus::files;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use specs::anchor::{Lines, Place, Versions, excerpt, locate};

/// One edit of a document, by the share of its lines that are before it.
#[derive(Clone, Debug)]
enum Edit {
    Insert(usize, String),
    Remove(usize),
    Reword(usize),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let place = 0..10_000_usize;
    let edit = prop_oneof![
        (place.clone(), "[A-Za-z]{4,9}( [a-z]{2,9}){3,8}").prop_map(|(at, text)| Edit::Insert(at, text)),
        place.clone().prop_map(Edit::Remove),
        place.prop_map(Edit::Reword),
    ];
    prop::collection::vec(edit, 1..6)
}

/// The edited document, without touching what a comment is about, and the line on which that is then.
fn edited(text: &str, edits: &[Edit], commented: usize) -> (String, usize) {
    let mut lines: Vec<(usize, String)> =
        text.lines().enumerate().map(|(at, line)| (at + 1, line.to_owned())).collect();
    for edit in edits {
        let (Edit::Insert(at, _) | Edit::Remove(at) | Edit::Reword(at)) = edit;
        let at = at % lines.len();
        if lines[at].0 == commented {
            continue;
        }
        match edit {
            Edit::Insert(_, text) => lines.insert(at, (0, text.clone())),
            Edit::Remove(_) => {
                lines.remove(at);
            }
            Edit::Reword(_) => lines[at].1.push_str(" and so on"),
        }
    }
    let line = lines.iter().position(|(number, _)| *number == commented).expect("it is not touched") + 1;
    (lines.into_iter().map(|(_, text)| text + "\n").collect(), line)
}

/// The lines of a document that stand in it once and say something.
fn telling(text: &str) -> Vec<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let is_telling = |line: &str| {
        line.chars().filter(|letter| letter.is_alphanumeric()).count() > 20
            && lines.iter().filter(|other| **other == line).count() == 1
    };
    (1..=lines.len()).filter(|number| is_telling(lines[number - 1])).collect()
}

#[test]
fn comments_stay_on_untouched_lines_of_real_documents() {
    let mut runner = TestRunner::new(ProptestConfig { cases: 12, ..ProptestConfig::default() });
    for path in ["requirements.md", "design.md", "tasks.md"].into_iter().flat_map(files) {
        let text = String::from_utf8_lossy(&std::fs::read(&path).expect("readable")).into_owned();
        let telling = telling(&text);
        if telling.is_empty() {
            continue;
        }
        let world = (edits(), edits(), 0..telling.len());
        let outcome = runner.run(&world, |(first, second, at)| {
            let line = telling[at];
            let (once, then) = edited(&text, &first, line);
            let (twice, last) = edited(&once, &second, then);
            let versions = Versions::new([text.as_str(), &once, &twice]);
            let quote = text.lines().nth(line - 1).unwrap_or_default();
            let place = versions.follow(0, Lines { start: line, end: line }, quote);
            let Place::Kept(there) = place else { return Err(TestCaseError::fail(format!("{place:?}"))) };
            prop_assert_eq!(there, Lines { start: last, end: last });
            prop_assert_eq!(excerpt(&twice, there), excerpt(&text, Lines { start: line, end: line }));
            Ok(())
        });
        outcome.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

#[test]
fn what_is_copied_from_a_real_document_is_found_in_it() {
    for path in ["requirements.md", "design.md", "tasks.md"].into_iter().flat_map(files) {
        let text = String::from_utf8_lossy(&std::fs::read(&path).expect("readable")).into_owned();
        for number in telling(&text).into_iter().step_by(7) {
            let line = text.lines().nth(number - 1).unwrap_or_default();
            let quote = line.replace(['*', '`', '#', '_'], "");
            let at = Lines { start: number, end: number };
            assert_eq!(locate(&text, &quote, Some(at)), Some(at), "{}: {quote}", path.display());
        }
    }
}

proptest! {
    #[test]
    fn any_texts_are_followed_without_harm(
        texts in prop::collection::vec("([a-c#\\-\\[\\] 1.]{0,12}\n){0,12}", 1..4),
        start in 0..15_usize,
        more in 0..4_usize,
        quote in "[a-c# \n]{0,8}",
    ) {
        let versions = Versions::new(texts.iter().map(String::as_str));
        let last = texts.last().map_or(0, |text| text.lines().count());
        match versions.follow(0, Lines { start, end: start + more }, &quote) {
            Place::Kept(lines) | Place::Changed(lines) if texts.len() > 1 && texts.iter().any(|text| *text != texts[0]) => {
                prop_assert!(lines.start <= lines.end && lines.end <= last.max(start + more), "{lines:?}");
            }
            Place::Kept(_) | Place::Changed(_) | Place::Outdated => {}
        }
    }
}
