//! Values that are known to be secret, in every form they are written in.

use crate::finding::{Source, Span};
use crate::{CONTEXT, is_delimiter, kinds, looks};
use aho_corasick::{AhoCorasick, BuildError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use regex::bytes::{Regex, RegexBuilder};
use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

/// Shorter values are not looked for: they would be found in words that have nothing to do with them.
const SHORTEST: usize = 6;
/// Shorter lines of a value of several lines are not looked for by themselves.
const SHORTEST_LINE: usize = 16;
/// Forms are looked for in pieces of this many bytes, so that a stream never waits for more.
const PIECE: usize = 1024;

/// A value that is secret, and what it is called.
#[derive(Clone, PartialEq, Eq)]
pub struct Exact {
    pub name: String,
    pub value: String,
}

impl std::fmt::Debug for Exact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Exact").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The known values, ready to be looked for.
pub(crate) struct Known {
    values: Vec<(Arc<str>, u16)>,
    forms: Vec<Form>,
    finder: AhoCorasick,
}

struct Form {
    text: String,
    /// Which value it is a form of.
    value: usize,
    /// Whether it is Base64, which may go on a little at both ends.
    encoded: bool,
    /// Whether the value is a word that stands in ordinary texts too: it is a secret only where a key word or a URL says
    /// so.
    is_weak: bool,
}

impl Known {
    /// `digits` gives the digits of a value's tag.
    pub(crate) fn new(exact: &[Exact], digits: impl Fn(&str) -> u16) -> Result<Self, BuildError> {
        let mut values = Vec::new();
        let mut forms = Vec::new();
        let mut seen = BTreeSet::new();
        for one in exact {
            let value = one.value.trim();
            if value.len() < SHORTEST || !seen.insert(value) {
                continue;
            }
            let is_weak = !looks::is_strong(value);
            for (text, encoded) in forms_of(value) {
                forms.push(Form { text, value: values.len(), encoded, is_weak: is_weak && !encoded });
            }
            values.push((Arc::from(kinds::kind_of(&one.name)), digits(value)));
        }
        let finder = AhoCorasick::new(forms.iter().map(|form| &form.text))?;
        Ok(Self { values, forms, finder })
    }

    /// Every place of a known value.
    pub(crate) fn find(&self, text: &str, spans: &mut Vec<Span>) {
        for found in self.finder.find_overlapping_iter(text) {
            let form = &self.forms[found.pattern().as_usize()];
            let (kind, digits) = &self.values[form.value];
            let (mut start, mut end) = (found.start(), found.end());
            if form.is_weak && !stands_as_secret(text.as_bytes(), start, end) {
                continue;
            }
            if form.encoded {
                // The characters beside hold the value's first and last bits.
                let bytes = text.as_bytes();
                while found.start() - start < 3 && start > 0 && is_base64(bytes[start - 1]) {
                    start -= 1;
                }
                while end - found.end() < 3
                    && bytes.get(end).is_some_and(|byte| is_base64(*byte) || *byte == b'=')
                {
                    end += 1;
                }
            }
            let kind = kind.clone();
            spans.push(Span {
                start,
                end,
                kind,
                digits: *digits,
                source: Source::Exact,
                rule: 0,
                goes_on: false,
            });
        }
    }

    /// Returns the forms with blanks or quotes inside: more than a word has to be held back for them.
    pub(crate) fn over_words(&self) -> impl Iterator<Item = &str> {
        self.forms.iter().map(|form| form.text.as_str()).filter(|text| text.bytes().any(is_delimiter))
    }

    /// Returns whether a known value could begin with this text.
    pub(crate) fn may_start_match(&self, text: &str) -> bool {
        self.forms.iter().any(|form| form.text.starts_with(text))
    }
}

/// Key words that a weak value counts after.
static KEY_CONTEXT: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r#"(?i:pass|pwd|secret|token|credential|api_?key|access_?key|auth)(?i:[a-z0-9_.-]{0,24})[\"'`\])]{0,3}[ \t]{0,4}(?:=>|:=|={1,2}|:|[ \t])[ \t]{0,4}[\\"'`]{0,3}$|://[^\s/@]{0,64}:$"#;
    // The pattern is a constant that a test compiles.
    RegexBuilder::new(pattern).unicode(false).build().expect("the pattern is well formed")
});

