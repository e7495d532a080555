//! Headings with a number, in any language: `### Task 3: Title`, `## 1. Setup`, `### 任务 2：标题`, `#### FR-1.2 – Title`.

use super::fold::Folded;
use super::item::pattern;
use super::labels;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A heading, read.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Heading {
    /// From 1.
    pub(super) line: usize,
    pub(super) level: usize,
    /// What stands before the number, as written: `Task`, `FR`, `User Story`, or nothing.
    pub(super) word: String,
    /// As displayed, with the letters of an id: `3`, `1.2`, `T4`, `CORE-1`; none for a heading without a number.
    pub(super) number: Option<String>,
    /// Without word, number and decoration; the whole heading where it has no number.
    pub(super) title: String,
    /// The heading's text as written, without its signs.
    pub(super) text: String,
}

// All patterns read folded text.
static HEADING: LazyLock<Regex> = LazyLock::new(|| pattern(r"^\s{0,3}(#{1,6})(?:\s+(.*?))?\s*#*\s*$"));
static NUMBERED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^([^\p{L}\p{N}]*)((?:[\p{L}\p{M}]+[ \-]){0,3}?[\p{L}\p{M}]*?)[ ]?[#№-]?[ ]?(\d{1,3}(?:\.\d+)*(?:-\d+)*[a-z]?)(?:[*_`~\]]*\s*([.:)|\],]|-)[*_`~]*\s*|[*_`~]*\s+|[*_`~]*$)(.*)$",
    )
});

/// Reads a line as a heading.
pub(super) fn read(number: usize, line: &str) -> Option<Heading> {
    let folded = Folded::new(line);
    let found = HEADING.captures(folded.text())?;
    let level = found[1].len();
    let Some(text) = found.get(2) else {
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

/// Reads the text of a heading, or of a line that stands for one.
pub(super) fn named(text: &str) -> Heading {
    let bare = Heading { text: text.to_owned(), title: undecorated(text).to_owned(), ..nameless() };
    let folded = Folded::new(text);
    let Some(found) = NUMBERED.captures(folded.text()) else { return bare };
    let (word, digits) = (found[2].trim_matches([' ', '-']).to_owned(), found[3].to_owned());
    let Some(rest) = found.get(5) else { return bare };
    let title = undecorated(folded.original_from(rest.start())).to_owned();
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

fn undecorated(text: &str) -> &str {
    text.trim().trim_matches(['*', '_', '`', ' ', '~'])
}

impl Heading {
    /// The number without letters.
    pub(super) fn digits(&self) -> Option<&str> {
        let number = self.number.as_deref()?;
        Some(number.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '-'))
    }

    /// Whether its word or id is one for a task.
    pub(super) fn is_task(&self) -> bool {
        self.number.is_some()
            && (labels::is_task_word(&self.word) || matches!(self.word.as_str(), "T" | "TASK"))
    }
}

/// Which numbered headings are tasks, by their place in the list.
///
/// Headings that name themselves tasks are. Otherwise, where boxes have no numbers, those are that hold the boxes, or
/// the lists where there are no boxes at all: the deepest level that has numbers of its own, and not the sections that
/// every task repeats.
pub(super) fn tasks(headings: &[Heading], numbered_boxes: usize, holds: &[usize]) -> Vec<bool> {
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
