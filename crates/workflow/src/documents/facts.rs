//! What a line below a task tells about it: its requirements, what it needs, what it may touch, how big it is.

use super::item::pattern;
use super::plan::Effort;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// What a fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Requirements,
    Dependencies,
    Boundary,
    Effort,
    Acceptance,
    /// Advice of other tools, which stays in the description.
    Advice,
}

static FACT: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i)^[\s\u{a0}]*(?:[-*+][\s\u{a0}]+)?[_*]{0,3}(requirements?|validates|requisitos?|exigences?|anforderungen|требования|需求|要求|要件|요구사항|depends(?: on)?|dependencies|blocked by|boundary|boundaries|files?(?: to [^:：]{1,40})?|effort|estimate|size|acceptance criteria|leverage|prompt)[_*]{0,2}\s*[:：]\s*[_*]{0,2}\s*(.*?)[_*\s]*$",
    )
});
static BULLET: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^([\s\u{a0}]*)(?:[-*+•]|\d+[.)])[\s\u{a0}]+(\S.*?)\s*$"));

/// A fact that a line tells, with its value, which is empty where a list follows.
pub(super) fn fact(line: &str) -> Option<(Kind, &str)> {
    let found = FACT.captures(line)?;
    let value = found.get(2).map_or("", |value| value.as_str()).trim().trim_end_matches(['_', '*']).trim();
    Some((kind(&found[1]), value))
}

fn kind(word: &str) -> Kind {
    match word.to_lowercase().as_str() {
        "depends" | "depends on" | "dependencies" | "blocked by" => Kind::Dependencies,
        "boundary" | "boundaries" => Kind::Boundary,
        "effort" | "estimate" | "size" => Kind::Effort,
        "acceptance criteria" => Kind::Acceptance,
        "leverage" | "prompt" => Kind::Advice,
        word if word.starts_with("file") => Kind::Boundary,
        _ => Kind::Requirements,
    }
}

/// What the lines below a heading inside a task tell.
pub(super) fn section(heading: &str) -> Option<Kind> {
    let title = heading.trim_matches(['#', ' ', ':', '：', '*']).to_lowercase();
    match title.as_str() {
        "acceptance criteria" => Some(Kind::Acceptance),
        "dependencies" | "depends on" => Some(Kind::Dependencies),
        "requirements" => Some(Kind::Requirements),
        "boundary" | "files" => Some(Kind::Boundary),
        title if title.starts_with("files to ") => Some(Kind::Boundary),
        _ => None,
    }
}

/// A list item's indentation and text.
pub(super) fn bullet(line: &str) -> Option<(usize, &str)> {
    let found = BULLET.captures(line)?;
    Some((indent(line), found.get(2)?.as_str()))
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
    match value.to_lowercase().split(|c: char| !c.is_alphanumeric()).next()? {
        "small" | "s" | "xs" | "low" => Some(Effort::Small),
        "medium" | "m" => Some(Effort::Medium),
        "large" | "l" | "xl" | "high" => Some(Effort::Large),
        _ => None,
    }
}

fn pieces(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', ';', '，', '、', '；']).map(str::trim).filter(|piece| !piece.is_empty())
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

/// What a reference to a task or requirement looks like.
const ID: &str = r"(?:\b(?:[A-Z][A-Z0-9]*-)+|\b[A-Z]{1,5}|\b)\d+(?:\.\d+)*[a-z]?\b";
const WORD: &str = r"(?i:\b(?:tasks?|steps?|requirements?|reqs?|任务|需求|要件|タスク|tareas?|задачи?))";

static REFERENCE: LazyLock<Regex> = LazyLock::new(|| pattern(ID));
static LEADING: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"^[`*_(\[#\s]*(?:{WORD}[\s#:]*)?{ID}(?:(?:[`*_]*\s*(?:\band\b|&|\+|/|\s)\s*)(?:{WORD}\s+)?[`*_]*{ID})*"
    ))
});
static NAMED: LazyLock<Regex> = LazyLock::new(|| pattern(&format!(r"{WORD}\s+({ID})")));
static RANGE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:\p{L}+\s+)?((?:[A-Z][A-Z0-9]*-)*[A-Z]{0,5})(\d+(?:\.\d+)*)\s*(?:-|–|—|~|\.\.|\bto\b)\s*((?:[A-Z][A-Z0-9]*-)*[A-Z]{0,5})(\d+(?:\.\d+)*)$",
    )
});

/// References to tasks in a text such as `Task 1, 2.1`, `T012` or `1-3`; `none` is an empty list, and so are words
/// that only have a number in them: `Postgres 16`.
pub(super) fn references(value: &str) -> Vec<String> {
    pieces(value).flat_map(|piece| named(piece).unwrap_or_default()).collect()
}

