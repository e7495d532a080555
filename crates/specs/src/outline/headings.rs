//! Headings with a number, in any language: `### Task 3: Title`, `## 1. Setup`, `### 任务 2：标题`, `#### FR-1.2 – Title`.

use super::facts;
use crate::markdown::boxes;
use crate::markdown::context::{MarkdownContext, Place};
use crate::markdown::fold::Folded;
use crate::markdown::item;
use crate::markdown::item::Line;
use crate::markdown::labels;
use crate::markdown::marker::Marker;
use crate::markdown::numerals;
use crate::markdown::pattern::pattern;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A heading, read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Heading {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) level: usize,
    /// The word before the number, as written: `Task`, `FR`, `User Story`, or nothing.
    pub(crate) word: String,
    /// As displayed, with the letters of an id: `3`, `1.2`, `T4`, `CORE-1`; none for a heading without a number.
    pub(crate) number: Option<String>,
    /// Without word, number and decoration; the whole heading where it has no number.
    pub(crate) title: String,
    /// The heading's text as written, without its signs.
    pub(crate) text: String,
}

// All patterns read folded text.
static HEADING: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(?:\s{0,3}(#{1,6})(?:\s+(.*?))?\s*#*|(={2,6})\s+([^\s=].*?)\s*=*)\s*$"));
static NUMBERED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^([^\p{L}\p{N}]*)((?:[\p{L}\p{M}]+[ \-]){0,3}?[\p{L}\p{M}]*?)[ ]?[#№-]?[ ]?(\d{1,3}(?:\.\d+)*(?:-\d+)*[a-z]?)(?:[*_`~\]]*\s*([.:)|\],]|-)[*_`~]*\s*|[*_`~]*\s+|[*_`~]*$)(.*)$",
    )
});

static HTML: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i)^\s*<(?:h([1-6])|summary)(?:\s[^<>]*)?>(.*?)(?:</(?:h[1-6]|summary)>\s*)?$")
});
static UNDERLINE: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s{0,3}(?:(={2,})|-{3,})\s*$"));
static ID_LABEL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"^(?i:id|([\p{L}\p{M}]+)[ _-](?:id|no|number))\s*:\s*([A-Z]{0,4}-?\d+(?:\.\d+)*)$")
});

/// The headings of a text, by their lines.
#[derive(Clone, Debug, Default)]
pub(crate) struct Headings {
    pub(crate) by_line: BTreeMap<usize, Heading>,
    /// Lines that belong to a heading: the line below its text, and labels written as headings.
    pub(crate) parts: BTreeMap<usize, HeadingPart>,
}

/// The level of bold lines that stand for headings.
pub(crate) const BOLD_LEVEL: usize = 7;
/// The level of lines of a list that stand above boxes.
pub(crate) const LIST_LEVEL: usize = 8;

/// Where a box stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BoxPlace {
    pub(crate) indent: usize,
    pub(crate) has_number: bool,
}

/// The kind of a line that belongs to a heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeadingPart {
    /// `=====` below the text.
    Underline,
    /// `# Status: done` below `# Task ID: 1`.
    Label,
}

