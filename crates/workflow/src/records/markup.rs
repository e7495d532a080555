//! The shapes that all records are made of: markers, quotes, and text that cannot be taken for either.

use crate::Millis;
use serde_json::Value;
use std::borrow::Cow;

const OPEN: &str = "<!-- spectask ";
const CLOSE: &str = " -->";

/// Text that the renderer did not write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Unreadable {
    /// Counted from 1.
    pub line: usize,
    pub reason: String,
}

/// HTML that would reach beyond its place on a page.
const REACHING: [&str; 16] = [
    "<!--",
    "<details",
    "</details",
    "<summary",
    "</summary",
    "<blockquote",
    "</blockquote",
    "<script",
    "<style",
    "<textarea",
    "<title",
    "<iframe",
    "<plaintext",
    "<xmp",
    "<noembed",
    "<noframes",
];

/// Returns a line that carries data and is not displayed.
pub(super) fn marker(data: &Value) -> String {
    // Neither sign can then end the comment, and JSON reads the escapes as the same text.
    let mut json = String::new();
    for letter in data.to_string().chars() {
        match letter {
            '<' | '>' | '\u{7f}'..='\u{9f}' => json.push_str(&format!("\\u{:04x}", u32::from(letter))),
            letter if is_hidden(letter) => json.push_str(&format!("\\u{:04x}", u32::from(letter))),
            letter => json.push(letter),
        }
    }
    format!("{OPEN}{json}{CLOSE}\n")
}

/// Returns the data of a marker; `None` for any other line.
pub(super) fn read_marker(line: &str) -> Option<Result<Value, serde_json::Error>> {
    let json = line.strip_prefix(OPEN)?.strip_suffix(CLOSE)?;
    Some(serde_json::from_str(json))
}

/// Text as a block quote, line for line.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 16);
    for line in text.split('\n') {
        quoted.push_str(if line.is_empty() { ">" } else { "> " });
        quoted.push_str(line);
        quoted.push('\n');
    }
    quoted
}

/// Returns a line of a quote without its sign; `None` for any other line.
pub(super) fn unquoted(line: &str) -> Option<&str> {
    let rest = line.strip_prefix('>')?;
    Some(rest.strip_prefix(' ').unwrap_or(rest))
}

/// Returns whether a quote can carry the text as it is.
pub(super) fn is_plain(text: &str) -> bool {
    matches!(displayed(text), Cow::Borrowed(_))
}

/// Returns the text as a page may display it: without letters that act instead of showing, and without HTML that
/// reaches beyond its place.
pub(super) fn displayed(text: &str) -> Cow<'_, str> {
    let text = visible(text);
    let lower = text.contains('<').then(|| text.to_ascii_lowercase());
    let Some(lower) = lower.filter(|lower| REACHING.iter().any(|tag| lower.contains(tag))) else {
        return text;
    };
    let mut safe = String::with_capacity(text.len() + 16);
    for (at, letter) in text.char_indices() {
        match letter {
            '<' if REACHING.iter().any(|tag| lower[at..].starts_with(tag)) => safe.push_str("&lt;"),
            letter => safe.push(letter),
        }
    }
    Cow::Owned(safe)
}

/// Returns the text without letters that act instead of showing.
fn visible(text: &str) -> Cow<'_, str> {
    let acts = |letter: char| (letter.is_control() && !matches!(letter, '\n' | '\t')) || is_hidden(letter);
    if !text.contains(acts) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len() + 16);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' if letters.peek() == Some(&'\n') => {}
            '\r' => safe.push('\n'),
            letter if acts(letter) => safe.push('\u{fffd}'),
            letter => safe.push(letter),
        }
    }
    Cow::Owned(safe)
}

/// Letters that are not seen but turn text around or break lines.
fn is_hidden(letter: char) -> bool {
    matches!(
        letter,
        '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
    )
}

/// Text on one line of Markdown, shown as it is.
pub(super) fn inline(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + 8);
    for letter in visible(text).chars() {
        match letter {
            '\n' | '\t' => safe.push(' '),
            '<' => safe.push_str("&lt;"),
            '&' => safe.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '!' | '>' | '$' => {
                safe.push('\\');
                safe.push(letter);
            }
            letter => safe.push(letter),
        }
    }
    safe
}

/// Text inside an HTML element on one line.
pub(super) fn html(text: &str) -> String {
    let one_line = visible(text).replace(['\n', '\t'], " ");
    one_line.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Returns a fenced block whose fence no line of the text can close.
pub(crate) fn fenced(info: &str, text: &str) -> String {
    let text = visible(text);
    let mut longest = 0;
    let mut run = 0;
    for letter in text.chars() {
        run = if letter == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat((longest + 1).max(3));
    let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    format!("{fence}{info}\n{text}{end}{fence}")
}

/// Returns a folded part with a title; its content stands in a quote.
pub(super) fn folded(title: &str, content: &str) -> String {
    format!("<details><summary>{}</summary>\n\n{}\n</details>\n\n", html(title), quote(content))
}

/// Returns the end of a text that is too long to be shown whole.
pub(super) fn shortened(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    Cow::Owned(format!("{}\n… {} more bytes", &text[..end], text.len() - end))
}

/// Returns a time as RFC 3339 in UTC, to the millisecond.
pub(super) fn time(at: Millis) -> String {
    let time = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::MAX);
    format!("{time:.3}")
}

/// Returns a time as people read it.
pub(super) fn moment(at: Millis) -> String {
    let time = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::MAX);
    time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_reaches_beyond_its_place_is_shown_and_does_nothing() {
        assert!(is_plain("a <b> `c`\n```rust\n<T>\n"));
        assert_eq!(displayed("a\r\nb\rc\0"), "a\nb\nc\u{fffd}");
        assert_eq!(displayed("<!-- x --> </DETAILS>"), "&lt;!-- x --> &lt;/DETAILS>");
        assert_eq!(displayed("a\u{202e}b"), "a\u{fffd}b");
        assert_eq!(inline("a*b\n<i>"), "a\\*b &lt;i\\>");
        assert_eq!(html("<!-- &\n"), "&lt;!-- &amp; ");
        assert_eq!(fenced("", "a ```` b"), "`````\na ```` b\n`````");
    }

    #[test]
    fn a_marker_is_one_line_that_nothing_in_it_ends() {
        let data = serde_json::json!({ "text": "--> <!-- \n\r\0 \u{2028} ü", "n": [1, null] });
        let line = marker(&data);
        assert_eq!(line.matches("-->").count(), 1);
        assert_eq!(line.matches('\n').count(), 1);
        assert_eq!(read_marker(line.trim_end()).unwrap().unwrap(), data);
    }

    #[test]
    fn quotes_keep_every_byte() {
        for text in ["", "\n", "a", " a\n\n> b\n", "\t"] {
            let quoted = quote(text);
            let lines: Vec<&str> = quoted.trim_end_matches('\n').split('\n').filter_map(unquoted).collect();
            assert_eq!(lines.join("\n"), text);
        }
    }
}
