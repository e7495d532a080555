//! Whether the server lives, is ready, and what it has done.

use super::caller::Caller;
use super::problem::Problem;
use crate::App;
use axum::Json;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use std::fmt::Write as _;

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "about", security(()), responses((status = 200, description = "It lives")))]
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// The database and git can be reached.
#[utoipa::path(get, path = "/readyz", tag = "about", security(()),
    responses((status = 200, description = "Ready"), (status = 503, description = "Something cannot be reached", body = Problem)))]
pub(crate) async fn readyz(State(app): State<App>) -> Response {
    let database = app.store.ping().await;
    let git = app.repositories.git().clone();
    let git = tokio::task::spawn_blocking(move || git.version()).await;
    let git_ready = matches!(git, Ok(Ok(_)));
    let engine_ready = !app.stop.is_cancelled();
    let ready = database.is_ok() && git_ready && engine_ready;
    let parts = [("database", database.is_ok()), ("git", git_ready), ("engine", engine_ready)];
    if ready {
        return Json(json!({ "ready": true, "database": "ok", "git": "ok", "engine": "ok" })).into_response();
    }
    let missing: Vec<&str> = parts.iter().filter(|(_, good)| !good).map(|(name, _)| *name).collect();
    let detail = format!("Cannot be reached: {}.", missing.join(", "));
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail).into_response()
}

/// Counters and gauges as Prometheus reads them; beyond loopback they need a token.
#[utoipa::path(get, path = "/metrics", tag = "about", security((), ("bearer" = [])), responses((status = 200, description = "Prometheus text")))]
pub(crate) async fn metrics(State(app): State<App>, request: Request) -> Result<Response, Problem> {
    if !app.config.bind.ip().is_loopback() {
        let (mut parts, _) = request.into_parts();
        Caller::from_request_parts(&mut parts, &app).await?;
    }
    let mut text = app.metrics.render();
    text.push_str("# HELP spectask_tasks Tasks by status.\n# TYPE spectask_tasks gauge\n");
    for (status, count) in app.store.count_tasks().await? {
        let _ = writeln!(text, "spectask_tasks{{status=\"{status}\"}} {count}");
    }
    let uptime = (crate::clock::now().0 - app.started_at.0) / 1000;
    let _ = writeln!(
        text,
        "# HELP spectask_uptime_seconds Time since the server started.\n# TYPE spectask_uptime_seconds gauge\nspectask_uptime_seconds {uptime}"
    );
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}
