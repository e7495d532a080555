//! Which hosts a browser may name and from which origins it may come.
//!
//! A page of another site must not reach a server on loopback by a name that resolves there, nor act with its cookie.

use super::problem::Problem;
use crate::App;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::net::IpAddr;

pub(crate) async fn check(State(app): State<App>, request: Request<Body>, next: Next) -> Response {
    let Some(host) = host(&request) else {
        let detail = "The request names no host; send a Host header.";
        return Problem::new(StatusCode::BAD_REQUEST, "no_host", detail).into_response();
    };
    if !is_ours(&app, &host) {
        let detail =
            format!("This server does not answer for {host:?}; name it under `hosts` in the configuration.");
        return Problem::new(StatusCode::FORBIDDEN, "wrong_host", detail).into_response();
    }
    if !is_text(request.uri().path()) {
        return Problem::not_found("thing").into_response();
    }
    let is_socket = request.headers().contains_key(header::UPGRADE);
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if (is_socket || !reads) && !same_origin(request.headers(), &host) {
        let detail = "The request comes from a page of another site.";
        return Problem::new(StatusCode::FORBIDDEN, "wrong_origin", detail).into_response();
    }
    next.run(request).await
}

/// Whether a path, once decoded, is text that something could be named by.
fn is_text(path: &str) -> bool {
    percent_encoding::percent_decode_str(path).decode_utf8().is_ok_and(|path| !path.contains('\0'))
}

/// The host with its port, as the client names it.
fn host(request: &Request<Body>) -> Option<Authority> {
    let named = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    match named {
        Some(named) => named.parse().ok(),
        None => request.uri().authority().cloned(),
    }
}

/// Loopback, an address, the host it was bound to, or a configured name; another name may be a rebinding attack.
fn is_ours(app: &App, host: &Authority) -> bool {
    let name = host.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
    if name == "localhost" || app.config.hosts.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
        return true;
    }
    match name.parse::<IpAddr>() {
        // An address cannot be rebound. One that is not loopback reaches only a server that was bound beyond it.
        Ok(address) => address.is_loopback() || !app.config.bind.ip().is_loopback(),
        Err(_) => false,
    }
}

/// Whether the request comes from no page, or from a page of this server.
fn same_origin(headers: &HeaderMap, host: &Authority) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    origin.is_some_and(|(_, named)| named.eq_ignore_ascii_case(host.as_str()))
}
