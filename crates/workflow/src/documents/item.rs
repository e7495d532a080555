//! The lexer of checklist items: finds every box of a Markdown text with its exact place.
//!
//! It works on lines, not on a Markdown tree: parsers miss optional boxes (`- [ ]*`) and what follows a badly nested
//! fence, and an edit needs the one byte span of the marker.

use super::checklist::{Marker, Signs};
use super::surroundings::{Place, Surroundings};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::LazyLock;

/// A checklist item as it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RawItem {
    /// From 1.
    pub(super) line: usize,
    /// The width of what is before the bullet.
    pub(super) indent: usize,
    pub(super) marker: Marker,
    /// The signs of the text it is in.
    pub(super) signs: Signs,
    /// Where the marker is, without its brackets.
    pub(super) marker_span: Range<usize>,
    pub(super) optional: bool,
    pub(super) number: Option<String>,
    /// The text without number, flags and decoration.
    pub(super) title: String,
    pub(super) parallel: bool,
    /// References in `(depends on …)`, as written.
    pub(super) depends: Option<String>,
    /// Whether Markdown would take it for code.
    pub(super) in_fence: bool,
}

/// A line of text with its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'t> {
    /// From 1.
    pub(super) number: usize,
    pub(super) start: usize,
    /// Without the line's end.
    pub(super) text: &'t str,
}

static BOX: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^([\s\u{a0}\u{feff}>]*)(?:[-*+•]|\d+[.)])[\s\u{a0}]+\[([ xX~\-\u{a0}])\](\\?\*)?(?:[\s\u{a0}]+(.*))?$",
    )
});
static NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:\*\*|__)?(?:[Tt]ask\s+)?(T\d+(?:\.\d+)*[a-z]?(?:-(?:T?\d+(?:\.\d+)*))?|\d+(?:\.\d+)*(?:-\d+)?|([A-Z][A-Z0-9]*)-(?:[A-Z0-9]+-)*\d+(?:\.\d+)*(?:-\d+)?)",
    )
});
static FLAG: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:\((?i:p)\)|\[(?i:p)\]|\[US\d+\]|\[[A-Z]{2,}\d*\])\s*"));
static DEPENDS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\s*\((?:depends on|after|needs)\s+([^)]*)\)"));

/// A pattern of this crate's own, which is right.
pub(crate) fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a constant pattern is tested")
}

/// The lines of a text, each without its end.
pub(super) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').enumerate().map(move |(at, whole)| {
        let line = Line { number: at + 1, start, text: whole.trim_end_matches('\n').trim_end_matches('\r') };
        start += whole.len();
        line
    })
}

/// Every checklist item of a text, in its order.
///
/// What Markdown takes for code is an item when it has a number: a loud finding is better than a silent loss.
pub(super) fn items(text: &str) -> Vec<RawItem> {
    let mut surroundings = Surroundings::new(text);
    let mut found = Vec::new();
    for line in lines(text) {
        let place = surroundings.place(line);
        if place == Place::Comment {
            continue;
        }
        let in_fence = place == Place::Code;
        if let Some(item) = item(line, in_fence).filter(|item| !in_fence || item.number.is_some()) {
            found.push(item);
        }
    }
    settle(&mut found);
    let sign = |item: &RawItem| &text[item.marker_span.clone()];
    let signs = Signs::of(text, found.iter().map(sign));
    for item in &mut found {
        item.signs = signs;
        if signs.waits(sign(item)) {
            item.marker = Marker::Pending;
        }
    }
    found
}

/// Takes `AUTH-1 Title` for a number where several items begin that way, and leaves `UTF-8 text` alone.
fn settle(items: &mut [RawItem]) {
    let mut series: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for item in &*items {
        if let Some(read) = read_number(&item.title).filter(|_| item.number.is_none())
            && let Some(prefix) = read.prefix
        {
            series.entry(prefix.to_owned()).or_default().insert(read.number.to_owned());
        }
    }
    for item in items {
        let Some(read) = read_number(&item.title).filter(|_| item.number.is_none()) else { continue };
        if read.prefix.and_then(|prefix| series.get(prefix)).is_some_and(|numbers| numbers.len() > 1) {
            let (number, title) = (read.number.to_owned(), plain(read.rest));
            (item.number, item.title) = (Some(number), title);
        }
    }
}

