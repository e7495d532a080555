//! The lexer of checklist items: finds every box of a Markdown text with its exact place.
//!
//! It works on lines, not on a Markdown tree: parsers miss optional boxes (`- [ ]*`) and what follows a badly nested
//! fence, and an edit needs the one byte span of the marker. What looks like a box and is no item is a finding.

use super::boxes;
use super::context::{MarkdownContext, Place};
use super::fold::{Folded, fold};
use super::ids;
use super::labels;
use super::marker::{Marker, Signs};
use super::number::{NUMERALS, TaskNumber, follows, read_number};
use super::pattern::pattern;
use crate::finding::{Document, Finding, Severity};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::LazyLock;

/// A checklist item as it is written.
#[expect(clippy::struct_excessive_bools, reason = "each is a mark of its own that an item may carry")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawItem {
    /// From 1.
    pub(crate) line: usize,
    /// The width of what is before the bullet.
    pub(crate) indent: usize,
    pub(crate) marker: Marker,
    /// The signs that the text uses for markers.
    pub(crate) signs: Signs,
    /// Where the marker is, without its brackets.
    pub(crate) marker_span: Range<usize>,
    pub(crate) optional: bool,
    pub(crate) number: Option<String>,
    /// The text without number, flags and decoration.
    pub(crate) title: String,
    pub(crate) parallel: bool,
    /// Texts in parentheses that name other tasks, as written: `depends on T012`.
    pub(crate) depends: Vec<String>,
    /// The user stories that its flags name: `US1`.
    pub(crate) stories: Vec<String>,
    /// Whether all of its text is struck through.
    pub(crate) is_struck: bool,
    /// Whether the start of its text is struck through, and something stands behind that.
    is_partly_struck: bool,
    /// Whether Markdown would take it for code.
    pub(crate) in_fence: bool,
    /// Whether nothing but the same fence stands around it: no number, and no sign of a badly nested fence.
    is_sample: bool,
    /// The level of the heading that the box stands in.
    pub(crate) heading: Option<usize>,
    /// The number of the ordered list that it is an item of.
    ordinal: Option<String>,
    /// Whether its sign is a box only beside other boxes: `✅ Title`, `[WIP] Title`.
    is_doubtful: bool,
}

/// The items of a text, and the boxes in it that are none.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Lexed {
    pub(crate) items: Vec<RawItem>,
    pub(crate) findings: Vec<Finding>,
}

/// A line of text with its place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line<'t> {
    /// From 1.
    pub(crate) number: usize,
    pub(crate) start: usize,
    /// Without the line's end.
    pub(crate) text: &'t str,
}

/// How many boxes further on in a line are looked at.
const MAX_LATER_BOXES: usize = 32;
/// How many lines a doubtful sign may stand away from a box.
const MAX_GAP: usize = 2;
/// How many texts in parentheses of one title are looked at.
const MAX_ASIDES: usize = 8;

// All patterns read folded text.
static FLAG: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:\((?i:p)\)|\[(?i:p)\]|\[US\d+\]|\[[A-Z]{2,}\d*\])\s*"));
static ASIDE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\s*\(([^()]{2,200})\)|\s*\[([^\[\]()]{2,200})\]|\s*\{([^{}]{2,200})\}"));
static COMMENT: LazyLock<Regex> = LazyLock::new(|| pattern(r"\s*<!--.*?-->"));
static LATER_BOX: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i:<input[^<>]*checkbox[^<>]*>)|\[[ xX~/\-]?\]|[☐☑☒⬜🔲]|^[\s>]*[-*+]\s+(?:✅|❌|🔄|⏳|🚧)")
});

/// Returns the lines of a text, each without its end.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').enumerate().map(move |(at, whole)| {
        let line = Line { number: at + 1, start, text: whole.trim_end_matches('\n').trim_end_matches('\r') };
        start += whole.len();
        line
    })
}