/// Reads the headings of a text: those with `#`, those with a line of `=` or `-` below, and blocks of labels that each are
/// a heading, as Taskmaster writes them. Lines in `boxes` are left out.
pub(crate) fn of(text: &str, boxes: &BTreeMap<usize, BoxPlace>) -> Headings {
    let mut context = MarkdownContext::new(text);
    let lines: Vec<Line<'_>> = item::lines(text).filter(|line| context.place(*line) == Place::Text).collect();
    let mut found = Headings::default();
    let mut labels_level = None;
    let mut at = 0;
    while at < lines.len() {
        let line = lines[at];
        let is_free = !boxes.contains_key(&line.number);
        at += 1;
        let heading = read(line.number, line.text).or_else(|| html(line.number, line.text));
        let Some(heading) = heading.filter(|_| is_free) else {
            let before = at.checked_sub(2).map_or("", |before| lines[before].text);
            if is_free
                && before.trim().is_empty()
                && let Some(below) = lines.get(at).filter(|below| below.number == line.number + 1)
                && let Some(level) = underlined(line.text, below.text)
            {
                found
                    .by_line
                    .insert(line.number, Heading { line: line.number, level, ..named(line.text.trim()) });
                found.parts.insert(below.number, HeadingPart::Underline);
                at += 1;
            } else if is_free
                && let Some(below) = lines[at..].iter().find(|below| !below.text.trim().is_empty())
                && let Some(place) = boxes.get(&below.number)
                && let Some(heading) = above_boxes(line, *place)
            {
                found.by_line.insert(line.number, heading);
            }
            continue;
        };
        let is_label = |line: &Line<'_>| {
            read(line.number, line.text)
                .is_some_and(|other| other.level == heading.level && facts::labelled(&other.text).is_some())
        };
        let named = identified(&heading);
        let block =
            named.as_ref().map_or(0, |_| lines[at..].iter().take_while(|line| is_label(line)).count());
        if block > 1
            && let Some(named) = named
        {
            let title = read(0, lines[at].text).map(|first| first.text);
            let title = title.as_deref().and_then(facts::labelled).map_or("", |told| told.value).to_owned();
            labels_level = Some(heading.level);
            found.by_line.insert(line.number, Heading { title, ..named });
            found.parts.extend(lines[at..at + block].iter().map(|line| (line.number, HeadingPart::Label)));
            at += block;
        } else if labels_level == Some(heading.level) && heading.text.trim_end().ends_with(':') {
            found.parts.insert(line.number, HeadingPart::Label);
        } else {
            found.by_line.insert(line.number, heading);
        }
    }
    // One line above boxes may be an introduction; several with numbers are headings.
    let lists = found.by_line.values().filter(|heading| heading.level == LIST_LEVEL).count();
    found.by_line.retain(|_, heading| heading.level != LIST_LEVEL || lists > 1);
    found
}

/// Reads a line with a number above boxes as their heading: a bold line, or one that the boxes stand further in than.
fn above_boxes(line: Line<'_>, below: BoxPlace) -> Option<Heading> {
    let text = line.text.trim();
    let is_bold = text.len() > 4 && text.starts_with("**") && text.trim_end_matches(':').ends_with("**");
    let level = if is_bold && facts::indent(line.text) == 0 {
        BOLD_LEVEL
    } else if facts::indent(line.text) == 0 && below.indent > 0 && !below.has_number {
        LIST_LEVEL
    } else {
        return None;
    };
    let is_text = !text.starts_with(['|', '>', '<', '`']) && text.chars().count() <= 160;
    let heading = named(text.trim_end_matches(':'));
    let is_heading = is_text && heading.number.is_some() && !heading.title.is_empty();
    is_heading.then_some(Heading { line: line.number, level, ..heading })
}

/// Returns the level of a heading that has a line of `=` or `-` below its text.
fn underlined(text: &str, below: &str) -> Option<usize> {
    let found = UNDERLINE.captures(below)?;
    let text = text.trim_end();
    let is_plain = facts::indent(text) < 4
        && text.contains(char::is_alphanumeric)
        && text.chars().count() <= 100
        && !text.trim_start().starts_with(['|', '>', '<', '-', '*', '+', '`', '~'])
        && !text.contains('|')
        && !text.ends_with(['.', '。', ';', ',']);
    is_plain.then(|| if found.get(1).is_some() { 1 } else { 2 })
}

/// Reads `Task ID: 1` as the heading of task 1.
fn identified(heading: &Heading) -> Option<Heading> {
    let folded = Folded::new(&heading.text);
    let found = ID_LABEL.captures(folded.text())?;
    let word = found.get(1).map_or("Task", |word| word.as_str()).to_owned();
    Some(Heading { word, number: Some(found[2].to_owned()), ..heading.clone() })
}

/// Reads a line as a heading that begins with `#`.
pub(crate) fn read(number: usize, line: &str) -> Option<Heading> {
    let folded = Folded::new(line);
    let found = HEADING.captures(folded.text())?;
    let level = found.get(1).or_else(|| found.get(3)).map_or(1, |signs| signs.len());
    let Some(text) = found.get(2).or_else(|| found.get(4)) else {
        return Some(Heading { line: number, level, ..nameless() });
    };
    let original = &line[folded.offset(text.start())..folded.offset(text.end())];
    Some(Heading { line: number, level, ..named(original.trim()) })
}

fn nameless() -> Heading {
    Heading {
        line: 0,
        level: 0,
        word: String::new(),
        number: None,
        title: String::new(),
        text: String::new(),
    }
}

