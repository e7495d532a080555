//! What holds for every text, however it is cut.

use crate::{Exact, Redactor, Settings};
use std::sync::LazyLock;

/// A word that is longer may be published in part before it is over.
const LONG: usize = 4_000;

static REDACTOR: LazyLock<Redactor> = LazyLock::new(|| {
    let exact = [("PASSPHRASE", "correct horse battery staple 42"), ("QUOTED", "a\"b'c d\\e f")];
    let exact = exact.map(|(name, value)| Exact { name: name.to_owned(), value: value.to_owned() }).to_vec();
    Redactor::new(&Settings { exact, ..Default::default() }).unwrap_or_else(|error| panic!("{error}"))
});

/// Redacts a text whole, in pieces and by lines. The first line of the bytes says where it is cut, by the code of each of
/// its letters.
///
/// # Panics
/// When the pieces are redacted in another way than the whole, or a line gets lost.
pub fn redactor(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (cuts, text) = text.split_once('\n').unwrap_or(("", &text));
    let whole = REDACTOR.redact(text);
    for finding in REDACTOR.findings(text) {
        assert!(
            text.get(finding.span.clone()).is_some_and(|secret| !secret.is_empty()),
            "{:?}",
            finding.span
        );
    }
    let lines: Vec<&str> = text.split('\n').collect();
    assert_eq!(REDACTOR.redact_lines(&lines).len(), lines.len(), "redacting changes the number of lines");
    if text.split_whitespace().any(|word| word.len() > LONG) {
        return;
    }
    let mut stream = REDACTOR.stream();
    let (mut pieces, mut from) = (String::new(), 0);
    for letter in cuts.chars() {
        let cut = text.floor_char_boundary((from + letter as usize % 256).min(text.len()));
        pieces.push_str(&stream.push(&text[from..cut]));
        from = cut;
    }
    pieces.push_str(&stream.push(&text[from..]));
    pieces.push_str(&stream.finish());
    assert_eq!(pieces, whole, "the pieces differ from the whole");
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_in_pieces() {
        fuzz_seeds::run("redactor", &[], 1000, super::redactor);
    }
}
