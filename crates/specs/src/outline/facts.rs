//! What a line below a task tells about it: its requirements, what it needs, what it may touch, how big it is.

use crate::markdown::fold::{Folded, fold};
use crate::markdown::ids::{is_ids, pieces, requirement_ids};
use crate::markdown::labels;
use crate::markdown::labels::Kind;
use crate::markdown::pattern::pattern;
use regex::Regex;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

/// How much work a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    Small,
    Medium,
    Large,
}

impl fmt::Display for Effort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
        })
    }
}

/// A line with a label: `- _Requirements: 1.1_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Labelled<'t> {
    pub(crate) label: &'t str,
    pub(crate) value: &'t str,
    /// Whether the whole line is decorated, as a fact is and prose is not.
    pub(crate) is_decorated: bool,
}

// Patterns over folded text.
static LABELLED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^\s*(?:[-*+•]\s+)?([_*]{0,3})([\p{L}][^:*_`|]{0,40}?)([_*]{0,3})\s*:([_*]{0,3})(?:\s+(.*?)|([^\s/].*?)|)\s*$",
    )
});
static BULLET: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"^(\s*)(?:(?:[-*+•]|#?\.|\d+[.)])\s+|・\s*)(\S.*?)\s*$"));

/// Reads a line as one with a label.
pub(crate) fn labelled<'t>(line: &'t str) -> Option<Labelled<'t>> {
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

/// Returns a fact that a line tells, with its value, which is empty where a list follows.
pub(crate) fn fact<'t>(line: &'t str, learned: &BTreeMap<String, Kind>) -> Option<(Kind, &'t str)> {
    if let Some(Labelled { label, value, .. }) = labelled(line) {
        // Of `_Needs: 1_` the number is that of a task, and prose begins with the word too.
        let is_need = label.eq_ignore_ascii_case("needs") && is_in_underscores(line);
        if is_need && resources(value).next().is_some() && resources(value).all(|name| is_resource(&name)) {
            return Some((Kind::Resources, value));
        }
        let kind = labels::kind(label).or_else(|| learned.get(&label.to_lowercase()).copied());
        let kind = kind.or_else(|| (labels::is_order(label) && is_ids(value)).then_some(Kind::Dependencies));
        return kind.map(|kind| (kind, value));
    }
    // `_Depends on 1, 2_`, `- 依赖任务3`: a sentence that begins with it.
    let bare = line
        .trim()
        .trim_start_matches(['-', '+', '•', ' '])
        .trim_matches(['_', '*', ' ', '(', ')', '（', '）']);
    let bare = dependency_clause(bare);
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

/// Returns what stands behind the first comma of a sentence, where that is what tells a dependency: `Routes, depends on
/// 1`.
fn dependency_clause(sentence: &str) -> &str {
    let start = |text: &str| text.chars().take(16).collect::<String>();
    let is_told = |text: &str| labels::kind(&start(text)) == Some(Kind::Dependencies);
    match sentence.split_once([',', '，', ';', '；']) {
        Some((before, behind))
            if !before.contains(char::is_numeric) && labels::kind(before).is_none() && is_told(behind) =>
        {
            behind.trim_start()
        }
        _ => sentence,
    }
}

/// Returns what the lines below a heading or label inside a task tell.
pub(crate) fn section(heading: &str) -> Option<Kind> {
    let title = heading.trim_matches(['#', ' ', ':', '：', '*']);
    (title.chars().count() <= 40).then(|| labels::kind(title)).flatten()
}

/// Returns a list item's indentation and text.
pub(crate) fn bullet(line: &str) -> Option<(usize, &str)> {
    let folded = Folded::new(line);
    let found = BULLET.captures(folded.text())?;
    let text = found.get(2)?;
    Some((indent(line), &line[folded.offset(text.start())..folded.offset(text.end())]))
}

/// Returns the width of what is before the first word.
pub(crate) fn indent(line: &str) -> usize {
    line.chars()
        .take_while(|c| c.is_whitespace() || *c == '\u{feff}')
        .map(|c| match c {
            '\u{feff}' => 0,
            '\t' => 4,
            _ => 1,
        })
        .sum()
}

pub(crate) fn effort(value: &str) -> Option<Effort> {
    match value.to_lowercase().split(|c: char| !c.is_alphanumeric()).find(|word| !word.is_empty())? {
        "small" | "s" | "xs" | "low" | "小" | "klein" | "pequeño" | "pequeno" | "petit" => {
            Some(Effort::Small)
        }
        "medium" | "m" | "中" | "mittel" | "mediano" | "médio" | "moyen" => Some(Effort::Medium),
        "large" | "l" | "xl" | "high" | "大" | "groß" | "grande" | "grand" => Some(Effort::Large),
        _ => None,
    }
}

/// Places in a text such as ``src/a, `src/b.rs` (new)``.
pub(crate) fn places(value: &str) -> Vec<String> {
    pieces(value)
        .map(|piece| {
            let quoted = piece.split_once('`').and_then(|(_, rest)| rest.split_once('`'));
            quoted.map_or(piece, |(quoted, _)| quoted).trim().to_owned()
        })
        .filter(|piece| !piece.is_empty())
        .collect()
}

/// The names in a text such as `simulator, gpu`.
pub(crate) fn resources(value: &str) -> impl Iterator<Item = String> {
    places(value).into_iter().filter(|name| !labels::is_none(name))
}

/// Whether a text is the name of a resource: a word in lower case, as `simulator` or `gpu-0`.
pub fn is_resource(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= 40
        && name.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_' | b'.')
        })
}

/// Whether a line, or the item of a list, is in underscores as a whole: `- _Needs: simulator_`.
fn is_in_underscores(line: &str) -> bool {
    let text = line.trim().trim_start_matches(['-', '*', '+', '•']).trim_start();
    text.len() > 1 && text.starts_with('_') && text.ends_with('_')
}

/// Whether a value has a number too long for that of a task, as a date has.
pub(crate) fn is_date(value: &str) -> bool {
    let is_long = |digits: &str| digits.len() > 3;
    fold(value)
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| word.parse::<u64>().is_ok())
        .any(is_long)
}

/// Returns whether the line of a list names what a fact of its kind is made of.
pub(crate) fn is_told(kind: Kind, value: &str) -> bool {
    match kind {
        Kind::Requirements => !requirement_ids(value).is_empty(),
        Kind::Dependencies | Kind::Dependents => value.chars().count() <= 120,
        Kind::Boundary | Kind::Resources | Kind::Effort | Kind::Acceptance | Kind::Advice => true,
    }
}

/// Returns the waves of a plan: `{"waves":[{"id":0,"tasks":["1.1"]}]}` anywhere in the text.
pub(crate) fn waves(text: &str) -> BTreeMap<String, usize> {
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
            ("  - _Needs: simulator, gpu-0_", Some((Kind::Resources, "simulator, gpu-0"))),
            ("  - _Needs: none_", None),
            ("  - _Needs: 1, 2_", Some((Kind::Dependencies, "1, 2"))),
            ("  - _Needs: the simulator_", None),
            ("  - **Needs:** review", None),
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
}
