//! The model's plan.

use serde_json::{Value, json};

/// How many steps a plan has at most, and how long each is, in bytes.
const MAX_ENTRIES: usize = 200;
const MAX_LENGTH: usize = 1000;

/// Returns the entries of a plan as ACP has them.
pub(crate) fn plan_entries(arguments: &Value) -> Result<Vec<Value>, String> {
    let Some(entries) = arguments["entries"].as_array() else {
        return Err("The argument `entries` has to be a list of steps.".to_owned());
    };
    let entry = |entry: &Value| {
        let content = entry["content"].as_str().or_else(|| entry.as_str()).unwrap_or_default();
        let status = entry["status"].as_str().filter(|status| ["in_progress", "completed"].contains(status));
        let status = status.unwrap_or("pending");
        let content = &content[..content.floor_char_boundary(MAX_LENGTH)];
        json!({"content": content, "status": status, "priority": "medium"})
    };
    Ok(entries.iter().take(MAX_ENTRIES).map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_without_a_known_status_are_pending() {
        let plan = json!({"entries": [{"content": "One", "status": "completed"}, {"content": "Two", "status": "?"}, "Three"]});
        let entries = plan_entries(&plan).unwrap();
        let status: Vec<_> = entries.iter().map(|entry| entry["status"].as_str().unwrap()).collect();
        assert_eq!(status, ["completed", "pending", "pending"]);
        assert_eq!(entries[2]["content"], "Three");
        assert!(plan_entries(&json!({})).is_err());
    }
}
