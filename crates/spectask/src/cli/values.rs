//! The values of options, as the API names them.

pub(super) const STATUSES: [&str; 12] = [
    "backlog",
    "spec_generation",
    "spec_review",
    "spec_revision",
    "spec_approved",
    "implementation_queued",
    "implementation",
    "implementation_review",
    "done",
    "spec_failed",
    "implementation_failed",
    "cancelled",
];
pub(super) const TYPES: [&str; 6] = ["feature", "bug", "refactor", "interactive", "batch", "coding_session"];
pub(super) const PRIORITIES: [&str; 4] = ["low", "medium", "high", "critical"];
pub(super) const COMPLEXITIES: [&str; 2] = ["simple", "complex"];
/// The statuses that a person may move a task to.
pub(super) const MOVES: [&str; 4] = ["done", "implementation_review", "cancelled", "implementation_queued"];
/// The kinds of search results.
pub(super) const KINDS: [&str; 3] = ["task", "spec", "transcript"];
pub(super) const BUCKETS: [&str; 2] = ["day", "week"];

#[cfg(test)]
mod tests {
    use super::*;

    /// Every list of values in the API's document.
    fn enums(value: &serde_json::Value, found: &mut Vec<Vec<String>>) {
        if let Some(values) = value["enum"].as_array() {
            found.push(values.iter().filter_map(|one| Some(one.as_str()?.to_owned())).collect());
        }
        match value {
            serde_json::Value::Object(fields) => fields.values().for_each(|one| enums(one, found)),
            serde_json::Value::Array(items) => items.iter().for_each(|one| enums(one, found)),
            _ => {}
        }
    }

    #[test]
    fn the_values_are_those_of_the_api() {
        let mut found = Vec::new();
        enums(&api::document(), &mut found);
        for values in [&STATUSES[..], &TYPES, &PRIORITIES, &COMPLEXITIES, &KINDS, &BUCKETS] {
            assert!(found.iter().any(|one| one == values), "{values:?} is not in {found:?}");
        }
    }
}
