//! Secrets in JSON: in every string, and in strings whose name says that they are secret.

use crate::redactor::Redactor;
use serde_json::{Map, Value};
use std::borrow::Cow;

impl Redactor {
    /// Puts a tag in the place of each secret, in names and in strings.
    pub fn redact_json(&self, value: &mut Value) {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
            Value::String(text) => {
                if let Cow::Owned(clean) = self.redact(text) {
                    *text = clean;
                }
            }
            Value::Array(all) => all.iter_mut().for_each(|one| self.redact_json(one)),
            Value::Object(fields) => self.redact_fields(fields),
        }
    }

    fn redact_fields(&self, fields: &mut Map<String, Value>) {
        // An environment is a list of these.
        let name = match (fields.get("name"), fields.get("value")) {
            (Some(Value::String(name)), Some(Value::String(_))) => Some(name.clone()),
            _ => None,
        };
        for (key, value) in fields.iter_mut() {
            let called = name.as_deref().filter(|_| key == "value").unwrap_or(key);
            match value {
                Value::String(text) => {
                    if let Some(clean) = self.redact_named(called, text) {
                        *text = clean;
                    }
                }
                Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                    self.redact_json(value);
                }
            }
        }
        if fields.keys().any(|key| matches!(self.redact(key), Cow::Owned(_))) {
            let old = std::mem::take(fields);
            fields.extend(old.into_iter().map(|(key, value)| (self.redact(&key).into_owned(), value)));
        }
    }

    /// Returns the text without secrets, given what it is called; none when there are none.
    fn redact_named(&self, name: &str, text: &str) -> Option<String> {
        if !name.is_empty() && name.len() <= 64 && self.0.rules.keywords.is_match(name) {
            let before = format!("{name}: ");
            if let Cow::Owned(clean) = self.redact(&format!("{before}{text}"))
                && let Some(clean) = clean.strip_prefix(&before)
            {
                return Some(clean.to_owned());
            }
        }
        match self.redact(text) {
            Cow::Owned(clean) => Some(clean),
            Cow::Borrowed(_) => None,
        }
    }
}
