//! The number at the start of a task, in all its forms: `1.2`, `T001`, `AUTH-1`, `(6)`, `#8`, `Step 3:`, `II.`.

use super::labels;
use super::numerals;
use super::pattern::pattern;
use regex::Regex;
use std::sync::LazyLock;

static ID: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^(T\d+(?:\.\d+)*[a-z]?(?:-(?:T?\d+(?:\.\d+)*))?|\d+(?:\.\d+)*[a-z]?(?:-\d+)?|([A-Z][A-Z0-9]*)-(?:[A-Z0-9]+-)*\d+(?:\.\d+)*[a-z]?(?:-\d+)?|([A-Z]{1,4})\.?\d+(?:\.(?:[A-Z]{1,2})?\d+)*[a-z]?)",
    )
});

static WORD_AND_NUMBER: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"^([\p{L}\p{M}]{1,20}(?: [\p{L}\p{M}]{1,20})?|) ?[#№]?(\d+(?:\.\d+)*[a-z]?|[A-Z]{1,4}-?\d+(?:\.\d+)*|[A-Z]\b)",
    )
});

/// The series of numbers that are written as numerals: `II.`, `（三）`.
pub(super) const NUMERALS: &str = "numerals";

/// A number at the start of a folded text.
pub(super) struct TaskNumber {
    pub(super) number: String,
    /// The common part of the numbers of a series: the letters of `AUTH-1`, the word of `Etapa 3`.
    pub(super) series: String,
    /// Whether something tells it from the words after it.
    pub(super) is_apart: bool,
    /// Where the words after it begin.
    pub(super) rest: usize,
}

/// Returns whether a text is a number that a task of a checklist may have.
pub(crate) fn is_number(text: &str) -> bool {
    read_number(&format!("{text}. a")).is_some_and(|read| read.number == text)
}

pub(super) fn read_number(text: &str) -> Option<TaskNumber> {
    let bare = text.trim_start_matches(['*', '_', '~', '`']);
    // `(6)`, `[BE-12]`, `#8`: what stands around a number is a sign of it.
    let (bare, bracket) = match bare.chars().next() {
        Some('(') => (&bare[1..], Some(')')),
        Some('[') => (&bare[1..], Some(']')),
        _ => (bare, None),
    };
    let (bare, is_counted) = match bare.strip_prefix('#') {
        Some(bare) if bare.starts_with(|c: char| c.is_ascii_digit()) => (bare, true),
        _ => (bare, false),
    };
    let opened = &text[..text.len() - bare.len()];
    let opened = opened.trim_end_matches(['(', '[', '#']);
    let (number, series, is_named, end) = if let Some(found) = ID.captures(bare) {
        let prefix = found.get(2).or_else(|| found.get(3)).map_or("", |prefix| prefix.as_str());
        (found[1].to_owned(), prefix.to_owned(), false, found[0].len())
    } else if let Some((end, value)) = numerals::start(bare) {
        (value.to_string(), NUMERALS.to_owned(), false, end)
    } else {
        let found = WORD_AND_NUMBER.captures(bare)?;
        (found[2].to_owned(), found[1].to_lowercase(), true, found[0].len())
    };
    let mut after = &bare[end..];
    if let Some(bracket) = bracket {
        after = after.strip_prefix(bracket)?;
        // `[1](link)` and `(2)nd` are no numbers of tasks.
        let is_apart = |c: char| " \t:.*_`".contains(c) || !c.is_ascii();
        if !(after.is_empty() || after.starts_with(is_apart)) {
            return None;
        }
    }
    // `1\.` is an escaped sign; a key with a digit on it stands for the digit.
    let after = after.strip_prefix(['º', 'ª']).map_or(after, |rest| rest.strip_prefix('.').unwrap_or(rest));
    let after = after.strip_prefix('\\').filter(|rest| rest.starts_with(['.', ')'])).unwrap_or(after);
    let (after, is_key) = match after.trim_start_matches('\u{fe0f}').strip_prefix('\u{20e3}') {
        Some(rest) => (rest, true),
        None => (after, false),
    };
    let closed = after.trim_start_matches(['*', '_', '~', '`']);
    let is_bold = !opened.is_empty() && closed.len() < after.len();
    let rest = closed.strip_prefix(['.', ')', ':', ',', '|']).unwrap_or(closed);
    // `#12` and nothing else is an issue.
    if is_counted && after.trim().is_empty() {
        return None;
    }
    let is_enclosed = numerals::is_enclosed(bare);
    let has_sign = rest.len() < closed.len() || is_key || is_enclosed || bracket.is_some() || is_counted;
    // `1.5x` and `2-factor` are words, and so is `1a`.
    let is_glued = (!has_sign || is_counted && rest.len() == closed.len())
        && !is_bold
        && !after.is_empty()
        && !after.starts_with([' ', '\t']);
    let is_decimal = has_sign && closed.starts_with('.') && rest.starts_with(|c: char| c.is_ascii_digit());
    let is_lettered = number.ends_with(|c: char| c.is_ascii_lowercase()) && !has_sign && !is_bold;
    let is_range = series.is_empty() && !number.starts_with('T') && number.contains('-') && !has_sign;
    if is_glued || is_decimal || is_lettered || is_range {
        return None;
    }
    let is_task = labels::is_task_word(&series);
    let is_told = has_sign || is_bold || rest.trim_start().starts_with('-');
    if is_named && !is_told && !is_task {
        return None;
    }
    let is_dotted = number.contains('.') || number.starts_with('T');
    let is_apart = match (is_named, series.is_empty()) {
        (true, _) => is_task && is_told,
        (false, true) => has_sign || is_bold || is_dotted,
        (false, false) => {
            series != NUMERALS && has_sign && series != "P" && series != "US" || is_bold || series == "TASK"
        }
    };
    // What is glued to the number closes its decoration; after a blank it opens that of the title.
    let rest =
        if rest.starts_with([' ', '\t']) { rest } else { rest.trim_start_matches(['*', '_', '~', '`']) };
    let rest = rest.trim_start();
    let rest = if is_bold || is_named || !has_sign {
        rest.strip_prefix([':', '.', '-']).unwrap_or(rest)
    } else {
        rest
    };
    let rest = rest.trim_start();
    Some(TaskNumber { number, series, is_apart, rest: text.len() - rest.len() })
}

/// Returns whether a number may come next after another: its first part, or what follows it or one of its wholes.
pub(super) fn follows(last: Option<&str>, number: &str) -> bool {
    let split = |number: &str| -> (String, Vec<u64>) {
        let letters = number.find(|c: char| c.is_ascii_digit()).unwrap_or(number.len());
        let parts =
            number[letters..].split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok());
        (number[..letters].to_owned(), parts.collect())
    };
    let is_start = |parts: &[u64]| parts.iter().all(|part| *part < 2);
    let (letters, parts) = split(number);
    let Some((before, known)) = last.map(split) else { return is_start(&parts) };
    let same = parts.iter().zip(&known).take_while(|(one, other)| one == other).count();
    let Some(next) = parts.get(same).filter(|_| letters == before) else { return false };
    known.get(same).map_or(*next < 2, |known| *next == known.saturating_add(1))
        && is_start(&parts[same + 1..])
}
