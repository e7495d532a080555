//! The header fields that pass between a browser and a dev server.
//!
//! A dev server sees itself at `localhost` and its own port, as without a proxy, so that its checks of `Host` and `Origin`
//! pass. Nothing of SpecTask reaches it, and it cannot change what the browser keeps for other hosts.

use crate::preview::sign_ins;
use crate::request::caller;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use std::net::IpAddr;

/// The beginning of every token of this server.
const TOKEN_PREFIX: &str = "sptk_";

/// Fields of one connection, and not of the request or the answer.
const HOP_BY_HOP: [HeaderName; 10] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
];

/// Fields of a request that are about the way to this server, beside `X-Forwarded-…`.
const OF_PROXIES: [HeaderName; 3] = [header::FORWARDED, header::EXPECT, HeaderName::from_static("x-real-ip")];

/// Fields of an answer with which a dev server would reach beyond its own host, or take the preview's cookie away.
const REACHING_OUT: [HeaderName; 3] =
    [header::ALT_SVC, header::STRICT_TRANSPORT_SECURITY, HeaderName::from_static("clear-site-data")];

/// Returns the protocol that a message asks to change to: WebSocket, the only one that browsers change to.
pub(super) fn upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let connection = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let is_upgrade =
        connection.flat_map(|value| value.split(',')).any(|word| word.trim().eq_ignore_ascii_case("upgrade"));
    let is_websocket = |value: &&HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"websocket");
    headers.get(header::UPGRADE).filter(|_| is_upgrade).filter(is_websocket).cloned()
}

/// Changes a browser's request into the one for the dev server at a port. `origin` is the preview's own.
pub(super) fn for_dev_server(headers: &mut HeaderMap, origin: &str, port: u16) {
    let upgrade = upgrade(headers);
    remove_hop_by_hop(headers);
    for name in &OF_PROXIES {
        headers.remove(name);
    }
    let local = format!("localhost:{port}");
    // A host and a port are always a value.
    let value = |text: &str| HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("localhost"));
    headers.insert(header::HOST, value(&local));
    if headers.contains_key(header::ORIGIN) {
        headers.insert(header::ORIGIN, value(&format!("http://{local}")));
    }
    // That of another page would say where the dashboard is.
    let referer = headers.remove(header::REFERER);
    let path = referer.as_ref().and_then(|value| value.to_str().ok()?.strip_prefix(origin));
    if let Some(path) = path.filter(|path| path.starts_with('/'))
        && let Ok(value) = HeaderValue::from_str(&format!("http://{local}{path}"))
    {
        headers.insert(header::REFERER, value);
    }
    let kept: Vec<String> = sign_ins::cookies(headers)
        .filter(|(name, _)| !is_reserved(name))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    headers.remove(header::COOKIE);
    if let Some(kept) = Some(kept.join("; ")).filter(|kept| !kept.is_empty())
        && let Ok(kept) = HeaderValue::from_str(&kept)
    {
        headers.insert(header::COOKIE, kept);
    }
    let is_kept_back = |(name, value): (&HeaderName, &HeaderValue)| {
        (name.as_str().starts_with("x-forwarded-") || has_token(value)).then(|| name.clone())
    };
    let kept_back: Vec<HeaderName> = headers.iter().filter_map(is_kept_back).collect();
    for name in kept_back {
        headers.remove(name);
    }
    keep_upgrade(headers, upgrade);
}

/// Changes a dev server's answer into the one for the browser.
pub(super) fn for_browser(headers: &mut HeaderMap, origin: &str, port: u16) {
    let upgrade = upgrade(headers);
    remove_hop_by_hop(headers);
    for name in &REACHING_OUT {
        headers.remove(name);
    }
    match headers.get(header::LOCATION).map(|value| redirect(value, origin, port)) {
        None | Some(Redirect::Elsewhere) => {}
        Some(Redirect::Itself(location)) => {
            headers.insert(header::LOCATION, location);
        }
        Some(Redirect::ThisMachine) => {
            headers.remove(header::LOCATION);
        }
    }
    let set: Vec<HeaderValue> =
        headers.get_all(header::SET_COOKIE).iter().filter_map(bound_to_host).collect();
    headers.remove(header::SET_COOKIE);
    for cookie in set {
        headers.append(header::SET_COOKIE, cookie);
    }
    keep_upgrade(headers, upgrade);
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

fn keep_upgrade(headers: &mut HeaderMap, upgrade: Option<HeaderValue>) {
    if let Some(upgrade) = upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, upgrade);
    }
}

