//! Makes untrusted text safe to show: it cannot control a terminal or hide anything from a reader.
//!
//! Control characters move the cursor, ring bells and change colours; bidirectional and invisible ones make a line look
//! like another than it is. Each is replaced by a visible name.

use std::borrow::Cow;

/// Returns whether a character controls a display instead of being shown by it. Line feeds and tabs are not among them, nor
/// are the joiners that scripts and emoji need.
pub fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        c if c.is_control() => true,
        // Bidirectional marks, embeddings, overrides and isolates.
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => true,
        // Spaces without width, separators of lines, invisible operators, annotations and tags.
        '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' => true,
        '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        _ => false,
    }
}

/// Returns a text of several lines whose hidden characters are visible: `␛` for an escape, `<U+202E>` for an override.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            // The end of a line on other systems.
            '\r' if characters.peek() == Some(&'\n') => {}
            '\0'..='\u{1f}' if is_hidden(c) => {
                shown.push(char::from_u32(0x2400 + u32::from(c)).unwrap_or('\u{fffd}'));
            }
            '\u{7f}' => shown.push('\u{2421}'),
            c if is_hidden(c) => shown.push_str(&format!("<U+{:04X}>", u32::from(c))),
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

/// Returns JSON in which hidden characters are escaped; what it means stays the same.
pub fn visible_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_hidden) {
        return Cow::Borrowed(json);
    }
    let mut shown = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                shown.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_are_shown() {
        for (text, shown) in [
            (
                "plain – «text» 👩\u{200d}💻 می\u{200c}خواهم\n\tnext",
                "plain – «text» 👩\u{200d}💻 می\u{200c}خواهم\n\tnext",
            ),
            ("a\u{1b}[2Jb\u{7}", "a␛[2Jb␇"),
            ("a\u{9b}2Jb\u{7f}", "a<U+009B>2Jb␡"),
            ("if \u{202e}admin\u{2066}", "if <U+202E>admin<U+2066>"),
            ("a\u{200b}b\u{feff}c\u{e0041}", "a<U+200B>b<U+FEFF>c<U+E0041>"),
            ("one\r\ntwo\rthree", "one\ntwo␍three"),
        ] {
            assert_eq!(visible(text), shown, "{text:?}");
        }
        assert!(matches!(visible("nothing hidden"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_means_the_same() {
        let value = serde_json::json!({ "text": "a\u{9b}b\u{202e}c\u{e0041}\u{1b}", "n": [1, "é"] });
        let json = format!("{value:#}");
        let shown = visible_json(&json);
        assert!(!shown.contains(is_hidden), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), value);
    }
}
