//! The configuration in force.

use crate::request::caller::Caller;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use engine::App;
use serde::Serialize;
use serde_json::Value;
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
