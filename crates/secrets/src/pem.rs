//! Private keys in PEM and of PuTTY, over as many lines as they have, however these are quoted, numbered or escaped.

use regex::bytes::{Regex, RegexBuilder};
use std::sync::LazyLock;

/// The first lines of keys; these are keywords. The other lines of PuTTY's files, its manual says (appendix C), are
/// public.
pub(crate) const BEGIN: [&str; 2] = ["-----begin", "private-lines:"];
/// A run of Base64 this long is a line of a key.
const LINE: usize = 40;
/// The largest gap between two runs of a key, in bytes: a line's end with a quote, a number, a mark.
const BETWEEN: usize = 32;
/// How many short runs may follow one another within a key: line numbers, escapes, a last line.
const SHORT: usize = 5;
/// How much of a key its tag is made from, in characters.
const DIGEST: usize = 512;
/// How much stands between a key's first line and its first run at most, in bytes.
const PREAMBLE: usize = 320;

static HEADER: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"^(?:-----BEGIN[ A-Z0-9]{0,40}PRIVATE KEY(?: BLOCK)?-----|Private-Lines:)"));
static HEADER_CUT: LazyLock<Regex> = LazyLock::new(|| compiled(r"^-----BEGIN[ A-Z0-9]{0,60}-{0,4}$"));
static FOOTER: LazyLock<Regex> = LazyLock::new(|| compiled(r"^END[ A-Z0-9]{0,60}-----"));
static FOOTER_CUT: LazyLock<Regex> = LazyLock::new(|| compiled(r"^(?:E|EN|END[ A-Z0-9]{0,60}-{0,4})$"));
/// The end of a PuTTY key, after the rest of an escape and a diff's mark.
static MAC: LazyLock<Regex> = LazyLock::new(|| compiled(r"^[nr+]{0,2}Private-MAC: {0,4}[0-9a-f]{16,64}"));
static MAC_CUT: LazyLock<Regex> =
    LazyLock::new(|| compiled(r"^[nr+]{0,2}Private-(?:M|MA|MAC|MAC:|MAC: {0,4}[0-9a-f]{0,64})?$"));
/// Marks and escapes, then header lines such as `DEK-Info: …`.
static BEFORE_BODY: LazyLock<Regex> = LazyLock::new(|| {
    compiled(concat!(
        r#"^(?:\\[nrt]|[\s\\"'`+,|>#*0-9:.\xe2\x86\x92]){0,40}"#,
        r"(?:(?:Proc-Type|DEK-Info|Version|Comment|Charset|Hash|MessageID): [^\n\\]{0,80}(?:\\[nr]|\s){1,8}){0,5}",
    ))
});

fn compiled(pattern: &str) -> Regex {
    // The patterns are constants that a test compiles.
    RegexBuilder::new(pattern).unicode(false).build().expect("the pattern is well formed")
}

/// The kind of text at the beginning of a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// No key: a certificate, or words about keys.
    No,
    /// There is too little text to tell.
    Undecided,
    Found {
        /// Characters of the key.
        digest: Vec<u8>,
        body: Body,
    },
}

/// How far a key goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Body {
    /// Up to here it is the key.
    pub(crate) end: usize,
    /// Whether it goes no further.
    pub(crate) is_over: bool,
}

/// Reads what begins at `at`; `is_whole` says that no text follows.
pub(crate) fn read(text: &[u8], at: usize, is_whole: bool) -> Key {
    let from = &text[at..];
    let Some(header) = HEADER.find(from) else {
        let is_cut = !is_whole && HEADER_CUT.is_match(from);
        return if is_cut { Key::Undecided } else { Key::No };
    };
    let begin = at + header.end();
    let before = BEFORE_BODY.find(&text[begin..]).map_or(0, |found| found.end());
    let mut first = begin + before;
    // An escape's letter is no part of the key.
    if text[first..].starts_with(b"n") && text[..first].ends_with(b"\\") {
        first += 1;
    }
    let run = run_at(text, first);
    if run < LINE {
        let is_open = first + run == text.len() || text.len() - begin < before + BETWEEN;
        let may_come = !is_whole && is_open && text.len() - begin < PREAMBLE;
        return if may_come { Key::Undecided } else { Key::No };
    }
    let body = body(text, first, is_whole);
    let digest = digest(&text[first..body.end]);
    if digest.len() < DIGEST && !body.is_over {
        return Key::Undecided;
    }
    Key::Found { digest, body }
}

