//! Texts of agents as people read them: without terminal escapes and raw JSON.

use serde_json::Value;

/// The longest text that is kept, in characters.
const MAX_CHARS: usize = 2_000;
/// How deep messages are unpacked that carry others as JSON.
const MAX_DEPTH: usize = 4;
/// Where objects of model servers and agents keep what they say.
const MESSAGES: [&str; 9] = [
    "/error/error/message",
    "/error/message",
    "/data/message",
    "/message",
    "/details",
    "/detail",
    "/error_description",
    "/error",
    "/title",
];

/// Returns an agent's text as a sentence: terminal escapes are dropped, JSON in it is replaced by the message that it
/// carries, and so are the empty ends that some agents append.
pub fn readable(text: &str) -> String {
    let text = unpack(&strip_escapes(text), 0);
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut text = words.join(" ");
    let length_without_end = |text: &str| {
        let ends = [": null", ": undefined", ": {}", ":"];
        ends.iter().find_map(|end| text.strip_suffix(end)).map(|rest| rest.trim_end().len())
    };
    while let Some(length) = length_without_end(&text) {
        text.truncate(length);
    }
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Returns a text without terminal escapes and other control characters; line breaks and tabs stay.
pub fn strip_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.next() {
                // A control sequence ends with its final byte.
                Some('[') => drop(chars.by_ref().find(|c| ('@'..='~').contains(c))),
                // A command string ends with BEL or with ESC and a backslash.
                Some(']' | 'P' | '_' | '^') => {
                    while let Some(c) = chars.next() {
                        if c == '\u{7}' || (c == '\u{1b}' && chars.next_if_eq(&'\\').is_some()) {
                            break;
                        }
                    }
                }
                Some('(' | ')' | '#' | '%') => drop(chars.next()),
                _ => {}
            },
            '\n' | '\t' => plain.push(c),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' => plain.push('\n'),
            c if c.is_control() => {}
            c => plain.push(c),
        }
    }
    plain
}

/// Replaces the JSON objects in a text by their messages.
fn unpack(text: &str, depth: usize) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '[']) {
        let (before, json) = rest.split_at(at);
        plain.push_str(before);
        let mut values = serde_json::Deserializer::from_str(json).into_iter::<Value>();
        let Some(Ok(value @ (Value::Object(_) | Value::Array(_)))) = values.next() else {
            plain.push_str(&json[..1]);
            rest = &json[1..];
            continue;
        };
        let end = values.byte_offset();
        let is_message = match message(&value).filter(|_| depth < MAX_DEPTH) {
            Some(message) => {
                plain.push_str(&unpack(&message, depth + 1));
                true
            }
            None => false,
        };
        if !is_message {
            plain.push_str(&json[..end]);
        }
        rest = &json[end..];
    }
    plain + rest
}

/// Returns what an object says, wherever it keeps it.
fn message(value: &Value) -> Option<String> {
    let value = match value {
        Value::Array(items) => items.first()?,
        other => other,
    };
    let texts = MESSAGES.iter().filter_map(|place| value.pointer(place)?.as_str());
    texts.map(str::to_owned).find(|text| !text.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_replaced_by_its_message() {
        let nested = r#"{"error":{"code":401,"message":"{\"error\":{\"message\":\"API key not valid.\"}}"}}"#;
        assert_eq!(readable(nested), "API key not valid.");
        assert_eq!(
            readable(
                r#"API Error: 500 {"type":"error","error":{"type":"api_error","message":"Busy"}} · retrying"#
            ),
            "API Error: 500 Busy · retrying"
        );
        assert_eq!(readable(r#"[{"error":{"message":"Quota exceeded"}}]"#), "Quota exceeded");
    }

    #[test]
    fn what_is_no_message_stays() {
        assert_eq!(readable("an object {a: 1} and [1, 2]"), "an object {a: 1} and [1, 2]");
        assert_eq!(readable(r#"{"a": 1}"#), r#"{"a": 1}"#);
        assert_eq!(readable("[codex] starts"), "[codex] starts");
    }

    #[test]
    fn escapes_and_empty_ends_are_dropped() {
        assert_eq!(readable("\u{1b}[31mInternal error\u{1b}[0m: null"), "Internal error");
        assert_eq!(readable("\u{1b}]0;title\u{7}a\r\nb\u{8}"), "a b");
        assert_eq!(strip_escapes("50%\rdone\u{1b}(B"), "50%\ndone");
        assert_eq!(readable(&"x".repeat(3_000)).chars().count(), MAX_CHARS + 1);
    }
}
