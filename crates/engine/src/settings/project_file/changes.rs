//! What trusting a file would change.

use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// The settings whose values are commands, or variables that decide what commands do.
const COMMANDS: [&str; 5] = ["setup_command", "teardown_command", "test_command", "checks", "env"];

/// How a change of a setting matters to who is asked to trust it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// A command that runs on this machine, or a variable that it gets.
    Command,
    /// A limit on agents that becomes less strict.
    Loosened,
    /// Anything else.
    Other,
}

/// A setting that trusting the file would change.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SettingsChange {
    /// The setting's name.
    #[schema(example = "setup_command")]
    pub setting: String,
    /// How the change matters.
    pub kind: ChangeKind,
    /// The value in force now; null where the project has none.
    pub before: Value,
    /// The value that the file gives.
    pub after: Value,
}

/// Returns what changes from one set of settings to another, commands first.
pub(super) fn between(before: &Map<String, Value>, after: &Map<String, Value>) -> Vec<SettingsChange> {
    let value = |settings: &Map<String, Value>, name: &str| settings.get(name).cloned().unwrap_or_default();
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let changed = names.into_iter().filter(|name| value(before, name) != value(after, name));
    let mut changes: Vec<SettingsChange> = changed
        .map(|name| {
            let (before, after) = (value(before, name), value(after, name));
            SettingsChange { kind: kind(name, &before, &after), setting: name.clone(), before, after }
        })
        .collect();
    changes.sort_by_key(|change| match change.kind {
        ChangeKind::Command => 0,
        ChangeKind::Loosened => 1,
        ChangeKind::Other => 2,
    });
    changes
}

fn kind(name: &str, before: &Value, after: &Value) -> ChangeKind {
    let has = |list: &Value, entry: &Value| list.as_array().is_some_and(|list| list.contains(entry));
    let rank = |order: &[&str], value: &Value| order.iter().position(|word| value == *word);
    let is_loosened = match name {
        _ if COMMANDS.contains(&name) => return ChangeKind::Command,
        "network" => {
            let order = ["none", "allowlist", "open"];
            match (rank(&order, before), rank(&order, after)) {
                // Nothing is stricter.
                (_, Some(0)) => false,
                (Some(before), Some(after)) => after > before,
                // Without a value the server's configuration decides, which may be stricter, or less strict.
                (None, Some(_)) => true,
                (Some(before), None) => before < 2,
                (None, None) => false,
            }
        }
        "network_allow" => after.as_array().into_iter().flatten().any(|host| !has(before, host)),
        "boundaries" => before.as_array().into_iter().flatten().any(|boundary| !has(after, boundary)),
        "permissions" => {
            let order = ["read_only", "ask", "allow"];
            // Without a value, requests are allowed.
            rank(&order, after).unwrap_or(2) > rank(&order, before).unwrap_or(2)
        }
        "daily_cost_usd" | "daily_tokens" => {
            // Without a value the server's configuration decides; 0 is no limit.
            let limit = |value: &Value| value.as_f64().filter(|most| *most > 0.0);
            match (limit(before), limit(after)) {
                (Some(before), Some(after)) => after > before,
                (Some(_), None) => true,
                (None, _) => after == &Value::from(0) || after == &Value::from(0.0),
            }
        }
        "isolation" => after == "shared",
        _ => false,
    };
    if is_loosened { ChangeKind::Loosened } else { ChangeKind::Other }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn commands_and_loosened_settings_come_first() {
        let map = |value: Value| value.as_object().cloned().unwrap_or_default();
        let before = map(json!({ "network": "none", "permissions": "ask", "checks": ["a"] }));
        let after = map(json!({
            "boundaries": ["x/"], "network": "open", "permissions": "read_only", "checks": ["a"], "setup_command": "b",
        }));
        let found: Vec<(String, ChangeKind)> =
            between(&before, &after).into_iter().map(|change| (change.setting, change.kind)).collect();
        let wanted = [
            ("setup_command", ChangeKind::Command),
            ("network", ChangeKind::Loosened),
            ("boundaries", ChangeKind::Other),
            ("permissions", ChangeKind::Other),
        ];
        assert_eq!(found, wanted.map(|(name, kind)| (name.to_owned(), kind)));
    }
}
