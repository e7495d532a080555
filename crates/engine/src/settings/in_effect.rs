//! The configuration in force, as a list of settings.

use crate::Config;
use serde_json::{Value, json};

impl Config {
    /// Returns every setting with its value, without secrets, and where that comes from.
    pub fn settings(&self) -> Vec<(String, Value, String)> {
        // Plain data, whose serialization cannot fail.
        let mut values = serde_json::to_value(self).unwrap_or_default();
        hide_secrets(&mut values);
        let mut found = Vec::new();
        flatten("", values, &mut found);
        let source = |key: &str| self.sources.get(key).cloned().unwrap_or_else(|| "default".to_owned());
        found.into_iter().map(|(key, value)| (key.clone(), value, source(&key))).collect()
    }
}

/// Replaces passwords in URLs, the environments of agents and the values of secrets.
fn hide_secrets(values: &mut Value) {
    for pointer in ["/database_url", "/telemetry/otlp_endpoint"] {
        let Some(value) = values.pointer_mut(pointer) else { continue };
        if let Some(url) = value.as_str()
            && let Some((scheme, rest)) = url.split_once("://")
            && let Some((_, host)) = rest.rsplit_once('@')
        {
            *value = json!(format!("{scheme}://…@{host}"));
        }
    }
    let hide = |fields: &mut Value| {
        fields.as_object_mut().into_iter().flatten().for_each(|(_, value)| *value = json!("…"));
    };
    for agent in values["agents"].as_array_mut().into_iter().flatten() {
        hide(&mut agent["env"]);
    }
    for webhook in values["webhooks"].as_array_mut().into_iter().flatten() {
        webhook["secret"] = json!("…");
    }
    for server in values["mcp_servers"].as_array_mut().into_iter().flatten() {
        for pointer in ["/env", "/headers"] {
            server.pointer_mut(pointer).into_iter().for_each(hide);
        }
    }
    hide(&mut values["secrets"]["values"]);
}

fn flatten(prefix: &str, value: Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                let key = if prefix.is_empty() { name } else { format!("{prefix}.{name}") };
                flatten(&key, value, found);
            }
        }
        value => found.push((prefix.to_owned(), value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_is_documented_with_its_default() {
        let page = include_str!("../../../../docs/configuration.md");
        let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let rows: Vec<Vec<String>> = page.lines().filter(|line| line.starts_with("| `")).map(cells).collect();
        // Its default depends on the user's home, and agents and webhooks are tables of their own.
        let elsewhere = ["data_dir", "agents", "webhooks"];
        for (key, value, _) in Config::default().settings() {
            if elsewhere.contains(&key.as_str()) {
                continue;
            }
            let documented = rows.iter().find(|row| row[1] == format!("`{key}`"));
            let documented = documented.unwrap_or_else(|| panic!("{key} is not in docs/configuration.md"));
            let default = match &value {
                Value::Null => "–".to_owned(),
                Value::String(text) => format!("`{text}`"),
                other => format!("`{other}`"),
            };
            assert_eq!(documented[3], default, "the default of {key}");
        }
        let known: Vec<String> = Config::default().settings().into_iter().map(|(key, _, _)| key).collect();
        let server = page.split("## Environment variables").next().unwrap_or_default();
        let named = server.lines().filter(|line| line.starts_with("| `")).map(cells);
        let unknown: Vec<String> =
            named.map(|row| row[1].trim_matches('`').to_owned()).filter(|key| !known.contains(key)).collect();
        assert_eq!(unknown, Vec::<String>::new(), "documented, and no setting");
    }
}