/// Returns every checklist item of a text, in its order.
pub(crate) fn items(text: &str) -> Vec<RawItem> {
    read(text).items
}

/// Reads every box of a text.
///
/// What Markdown takes for code is an item when its number continues that of the item before it, or when the fence around it is
/// badly nested: a loud finding is better than a silent loss.
pub(crate) fn read(text: &str) -> Lexed {
    let mut context = MarkdownContext::new(text);
    let mut lexed = Lexed::default();
    for line in lines(text) {
        let place = context.place(line);
        let in_fence = place == Place::Code;
        if !may_have_box(line.text) {
            continue;
        }
        match item(line, in_fence) {
            Some(_) if place == Place::Comment => lexed.findings.push(not_read(
                line.number,
                "box-in-comment",
                Severity::Info,
                "This checkbox in an HTML comment is not read as a task.",
                "Move it out of the comment if it is to be done.",
            )),
            Some(_) if place == Place::FrontMatter => lexed.findings.push(not_read(
                line.number,
                "box-in-front-matter",
                Severity::Info,
                "This checkbox in the front matter is not read as a task.",
                "Move it below the front matter if it is to be done.",
            )),
            Some(mut item) => {
                item.is_sample = in_fence && !context.is_between_fences();
                let has_other = has_later_box(&item.title) || boxes::has_several_html_boxes(line.text);
                if place == Place::Text && !item.is_doubtful && has_other {
                    lexed.findings.push(not_read_in_line(line.number));
                }
                lexed.items.push(item);
            }
            None if place == Place::Text && has_later_box(line.text) => {
                lexed.findings.push(not_read_in_line(line.number));
            }
            None => {}
        }
    }
    leave_out_words(text, &mut lexed);
    settle(&mut lexed.items);
    let outside: BTreeSet<String> =
        lexed.items.iter().filter(|item| !item.in_fence).filter_map(|item| item.number.clone()).collect();
    let mut last: Option<String> = None;
    let (kept, samples): (Vec<RawItem>, Vec<RawItem>) = lexed.items.into_iter().partition(|item| {
        let follows = |number: &String| !outside.contains(number) && follows(last.as_deref(), number);
        let is_kept = !item.is_sample || item.number.as_ref().is_some_and(follows);
        if is_kept && item.number.is_some() {
            last.clone_from(&item.number);
        }
        is_kept
    });
    lexed.items = kept;
    lexed.findings.extend(samples.iter().map(|item| {
        not_read(
            item.line,
            "box-in-code",
            Severity::Warning,
            "This checkbox in a code fence is not read as a task.",
            "Move it out of the code fence if it is to be done.",
        )
    }));
    let sign = |item: &RawItem| fold(&text[item.marker_span.clone()]);
    let bracketed: Vec<String> =
        lexed.items.iter().filter(|item| item.signs.is_bracketed()).map(sign).collect();
    let signs = Signs::of(text, bracketed.iter().map(String::as_str));
    for item in &mut lexed.items {
        if item.signs.is_bracketed() {
            item.signs = signs;
            if signs.waits(&sign(item)) {
                item.marker = Marker::Pending;
            }
        }
        if item.is_partly_struck && item.marker != Marker::Completed {
            lexed.findings.push(not_read(
                item.line,
                "struck-in-part",
                Severity::Warning,
                "A part of this task is struck through; the task is carried out with all of its text.",
                "Strike all of the text through if it is not to be done, or remove what is struck through.",
            ));
        }
        let has_sign = item.signs.is_bracketed() || item.signs == Signs::Glyph;
        if has_sign && item.marker == Marker::Pending && !Marker::is_known(&sign(item)) {
            lexed.findings.push(not_read(
                item.line,
                "unknown-marker",
                Severity::Warning,
                &format!("The marker `[{}]` has no known meaning; the task counts as open.", sign(item)),
                "Use `[ ]`, `[~]` or `[x]`.",
            ));
        }
    }
    lexed
}

