//! The values in files such as `.env`.

/// Returns whether a file holds variables, by its name.
pub(super) fn is_env_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.starts_with(".env") || name.rsplit_once('.').is_some_and(|(_, extension)| extension == "env")
}

/// Returns the names and values of the lines `NAME=VALUE`; values may be quoted and then have several lines.
pub(super) fn values(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let line = line.trim_start();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else { continue };
        let name = name.trim();
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
        if name.is_empty() || !name.bytes().all(is_name) {
            continue;
        }
        let value = value.trim();
        let value = match value.chars().next() {
            Some(quote @ ('"' | '\'' | '`')) => quoted(&value[1..], quote, &mut lines),
            // A comment begins after a blank.
            _ => value.split(" #").next().unwrap_or_default().trim_end().to_owned(),
        };
        found.push((name.to_owned(), value));
    }
    found
}

/// Returns the text up to a quote, which may be lines away; the rest of the line where there is none.
fn quoted<'t>(first: &'t str, quote: char, lines: &mut (impl Iterator<Item = &'t str> + Clone)) -> String {
    let mut value = String::new();
    let mut further = lines.clone();
    let mut line = first;
    loop {
        let mut is_escaped = false;
        for (at, character) in line.char_indices() {
            match character {
                _ if is_escaped => is_escaped = false,
                '\\' if quote == '"' => is_escaped = true,
                _ if character == quote => {
                    value.push_str(&line[..at]);
                    *lines = further;
                    return value.replace("\\\"", "\"").replace("\\n", "\n");
                }
                _ => {}
            }
        }
        value.push_str(line);
        value.push('\n');
        let Some(next) = further.next() else { return first.to_owned() };
        line = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_programs_read_them() {
        let text = "# a comment\nA=one\nexport B = 'two # three' # four\nC=five # six\nD=\"a \\\"b\\\"\"\nE=\"first\nsecond\"\n\
                    not a line\nF=\nG='open\nH=seven\n";
        let found = values(text);
        let of = |name: &str| found.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!(of("A"), Some("one"));
        assert_eq!(of("B"), Some("two # three"));
        assert_eq!(of("C"), Some("five"));
        assert_eq!(of("D"), Some("a \"b\""));
        assert_eq!(of("E"), Some("first\nsecond"));
        assert_eq!(of("F"), Some(""));
        assert_eq!(of("G"), Some("open"));
        assert_eq!(of("H"), Some("seven"));
        assert!(is_env_file("a/.env.local") && is_env_file("prod.env") && !is_env_file("environment.ts"));
    }
}
