//! Whether the server lives, is ready, and what it has done.

use crate::request::caller::Caller;
use crate::request::problem::{FieldError, Problem, sentence};
use axum::Json;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use engine::App;
use engine::health::{self, Part};
use serde_json::json;
use std::collections::BTreeMap;

/// The process answers.
#[utoipa::path(get, path = "/healthz", tag = "about", security(()), responses((status = 200, description = "It lives")))]
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether the server can work: its database, its disks, its data directory and git.
#[utoipa::path(get, path = "/readyz", tag = "about", security(()),
    responses((status = 200, description = "Ready"),
    (status = 503, description = "A part is out of order; `errors` names each with what is wrong", body = Problem)))]
pub(crate) async fn readyz(State(app): State<App>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let mut wrong: BTreeMap<Part, String> =
        health::check(&app).await.into_iter().map(|(part, obstacle)| (part, obstacle.detail)).collect();
    // Paths of the machine are for those who may use the server; a database that does not answer cannot say who does.
    let is_detailed = app.config.bind.ip().is_loopback()
        || (!wrong.contains_key(&Part::Database)
            && Caller::from_request_parts(&mut parts, &app).await.is_ok());
    if let Some(obstacle) = app.health.any_obstacle() {
        wrong.entry(obstacle.part).or_insert(obstacle.detail);
    }
    if app.stop.is_cancelled() {
        wrong.insert(Part::Engine, "the server is shutting down".to_owned());
    }
    if wrong.is_empty() {
        let mut parts = json!({ "ready": true });
        for part in Part::ALL {
            parts[part.as_str()] = json!("ok");
        }
        return Json(parts).into_response();
    }
    if !is_detailed {
        for reason in wrong.values_mut() {
            "is out of order; its log says why".clone_into(reason);
        }
    }
    let detail: Vec<String> =
        wrong.iter().map(|(part, reason)| format!("{}: {reason}", part.as_str())).collect();
    let mut problem =
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", sentence(&detail.join("; ")));
    problem.errors = wrong
        .into_iter()
        .map(|(part, message)| FieldError { field: part.as_str().to_owned(), message })
        .collect();
    problem.into_response()
}

/// Returns counters and gauges as Prometheus reads them. It needs a token, unless `http.open_metrics` is set.
#[utoipa::path(get, path = "/metrics", tag = "about", security((), ("bearer" = [])), responses((status = 200, description = "Prometheus text")))]
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let text = app.metrics.render(&app).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response())
}
