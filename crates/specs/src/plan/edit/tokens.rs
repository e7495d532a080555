//! Numbers of tasks inside a line, and how a line is rewritten.

use crate::markdown::pattern::pattern;
use regex::Regex;
use std::collections::BTreeMap;
use std::sync::LazyLock;

static NUMBER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"[A-Za-z][A-Za-z0-9]*-\d+(?:\.\d+)*|[A-Za-z]*\d+(?:\.\d+)*"));

/// Replaces the numbers of tasks in a text; `2.1` follows `2` where it is not named itself.
pub(super) fn renumber(text: &str, numbers: &BTreeMap<String, String>) -> String {
    NUMBER
        .replace_all(text, |found: &regex::Captures<'_>| {
            renumbered(&found[0], numbers).unwrap_or_else(|| found[0].to_owned())
        })
        .into_owned()
}

/// Returns the number that a task or part has after a renumbering; none where it stays.
pub(super) fn renumbered(number: &str, numbers: &BTreeMap<String, String>) -> Option<String> {
    let mut whole = number;
    loop {
        if let Some(to) = numbers.get(whole) {
            return Some(format!("{to}{}", &number[whole.len()..]));
        }
        whole = whole.rsplit_once('.')?.0;
    }
}

/// Replaces the number before the title of a line.
pub(super) fn replace_number(line: &str, title: &str, from: &str, to: &str) -> Option<String> {
    let end = if title.is_empty() { line.len() } else { line.find(title)? };
    let is_apart = |at: &usize| {
        let is_word = |c: char| c.is_alphanumeric() || c == '.';
        !line[..*at].chars().next_back().is_some_and(is_word)
            && !line[at + from.len()..].chars().next().is_some_and(char::is_alphanumeric)
    };
    let at = line[..end].match_indices(from).map(|(at, _)| at).find(is_apart)?;
    Some(format!("{}{to}{}", &line[..at], &line[at + from.len()..]))
}

/// The form of the numbers of a plan: `1`, `T001`, `AUTH-1`.
#[derive(Clone, Debug)]
pub(super) struct NumberForm {
    prefix: String,
    width: usize,
    first: u64,
    last: u64,
    /// Whether the numbers grow by one in the order of writing.
    pub(super) is_sequence: bool,
}

impl NumberForm {
    /// Returns the form of the numbers of a plan; none where they have several.
    pub(super) fn of<'n>(numbers: impl Iterator<Item = &'n str>) -> Option<Self> {
        let mut form: Option<Self> = None;
        for number in numbers {
            let start = number.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
            let (prefix, digits) = (&number[..start], &number[start..]);
            let value: u64 = digits.parse().ok()?;
            match &mut form {
                None => {
                    let width = if digits.starts_with('0') && digits.len() > 1 { digits.len() } else { 0 };
                    let prefix = prefix.to_owned();
                    form = Some(Self { prefix, width, first: value, last: value, is_sequence: true });
                }
                Some(form) => {
                    if form.prefix != prefix || prefix.ends_with('.') {
                        return None;
                    }
                    form.is_sequence &= value == form.last + 1;
                    form.last = form.last.max(value);
                }
            }
        }
        form
    }

    /// Returns the number at a place of the sequence.
    pub(super) fn at(&self, place: usize) -> String {
        self.format(self.first + u64::try_from(place).unwrap_or(u64::MAX - self.first))
    }

    /// Returns a number that no task has.
    pub(super) fn unused(&self, further: usize) -> String {
        self.format(self.last + 1 + u64::try_from(further).unwrap_or_default())
    }

    fn format(&self, value: u64) -> String {
        let width = self.width;
        format!("{}{value:0width$}", self.prefix)
    }
}