/// Leaves out signs and words that are no boxes where they stand: keywords of Org mode in another kind of document, and
/// doubtful signs that stand beside no box.
fn leave_out_words(text: &str, lexed: &mut Lexed) {
    let is_keyword = |item: &RawItem| item.signs == Signs::Keyword;
    let is_org = lexed.items.first().is_some_and(is_keyword)
        && lexed.items.iter().filter(|item| is_keyword(item)).count() > 1;
    lexed.items.retain(|item| is_org || !is_keyword(item));
    let mut is_kept: Vec<bool> = lexed.items.iter().map(|item| !item.is_doubtful).collect();
    // `■` without a bullet begins headings, too.
    let is_bare = |item: &RawItem| {
        let before = text[..item.marker_span.start].rsplit('\n').next().unwrap_or_default();
        item.signs == Signs::Glyph && before.trim().is_empty()
    };
    let is_beside = |one: &RawItem, other: &RawItem| {
        one.indent == other.indent
            && one.line.abs_diff(other.line) <= MAX_GAP
            && is_bare(one) == is_bare(other)
    };
    let places: Vec<usize> = (1..lexed.items.len()).collect();
    for at in &places {
        is_kept[*at] |= is_kept[at - 1] && is_beside(&lexed.items[*at], &lexed.items[at - 1]);
    }
    for at in places.iter().rev() {
        is_kept[at - 1] |= is_kept[*at] && is_beside(&lexed.items[*at], &lexed.items[at - 1]);
    }
    let mut kept = is_kept.into_iter();
    let findings = &mut lexed.findings;
    lexed.items.retain(|item| {
        let is_kept = kept.next().unwrap_or(true);
        let line = || text[..item.marker_span.start].rsplit('\n').next().unwrap_or_default();
        if !is_kept && !item.in_fence && item.signs == Signs::Glyph && line().contains(['-', '*', '+']) {
            findings.push(not_read_in_line(item.line));
        }
        is_kept
    });
}

fn not_read_in_line(line: usize) -> Finding {
    not_read(
        line,
        "box-not-read",
        Severity::Warning,
        "This checkbox is not read as a task, because it does not begin the line.",
        "Write it as `- [ ] 1. Title` if it is a task.",
    )
}

fn not_read(line: usize, rule: &'static str, severity: Severity, message: &str, advice: &str) -> Finding {
    Finding {
        document: Document::Tasks,
        line,
        rule,
        severity,
        message: message.to_owned(),
        suggestion: Some(advice.to_owned()),
    }
}

/// A quick look that leaves most lines out.
fn may_have_box(line: &str) -> bool {
    line.bytes().any(|byte| matches!(byte, b'[' | b'(' | b'<'))
        || !line.is_ascii()
        || boxes::has_keyword(line)
}

/// Returns whether a box stands further on in a line: not in code, and not as part of a link.
fn has_later_box(line: &str) -> bool {
    let folded = Folded::new(line);
    let text = folded.text();
    LATER_BOX.find_iter(text).take(MAX_LATER_BOXES).any(|found| {
        let (before, after) = (&text[..found.start()], &text[found.end()..]);
        let is_in_code = before.matches('`').count() % 2 == 1;
        let is_reference = after.starts_with(['(', '[', ':', ']']);
        let is_index = before.ends_with(|c: char| c.is_alphanumeric() || "]!_\"'=\\&(".contains(c));
        // `_Depends: []_` names nothing.
        let is_empty_list = found.as_str() == "[]" && before.trim_end().ends_with(':');
        !is_in_code && !is_reference && !is_index && !is_empty_list
    })
}

