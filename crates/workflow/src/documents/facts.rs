//! What a line below a task tells about it: its requirements, what it needs, what it may touch, how big it is.

use super::fold::{Folded, fold};
use super::item::pattern;
use super::labels::{self, Kind};
use super::plan::Effort;
use super::references;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A line with a label: `- _Requirements: 1.1_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Labelled<'t> {
    pub(super) label: &'t str,
    pub(super) value: &'t str,
    /// Whether the whole line is decorated, as a fact is and prose is not.
    pub(super) is_decorated: bool,
}

// Patterns over folded text.
static LABELLED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\s*(?:[-*+•]\s+)?([_*]{0,3})([\p{L}][^:*_`|]{0,40}?)([_*]{0,3})\s*:([_*]{0,3})(?:\s+(.*?)|([^\s/].*?)|)\s*$",
    )
});
static BULLET: LazyLock<Regex> = LazyLock::new(|| pattern(r"^(\s*)(?:[-*+•]|\d+[.)])\s+(\S.*?)\s*$"));

/// Reads a line as one with a label.
pub(super) fn labelled<'t>(line: &'t str) -> Option<Labelled<'t>> {
    let folded = Folded::new(line);
    let found = LABELLED.captures(folded.text())?;
    let at = |range: std::ops::Range<usize>| -> &'t str {
        &line[folded.offset(range.start)..folded.offset(range.end)]
    };
    let value = found.get(5).or_else(|| found.get(6)).map_or("", |value| at(value.range()));
    let label = at(found.get(2)?.range()).trim();
    let value = value.trim().trim_matches(['_', '*']).trim();
    let is_decorated = !found[1].is_empty();
    Some(Labelled { label, value, is_decorated })
}

/// A fact that a line tells, with its value, which is empty where a list follows.
pub(super) fn fact<'t>(line: &'t str, learned: &BTreeMap<String, Kind>) -> Option<(Kind, &'t str)> {
    if let Some(Labelled { label, value, .. }) = labelled(line) {
        let kind = labels::kind(label).or_else(|| learned.get(&label.to_lowercase()).copied());
        let kind = kind.or_else(|| (labels::is_order(label) && is_ids(value)).then_some(Kind::Dependencies));
        return kind.map(|kind| (kind, value));
    }
    // `_Depends on 1, 2_`, `- 依赖任务3`: a sentence that begins with it.
    let bare = line
        .trim()
        .trim_start_matches(['-', '+', '•', ' '])
        .trim_matches(['_', '*', ' ', '(', ')', '（', '）']);
    let is_short = bare.chars().count() <= 80;
    let start: String = bare.chars().take(16).collect();
    let begins = labels::kind(&start) == Some(Kind::Dependencies) && !bare.starts_with(['`', '|']);
    // `Depends on the review`, `Não depende de nenhuma tarefa`, and not `Dependency injection`.
    let joins = |word: &str| word.chars().count() < 4 && word.chars().all(char::is_lowercase);
    let is_task = |word: &str| labels::is_task_word(word.trim_matches(|c: char| !c.is_alphanumeric()));
    let names = fold(bare).contains(|c: char| c.is_ascii_digit())
        || bare.split(' ').nth(1).is_some_and(joins) && bare.split(' ').count() > 2
        || bare.split(' ').any(is_task);
    (is_short && begins && names).then_some((Kind::Dependencies, bare))
}

/// What the lines below a heading or label inside a task tell.
pub(super) fn section(heading: &str) -> Option<Kind> {
    let title = heading.trim_matches(['#', ' ', ':', '：', '*']);
    (title.chars().count() <= 40).then(|| labels::kind(title)).flatten()
}

/// A list item's indentation and text.
pub(super) fn bullet(line: &str) -> Option<(usize, &str)> {
    let folded = Folded::new(line);
    let found = BULLET.captures(folded.text())?;
    let text = found.get(2)?;
    Some((indent(line), &line[folded.offset(text.start())..folded.offset(text.end())]))
}

/// The width of what is before the first word.
pub(super) fn indent(line: &str) -> usize {
    line.chars()
        .take_while(|c| c.is_whitespace() || *c == '\u{feff}')
        .map(|c| match c {
            '\u{feff}' => 0,
            '\t' => 4,
            _ => 1,
        })
        .sum()
}

