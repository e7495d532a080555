//! Short ids of tasks, such as `SPEC-12`: the key of a project and a number within it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest key, in characters.
const MAX_KEY_LEN: usize = 10;
/// The length of a key that is derived from a name, in characters.
const DERIVED_KEY_LEN: usize = 4;
/// The key of a project whose name has too few ASCII letters to derive one.
const DEFAULT_KEY: &str = "SPEC";

/// The short id of a task, in upper case. It is unique among the tasks of an owner.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ShortId(String);

impl ShortId {
    pub fn new(key: &str, number: u64) -> Self {
        Self(format!("{key}-{number}"))
    }

    /// Reads a short id in any case; `None` where the text is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (key, number) = text.split_once('-')?;
        let key = key.to_ascii_uppercase();
        let is_number = number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0');
        let number = number.parse().ok().filter(|_| is_number)?;
        is_key(&key).then(|| Self::new(&key, number))
    }

    /// Reads the short id that a name such as `SPEC-12-due-dates` begins with.
    pub fn at_start_of(name: &str) -> Option<Self> {
        let (key, rest) = name.split_once('-')?;
        let number = rest.split('-').next()?;
        Self::parse(&format!("{key}-{number}"))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the key and the number; the number is 0 where the stored text has none.
    fn parts(&self) -> (&str, u64) {
        let (key, number) = self.0.rsplit_once('-').unwrap_or((&self.0, "0"));
        (key, number.parse().unwrap_or(0))
    }

    pub fn key(&self) -> &str {
        self.parts().0
    }

    pub fn number(&self) -> u64 {
        self.parts().1
    }
}

impl fmt::Display for ShortId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns whether a text can be the key of a project: an upper-case ASCII letter, then upper-case letters and digits.
pub fn is_key(text: &str) -> bool {
    text.len() <= MAX_KEY_LEN
        && text.bytes().next().is_some_and(|first| first.is_ascii_uppercase())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Returns the key of a project by its name: the beginning of the first word that has two letters. A key that is taken gets
/// a number behind it.
pub fn derive_key(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let word = name
        .split(|c: char| !c.is_ascii_alphanumeric())
        .map(|word| word.trim_start_matches(|c: char| c.is_ascii_digit()))
        .find(|word| word.len() > 1)
        .map_or_else(|| DEFAULT_KEY.to_owned(), str::to_ascii_uppercase);
    let key = &word[..word.len().min(DERIVED_KEY_LEN)];
    let mut candidate = key.to_owned();
    let mut number = 1_u64;
    while is_taken(&candidate) {
        number += 1;
        candidate = format!("{key}{number}");
    }
    candidate
}

#[cfg(test)]
mod tests {
    use super::{ShortId, derive_key, is_key};

    #[test]
    fn a_short_id_is_read_in_any_case() {
        for (text, read) in [
            ("SPEC-12", Some("SPEC-12")),
            ("spec-12", Some("SPEC-12")),
            ("A1-1", Some("A1-1")),
            ("SPEC-0", None),
            ("SPEC-01", None),
            ("SPEC-", None),
            ("SPEC-+1", None),
            ("SPEC-1-x", None),
            ("1SPEC-1", None),
            ("SPEC", None),
            ("ÄB-1", None),
            ("spt_01ARZ3NDEKTSV4RRFFQ69G5FAV", None),
            ("SPEC-99999999999999999999", None),
        ] {
            assert_eq!(ShortId::parse(text).as_ref().map(ShortId::as_str), read, "{text}");
        }
        let id = ShortId::parse("SPEC-12").expect("a short id");
        assert_eq!((id.key(), id.number()), ("SPEC", 12));
    }

    #[test]
    fn a_branch_begins_with_a_short_id() {
        let read = |name| ShortId::at_start_of(name).map(|id| id.to_string());
        assert_eq!(read("SPEC-12-due-dates").as_deref(), Some("SPEC-12"));
        assert_eq!(read("SPEC-12").as_deref(), Some("SPEC-12"));
        assert_eq!(read("fix-login"), None);
    }

    #[test]
    fn a_key_is_derived_from_a_name() {
        for (name, key) in [
            ("spectask", "SPEC"),
            ("todo-app", "TODO"),
            ("my web app", "MY"),
            ("x ray", "RAY"),
            ("2048 game", "GAME"),
            ("書籍", "SPEC"),
            ("", "SPEC"),
        ] {
            assert_eq!(derive_key(name, |_| false), key, "{name}");
            assert!(is_key(key), "{key}");
        }
        assert_eq!(derive_key("todo", |key| ["TODO", "TODO2"].contains(&key)), "TODO3");
    }

    #[test]
    fn a_key_is_upper_case_and_short() {
        for (key, expected) in [
            ("A", true),
            ("SPEC2", true),
            ("spec", false),
            ("2A", false),
            ("", false),
            ("ABCDEFGHIJK", false),
        ] {
            assert_eq!(is_key(key), expected, "{key}");
        }
    }
}