/// Gives a number to what only a series of items tells from words: `AUTH-1 Title`, `Etapa 3: Title`, `3 Title` and the
/// numbers of an ordered list.
fn settle(items: &mut [RawItem]) {
    let mut series: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut reads: Vec<Option<TaskNumber>> = items
        .iter()
        .map(|item| item.number.is_none().then(|| read_number(Folded::new(&item.title).text())).flatten())
        .collect();
    let is_numeral = |read: &Option<TaskNumber>| read.as_ref().is_some_and(|read| read.series == NUMERALS);
    let numerals = items.iter().zip(&reads).filter(|(_, read)| is_numeral(read));
    let outermost = numerals.map(|(item, _)| item.indent).min();
    // Numerals further in count the parts of a task, from one again.
    for (item, read) in items.iter().zip(&mut reads) {
        if is_numeral(read) && Some(item.indent) > outermost {
            *read = None;
        }
    }
    for read in reads.iter().flatten() {
        series.entry(read.series.clone()).or_default().insert(read.number.clone());
    }
    let taken: BTreeSet<String> = items.iter().filter_map(|item| item.number.clone()).collect();
    series.retain(|name, numbers| {
        let follow = |one: &String| {
            one.parse::<u32>().is_ok_and(|one| numbers.contains(&one.saturating_add(1).to_string()))
        };
        let is_taken = |one: &String| taken.contains(one);
        numbers.len() > 1
            && (!matches!(name.as_str(), "" | NUMERALS) || numbers.iter().any(follow))
            && !(name == NUMERALS && numbers.iter().any(is_taken))
    });
    for (item, read) in items.iter_mut().zip(reads) {
        let Some(read) = read.filter(|read| series.contains_key(&read.series)) else { continue };
        let title = plain(Folded::new(&item.title).original_from(read.rest));
        item.number = Some(read.number);
        item.title = title;
    }
    // The numbers of an ordered list count when they go up and nothing else has a number, but for parts: `1.1` further in.
    let is_ordered = |item: &&RawItem| item.indent == 0 && item.ordinal.is_some();
    let ordinals: Vec<u32> =
        items.iter().filter(is_ordered).filter_map(|item| item.ordinal.as_ref()?.parse().ok()).collect();
    let goes_up = ordinals.len() > 1 && ordinals.windows(2).all(|pair| pair[0] < pair[1]);
    let is_part = |item: &RawItem, number: &str| {
        let whole = number.split_once('.').and_then(|(whole, _)| whole.parse().ok());
        item.indent > 0 && whole.is_some_and(|whole: u32| ordinals.contains(&whole))
    };
    if goes_up && items.iter().all(|item| item.number.as_ref().is_none_or(|number| is_part(item, number))) {
        for item in items.iter_mut().filter(|item| item.indent == 0) {
            item.number = item.ordinal.clone();
        }
    }
}