pub(super) fn effort(value: &str) -> Option<Effort> {
    match value.to_lowercase().split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty())? {
        "small" | "s" | "xs" | "low" | "小" | "klein" | "pequeño" | "pequeno" | "petit" => {
            Some(Effort::Small)
        }
        "medium" | "m" | "中" | "mittel" | "mediano" | "médio" | "moyen" => Some(Effort::Medium),
        "large" | "l" | "xl" | "high" | "大" | "groß" | "grande" | "grand" => Some(Effort::Large),
        _ => None,
    }
}

fn pieces(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', ';', '，', '、', '；', '،']).map(str::trim).filter(|piece| !piece.is_empty())
}

/// Places in a text such as ``src/a, `src/b.rs` (new)``.
pub(super) fn places(value: &str) -> Vec<String> {
    pieces(value)
        .map(|piece| {
            let quoted = piece.split_once('`').and_then(|(_, rest)| rest.split_once('`'));
            quoted.map_or(piece, |(quoted, _)| quoted).trim().to_owned()
        })
        .filter(|piece| !piece.is_empty())
        .collect()
}

static ID: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?:[A-Z][A-Z0-9]*-)+(?:[A-Z]+-?)?\d+(?:[.\-]\d+)*[a-z]?|[A-Z]{1,5}\d+(?:\.\d+)*[a-z]?|\d+(?:\.\d+)*[a-z]?",
    )
});
static RANGE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:[\p{L}\p{M}]+\s+)?((?:[A-Z][A-Z0-9]*-)*[A-Z]{0,5}\d+(?:\.\d+)*)\s*(?:-|~|\.\.+|…|\b[\p{L}]{1,6}\b)\s*((?:[A-Z][A-Z0-9]*-)*[A-Z]{0,5}\d+(?:\.\d+)*)$",
    )
});

/// Requirement ids in a text such as `1.2, 6, 1.1-1.5, REQ-3.2` or `All`, ranges written out.
pub(super) fn requirement_ids(value: &str) -> Vec<String> {
    let folded = fold(value);
    pieces(&folded)
        .flat_map(|piece| {
            let piece = piece.trim_matches(['`', '*', '_', '.', ' ', '(', ')', '[', ']']);
            if labels::is_all(piece) {
                return vec!["All".to_owned()];
            }
            if let Some(found) = RANGE.captures(piece) {
                let and = piece[found[1].len()..].split(' ').any(labels::is_and_word);
                // `Requirement 1 AC 2` is the second criterion of the first.
                let start = found.get(1).map_or(0, |first| first.end());
                let end = found.get(2).map_or(0, |last| last.start());
                if labels::is_criterion_word(piece[start..end].trim()) && !found[1].contains('.') {
                    return vec![format!("{}.{}", &found[1], &found[2])];
                }
                let ends = vec![found[1].to_owned(), found[2].to_owned()];
                return if and {
                    ends
                } else {
                    references::written_out(&found[1], &found[2]).unwrap_or(ends)
                };
            }
            ids(piece)
        })
        .collect()
}

/// The ids in a piece of a list, without those in words of other things: `Property 3`, `Postgres 16`.
fn ids(piece: &str) -> Vec<String> {
    let mut found = Vec::<String>::new();
    let mut end = 0;
    for id in ID.find_iter(piece) {
        let (before, after) = (&piece[end..id.start()], &piece[id.end()..]);
        let glued = before.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '.');
        let has_unit = after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '%');
        let word = before.split(|c: char| !c.is_alphabetic()).rfind(|word| !word.is_empty());
        let is_lettered = id.as_str().starts_with(|c: char| c.is_ascii_alphabetic());
        let is_of_requirement = is_lettered
            || word.is_none_or(|word| {
                labels::kind(word) == Some(Kind::Requirements)
                    || labels::kind(word) == Some(Kind::Acceptance)
                    || labels::is_and_word(&word.to_lowercase())
                    || labels::is_range_word(&word.to_lowercase())
            });
        if let (Some(word), Some(last)) = (word, found.last_mut())
            && labels::is_criterion_word(word)
            && !last.contains('.')
            && !glued
        {
            *last = format!("{last}.{}", id.as_str());
            end = id.end();
        } else if !glued && !has_unit && is_of_requirement {
            found.push(id.as_str().to_owned());
            end = id.end();
        }
    }
    found
}

