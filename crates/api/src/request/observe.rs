//! Observes every request: its id, its span, its metrics and its line in the log.

use crate::request::metrics::{REQUEST_DURATION, REQUESTS};
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use metrics::{counter, histogram};
use std::sync::Arc;
use std::time::Instant;
use tracing::Instrument as _;

/// The header with which a client names its request, and an answer its request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// How long an id that a client gives may be, in bytes.
const MAX_ID_BYTES: usize = 64;

/// Handles a request inside a `request` span, and records its metrics.
pub(crate) async fn observe(request: Request<Body>, next: Next) -> Response {
    let begun = Instant::now();
    let id: Arc<str> = given_id(request.headers())
        .map_or_else(|| ulid::Ulid::generate().to_string().into(), Arc::<str>::from);
    let route: Arc<str> =
        request.extensions().get::<MatchedPath>().map_or("fallback", MatchedPath::as_str).into();
    let method = method(request.method());
    let span = tracing::info_span!(
        "request",
        request_id = &*id,
        method,
        route = &*route,
        status = tracing::field::Empty
    );
    let answered = engine::with_request_id(id.clone(), next.run(request)).instrument(span.clone());
    let mut response = answered.await;
    let duration = begun.elapsed();
    let status = response.status();
    span.record("status", status.as_u16());
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| tracing::debug!(duration_ms, "a request was answered"));
    let route: metrics::SharedString = route.into();
    histogram!(REQUEST_DURATION, "route" => route.clone(), "method" => method).record(duration);
    counter!(REQUESTS, "route" => route, "method" => method, "status" => class(status)).increment(1);
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

/// Returns the id that a client or a proxy gave a request, where it is short and plain enough for the log.
fn given_id(headers: &HeaderMap) -> Option<&str> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    ((1..=MAX_ID_BYTES).contains(&id.len()) && id.bytes().all(is_plain)).then_some(id)
}

/// Returns a method as a label; clients may send any text.
fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}

/// Returns the class of a status as a label.
fn class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_taken_when_it_is_short_and_plain() {
        let given = |id: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(id).expect("a value"));
            given_id(&headers).map(str::to_owned)
        };
        assert_eq!(given("build-17.a_b").as_deref(), Some("build-17.a_b"));
        assert_eq!(given(""), None);
        assert_eq!(given("a b"), None);
        assert_eq!(given(&"a".repeat(65)), None);
    }
}
