//! The forms of a check box: `- [ ]`, `☐`, `<input type="checkbox">`, `* TODO`, and a box at the end of a list item.

use super::fold::Folded;
use super::labels;
use super::marker::{Marker, Signs};
use super::pattern::pattern;
use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// A line with a box; all places are those of the folded line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BoxLine {
    /// Where the indentation ends.
    pub(crate) lead: usize,
    /// How far in it stands by its own signs, as `**` does in Org mode.
    pub(crate) depth: usize,
    /// Where the marker is, without its brackets.
    pub(crate) marker: Range<usize>,
    pub(crate) state: Marker,
    pub(crate) signs: Signs,
    /// A number in front of the box.
    pub(crate) number: Option<String>,
    /// The number of the ordered list that it is an item of.
    pub(crate) ordinal: Option<String>,
    pub(crate) optional: bool,
    /// The level of the heading that it stands in.
    pub(crate) heading: Option<usize>,
    /// Whether the sign may be something else than a box: `✅`, `[WIP]`.
    pub(crate) is_worded: bool,
    pub(crate) is_cancelled: bool,
    /// The text of the item.
    pub(crate) content: Range<usize>,
}

// All patterns read folded text.
static BOX: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^([\s>│├└─┬]*(?:(\d)\x{fe0f}?\x{20e3}\s*)?)((?:(?:[-+•‣◦∙·▪:]|\*{1,5}|\d{1,4}[.)]|\p{L}[.)])\s+){0,3}|[-*+・]|#{1,6}\s+(?:[-*+]\s+)?)(?:(?:\*\*|__)?(\d+(?:\.\d+)*)[.):]?(?:\*\*|__)?\s+)?(?:\\?\[([^\[\]()\\]{0,12})\\?\]|\(([ xX~/\-✓✔√]?)\)|([☐☑☒◐□▢◻■✓✔✗✘]|(?:⬜|⬛|🔲|🔳|✅|❌|🔄|⏳|🚧)\x{fe0f}?))(\\?\*)?(.*)$",
    )
});
/// A box of HTML in front of its text: `<li><input type="checkbox"> Title</li>`.
static HTML_BOX: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^([\s>]*)(?:[-*+]\s+|</?(?:[uo]l|li|p|div|td|tr|dd|label|span)(?:\s[^<>]*)?>\s*)*<input\b([^<>]*\bcheckbox\b[^<>]*)>(.*)$",
    )
});
static CHECKED: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"(?i)\s+checked\b(?:\s*=\s*["']?checked["']?)?"#));
static TAG: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)</?[a-z][a-z0-9]{0,10}(?:\s[^<>]*)?/?>"));
/// The tags between two cells or items.
static CELL: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)</(?:td|li|p|div)>"));
static INPUT: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i)<input\b[^<>]*\bcheckbox\b"));
static TAG_START: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)^(?:\s|</?[a-z][a-z0-9]{0,10}(?:\s[^<>]*)?/?>)*"));
/// The states that begin a heading of Org mode; `CANCELED` is written with one L or two.
const KEYWORDS: &[&str] =
    &["TODO", "DOING", "STARTED", "IN-PROGRESS", "NEXT", "WAITING", "LATER", "NOW", "DONE", "CANCEL"];
/// A heading of Org mode with its keyword: `** TODO [#A] Title`.
static ORG: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(\s*)(\*+|[-+])\s+(TODO|DOING|STARTED|IN-PROGRESS|NEXT|WAITING|LATER|NOW|DONE|CANCELL?ED)\s+(?:\[#[A-Z]\]\s*)?(\S.*)$",
    )
});
/// A list item with its box at the end: `- 1. Title [x]`.
static TRAILING_BOX: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^([\s>]*)(?:[-*+•]|\d{1,4}[.)])\s+(\S.*?)\s\[([ xX~/\-])\]\s*$"));
static ORDINAL: LazyLock<Regex> = LazyLock::new(|| pattern(r"(\d{1,4})[.)]\s+$"));

/// Returns whether a line has a keyword of Org mode anywhere.
pub(crate) fn has_keyword(line: &str) -> bool {
    KEYWORDS.iter().any(|word| line.contains(word))
}

/// Reads a line as one with a box.
pub(crate) fn read(folded: &Folded<'_>) -> Option<BoxLine> {
    let text = folded.text();
    markdown(text).or_else(|| html(text)).or_else(|| keyword(text)).or_else(|| trailing(text))
}

