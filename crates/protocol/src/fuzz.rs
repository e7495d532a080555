//! What holds for every JSON that is read as an entry of a log.

use crate::{LogEntry, NumberedEntry};
use serde_json::Value;

/// Reads bytes as JSON and the JSON as an entry, and writes it again.
///
/// # Panics
/// When something of the JSON is lost or changed.
pub fn log_entry(bytes: &[u8]) {
    let Ok(json) = serde_json::from_slice::<Value>(bytes) else { return };
    let entry = LogEntry::from(json.clone());
    assert_eq!(Value::from(entry.clone()), json);
    assert_eq!(serde_json::to_value(&entry).ok().as_ref(), Some(&json));
    assert_eq!(serde_json::from_value::<LogEntry>(json.clone()).ok().as_ref(), Some(&entry));
    let text = serde_json::to_string(&entry).unwrap_or_default();
    let read = serde_json::from_str::<LogEntry>(&text).ok().map(Value::from);
    assert_eq!(read, serde_json::from_str(&text).ok());
    // A number may be read a little beside what was written, so the texts' numbers are compared.
    assert_eq!(read, serde_json::from_str(&json.to_string()).ok());
    entry.text();
    entry.kind();
    let shown = serde_json::to_value(NumberedEntry::new(7, "today".to_owned(), entry)).unwrap_or_default();
    if json.is_object() {
        assert_eq!((&shown["seq"], &shown["at"]), (&Value::from(7), &Value::from("today")));
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn entries() {
        fuzz_seeds::run("log_entry", &[], 10_000, super::log_entry);
    }
}
