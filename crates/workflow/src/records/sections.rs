//! Sections: a marker with data, a text for people, and a quote with the section's text.

use super::markup::{Unreadable, displayed, is_plain, marker, quote, read_marker, unquoted};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A section as it was found in a file.
#[derive(Debug)]
pub(super) struct Section {
    /// The marker's line, counted from 1.
    pub(super) line: usize,
    pub(super) data: Value,
    /// The text of the first quote after the marker.
    pub(super) quoted: Option<String>,
}

/// Returns the sections of a file, in their order; what stands before the first one is not part of any.
pub(super) fn read(text: &str) -> Result<Vec<Section>, Unreadable> {
    match read_prefix(text) {
        (sections, None) => Ok(sections),
        (_, Some(error)) => Err(error),
    }
}

/// Returns the sections of a file up to the first that cannot be read, and what is wrong with that one.
pub(super) fn read_prefix(text: &str) -> (Vec<Section>, Option<Unreadable>) {
    let mut sections: Vec<Section> = Vec::new();
    let mut in_quote = false;
    for (at, line) in text.split('\n').enumerate() {
        if let Some(data) = read_marker(line) {
            let data = match data {
                Ok(data) => data,
                Err(error) => {
                    let wrong = Unreadable { line: at + 1, reason: error.to_string() };
                    return (sections, Some(wrong));
                }
            };
            sections.push(Section { line: at + 1, data, quoted: None });
            in_quote = false;
            continue;
        }
        let Some(section) = sections.last_mut() else { continue };
        match (unquoted(line), &mut section.quoted) {
            (Some(line), None) => {
                section.quoted = Some(line.to_owned());
                in_quote = true;
            }
            (Some(line), Some(quoted)) if in_quote => {
                quoted.push('\n');
                quoted.push_str(line);
            }
            (Some(_), Some(_)) => {}
            (None, _) => in_quote = false,
        }
    }
    (sections, None)
}

/// Returns an item as a section: `heading` is what people read, and the field named `text` stands in the quote.
pub(super) fn section<T: Serialize>(item: &T, text: &str, heading: &str, rest: &str) -> String {
    // What is recorded are plain data types, whose serialization cannot fail.
    let mut data = serde_json::to_value(item).unwrap_or_default();
    let said = data[text].as_str().unwrap_or_default().to_owned();
    if is_plain(&said)
        && let Some(fields) = data.as_object_mut()
    {
        fields.remove(text);
    }
    let gap = if rest.is_empty() { "" } else { "\n" };
    format!("{}{heading}\n\n{}{gap}{rest}\n", marker(&data), quote(&displayed(&said)))
}

/// Returns the items of a file that `section` wrote.
pub(super) fn items<T: DeserializeOwned>(text: &str, field: &str) -> Result<Vec<T>, Unreadable> {
    read(text)?
        .into_iter()
        .map(|Section { line, mut data, quoted }| {
            if let Some(fields) = data.as_object_mut()
                && !fields.contains_key(field)
            {
                fields.insert(field.to_owned(), quoted.unwrap_or_default().into());
            }
            serde_json::from_value(data).map_err(|error| Unreadable { line, reason: error.to_string() })
        })
        .collect()
}