/// Reads a line as an item.
fn item(line: Line<'_>, in_fence: bool) -> Option<RawItem> {
    let folded = Folded::new(line.text);
    let opening = boxes::read(&folded)?;
    let mut at = opening.content.start;
    let mut number = opening.number.clone();
    let mut parallel = false;
    let mut stories = Vec::new();
    let whole = &folded.text()[at..opening.content.end];
    if is_deleted(whole) {
        at += whole.find('>').map_or(0, |end| end + 1);
    }
    // Flags stand before or after the number.
    loop {
        let rest = &folded.text()[at..opening.content.end];
        if let Some(flag) = FLAG.find(rest) {
            parallel |= flag.as_str().to_ascii_lowercase().contains('p') && flag.as_str().trim().len() == 3;
            let name = flag.as_str().trim().trim_matches(['[', ']']);
            stories.extend(name.starts_with("US").then(|| name.to_owned()).filter(|name| name.len() > 2));
            at += flag.end();
            continue;
        }
        match read_number(rest).filter(|read| read.is_apart && number.is_none()) {
            Some(read) => {
                number = Some(read.number);
                at += read.rest;
            }
            None => break,
        }
    }
    if opening.is_worded && number.is_none() && opening.heading.is_some() {
        return None;
    }
    let texts = [whole, &folded.text()[at..opening.content.end]];
    let is_struck = opening.is_cancelled || is_deleted(whole) || texts.iter().any(|text| is_struck(text));
    let is_partly_struck = !is_struck && texts.iter().any(|text| text.trim_start().starts_with("~~"));
    let written = &line.text[folded.offset(at)..folded.offset(opening.content.end)];
    let mut title = COMMENT.replace_all(written, "").trim_end().to_owned();
    if opening.signs == Signs::Html || is_deleted(whole) {
        title = boxes::without_tags(&title);
    }
    let mut depends = Vec::new();
    let folded_title = Folded::new(&title);
    let asides: Vec<(Range<usize>, String)> = ASIDE
        .captures_iter(folded_title.text())
        .take(MAX_ASIDES)
        .filter_map(|aside| {
            let inner = aside.iter().skip(1).flatten().next()?.as_str();
            let whole = aside.get(0).map_or(0..0, |whole| whole.range());
            let range = folded_title.offset(whole.start)..folded_title.offset(whole.end);
            let is_told = labels::tells_dependency(inner) || !ids::cited_in(inner).is_empty();
            is_told.then(|| (range, inner.to_owned()))
        })
        .collect();
    for (range, told) in asides.into_iter().rev() {
        title.replace_range(range, "");
        let cited = ids::cited_in(&told);
        if cited.is_empty() {
            depends.insert(0, told);
        }
        stories.extend(cited);
    }
    // `Task 1 (AC: 1, 2)` has no other title.
    if number.is_none() {
        let bare = title.trim().to_owned();
        let named = bare.rsplit_once(' ').filter(|(word, _)| labels::is_task_word(word));
        number = named
            .map(|(_, number)| number.to_owned())
            .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
    }
    for flag in ["(P)", "（P）", "[P]"] {
        if let Some(rest) = title.trim_end().strip_suffix(flag) {
            title = rest.trim_end().to_owned();
            parallel = true;
        }
    }
    let span = &opening.marker;
    let span = line.start + folded.offset(span.start)..line.start + folded.offset(span.end);
    let indent: usize = folded.text()[..opening.lead]
        .chars()
        .zip(line.text.chars())
        .map(|(c, original)| match (c, original) {
            (_, '\u{feff}' | '\u{200e}' | '\u{200f}') => 0,
            ('\t', _) => 4,
            _ => 1,
        })
        .sum();
    let is_doubtful = opening.is_worded && number.is_none();
    Some(RawItem {
        line: line.number,
        indent: indent + opening.depth * 2,
        marker: opening.state,
        signs: opening.signs,
        marker_span: span,
        optional: opening.optional,
        number,
        title: plain(&title),
        parallel,
        depends,
        stories,
        is_struck,
        is_partly_struck,
        in_fence,
        is_sample: in_fence,
        is_doubtful,
        heading: opening.heading,
        ordinal: opening.ordinal,
    })
}

/// Returns whether a text begins with a tag of HTML for what is struck through, and ends with its end.
fn is_deleted(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    ["del", "s", "strike"]
        .iter()
        .any(|tag| text.starts_with(&format!("<{tag}>")) && text.ends_with(&format!("</{tag}>")))
}

/// Returns whether all of a text is struck through.
fn is_struck(text: &str) -> bool {
    let text = text.trim_matches(|c: char| c.is_whitespace() || "*_.".contains(c));
    let inner = text.strip_prefix("~~").and_then(|inner| inner.strip_suffix("~~"));
    inner.is_some_and(|inner| !inner.is_empty() && !inner.contains("~~"))
}