/// Returns whether a cookie is one of this server's own.
fn is_reserved(name: &str) -> bool {
    sign_ins::is_own(name) || [caller::COOKIE, caller::SECURE_COOKIE].contains(&name)
}

/// Returns whether a value has a token of this server, as it is or in the Base64 of basic authentication.
fn has_token(value: &HeaderValue) -> bool {
    // Only a value that can be read is known to have none.
    let Ok(text) = value.to_str() else { return true };
    let decoded = text.rsplit(' ').next().and_then(|last| BASE64_STANDARD.decode(last).ok());
    let is_in = |bytes: &[u8]| bytes.windows(TOKEN_PREFIX.len()).any(|part| part == TOKEN_PREFIX.as_bytes());
    is_in(text.as_bytes()) || decoded.is_some_and(|bytes| is_in(&bytes))
}

/// Where an answer of a dev server redirects to.
#[derive(Debug, PartialEq)]
enum Redirect {
    /// The dev server itself, at the preview's origin.
    Itself(HeaderValue),
    /// Another port of the machine. Browsers send the dashboard's cookie to every port of its host, so it is not followed.
    ThisMachine,
    Elsewhere,
}

fn redirect(location: &HeaderValue, origin: &str, port: u16) -> Redirect {
    let Ok(text) = location.to_str() else { return Redirect::ThisMachine };
    // Browsers read `\\` as `/`, and an address without a scheme is of the same one.
    let text = text.trim().replace('\\', "/");
    let Some(rest) = text.strip_prefix("//").or_else(|| Some(text.split_once("://")?.1)) else {
        return Redirect::Elsewhere;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let authority = authority.rsplit('@').next().unwrap_or(authority);
    let (host, named) = match authority.rsplit_once(':') {
        Some((host, named)) if !named.contains(']') => (host, named),
        _ => (authority, ""),
    };
    let name = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
    let is_local = name == "localhost"
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback() || address.is_unspecified());
    if !is_local {
        return Redirect::Elsewhere;
    }
    let address =
        HeaderValue::from_str(&format!("{origin}{path}")).ok().filter(|_| named.parse() == Ok(port));
    address.map_or(Redirect::ThisMachine, Redirect::Itself)
}