/// Reads a line as a heading of HTML: `<h2>Title</h2>`.
fn html(number: usize, line: &str) -> Option<Heading> {
    let found = HTML.captures(line)?;
    let heading = named(boxes::without_tags(&found[2]).trim());
    let Some(level) = found.get(1) else {
        // What is folded away below a summary without a number belongs to the text around it.
        return heading.number.is_some().then_some(Heading { line: number, level: BOLD_LEVEL, ..heading });
    };
    Some(Heading { line: number, level: level.as_str().parse().ok()?, ..heading })
}

/// Reads the text of a heading, or of a line that stands for one.
pub(crate) fn named(text: &str) -> Heading {
    let bare = Heading { text: text.to_owned(), title: undecorated(text), ..nameless() };
    let folded = Folded::new(text);
    let Some(found) = NUMBERED.captures(folded.text()) else {
        let Some(found) = numerals::heading(folded.text()) else { return bare };
        let title = undecorated(folded.original_from(found.rest));
        return Heading { word: found.word, number: Some(found.number), title, ..bare };
    };
    let (word, digits) = (found[2].trim_matches([' ', '-']).to_owned(), found[3].to_owned());
    let Some(rest) = found.get(5) else { return bare };
    let title = undecorated(folded.original_from(rest.start()));
    // `Support 2 formats` has no number; `Task 2 Title` has one.
    let has_sign = found.get(4).is_some();
    let opening = &found[1];
    if opening.contains('(') && !opening.trim_end().ends_with('(') {
        return bare;
    }
    if word.is_empty() && !has_sign && title.is_empty() {
        return bare;
    }
    let is_counted = !has_sign && !title.is_empty() && !word.is_empty();
    let is_known = labels::is_task_word(&word)
        || labels::is_structure(&word)
        || labels::is_requirement_word(&word.to_lowercase())
        || word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    if is_counted && !is_known {
        return bare;
    }
    let is_id = !word.is_empty()
        && word.len() <= 12
        && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    // Ids keep their letters and their sign.
    let number = if is_id && !matches!(word.as_str(), "TASK" | "STEP") {
        let start = found.get(2).map_or(0, |word| word.start());
        let end = found.get(3).map_or(0, |digits| digits.end());
        folded.text()[start..end].replace(' ', "-")
    } else {
        digits
    };
    Heading { word, number: Some(number), title, ..bare }
}

fn undecorated(text: &str) -> String {
    let bare = text.trim().trim_matches(['*', '_', '`', ' ', '~']);
    // Code at an end keeps both of its signs.
    let bare = if bare.matches('`').count().is_multiple_of(2) {
        bare
    } else {
        text.trim().trim_matches(['*', '_', ' ', '~'])
    };
    // What begins before the number may end within the title: `**1. Title** and more`.
    if bare.matches("**").count() == 1 { bare.replacen("**", "", 1) } else { bare.to_owned() }
}

impl Heading {
    /// Returns the state that a sign in front of it tells: `✅ 1. Title`.
    pub(crate) fn sign(&self) -> Marker {
        let sign: String = self.text.trim_start().chars().take(1).collect();
        if sign.starts_with(|c: char| c.is_ascii()) { Marker::Pending } else { Marker::of(&sign) }
    }

    /// Returns the number without letters.
    pub(crate) fn digits(&self) -> Option<&str> {
        let number = self.number.as_deref()?;
        Some(number.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '-'))
    }

    /// Returns whether its word or id is one for a task.
    pub(crate) fn is_task(&self) -> bool {
        self.number.is_some()
            && (labels::is_task_word(&self.word) || matches!(self.word.as_str(), "T" | "TASK"))
    }
}

