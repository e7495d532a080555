//! Ids of requirements, criteria and tasks in a text, with ranges written out.

use super::fold::fold;
use super::labels::{self, Kind};
use super::numerals;
use super::pattern::pattern;
use regex::Regex;
use std::sync::LazyLock;

pub(crate) fn pieces(value: &str) -> impl Iterator<Item = &str> {
    value.split([',', ';', '，', '、', '；', '،']).map(str::trim).filter(|piece| !piece.is_empty())
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
pub(crate) fn requirement_ids(value: &str) -> Vec<String> {
    let folded = fold(&numerals::spelled(value));
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
                return if and { ends } else { written_out(&found[1], &found[2]).unwrap_or(ends) };
            }
            ids(piece)
        })
        .collect()
}

/// Returns the ids that a text in brackets cites: `AC: 1, 2` criteria, as `AC1` and `AC2`, and `Requirements: 1.1`
/// requirements.
pub(crate) fn cited_in(text: &str) -> Vec<String> {
    let folded = fold(text);
    let Some((label, ids)) = folded.split_once(':') else { return Vec::new() };
    let label = label.trim().trim_end_matches(['#', 's']);
    let is_criterion = label.eq_ignore_ascii_case("AC") || labels::is_acceptance(label);
    if !is_criterion && labels::kind(label) != Some(Kind::Requirements) {
        return Vec::new();
    }
    let ids = ids.replace('#', "");
    let is_count = |id: &str| is_criterion && id.bytes().all(|byte| byte.is_ascii_digit());
    let cited = requirement_ids(&ids).into_iter();
    cited.map(|id| if is_count(&id) { format!("AC{id}") } else { id }).collect()
}

/// Returns the ids in a piece of a list, without those in words of other things: `Property 3`, `Postgres 16`.
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

/// Returns whether a value is made of ids and nothing else.
pub(crate) fn is_ids(value: &str) -> bool {
    let folded = fold(value);
    let rest = ID.replace_all(&folded, "");
    rest.len() < folded.len()
        && !rest.contains(|c: char| c.is_alphabetic() || c.is_ascii_digit())
        && rest.chars().all(|c| c.is_whitespace() || "-,;~.&+()[]_*`/".contains(c))
}

/// Returns the numbers from one to another: `1.1` to `1.5` or `5`, `T001` to `T003`; none where they cannot be counted.
pub(crate) fn written_out(first: &str, last: &str) -> Option<Vec<String>> {
    let split = |id: &str| {
        let at = id
            .find(|c: char| c.is_ascii_digit() && !id.contains('-'))
            .or_else(|| id.rfind('-').map(|at| at + 1))
            .unwrap_or(0);
        (id[..at].to_owned(), id[at..].to_owned())
    };
    let ((before, from), (again, to)) = (split(first), split(last));
    if !again.is_empty() && again != before {
        return None;
    }
    let (stem, low) = from.rsplit_once('.').unwrap_or(("", &from));
    let (other, high) = to.rsplit_once('.').unwrap_or((stem, &to));
    let width = if low.starts_with('0') { low.len() } else { 0 };
    let (low, high) = (low.parse::<u32>().ok()?, high.parse::<u32>().ok()?);
    if other != stem || low > high || high - low >= 200 {
        return None;
    }
    let dot = if stem.is_empty() { "" } else { "." };
    Some((low..=high).map(|number| format!("{before}{stem}{dot}{number:0width$}")).collect())
}

#[cfg(test)]
mod tests {
    use super::requirement_ids;

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
