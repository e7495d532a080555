//! The configuration in force.

use super::caller::Caller;
use super::problem::Problem;
use crate::App;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// The configuration of the running server.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Settings {
    /// The server's process.
    pid: u32,
    /// Every setting.
    settings: Vec<Setting>,
}

/// One setting in force.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Setting {
    /// Its name, with the names of its tables in front.
    #[schema(example = "limits.max_instances")]
    key: String,
    /// Its value; secrets are replaced by `…`.
    value: Value,
    /// Where the value comes from: a flag, a variable of the environment, a file, or `default`.
    #[schema(example = "SPECTASK_BIND")]
    source: String,
}

/// Returns the configuration in force, and where each value comes from.
#[utoipa::path(get, path = "/config", tag = "about",
    responses((status = 200, description = "The configuration of the running server", body = Settings)))]
pub(crate) async fn read(State(app): State<App>, caller: Caller) -> Result<Json<Settings>, Problem> {
    if !caller.is_owner() {
        let detail = "The configuration is shown to the server's owner only.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "not_allowed", detail));
    }
    let settings = app.config.settings().into_iter();
    let settings = settings.map(|(key, value, source)| Setting { key, value, source }).collect();
    Ok(Json(Settings { pid: std::process::id(), settings }))
}

impl crate::Config {
    /// Every setting with its value, without secrets, and where that comes from.
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
    if let Some(url) = values["database_url"].as_str()
        && let Some((scheme, rest)) = url.split_once("://")
        && let Some((_, host)) = rest.rsplit_once('@')
    {
        values["database_url"] = json!(format!("{scheme}://…@{host}"));
    }
    let hide = |fields: &mut Value| {
        fields.as_object_mut().into_iter().flatten().for_each(|(_, value)| *value = json!("…"));
    };
    for agent in values["agents"].as_array_mut().into_iter().flatten() {
        hide(&mut agent["env"]);
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
