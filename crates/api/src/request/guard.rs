//! The host names and origins that browsers may use.
//!
//! A page of another site must not reach a server on loopback by a name that resolves there, nor act with its cookie.

use crate::request::caller::is_secure;
use crate::request::problem::Problem;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use engine::App;
use std::net::IpAddr;

pub(crate) async fn check(State(app): State<App>, request: Request<Body>, next: Next) -> Response {
    let host = match host(&request) {
        Ok(host) => host,
        Err(detail) => return Problem::new(StatusCode::BAD_REQUEST, "bad_host", detail).into_response(),
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
    let is_secure = is_secure(&app, request.headers(), request.extensions());
    if (is_socket || !reads) && !same_origin(request.headers(), &host, is_secure) {
        let detail = "The request comes from a page of another site.";
        return Problem::new(StatusCode::FORBIDDEN, "wrong_origin", detail).into_response();
    }
    next.run(request).await
}

/// Returns whether a path, once decoded, is text that something could be named by.
fn is_text(path: &str) -> bool {
    percent_encoding::percent_decode_str(path).decode_utf8().is_ok_and(|path| !path.contains('\0'))
}

/// Returns the host with its port, as the client names it: once, and the same in an absolute address.
pub(crate) fn host(request: &Request<Body>) -> Result<Authority, &'static str> {
    let mut named = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (named.next(), named.next()) else {
        return Err("The request must name its host once; send one Host header.");
    };
    let host = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
    let host = host.filter(|host| !host.as_str().contains('@'));
    let host = host.ok_or("The Host header is not a host; send a name or an address, with its port.")?;
    match request.uri().authority() {
        Some(other) if !other.as_str().eq_ignore_ascii_case(host.as_str()) => {
            Err("The Host header and the address in the request name different hosts.")
        }
        Some(_) | None => Ok(host),
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

/// Returns whether the request comes from no page, or from a page of this server: the same scheme, host and port.
pub(crate) fn same_origin(headers: &HeaderMap, host: &Authority, is_secure: bool) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let origin = match (origins.next(), origins.next()) {
        (None, _) => return true,
        (Some(origin), None) => origin.to_str().ok().and_then(|origin| origin.split_once("://")),
        (Some(_), Some(_)) => None,
    };
    let scheme = if is_secure { "https" } else { "http" };
    origin.is_some_and(|(named, at)| named == scheme && at.eq_ignore_ascii_case(host.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Api, anonymous};

    fn asked(uri: &str, headers: &[(&'static str, &str)]) -> Request<Body> {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).expect("a request")
    }

    #[test]
    fn a_request_names_one_host() {
        let named = |uri: &str, headers: &[(&'static str, &str)]| {
            host(&asked(uri, headers)).map(|host| host.to_string()).ok()
        };
        assert_eq!(named("/", &[("host", "a:1")]).as_deref(), Some("a:1"));
        assert_eq!(named("http://A:1/", &[("host", "a:1")]).as_deref(), Some("a:1"));
        assert_eq!(named("/", &[]), None);
        assert_eq!(named("/", &[("host", "a"), ("host", "a")]), None);
        assert_eq!(named("http://b:1/", &[("host", "a:1")]), None);
        assert_eq!(named("/", &[("host", "me@a")]), None);
    }

    #[test]
    fn an_origin_has_the_same_scheme_host_and_port() {
        let host: Authority = "spectask.example.org".parse().expect("a host");
        let is_same = |origin: &str, is_secure: bool| {
            same_origin(asked("/", &[("origin", origin)]).headers(), &host, is_secure)
        };
        assert!(is_same("https://spectask.example.org", true));
        assert!(!is_same("http://spectask.example.org", true));
        assert!(!is_same("https://spectask.example.org:8443", true));
        assert!(!is_same("null", true));
        assert!(same_origin(asked("/", &[]).headers(), &host, true));
        let twice = [("origin", "https://spectask.example.org"), ("origin", "https://evil.example.org")];
        assert!(!same_origin(asked("/", &twice).headers(), &host, true));
    }

    #[tokio::test]
    async fn hosts_and_origins_are_checked() {
        let api = Api::open().await;
        let with = |method: Method, path: &str, name: &str, value: &str| {
            let mut request = anonymous(method, path);
            request
                .headers_mut()
                .expect("headers")
                .insert(header::HeaderName::try_from(name).expect("a name"), value.parse().expect("a value"));
            request
        };
        let sent = async |request: axum::http::request::Builder| {
            api.send_raw(request.body(Body::empty()).expect("a request")).await
        };
        let rebound = with(Method::GET, "/api/v1/me", "host", "evil.example.org");
        assert_eq!(sent(rebound).await.problem().0, 403);
        let foreign = with(Method::POST, "/api/v1/logout", "origin", "https://evil.example.org");
        assert_eq!(sent(foreign).await.problem().0, 403);
        let own = with(Method::POST, "/api/v1/logout", "origin", "http://127.0.0.1:7433");
        assert_eq!(sent(own).await.status, 204);
    }
}