fn markdown(text: &str) -> Option<BoxLine> {
    let found = BOX.captures(text)?;
    let (lead, bullet, rest) = (found.get(1)?, found.get(3)?, found.get(9)?);
    let is_heading = bullet.as_str().starts_with('#');
    let number = found.get(4).or_else(|| found.get(2)).map(|number| number.as_str().to_owned());
    let is_bare = bullet.as_str().is_empty() && number.is_none();
    let (marker, is_glyph) = match (found.get(5), found.get(6), found.get(7)) {
        (Some(square), _, _) => (square, false),
        (_, Some(round), _) if !is_bare && !is_heading => (round, false),
        (_, _, Some(glyph)) if !is_heading => (glyph, true),
        _ => return None,
    };
    let inside = marker.as_str();
    let trimmed = inside.trim();
    let is_sign = trimmed.is_empty()
        || is_glyph
        || Marker::is_known(trimmed)
        || trimmed.chars().count() == 1 && !trimmed.starts_with(char::is_alphanumeric);
    // `[DONE] 8. Title`; ids such as `[BE-12]`, notes and flags have digits.
    let is_word = !is_sign && !is_bare && !is_heading && is_word(trimmed);
    if !is_sign && !is_word || is_bare && !is_glyph && !matches!(inside, " " | "x" | "X" | "~" | "-" | "/") {
        return None;
    }
    // A link, its definition, or an index.
    if !is_glyph && found.get(8).is_none() && rest.as_str().starts_with(['(', '[', ':', ']', '{', '=']) {
        return None;
    }
    let state = if is_word && labels::is_done(trimmed) { Marker::Completed } else { Marker::of(trimmed) };
    let is_box = trimmed.starts_with(|c: char| "☐☑☒◐□▢◻⬜🔲".contains(c));
    let sign = if trimmed.is_empty() {
        middle(inside)
    } else {
        inside.len() - inside.trim_start().len()..inside.trim_end().len()
    };
    let marker = marker.start() + sign.start..marker.start() + sign.end;
    Some(BoxLine {
        lead: lead.as_str().len() - lead.as_str().trim_start_matches(is_lead).len(),
        // The lines of a definition list stand below its term; AsciiDoc counts stars.
        depth: usize::from(bullet.as_str().starts_with(':'))
            + bullet.as_str().matches('*').count().saturating_sub(1),
        marker,
        state,
        signs: if is_glyph { Signs::Glyph } else { Signs::Tilde },
        number,
        ordinal: ORDINAL.captures(bullet.as_str()).map(|found| found[1].to_owned()),
        optional: found.get(8).is_some(),
        heading: is_heading.then(|| bullet.as_str().matches('#').count()),
        is_worded: is_glyph && !is_box || is_word,
        content: text.len() - rest.as_str().trim_start().len()..text.len(),
        ..BoxLine::default()
    })
}

/// Returns the blank in the middle of an open box, where a sign stands in a box with blanks around it: one is read as
/// the other after its sign was set.
fn middle(blanks: &str) -> Range<usize> {
    let at = blanks.chars().count().saturating_sub(1) / 2;
    blanks.char_indices().nth(at).map_or(0..0, |(start, blank)| start..start + blank.len_utf8())
}

/// Returns whether a character stands in front of a bullet: a blank, the sign of a quotation, or a branch of a drawn
/// tree.
fn is_lead(c: char) -> bool {
    c.is_whitespace() || ">│├└─┬".contains(c)
}

/// Returns whether what stands in brackets is a word for a state, as far as its shape tells.
fn is_word(text: &str) -> bool {
    let is_percentage = text.ends_with('%') && text.bytes().any(|byte| byte.is_ascii_digit());
    is_percentage
        || !matches!(text, "P" | "p" | "US")
            && !text.contains(|c: char| c.is_numeric() || "^@#/.".contains(c))
            && text.contains(char::is_alphabetic)
}

fn html(text: &str) -> Option<BoxLine> {
    let found = HTML_BOX.captures(text)?;
    let (lead, attributes, rest) = (found.get(1)?, found.get(2)?, found.get(3)?);
    let checked = CHECKED.find(attributes.as_str());
    let end = attributes.as_str().trim_end_matches(['/', ' ']).len();
    let marker = checked.map_or(end..end, |checked| checked.range());
    let blank = rest.as_str().len() - TAG_START.replace(rest.as_str(), "").len();
    Some(BoxLine {
        lead: lead.end(),
        marker: attributes.start() + marker.start..attributes.start() + marker.end,
        state: if checked.is_some() { Marker::Completed } else { Marker::Pending },
        signs: Signs::Html,
        content: rest.start() + blank..text.len(),
        ..BoxLine::default()
    })
}

