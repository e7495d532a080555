//! The lexer of checklist items: finds every box of a Markdown text with its exact place.
//!
//! It works on lines, not on a Markdown tree: parsers miss optional boxes (`- [ ]*`) and what follows a badly nested
//! fence, and an edit needs the one byte span of the marker.

use super::checklist::Marker;
use regex::Regex;
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
        r"^(?:\*\*)?(?:[Tt]ask\s+)?(\d+(?:\.\d+)*|T\d+[a-z]?|[A-Z]{1,4}-\d+)(?:[.):：]|\b)\s*(?:\*\*)?\s*(.*)$",
    )
});
static FLAG: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:\((?i:p)\)|\[(?i:p)\]|\[US\d+\]|\[[A-Z]{2,}\d*\])\s*"));
static DEPENDS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)\s*\((?:depends on|after|needs)\s+([^)]*)\)"));

/// A pattern of this crate's own, which is right.
pub(super) fn pattern(text: &str) -> Regex {
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

/// Follows fences and comments from line to line.
#[derive(Default)]
pub(super) struct Surroundings {
    fence: Option<(char, usize)>,
    in_comment: bool,
}

impl Surroundings {
    /// Whether the line is inside a fence or opens or closes one.
    pub(super) fn enter(&mut self, line: &str) -> bool {
        let text = line.trim_start_matches([' ', '\t', '>']);
        let sign = text.chars().next().filter(|sign| matches!(sign, '`' | '~'));
        let long = sign.map_or(0, |sign| text.chars().take_while(|c| *c == sign).count());
        match (self.fence, sign) {
            (None, Some(sign)) if long >= 3 => {
                self.fence = Some((sign, long));
                return true;
            }
            (Some((open, wide)), Some(sign))
                if sign == open && long >= wide && text[long..].trim().is_empty() =>
            {
                self.fence = None;
                return true;
            }
            _ => {}
        }
        self.fence.is_some()
    }

    /// Whether the line is inside an HTML comment.
    pub(super) fn commented(&mut self, line: &str) -> bool {
        let was = self.in_comment;
        let opened = line.rfind("<!--");
        let closed = line.rfind("-->");
        self.in_comment = match (opened, closed) {
            (Some(open), Some(close)) => open > close,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => was,
        };
        was && closed.is_none()
    }
}

/// Every checklist item of a text, in its order.
///
/// What Markdown takes for code is an item when it has a number: a loud finding is better than a silent loss.
pub(super) fn items(text: &str) -> Vec<RawItem> {
    let mut surroundings = Surroundings::default();
    let mut found = Vec::new();
    for line in lines(text) {
        let in_fence = surroundings.enter(line.text);
        if surroundings.commented(line.text) {
            continue;
        }
        if let Some(item) = item(line, in_fence).filter(|item| !in_fence || item.number.is_some()) {
            found.push(item);
        }
    }
    found
}

/// Reads a line as an item.
pub(super) fn item(line: Line<'_>, in_fence: bool) -> Option<RawItem> {
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
        match NUMBER.captures(rest) {
            Some(numbered) if number.is_none() => {
                number = numbered.get(1).map(|number| number.as_str().to_owned());
                rest = numbered.get(2).map_or("", |rest| rest.as_str());
            }
            _ => break,
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
    let title = title.strip_suffix("**").filter(|rest| rest.matches("**").count() % 2 == 0).unwrap_or(title);
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
    fn fences_hide_only_what_has_no_number() {
        let text = "- [ ] 1. a\n```\n- [ ] example\n- [ ] 2. b\n```\n<!--\n- [ ] 3. c\n-->\n- [ ] 4. d\n";
        let found: Vec<(Option<String>, bool)> =
            items(text).into_iter().map(|item| (item.number, item.in_fence)).collect();
        assert_eq!(found, [(Some("1".into()), false), (Some("2".into()), true), (Some("4".into()), false)]);
    }
}
