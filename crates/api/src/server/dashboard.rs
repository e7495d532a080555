//! The dashboard, embedded in the binary.

use crate::people::login::sign_in;
use crate::request::problem::Problem;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use engine::App;
use percent_encoding::percent_decode_str;
use rust_embed::RustEmbed;
use std::borrow::Cow;

#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../../web/dist"]
#[allow_missing = true]
struct Files;

/// Returns whether the dashboard was built into this binary.
pub fn is_embedded() -> bool {
    Files::get("index.html").is_some()
}

/// The content that a page of the dashboard may load and run: its own files only. The component library writes its
/// styles inline.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; \
    connect-src 'self'; worker-src 'self'; manifest-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// Serves a file of the dashboard, or its page for every path that the page itself routes.
pub(crate) async fn serve(State(app): State<App>, request: Request) -> Response {
    let path = request.uri().path().trim_start_matches('/').to_owned();
    if path == "api" || path.starts_with("api/") {
        return Problem::new(
            StatusCode::NOT_FOUND,
            "no_such_route",
            "The API has no such route; see /api/v1/openapi.json.",
        )
        .into_response();
    }
    if let Some(token) = token_in(&request) {
        return match sign_in(&app, request.headers(), request.extensions(), &token).await {
            Ok((_, cookie)) => without_token(&request, Some(cookie)),
            Err(problem) if problem.status == StatusCode::UNAUTHORIZED.as_u16() => {
                without_token(&request, None)
            }
            Err(problem) => problem.into_response(),
        };
    }
    let (name, file) = match Files::get(&path) {
        Some(file) => (path.as_str(), file),
        None if path.starts_with("assets/") => return Problem::not_found("file").into_response(),
        None => match Files::get("index.html") {
            Some(page) => ("index.html", page),
            None => {
                let text = "The dashboard is not in this binary: build it with `make web`, then build the binary again.\n";
                return (StatusCode::NOT_FOUND, text).into_response();
            }
        },
    };
    let kind = mime_guess::from_path(name).first_or_octet_stream();
    let caching =
        if name.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let compressed = accepts_gzip(request.headers()).then(|| Files::get(&format!("{name}.gz"))).flatten();
    let is_compressed = compressed.is_some();
    let data = match compressed.unwrap_or(file).data {
        Cow::Borrowed(bytes) => Bytes::from_static(bytes),
        Cow::Owned(bytes) => bytes.into(),
    };
    let mut response = data.into_response();
    let headers = response.headers_mut();
    if is_compressed {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(kind) = HeaderValue::from_str(kind.as_ref()) {
        headers.insert(header::CONTENT_TYPE, kind);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(HeaderName::from_static("x-frame-options"), HeaderValue::from_static("DENY"));
    response
}

/// Returns whether the client takes compressed answers.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let named = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let is_refused = |weight: &str| weight.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0));
        parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip")) && !parts.any(is_refused)
    })
}

/// Returns the token in the URL that the server prints when it starts.
fn token_in(request: &Request) -> Option<String> {
    let pairs = request.uri().query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(name, _)| *name == "token")
        .map(|(_, token)| percent_decode_str(token).decode_utf8_lossy().into_owned())
        .find(|token| !token.is_empty())
}

/// Leads to the same page without the token in its URL, with the cookie of the browser session that it began.
fn without_token(request: &Request, cookie: Option<HeaderValue>) -> Response {
    let rest: Vec<&str> = request
        .uri()
        .query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.starts_with("token="))
        .collect();
    // One slash only: two would name another host.
    let path = format!("/{}", request.uri().path().trim_start_matches('/'));
    let to = if rest.is_empty() { path } else { format!("{path}?{}", rest.join("&")) };
    let to = HeaderValue::from_str(&to).unwrap_or(HeaderValue::from_static("/"));
    let mut response = StatusCode::SEE_OTHER.into_response();
    response.headers_mut().insert(header::LOCATION, to);
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_files_are_for_clients_that_take_them() {
        let accepts = |value: &'static str| {
            accepts_gzip(&HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]))
        };
        assert!(accepts("gzip") && accepts("br, GZIP;q=0.5") && accepts("deflate,gzip"));
        assert!(!accepts("br") && !accepts("gzip;q=0, br") && !accepts("identity"));
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