/// Reads a heading of Org mode, or a list item that begins with its keyword.
fn keyword(text: &str) -> Option<BoxLine> {
    let found = ORG.captures(text)?;
    let (lead, bullet, word, rest) = (found.get(1)?, found.get(2)?, found.get(3)?, found.get(4)?);
    Some(BoxLine {
        lead: lead.end(),
        depth: bullet.as_str().len() - 1,
        marker: word.range(),
        state: match word.as_str() {
            "DONE" => Marker::Completed,
            "DOING" | "STARTED" | "IN-PROGRESS" | "NOW" => Marker::InProgress,
            _ => Marker::Pending,
        },
        signs: Signs::Keyword,
        is_cancelled: word.as_str().starts_with("CANCEL"),
        content: rest.range(),
        ..BoxLine::default()
    })
}

fn trailing(text: &str) -> Option<BoxLine> {
    let found = TRAILING_BOX.captures(text)?;
    let (lead, content, marker) = (found.get(1)?, found.get(2)?, found.get(3)?);
    // After a label the box is its value; in code it is none.
    let is_value = content.as_str().trim_end().ends_with([':', '=', '`', '|', ',']);
    let is_in_code = content.as_str().matches('`').count() % 2 == 1;
    let has_other = content.as_str().contains("[ ]") || content.as_str().contains("[x]");
    if is_value || is_in_code || has_other {
        return None;
    }
    Some(BoxLine {
        lead: lead.end(),
        marker: marker.range(),
        state: Marker::of(marker.as_str().trim()),
        content: content.range(),
        ordinal: ORDINAL.captures(&text[..content.start()]).map(|found| found[1].to_owned()),
        ..BoxLine::default()
    })
}

/// Removes the tags of HTML from a title.
pub(crate) fn without_tags(title: &str) -> String {
    let parted = CELL.replace_all(title, " ");
    TAG.replace_all(&parted, "").trim().to_owned()
}

/// Returns whether a line has more than one box of HTML.
pub(crate) fn has_several_html_boxes(line: &str) -> bool {
    INPUT.find_iter(line).nth(1).is_some()
}

#[cfg(test)]
mod tests {
    use crate::checklist::{self, Marker};
    use crate::plan;