/// Whether a value is made of ids and nothing else.
pub(super) fn is_ids(value: &str) -> bool {
    let folded = fold(value);
    let rest = ID.replace_all(&folded, "");
    rest.len() < folded.len()
        && !rest.contains(|c: char| c.is_alphabetic() || c.is_ascii_digit())
        && rest.chars().all(|c| c.is_whitespace() || "-,;~.&+()[]_*`/".contains(c))
}

/// Whether a value has a number too long for that of a task, as a date has.
pub(super) fn is_date(value: &str) -> bool {
    let is_long = |digits: &str| digits.len() > 3;
    fold(value)
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.parse::<u64>().is_ok())
        .any(is_long)
}

/// Whether the line of a list names what a fact of its kind is made of.
pub(super) fn is_told(kind: Kind, value: &str) -> bool {
    match kind {
        Kind::Requirements => !requirement_ids(value).is_empty(),
        Kind::Dependencies | Kind::Dependents => value.chars().count() <= 120,
        Kind::Boundary | Kind::Effort | Kind::Acceptance | Kind::Advice => true,
    }
}

/// The waves of a plan: `{"waves":[{"id":0,"tasks":["1.1"]}]}` anywhere in the text.
pub(super) fn waves(text: &str) -> BTreeMap<String, usize> {
    #[derive(serde::Deserialize)]
    struct Waves {
        waves: Vec<Wave>,
    }
    #[derive(serde::Deserialize)]
    struct Wave {
        tasks: Vec<String>,
    }
    let mut found = BTreeMap::new();
    let Some(key) = text.find("\"waves\"") else { return found };
    let Some(start) = text[..key].rfind('{') else { return found };
    let mut json = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Waves>();
    if let Some(Ok(Waves { waves })) = json.next() {
        for (at, wave) in waves.into_iter().enumerate() {
            for task in wave.tasks {
                found.insert(task, at);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_told_from_prose() {
        let none = BTreeMap::new();
        for (line, expected) in [
            ("  - _Requirements: 1.1, 2_", Some((Kind::Requirements, "1.1, 2"))),
            ("**Abhängigkeiten:** 1, 2 und 4", Some((Kind::Dependencies, "1, 2 und 4"))),
            ("- **依赖**：任务1", Some((Kind::Dependencies, "任务1"))),
            ("_Depends on 1, 2_", Some((Kind::Dependencies, "Depends on 1, 2"))),
            ("  - 依赖任务3", Some((Kind::Dependencies, "依赖任务3"))),
            ("  - **Files:**", Some((Kind::Boundary, ""))),
            ("  - Write the page", None),
            ("  - Depends on the review", Some((Kind::Dependencies, "Depends on the review"))),
            ("  - Dependency injection for all", None),
            ("| Task | Depends on |", None),
            (
                "  - Não depende de nenhuma tarefa",
                Some((Kind::Dependencies, "Não depende de nenhuma tarefa")),
            ),
            ("  - https://example.org/depends: x", None),
        ] {
            assert_eq!(fact(line, &none), expected, "{line}");
        }
    }

    #[test]
    fn requirement_ids_are_written_out() {
        for (value, expected) in [
            ("1.2, 6", &["1.2", "6"][..]),
            ("1.1-1.3", &["1.1", "1.2", "1.3"]),
            ("1.1 to 3", &["1.1", "1.2", "1.3"]),
            ("1.1 bis 1.3", &["1.1", "1.2", "1.3"]),
            ("１．１～１．３", &["1.1", "1.2", "1.3"]),
            ("1.1 и 1.3", &["1.1", "1.3"]),
            ("REQ-3.2", &["REQ-3.2"]),
            ("REQ-3.2-REQ-3.4", &["REQ-3.2", "REQ-3.3", "REQ-3.4"]),
            ("R6.1, DR8", &["R6.1", "DR8"]),
            ("1.4-2.2", &["1.4", "2.2"]),
            ("All requirements", &["All"]),
            ("Requirements 1.2、3", &["1.2", "3"]),
            ("NFR-PERF-1", &["NFR-PERF-1"]),
            ("1.2, Property 3", &["1.2"]),
            ("Requirement 1 AC 2", &["1.2"]),
            ("Requirement 1 criterion 2, 3", &["1.2", "3"]),
            ("FR-1 AC2", &["FR-1", "AC2"]),
        ] {
            assert_eq!(requirement_ids(value), expected, "{value}");
        }
    }
}