/// Returns whether a weak value stands alone, after a key word or as the password of a URL.
fn stands_as_secret(text: &[u8], start: usize, end: usize) -> bool {
    let is_alone = !text.get(end).is_some_and(u8::is_ascii_alphanumeric)
        && !start.checked_sub(1).is_some_and(|at| text[at].is_ascii_alphanumeric());
    let line = text[start.saturating_sub(CONTEXT / 2)..start].split(|byte| *byte == b'\n').next_back();
    is_alone && line.is_some_and(|line| KEY_CONTEXT.is_match(line))
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

/// Returns a value as it may be written; `true` beside what is Base64.
fn forms_of(value: &str) -> BTreeSet<(String, bool)> {
    let mut forms = BTreeSet::new();
    // A value of several lines is known by each of them: indented, escaped or cut, they stay what they are.
    let lines: Vec<&str> = value.lines().map(str::trim).collect();
    let is_one = lines.len() == 1;
    for line in lines {
        if !is_one && (line.len() < SHORTEST_LINE || line.starts_with("-----")) {
            continue;
        }
        let json = serde_json::Value::from(line).to_string();
        let json = json.trim_matches('"').to_owned();
        let twice = serde_json::Value::from(json.as_str()).to_string();
        let slashes = json.replace('/', "\\/");
        for text in [line.to_owned(), json, twice.trim_matches('"').to_owned(), slashes] {
            add(&mut forms, &text, false);
        }
        for reserved in [&b"-_.~"[..], b"-_.~!*'();:@&=+$,/?#[]"] {
            let url = percent(line, reserved, false);
            add(&mut forms, &url.replace("%20", "+"), false);
            add(&mut forms, &percent(line, reserved, true), false);
            add(&mut forms, &url, false);
        }
        for text in base64_forms(line.as_bytes()) {
            add(&mut forms, &text, true);
        }
    }
    if !is_one {
        for text in base64_forms(value.as_bytes()) {
            add(&mut forms, &text, true);
        }
    }
    forms
}

fn add(forms: &mut BTreeSet<(String, bool)>, text: &str, encoded: bool) {
    let mut rest = text;
    while rest.len() > PIECE {
        let at = rest.floor_char_boundary(PIECE);
        forms.insert((rest[..at].to_owned(), encoded));
        rest = &rest[at..];
    }
    // A short rest would be found everywhere; the pieces before it give the value away.
    if rest.len() >= SHORTEST && (rest.len() == text.len() || rest.len() >= SHORTEST_LINE) {
        forms.insert((rest.to_owned(), encoded));
    }
}

fn percent(text: &str, plain: &[u8], small: bool) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || plain.contains(&byte) {
            encoded.push(char::from(byte));
        } else if small {
            encoded.push_str(&format!("%{byte:02x}"));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

/// Returns what is always there when the bytes are encoded, after none, one or two others, in both alphabets.
fn base64_forms(bytes: &[u8]) -> Vec<String> {
    let mut forms = Vec::new();
    for before in 0..3_usize {
        let mut shifted = vec![0; before];
        shifted.extend_from_slice(bytes);
        let encoded = STANDARD_NO_PAD.encode(&shifted);
        // Characters that also hold bits of what comes before or after differ from place to place.
        let from = (before * 8).div_ceil(6);
        let until = shifted.len() * 8 / 6;
        if let Some(middle) = encoded.get(from..until).filter(|middle| middle.len() >= 8) {
            forms.push(middle.replace('+', "-").replace('/', "_"));
            forms.push(middle.to_owned());
        }
    }
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_in_all_its_forms() {
        let value = "pa\"ss/w+rd é&=?x";
        let exact = [Exact { name: "DB_PASSWORD".to_owned(), value: value.to_owned() }];
        let known = Known::new(&exact, |_| 1).expect("it compiles");
        let json = serde_json::Value::from(value).to_string();
        let mut written = vec![
            value.to_owned(),
            json.trim_matches('"').to_owned(),
            "pa%22ss%2Fw%2Brd%20%C3%A9%26%3D%3Fx".to_owned(),
            "pa%22ss%2fw%2brd%20%c3%a9%26%3d%3fx".to_owned(),
            "pa%22ss%2Fw%2Brd+%C3%A9%26%3D%3Fx".to_owned(),
        ];
        for before in ["", "u:", "user:", "admin:"] {
            let plain = format!("{before}{value}");
            written.push(STANDARD_NO_PAD.encode(&plain));
            written.push(base64::engine::general_purpose::URL_SAFE.encode(format!("{plain}, and more")));
        }
        for text in written {
            let mut spans = Vec::new();
            known.find(&format!("before {text} after"), &mut spans);
            assert!(!spans.is_empty(), "{text}");
        }
    }

    #[test]
    fn a_word_is_a_secret_after_a_key_word_alone() {
        let exact = [Exact { name: "DATABASE_PASSWORD".to_owned(), value: "postgres".to_owned() }];
        let known = Known::new(&exact, |_| 1).expect("it compiles");
        let count = |text: &str| {
            let mut spans = Vec::new();
            known.find(text, &mut spans);
            spans.len()
        };
        for text in [
            "PGPASSWORD=postgres",
            "password: \"postgres\"",
            "postgres://app:postgres@db/x",
            "db_pass = 'postgres'",
        ] {
            assert_eq!(count(text), 1, "{text}");
        }
        for text in [
            "Use postgres 15",
            "src/postgres/mod.rs",
            "postgres://localhost/db",
            "the password of postgresql",
            "postgres=1",
        ] {
            assert_eq!(count(text), 0, "{text}");
        }
    }

    #[test]
    fn short_values_are_left_and_long_ones_come_in_pieces() {
        let long = "k".repeat(1024) + &"v".repeat(1024) + "tail";
        let exact = [("A", "short"), ("B", long.as_str())]
            .map(|(name, value)| Exact { name: name.to_owned(), value: value.to_owned() });
        let known = Known::new(&exact, |_| 1).expect("it compiles");
        assert!(known.forms.iter().all(|form| form.text.len() <= PIECE && form.value == 0));
    }
}