/// Returns which numbered headings are tasks, by their place in the list.
///
/// Headings that name themselves tasks are. Otherwise, where boxes have no numbers, those are that hold the boxes, or
/// the lists where there are no boxes at all: the deepest level that has numbers of its own, and not the sections that
/// every task repeats.
pub(crate) fn tasks(headings: &[Heading], numbered_boxes: usize, holds: &[usize]) -> Vec<bool> {
    let named: Vec<bool> = headings.iter().map(Heading::is_task).collect();
    if named.contains(&true) {
        return named;
    }
    let none = vec![false; headings.len()];
    if numbered_boxes > 0 {
        return none;
    }
    let candidates: Vec<usize> =
        (0..headings.len()).filter(|at| headings[*at].number.is_some() && holds[*at] > 0).collect();
    let mut levels: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for at in candidates {
        levels.entry(headings[at].level).or_default().push(at);
    }
    levels.retain(|_, list| list.len() > 1);
    let Some((_, top)) = levels.pop_first() else { return none };
    let mut chosen = top;
    for (_, deeper) in levels {
        let parent =
            |at: usize| chosen.iter().rev().find(|up| **up < at && headings[**up].level < headings[at].level);
        let inside: Vec<usize> = deeper.iter().copied().filter(|at| parent(*at).is_some()).collect();
        if inside.len() < 2 {
            continue;
        }
        let is_part = |at: &usize| {
            let up = parent(*at).and_then(|up| headings[*up].digits());
            let own = headings[*at].digits().and_then(|own| own.rsplit_once('.')).map(|(up, _)| up);
            up.is_some() && up == own
        };
        if inside.iter().all(is_part) {
            chosen.extend(inside);
            chosen.sort_unstable();
            continue;
        }
        let titles: std::collections::BTreeSet<String> =
            inside.iter().map(|at| headings[*at].title.to_lowercase()).collect();
        // What every task repeats is a section of it.
        if titles.len() * 2 <= inside.len() {
            break;
        }
        chosen = deeper;
    }
    let mut is_task = none;
    for at in chosen {
        is_task[at] = true;
    }
    is_task
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the level, number and title of each heading, and the lines that belong to one.
    fn all(text: &str) -> (Vec<(usize, String, String)>, Vec<usize>) {
        let Headings { by_line, parts } = of(text, &BTreeMap::new());
        let read = by_line.into_values().map(|one| (one.level, one.number.unwrap_or_default(), one.title));
        (read.collect(), parts.into_keys().collect())
    }

    #[test]
    fn headings_of_every_form_are_read() {
        let one = |level: usize, number: &str, title: &str| (level, number.to_owned(), title.to_owned());
        for (text, headings, parts) in [
            (
                "Plan\n====\n\nTask 1: Store\n---\nWords\n",
                vec![one(1, "", "Plan"), one(2, "1", "Store")],
                vec![2, 5],
            ),
            ("Words that end.\n---\n\n- item\n---\n\na | b\n---\n\nWords\n\n---\n", vec![], vec![]),
            (
                "# Task ID: 3\n# Title: Lexer\n# Status: done\n# Details:\nWords\n\n# Plain\n",
                vec![one(1, "3", "Lexer"), one(1, "", "Plain")],
                vec![2, 3, 4],
            ),
            (
                "## Phase II: Build\n## 任务三：前端\n",
                vec![one(2, "2", "Build"), one(2, "3", "前端")],
                vec![],
            ),
        ] {
            assert_eq!(all(text), (headings, parts), "{text}");
        }
    }

    #[test]
    fn numbers_are_read_whole_in_any_language() {
        for (line, word, number, title) in [
            ("### Task 3: Title", "Task", Some("3"), "Title"),
            ("## 1. Setup", "", Some("1"), "Setup"),
            ("### 任务 2：标题", "任务", Some("2"), "标题"),
            ("### タスク３：見出し", "タスク", Some("3"), "見出し"),
            ("#### FR-1.2 – Title", "FR", Some("FR-1.2"), "Title"),
            ("## T1 Define it", "T", Some("T1"), "Define it"),
            ("### 3-1: Title", "", Some("3-1"), "Title"),
            ("### User Story 1 - Sign in (Priority: P1)", "User Story", Some("1"), "Sign in (Priority: P1)"),
            ("## 🚀 Phase 2: Build ✅", "Phase", Some("2"), "Build ✅"),
            ("### **4. Bold**", "", Some("4"), "Bold"),
            ("### المهمة 5: عنوان", "المهمة", Some("5"), "عنوان"),
            ("### TASK-007: Title", "TASK", Some("007"), "Title"),
            ("## Overview", "", None, "Overview"),
            ("## 2024 roadmap", "", None, "2024 roadmap"),
            ("### Requirement 4", "Requirement", Some("4"), ""),
        ] {
            let heading = read(1, line).unwrap_or_else(|| panic!("{line}"));
            assert_eq!(
                (heading.word.as_str(), heading.number.as_deref(), heading.title.as_str()),
                (word, number, title),
                "{line}"
            );
        }
    }
}