/// Returns a cookie without its domain, so that it is of the preview's host alone; none for a name of this server's own.
fn bound_to_host(cookie: &HeaderValue) -> Option<HeaderValue> {
    let cookie = cookie.to_str().ok()?;
    let mut parts = cookie.split(';');
    let first = parts.next()?;
    let name = first.split_once('=').map_or(first, |(name, _)| name).trim();
    if is_reserved(name) {
        return None;
    }
    let is_domain = |part: &str| {
        let name = part.split_once('=').map_or(part, |(name, _)| name);
        name.trim().eq_ignore_ascii_case("domain")
    };
    let kept: Vec<&str> = std::iter::once(first).chain(parts.filter(|part| !is_domain(part))).collect();
    HeaderValue::from_str(&kept.join(";")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "http://x-1.preview.localhost:7433";

    fn headers(fields: &[(&str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::try_from(*name).expect("a name"), value.parse().expect("a value"));
        }
        headers
    }

    fn shown(headers: &HeaderMap) -> Vec<String> {
        let mut all: Vec<String> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().expect("text")))
            .collect();
        all.sort();
        all
    }

    #[test]
    fn a_dev_server_gets_nothing_of_spectask() {
        let mut request = headers(&[
            ("host", "x-1.preview.localhost:7433"),
            ("origin", ORIGIN),
            ("referer", "http://x-1.preview.localhost:7433/a?b"),
            ("authorization", "Bearer sptk_0f3c"),
            (
                "cookie",
                "a=1; spectask_session=spbs_1; spectask_preview=spps_1; __Host-spectask_preview=x; b=2=3",
            ),
            ("connection", "keep-alive, x-own, Upgrade"),
            ("upgrade", "websocket"),
            ("x-own", "1"),
            ("x-forwarded-for", "10.0.0.1"),
            ("accept", "*/*"),
        ]);
        for_dev_server(&mut request, ORIGIN, 20_001);
        assert_eq!(
            shown(&request),
            [
                "accept: */*",
                "connection: upgrade",
                "cookie: a=1; b=2=3",
                "host: localhost:20001",
                "origin: http://localhost:20001",
                "referer: http://localhost:20001/a?b",
                "upgrade: websocket",
            ]
        );
        let mut request = headers(&[
            ("referer", "http://x-1.preview.localhost:7433.example.org/"),
            ("authorization", "Bearer of-the-page"),
            ("cookie", "spectask_preview=spps_1"),
        ]);
        for_dev_server(&mut request, ORIGIN, 20_001);
        assert_eq!(shown(&request), ["authorization: Bearer of-the-page", "host: localhost:20001"]);
    }

    #[test]
    fn an_answer_stays_with_its_host() {
        let mut answer = headers(&[
            ("set-cookie", "a=1; Domain=preview.localhost; Path=/; HttpOnly"),
            ("set-cookie", "spectask_preview=mine; Path=/"),
            ("set-cookie", "__Host-spectask_session=mine"),
            ("set-cookie", "b=2;domain = localhost"),
            ("clear-site-data", "\"cookies\""),
            ("strict-transport-security", "max-age=1; includeSubDomains"),
            ("transfer-encoding", "chunked"),
            ("location", "http://localhost:20001/next?x#y"),
        ]);
        for_browser(&mut answer, ORIGIN, 20_001);
        assert_eq!(
            shown(&answer),
            [
                "location: http://x-1.preview.localhost:7433/next?x#y",
                "set-cookie: a=1; Path=/; HttpOnly",
                "set-cookie: b=2",
            ]
        );
    }

    #[test]
    fn redirects_lead_to_the_dev_server_or_elsewhere_and_to_no_other_port_of_the_machine() {
        let found = |text: &str| redirect(&HeaderValue::from_str(text).expect("a value"), ORIGIN, 20_001);
        let itself = |path: &str| {
            Redirect::Itself(HeaderValue::from_str(&format!("{ORIGIN}{path}")).expect("a value"))
        };
        assert_eq!(found("https://127.0.0.1:20001"), itself(""));
        assert_eq!(found("http://[::1]:20001/a"), itself("/a"));
        assert_eq!(found("//localhost:20001/a?b"), itself("/a?b"));
        for other in ["/a", "a?b=http", "http://example.org:20001/", "https://example.org"] {
            assert_eq!(found(other), Redirect::Elsewhere, "{other}");
        }
        let others = [
            "http://localhost:20002/",
            "http://localhost/",
            "//localhost:20002",
            "http://x@LOCALHOST.:20002/",
            "\\\\127.0.0.1:20002/",
            "http://[::1]/",
            "http://0.0.0.0:20002/",
            "http://127.9.9.9:1",
        ];
        for other in others {
            assert_eq!(found(other), Redirect::ThisMachine, "{other}");
        }
    }

    #[test]
    fn a_token_is_kept_back_wherever_a_request_has_it() {
        let basic = format!("Basic {}", BASE64_STANDARD.encode("x:sptk_0f3c"));
        let mut request = headers(&[
            ("authorization", &basic),
            ("x-api-key", "sptk_0f3c"),
            ("x-forwarded-prefix", "/a"),
            ("accept", "*/*"),
            ("connection", "upgrade"),
            ("upgrade", "h2c"),
        ]);
        for_dev_server(&mut request, ORIGIN, 20_001);
        assert_eq!(shown(&request), ["accept: */*", "host: localhost:20001"]);
    }
}
