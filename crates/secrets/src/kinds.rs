//! Tags as they stand in a text that was cleaned.

use regex::Regex;
use std::ops::Range;
use std::sync::LazyLock;

/// A tag in a text: a secret was here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removed {
    pub kind: String,
    /// Where the tag is, in bytes.
    pub span: Range<usize>,
}

static TAG: LazyLock<Regex> = LazyLock::new(|| {
    // The pattern is a constant that a test compiles.
    Regex::new(r"\[secret:([a-z0-9_-]{1,48}):[0-9a-f]{4}\]").expect("the pattern of tags is well formed")
});

/// Returns the tags in a text.
pub fn removed(text: &str) -> Vec<Removed> {
    if !text.contains("[secret:") {
        return Vec::new();
    }
    TAG.captures_iter(text)
        .filter_map(|found| {
            let (whole, kind) = (found.get(0)?, found.get(1)?);
            Some(Removed { kind: kind.as_str().to_owned(), span: whole.range() })
        })
        .collect()
}

/// Returns a name as the kind of a tag: small letters, digits, `-` and `_`, at most 48 of them.
pub(crate) fn kind_of(name: &str) -> String {
    let kind: String = name
        .bytes()
        .take(48)
        .map(|byte| match byte.to_ascii_lowercase() {
            byte @ (b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-') => char::from(byte),
            _ => '-',
        })
        .collect();
    if kind.is_empty() { "value".to_owned() } else { kind }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_and_other_brackets_are_not() {
        let text = "a [secret:github-pat:00ff] b [secret:x] [secret:UPPER:0000]";
        let found = removed(text);
        assert_eq!(found.len(), 1);
        assert_eq!(
            (found[0].kind.as_str(), &text[found[0].span.clone()]),
            ("github-pat", "[secret:github-pat:00ff]")
        );
    }

    #[test]
    fn any_name_is_a_kind() {
        assert_eq!(kind_of("ANTHROPIC_API_KEY"), "anthropic_api_key");
        assert_eq!(kind_of("a b:c]é"), "a-b-c---");
        assert_eq!(kind_of(""), "value");
    }
}