/// A number at the start of a text.
struct Read<'t> {
    number: &'t str,
    /// The letters of `AUTH-1`.
    prefix: Option<&'t str>,
    /// Whether something tells it from the words after it.
    is_apart: bool,
    rest: &'t str,
}

fn read_number(text: &str) -> Option<Read<'_>> {
    let found = NUMBER.captures(text)?;
    let number = found.get(1)?.as_str();
    let prefix = found.get(2).map(|prefix| prefix.as_str());
    let after = &text[found.get(0)?.end()..];
    let rest = after.strip_prefix(['.', ')', ':', '：', '、', '．']);
    // `1.5x` and `2-factor` are words.
    if rest.is_none() && !after.is_empty() && !after.starts_with([' ', '\t', '\u{a0}', '*', '_'])
        || rest.is_some_and(|rest| after.starts_with('.') && rest.starts_with(|c: char| c.is_ascii_digit()))
    {
        return None;
    }
    let is_bold = after.starts_with("**") || after.starts_with("__");
    let is_apart = rest.is_some() || is_bold || prefix.is_none_or(|prefix| prefix == "TASK");
    let is_range = prefix.is_none() && !number.starts_with('T') && number.contains('-');
    let rest = rest.unwrap_or(after).trim_start();
    let rest = rest.strip_prefix("**").filter(|_| text.starts_with("**")).unwrap_or(rest);
    let rest = rest.strip_prefix([':', '：', '.', '-', '–', '—']).filter(|_| is_bold).unwrap_or(rest);
    let is_words = is_range && !after.starts_with(['.', ')', ':', '：']);
    (!is_words).then_some(Read { number, prefix, is_apart, rest: rest.trim_start() })
}

/// Reads a line as an item.
fn item(line: Line<'_>, in_fence: bool) -> Option<RawItem> {
    let found = BOX.captures(line.text)?;
    let marker = found.get(2)?;
    let mut rest = found.get(4).map_or("", |rest| rest.as_str()).trim();
    let mut number = None;
    let mut parallel = false;
    // Flags stand before or after the number.
    loop {
        if let Some(flag) = FLAG.find(rest) {
            parallel |= flag.as_str().to_ascii_lowercase().contains(['p']) && flag.as_str().trim().len() == 3;
            rest = &rest[flag.end()..];
            continue;
        }
        match read_number(rest).filter(|read| read.is_apart && number.is_none()) {
            Some(read) => {
                number = Some(read.number.to_owned());
                rest = read.rest;
            }
            None => break,
        }
    }
    let depends = DEPENDS.captures(rest).and_then(|found| found.get(1)).map(|ids| ids.as_str().to_owned());
    let without = DEPENDS.replace(rest, "");
    let (title, trailing) = match without.trim_end().strip_suffix("(P)") {
        Some(title) => (title.trim_end(), true),
        None => (without.trim_end(), false),
    };
    let indent = found.get(1).map_or(0, |before| {
        before.as_str().chars().filter(|c| *c != '\u{feff}').map(|c| if c == '\t' { 4 } else { 1 }).sum()
    });
    Some(RawItem {
        line: line.number,
        indent,
        marker: Marker::of(marker.as_str()),
        signs: Signs::Tilde,
        marker_span: line.start + marker.start()..line.start + marker.end(),
        optional: found.get(3).is_some(),
        number,
        title: plain(title),
        parallel: parallel || trailing,
        depends,
        in_fence,
    })
}

