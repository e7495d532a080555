//! `Idempotency-Key`: the same request again gets the first answer and does nothing.

use super::caller::Caller;
use super::problem::Problem;
use crate::App;
use crate::clock::now;
use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use store::Remembered;

/// How long a key may be.
const LONGEST: usize = 255;
/// How large an answer is remembered, in bytes.
const ANSWER: usize = 8 * 1024 * 1024;

/// The keys whose first request is under way: the second waits for the first one's answer.
#[derive(Clone, Default)]
pub(crate) struct UnderWay(Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>>);

pub(crate) async fn remember(
    State((app, under_way)): State<(App, UnderWay)>,
    request: Request<Body>,
    next: Next,
) -> Response {
    match answer(&app, &under_way, request, next).await {
        Ok(response) => response,
        Err(problem) => problem.into_response(),
    }
}

async fn answer(
    app: &App,
    under_way: &UnderWay,
    request: Request<Body>,
    next: Next,
) -> Result<Response, Problem> {
    let key = request.headers().get("idempotency-key").cloned();
    let Some(key) = key.filter(|_| request.method() == Method::POST) else {
        return Ok(next.run(request).await);
    };
    let key = key.to_str().ok().filter(|key| !key.is_empty() && key.len() <= LONGEST).map(str::to_owned);
    let Some(key) = key else {
        let detail = format!("Idempotency-Key must be 1 to {LONGEST} visible ASCII characters.");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "bad_idempotency_key", detail));
    };
    let (mut parts, body) = request.into_parts();
    let caller = Caller::from_request_parts(&mut parts, app).await?;
    let body = super::extract::read(Request::new(body)).await?;
    let body_hash = hex::encode(Sha256::digest(&body));
    let route = parts.uri.path().to_owned();
    let turn = under_way.turn(&format!("{} {route} {key}", caller.id()));
    let _held = turn.lock().await;
    if let Some(first) = app.store.remembered(caller.id(), &route, &key).await? {
        if first.body_hash != body_hash {
            let detail =
                "This Idempotency-Key was used with another body; take a fresh key for another request.";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency_key_reused", detail));
        }
        let status = StatusCode::from_u16(first.status).unwrap_or(StatusCode::OK);
        let mut response = (status, first.response).into_response();
        let kind = if status.is_success() { "application/json" } else { "application/problem+json" };
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
        return Ok(response);
    }
    let response = next.run(Request::from_parts(parts, Body::from(body))).await;
    // An answer that may differ the next time is not kept, so that trying again can help.
    if response.status().is_server_error() || response.status() == StatusCode::TOO_MANY_REQUESTS {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let Ok(bytes) = to_bytes(body, ANSWER).await else {
        return Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "The answer could not be kept.",
        ));
    };
    if let Ok(text) = std::str::from_utf8(&bytes) {
        let kept = Remembered { body_hash, status: parts.status.as_u16(), response: text.to_owned() };
        app.store.remember(caller.id(), &route, &key, kept, now()).await?;
    }
    Ok(Response::from_parts(parts, Body::from(bytes)))
}

impl UnderWay {
    fn turn(&self, key: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // What nobody holds is forgotten, so that the map does not grow.
        all.retain(|_, turn| Arc::strong_count(turn) > 1);
        all.entry(key.to_owned()).or_default().clone()
    }
}