/// Reads on within a key, from a place in or after one of its lines.
pub(crate) fn body(text: &[u8], from: usize, is_whole: bool) -> Body {
    let (mut end, mut at, mut short) = (from, from, 0);
    loop {
        let run = at + text[at..].iter().take_while(|byte| !is_base64(**byte)).count();
        let between = &text[at..run];
        if between.ends_with(b"-----") {
            if let Some(footer) = FOOTER.find(&text[run..]) {
                return Body { end: run + footer.end(), is_over: true };
            }
            if !is_whole && FOOTER_CUT.is_match(&text[run..]) {
                return Body { end, is_over: false };
            }
        }
        if run == text.len() && between.len() <= BETWEEN {
            return Body { end, is_over: is_whole };
        }
        if between.len() > BETWEEN || !between.iter().all(|byte| is_mark(*byte)) {
            return Body { end, is_over: true };
        }
        if !is_whole && MAC_CUT.is_match(&text[run..]) {
            return Body { end, is_over: false };
        }
        if let Some(mac) = MAC.find(&text[run..]) {
            return Body { end: run + mac.end(), is_over: true };
        }
        let length = run_at(text, run);
        let after = run + length;
        if after == text.len() && !is_whole {
            // The rest is long enough to be recognized as a line when the text continues.
            let end = if length >= 2 * LINE { after - LINE } else { end };
            return Body { end, is_over: false };
        }
        if length >= LINE || after == text.len() {
            end = after;
            short = 0;
        } else {
            short += 1;
            if short > SHORT {
                return Body { end, is_over: true };
            }
        }
        if after == text.len() {
            return Body { end, is_over: true };
        }
        at = after;
    }
}

fn digest(key: &[u8]) -> Vec<u8> {
    let mut digest = Vec::with_capacity(DIGEST);
    for (at, byte) in key.iter().enumerate() {
        let is_escape = matches!(byte, b'n' | b'r') && at > 0 && key[at - 1] == b'\\';
        if is_base64(*byte) && !is_escape && digest.len() < DIGEST {
            digest.push(*byte);
        }
    }
    digest
}

fn run_at(text: &[u8], at: usize) -> usize {
    text[at..].iter().take_while(|byte| is_base64(**byte)).count()
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// Returns what editors, quotes, diffs and escapes put between lines.
fn is_mark(byte: u8) -> bool {
    byte.is_ascii_whitespace() || b"\\\"'`,|>#*:-\xe2\x86\x92".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(separator: &str) -> String {
        let line = "MIIEpAIBAAKCAQEAx3Zr2LmX0vT5yBn3KdW7q8Zr2LmX0vT5yBn3KdW7abcdefg0";
        let begin = format!("-----BEGIN RSA {} KEY-----", "PRIVATE");
        let end = format!("-----END RSA {} KEY-----", "PRIVATE");
        [&begin, line, line, "x3Zr2Q==", &end].join(separator)
    }

    fn end_of(text: &str) -> Option<usize> {
        match read(text.as_bytes(), 0, true) {
            Key::Found { body, .. } => Some(body.end),
            Key::No | Key::Undecided => None,
        }
    }

    #[test]
    fn keys_are_read_to_their_end() {
        for separator in ["\n", "\r\n", "\\n", " ", "\n    ", "\n+", "\n  12\u{2192}", "\\n\" +\n  \""] {
            let key = key(separator);
            assert_eq!(end_of(&format!("{key}\nwords after it")), Some(key.len()), "{separator:?}");
        }
    }

    #[test]
    fn words_about_keys_are_no_keys() {
        let begin = format!("-----BEGIN {} KEY-----", "PRIVATE");
        assert_eq!(
            end_of(&format!("{begin} is how such a file starts, in src/components/dashboard/index")),
            None
        );
        assert_eq!(
            end_of("-----BEGIN CERTIFICATE-----\nMIIEpAIBAAKCAQEAx3Zr2LmX0vT5yBn3KdW7q8Zr2LmX0v"),
            None
        );
    }

    #[test]
    fn a_key_without_an_end_goes_as_far_as_its_lines() {
        let whole = key("\n");
        let cut = &whole[..whole.find("x3Zr2Q==").expect("it is there")];
        let text = format!("{cut}Then, as was said before, the file ends.");
        assert_eq!(end_of(&text), Some(cut.len() - 1));
    }
}