/// A title without the decoration around the whole of it.
fn plain(title: &str) -> String {
    let mut title = title.trim();
    for sign in ["**", "__", "*"] {
        if let Some(inner) = title.strip_prefix(sign).and_then(|inner| inner.strip_suffix(sign))
            && !inner.contains(sign)
            && !inner.is_empty()
        {
            title = inner;
        }
    }
    // A bold number leaves the closing half of its decoration.
    if title.matches("**").count() % 2 == 1
        && let Some((before, after)) = title.split_once("**")
    {
        return format!("{}{after}", before.trim_end()).trim().to_owned();
    }
    title.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> RawItem {
        items(text).pop().unwrap_or_else(|| panic!("no item in {text:?}"))
    }

    #[test]
    fn every_dialect_s_item_is_read() {
        for (text, number, title, parallel) in [
            ("- [ ] 1. Title", Some("1"), "Title", false),
            ("  - [x] 1.1 Title of it", Some("1.1"), "Title of it", false),
            ("- [ ] 2. (P) Title", Some("2"), "Title", true),
            ("- [ ] T012 [P] [US1] Create src/x.rs", Some("T012"), "Create src/x.rs", true),
            ("- [ ]* 1.4 Optional", Some("1.4"), "Optional", false),
            ("- [ ]\\* 1.4 Optional", Some("1.4"), "Optional", false),
            ("* [~] **3. Bold**", Some("3"), "Bold", false),
            ("- [ ] no number", None, "no number", false),
            ("- [ ] 4. Trailing (P)", Some("4"), "Trailing", true),
            ("\u{feff}- [-] 1. With a mark of its order", Some("1"), "With a mark of its order", false),
            ("- [ ] T0.1.2: Dotted", Some("T0.1.2"), "Dotted", false),
            ("- [ ] T1.1-T1.4: Several", Some("T1.1-T1.4"), "Several", false),
            ("- [x] **CORE-1: Health** ✅ DONE", Some("CORE-1"), "Health ✅ DONE", false),
            ("- [ ] **3.** Title", Some("3"), "Title", false),
            ("- [ ] **4**: Title", Some("4"), "Title", false),
            ("- [ ] TASK-7 Title", Some("TASK-7"), "Title", false),
            ("- [ ] UTF-8 text", None, "UTF-8 text", false),
            ("- [ ] 2-factor sign-in", None, "2-factor sign-in", false),
            ("- [ ] 1.5x the speed", None, "1.5x the speed", false),
            ("- [ ] 1-2 days of soak", None, "1-2 days of soak", false),
            ("- [ ] 1-2. The second 1", Some("1-2"), "The second 1", false),
            ("-\u{a0}[ ]\u{a0}1. Hard spaces", Some("1"), "Hard spaces", false),
        ] {
            let item = one(text);
            assert_eq!(
                (item.number.as_deref(), item.title.as_str(), item.parallel),
                (number, title, parallel),
                "{text}"
            );
        }
        assert!(one("- [ ]* 1.4 x").optional && one("- [ ]\\* 1.4 x").optional);
        assert_eq!(one("- [ ] T013 Do it (depends on T012)").depends.as_deref(), Some("T012"));
    }

    #[test]
    fn a_series_makes_a_number_of_what_stands_alone_as_a_word() {
        let found = items("- [ ] AUTH-1 Sign in\n- [ ] AUTH-2 Sign out\n- [ ] UTF-8 text\n");
        let read: Vec<(Option<&str>, &str)> =
            found.iter().map(|item| (item.number.as_deref(), item.title.as_str())).collect();
        assert_eq!(read, [(Some("AUTH-1"), "Sign in"), (Some("AUTH-2"), "Sign out"), (None, "UTF-8 text")]);
    }

    #[test]
    fn fences_hide_only_what_has_no_number() {
        let text = "- [ ] 1. a\n```\n- [ ] example\n- [ ] 2. b\n```\n<!--\n- [ ] 3. c\n-->\n- [ ] 4. d\n";
        let found: Vec<(Option<String>, bool)> =
            items(text).into_iter().map(|item| (item.number, item.in_fence)).collect();
        assert_eq!(found, [(Some("1".into()), false), (Some("2".into()), true), (Some("4".into()), false)]);
    }
}