/// The ids that a piece of a list is about; none where it is about something else.
fn named(piece: &str) -> Option<Vec<String>> {
    if let Some(range) = range(piece) {
        return Some(range);
    }
    let all = |text: &str| REFERENCE.find_iter(text).map(|found| found.as_str().to_owned()).collect();
    if let Some(leading) = LEADING.find(piece) {
        return Some(all(leading.as_str()));
    }
    let after_words: Vec<String> = NAMED.captures_iter(piece).map(|found| found[1].to_owned()).collect();
    (!after_words.is_empty()).then_some(after_words)
}

/// Whether the line of a list names what a fact of its kind is made of.
pub(super) fn is_told(kind: Kind, value: &str) -> bool {
    !matches!(kind, Kind::Requirements | Kind::Dependencies)
        || pieces(value).any(|piece| named(piece).is_some())
}

/// Requirement ids in a text such as `1.2, 6, 1.1-1.5, REQ-3.2` or `All`, ranges written out.
pub(super) fn requirement_ids(value: &str) -> Vec<String> {
    let is_all = |piece: &str| {
        let word = piece.split_whitespace().next().unwrap_or_default().to_lowercase();
        matches!(word.trim_matches(['.', '*', '_']), "all" | "全部" | "すべて" | "todos" | "todas")
    };
    pieces(value)
        .flat_map(|piece| {
            if is_all(piece) {
                return vec!["All".to_owned()];
            }
            named(piece).unwrap_or_else(|| {
                REFERENCE.find_iter(piece).map(|found| found.as_str().to_owned()).collect()
            })
        })
        .collect()
}

/// A range such as `1.1-1.5`, `1-3` or `T001–T003`, written out; its two ends where it cannot be counted.
fn range(piece: &str) -> Option<Vec<String>> {
    let found = RANGE.captures(piece.trim_matches(['`', '*', '_', '.', ' ']))?;
    let (before, first, again, last) = (&found[1], &found[2], &found[3], &found[4]);
    let ends = || Some(vec![format!("{before}{first}"), format!("{again}{last}")]);
    if !again.is_empty() && again != before {
        return ends();
    }
    let (stem, from) = first.rsplit_once('.').map_or(("", first), |(stem, from)| (stem, from));
    let (other, to) = last.rsplit_once('.').map_or((stem, last), |(stem, to)| (stem, to));
    let (Ok(low), Ok(high)) = (from.parse::<u32>(), to.parse::<u32>()) else { return ends() };
    if other != stem || low > high || high - low >= 100 {
        return Some(vec![format!("{before}{first}"), format!("{before}{last}")]);
    }
    let (dot, width) =
        (if stem.is_empty() { "" } else { "." }, if from.starts_with('0') { from.len() } else { 0 });
    Some((low..=high).map(|number| format!("{before}{stem}{dot}{number:0width$}")).collect())
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
    fn references_are_read_whole() {
        for (value, expected) in [
            ("1, 2.1", &["1", "2.1"][..]),
            ("Task 1", &["1"]),
            ("T012", &["T012"]),
            ("None", &[]),
            ("FOUNDATION-1, FOUNDATION-2", &["FOUNDATION-1", "FOUNDATION-2"]),
            ("FOUNDATION-3 (Configuration)", &["FOUNDATION-3"]),
            ("1-3", &["1", "2", "3"]),
            ("T009–T011", &["T009", "T010", "T011"]),
            ("Tasks 1-2, 4", &["1", "2", "4"]),
            ("Tasks 1 and 2", &["1", "2"]),
            ("Task 1 and Task 2", &["1", "2"]),
            ("1 (needs Postgres 16)", &["1"]),
            ("2 for HTTP 3", &["2"]),
            ("axum 0.8, Postgres 16", &[]),
            ("the end of task 3", &["3"]),
        ] {
            assert_eq!(references(value), expected, "{value}");
        }
    }

    #[test]
    fn requirement_ids_are_written_out() {
        for (value, expected) in [
            ("1.2, 6", &["1.2", "6"][..]),
            ("1.1-1.3", &["1.1", "1.2", "1.3"]),
            ("1.1 to 3", &["1.1", "1.2", "1.3"]),
            ("REQ-3.2", &["REQ-3.2"]),
            ("REQ-3.2-REQ-3.4", &["REQ-3.2", "REQ-3.3", "REQ-3.4"]),
            ("R6.1, DR8", &["R6.1", "DR8"]),
            ("1.4-2.2", &["1.4", "2.2"]),
            ("All requirements", &["All"]),
            ("Requirements 1.2、3", &["1.2", "3"]),
            ("NFR-PERF-1", &["NFR-PERF-1"]),
        ] {
            assert_eq!(requirement_ids(value), expected, "{value}");
        }
    }
}