/// Returns a title without the decoration around the whole of it.
fn plain(title: &str) -> String {
    let is_direction =
        |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut title = title.trim_matches(|c: char| c.is_whitespace() || is_direction(c));
    for sign in ["**", "__", "~~", "*"] {
        if let Some(inner) = title.strip_prefix(sign).and_then(|inner| inner.strip_suffix(sign))
            && !inner.contains(sign)
            && !inner.is_empty()
        {
            title = inner;
        }
    }
    let mut title = title.to_owned();
    // A decorated number leaves the closing half of its decoration.
    for sign in ["**", "~~", "__"] {
        if title.matches(sign).count() % 2 == 1
            && let Some((before, after)) = title.split_once(sign)
        {
            let joined = format!("{}{after}", before.trim_end());
            joined.trim().clone_into(&mut title);
        }
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
            ("#### - [ ] 0.1 In a heading", Some("0.1"), "In a heading", false),
            ("- [ ] `16.` Number in code", Some("16"), "Number in code", false),
            ("- [ ] 17. Do it <!-- soon --> now <!-- or later -->", Some("17"), "Do it now", false),
            ("- [ ] 18. `code` first", Some("18"), "`code` first", false),
        ] {
            let item = one(text);
            assert_eq!(
                (item.number.as_deref(), item.title.as_str(), item.parallel),
                (number, title, parallel),
                "{text}"
            );
        }
        assert!(one("- [ ]* 1.4 x").optional && one("- [ ]\\* 1.4 x").optional);
        assert_eq!(one("- [ ] T013 Do it (depends on T012)").depends, ["depends on T012"]);
    }

    #[test]
    fn citations_in_brackets_are_read() {
        for (text, cited, number, title) in [
            ("- [ ] Task 1 (AC: 1, 2)", &["AC1", "AC2"][..], Some("1"), "Task 1"),
            ("- [ ] Task 2: Parser (AC: #1-#3)", &["AC1", "AC2", "AC3"], Some("2"), "Parser"),
            ("- [ ] 3. Test it (ACs: all)", &["All"], Some("3"), "Test it"),
            ("- [ ] 4. Wire [Requirements: 1.1, 2]", &["1.1", "2"], Some("4"), "Wire"),
            ("- [ ] 5. Wire (AC/DC: 12 V)", &[], Some("5"), "Wire (AC/DC: 12 V)"),
        ] {
            let item = one(text);
            assert_eq!((item.number.as_deref(), item.title.as_str()), (number, title), "{text}");
            assert_eq!(item.stories, cited, "{text}");
        }
    }

    #[test]
    fn an_empty_list_is_no_box() {
        for (text, expected) in [
            ("- [ ] 1. a\n  - _Depends: []_\n", &[][..]),
            ("- [ ] 1. a\n  - Note: [ ] b\n", &["box-not-read"]),
            ("- [ ] 1. a\n- See <input type=\"checkbox\" checked> 2. b\n", &["box-not-read"]),
            ("- [ ] 1. Use `<input type=\"checkbox\">`\n  - As `<input type=\"checkbox\">` has it\n", &[]),
        ] {
            let found: Vec<&str> = read(text).findings.iter().map(|one| one.rule).collect();
            assert_eq!(found, expected, "{text}");
        }
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

    #[test]
    fn a_number_in_a_closed_fence_is_a_task_s_when_it_goes_on() {
        for (before, number, is_task) in [
            ("1.", "8.", false),
            ("1.", "2.", true),
            ("1.", "1.1", true),
            ("1.3", "1.4", true),
            ("1.3", "2.", true),
            ("1.3", "2.1", true),
            ("1.3", "1.5", false),
            ("T003", "T004", true),
            ("T003", "T104", false),
            ("T003", "4.", false),
        ] {
            let text = format!(
                "- [ ] {before} Document it\n  ```md\n  - [ ] {number} Buy milk\n  ```\n- [ ] Print it\n"
            );
            let found = read(&text);
            assert_eq!(found.items.len(), 2 + usize::from(is_task), "{before} {number}");
            assert_eq!(
                found.findings.iter().any(|one| one.rule == "box-in-code"),
                !is_task,
                "{before} {number}"
            );
        }
    }
}