    /// Number, title and state.
    type Read = (String, String, &'static str);

    /// Returns the items, and the rule and line of each finding.
    fn read(text: &str) -> (Vec<Read>, Vec<(&'static str, usize)>) {
        let plan = plan::parse(text);
        let items = plan
            .items
            .iter()
            .map(|item| (item.number.clone().unwrap_or_default(), item.title.clone(), item.state.status()));
        (items.collect(), plan.findings.iter().map(|one| (one.rule, one.line)).collect())
    }

    #[test]
    fn boxes_of_every_form_are_read() {
        for (text, expected) in [
            (
                "├── [ ] 1. a\n│   └── [x] 1.1 b\n└── [ ] 2. c\n",
                &[("1", "a", "pending"), ("1.1", "b", "completed"), ("2", "c", "pending")][..],
            ),
            ("・[ ] 1. a\n・[x] 2. b\n", &[("1", "a", "pending"), ("2", "b", "completed")]),
            ("* [ ] a\n** [*] b\n", &[("", "a", "pending"), ("", "b", "completed")]),
            ("- LATER a\n- NOW b\n", &[("", "a", "pending"), ("", "b", "in_progress")]),
            ("- [ ] #12\n- [ ] octo/repo#13\n", &[("", "#12", "pending"), ("", "octo/repo#13", "pending")]),
            (
                "<li><input type=\"checkbox\"> 1. Sign it</li>\n<li><input type='checkbox' checked /> <b>2. Ship</b> it</li>\n",
                &[("1", "Sign it", "pending"), ("2", "Ship it", "completed")][..],
            ),
            (
                "* TODO 1. Set up\n** DONE [#A] 1.1 License\n* DOING 2. Parse\n",
                &[("1", "Set up", "pending"), ("1.1", "License", "completed"), ("2", "Parse", "in_progress")],
            ),
            (
                "- 1. Schema anlegen [x]\n- 2. Dienst [ ]\n",
                &[("1", "Schema anlegen", "completed"), ("2", "Dienst", "pending")],
            ),
            ("□ 1. 設計\n■ 2. 実装\n", &[("1", "設計", "pending"), ("2", "実装", "completed")]),
            (
                "- ⬜ Driver\n- ✅ Retry\n- 🚧 Metrics\n",
                &[("", "Driver", "pending"), ("", "Retry", "completed"), ("", "Metrics", "in_progress")],
            ),
            (
                "- [х] 1. a\n- [ｘ] 2. b\n- [−] 3. c\n",
                &[("1", "a", "completed"), ("2", "b", "completed"), ("3", "c", "in_progress")],
            ),
            ("- [DONE] 1. a\n- [ ] 2. b\n", &[("1", "a", "completed"), ("2", "b", "pending")]),
            ("- \\[ \\] 1. a\n- \\[x\\] 2. b\n", &[("1", "a", "pending"), ("2", "b", "completed")]),
            (
                "1) [ ] a\n   а) [x] b\n2) [ ] c\n",
                &[("1", "a", "pending"), ("", "b", "completed"), ("2", "c", "pending")],
            ),
            ("- [ ] Task A: a\n- [ ] Task B: b\n", &[("A", "a", "pending"), ("B", "b", "pending")]),
            ("- [ ] II. a\n- [ ] III. b\n", &[("2", "a", "pending"), ("3", "b", "pending")]),
            ("- [ ] （一）梳理\n- [ ] （二）确认\n", &[("1", "梳理", "pending"), ("2", "确认", "pending")]),
            ("1️⃣ - [ ] Page\n- [x] 2️⃣ Domain\n", &[("1", "Page", "pending"), ("2", "Domain", "completed")]),
            (
                "- [ ] 1\\. a\n- [ ] (2) b\n- [ ] [3] c\n- [ ] #4 d\n- [ ] [BE-12] e\n- [ ] A.1 f\n- [ ] A.2 g\n",
                &[
                    ("1", "a", "pending"),
                    ("2", "b", "pending"),
                    ("3", "c", "pending"),
                    ("4", "d", "pending"),
                    ("BE-12", "e", "pending"),
                    ("A.1", "f", "pending"),
                    ("A.2", "g", "pending"),
                ],
            ),
        ] {
            let (items, findings) = read(text);
            let items: Vec<(&str, &str, &str)> = items
                .iter()
                .map(|(number, title, state)| (number.as_str(), title.as_str(), *state))
                .collect();
            assert_eq!(items, expected, "{text}");
            assert_eq!(findings, [], "{text}");
        }
    }

    #[test]
    fn what_looks_like_a_box_is_none_or_is_named() {
        for (text, titles, findings) in [
            (
                "- [ ] 1. a\n- [WIP] b\n- [done](x) c\n- [API] d\n",
                &["a", "b", "d"][..],
                &[("unknown-marker", 2), ("unknown-marker", 4)][..],
            ),
            (
                "- [ ] 1. a\n\n\n- ✅ works\n- ✅ is fast\n",
                &["a"],
                &[("box-not-read", 4), ("box-not-read", 5)],
            ),
            (
                "<li><input type=checkbox> a</li><li><input type=checkbox> b</li>\n",
                &["a  b"],
                &[("box-not-read", 1)],
            ),
            ("- [ ] 1. a or [x] b\n", &["a or [x] b"], &[("box-not-read", 1)]),
            ("- [ ] 1. a\n  - Note: [ ] b\n  - TODO ask\n  - DONE\n", &["a"], &[("box-not-read", 2)]),
            ("- [ ] 1. a\n■ 概要\n\n\n\n■ 詳細\n", &["a"], &[]),
            ("- [ ] 1. [docs](x)\n- [US1] b\n- [^1] c\n", &["[docs](x)"], &[]),
        ] {
            let (items, found) = read(text);
            assert_eq!(items.iter().map(|item| item.1.as_str()).collect::<Vec<_>>(), titles, "{text}");
            assert_eq!(found, findings, "{text}");
        }
    }

    #[test]
    fn a_mark_changes_nothing_but_the_sign() {
        for (text, done, open) in [
            (
                "<input type=\"checkbox\"> a\n",
                "<input type=\"checkbox\" checked> a\n",
                "<input type=\"checkbox\"> a\n",
            ),
            ("* TODO a\n* DONE b\n", "* DONE a\n* DONE b\n", "* TODO a\n* DONE b\n"),
            ("- a [ ]\n", "- a [x]\n", "- a [ ]\n"),
        ] {
            let marked = checklist::mark_at(text, 0, Marker::Completed);
            assert_eq!(marked, done);
            assert_eq!(checklist::mark_at(&marked, 0, Marker::Pending), open);
        }
    }
}
