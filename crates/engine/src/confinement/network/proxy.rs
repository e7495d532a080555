//! The HTTP proxy of one process tree: the only way that leads out of it.

use super::gate::{Connected, Gate, GateError, Use};
use super::idle::IdleTimeout;
use crate::settings::hosts::Target;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery};
use http::{Method, Request, Response, StatusCode, Uri, Version};
use http_body_util::{Either, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// The body of an answer: the proxy's own, or that of the host.
type Body = Either<Full<Bytes>, Incoming>;

/// How many connections one process tree has open at once; further ones wait.
const MAX_CONNECTIONS: usize = 256;
/// How much of a head is kept before more of it is read, in bytes: longer heads are refused from there on.
const MAX_HEAD: usize = 64 * 1024;
/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long nothing may go through a connection; models think for minutes.
const IDLE_TIMEOUT: Duration = Duration::from_mins(15);
/// How long the proxy rests when it cannot accept, as when too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Headers that are about one connection and not about the request.
const HOP_BY_HOP: [HeaderName; 9] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("http2-settings"),
];

/// Why a request is not carried out.
#[derive(Debug, thiserror::Error)]
enum RequestError {
    #[error("{0}")]
    Malformed(String),
    #[error(transparent)]
    Gate(#[from] GateError),
    #[error("the answer cannot be read: {0}")]
    Answer(#[from] hyper::Error),
}

/// Serves the connections of a process tree until it is stopped.
pub(super) async fn serve(listener: UnixListener, gate: Arc<Gate>, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let accepting = async {
        loop {
            // The semaphore is never closed.
            let Ok(slot) = slots.clone().acquire_owned().await else { return };
            match listener.accept().await {
                Ok((stream, _)) => {
                    let served = serve_connection(stream, gate.clone(), Arc::new(slot), stop.clone());
                    tokio::spawn(stop.clone().run_until_cancelled_owned(served));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection to the network proxy of a sandbox was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    stop.run_until_cancelled(accepting).await;
}

async fn serve_connection(
    stream: UnixStream,
    gate: Arc<Gate>,
    slot: Arc<OwnedSemaphorePermit>,
    stop: CancellationToken,
) {
    let service = service_fn(move |request| {
        let (gate, slot, stop) = (gate.clone(), slot.clone(), stop.clone());
        async move {
            let answer = answer(&gate, request, slot, stop).await;
            Ok::<_, Infallible>(answer.unwrap_or_else(|error| error.response()))
        }
    });
    let stream = TokioIo::new(IdleTimeout::new(stream, IDLE_TIMEOUT));
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD)
        // One request each, so that none is taken for a part of another.
        .keep_alive(false)
        .serve_connection(stream, service)
        .with_upgrades();
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to the network proxy of a sandbox broke");
    }
}

async fn answer(
    gate: &Gate,
    request: Request<Incoming>,
    slot: Arc<OwnedSemaphorePermit>,
    stop: CancellationToken,
) -> Result<Response<Body>, RequestError> {
    let purpose = if request.method() == Method::CONNECT { Use::Tunnel } else { Use::Request };
    let target = requested(request.uri(), request.headers(), purpose).map_err(RequestError::Malformed)?;
    let connected = gate.connect(&target, purpose).await?;
    match purpose {
        Use::Tunnel => {
            let tunnel = async move {
                // The client may be gone before it has the answer.
                let Ok(client) = hyper::upgrade::on(request).await else { return };
                let mut client = TokioIo::new(client);
                let mut server = IdleTimeout::new(connected.stream, IDLE_TIMEOUT);
                // A broken connection concerns its two ends only.
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                drop(slot);
            };
            tokio::spawn(stop.run_until_cancelled_owned(tunnel));
            Ok(Response::new(Either::Left(Full::default())))
        }
        Use::Request => forward(connected, &target, request, stop).await,
    }
}

/// Forwards a request over a separate connection.
async fn forward(
    connected: Connected,
    target: &Target,
    mut request: Request<Incoming>,
    stop: CancellationToken,
) -> Result<Response<Body>, RequestError> {
    let malformed = |_| RequestError::Malformed("the request cannot be sent on".to_owned());
    remove_hop_by_hop(request.headers_mut());
    let authority = match target.port {
        80 => target.host.to_string(),
        _ => target.to_string(),
    };
    let host = HeaderValue::from_str(&authority).map_err(|error| malformed(error.to_string()))?;
    request.headers_mut().insert(header::HOST, host);
    if let Some(value) = connected.proxy_authorization {
        let value = HeaderValue::from_str(&value).map_err(|error| malformed(error.to_string()))?;
        request.headers_mut().insert(header::PROXY_AUTHORIZATION, value);
    }
    let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
    let uri = if connected.is_to_proxy {
        Uri::builder().scheme("http").authority(authority.as_str()).path_and_query(path).build()
    } else {
        Uri::builder().path_and_query(path).build()
    };
    *request.uri_mut() = uri.map_err(|error| malformed(error.to_string()))?;
    *request.version_mut() = Version::HTTP_11;
    let stream = TokioIo::new(IdleTimeout::new(connected.stream, IDLE_TIMEOUT));
    let mut client = hyper::client::conn::http1::Builder::new();
    let (mut sender, connection) = client.max_buf_size(MAX_HEAD).handshake(stream).await?;
    // It ends with the answer, whose reader sees why.
    tokio::spawn(async move { stop.run_until_cancelled_owned(connection).await });
    let mut response = sender.send_request(request).await?;
    remove_hop_by_hop(response.headers_mut());
    Ok(response.map(Either::Right))
}

/// Reads what a request asks for; its `Host` says the same or nothing.
fn requested(uri: &Uri, headers: &HeaderMap, purpose: Use) -> Result<Target, String> {
    let default_port = match (purpose, uri.scheme_str()) {
        (Use::Tunnel, None) => None,
        (Use::Request, Some("http")) => Some(80),
        (Use::Request, Some("https")) => return Err("use CONNECT to reach a host over TLS".to_owned()),
        (Use::Tunnel | Use::Request, _) => {
            return Err(
                "this is an HTTP proxy: send CONNECT HOST:PORT, or a request for http://HOST/".to_owned()
            );
        }
    };
    let authority = uri.authority().map(Authority::as_str).ok_or("the request names no host")?;
    let target =
        Target::parse(authority, default_port).map_err(|error| format!("the host of the request {error}"))?;
    let mut hosts = headers.get_all(header::HOST).iter();
    if let Some(host) = hosts.next() {
        let host = host.to_str().map_err(|_| "the Host header cannot be read")?;
        // Some clients leave out the port of a tunnel.
        let named = Target::parse(host, default_port.or(Some(target.port)));
        if named != Ok(target.clone()) {
            return Err(format!("the Host header does not name {target}, which the request is for"));
        }
    }
    if hosts.next().is_some() {
        return Err("the request has several Host headers".to_owned());
    }
    Ok(target)
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        // How long a body is stays with it.
        .filter(|name| ![header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::HOST].contains(name))
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

impl RequestError {
    fn response(&self) -> Response<Body> {
        let status = match self {
            Self::Malformed(_) => StatusCode::BAD_REQUEST,
            Self::Gate(GateError::Refused(_)) => StatusCode::FORBIDDEN,
            Self::Gate(GateError::TimedOut { .. }) => StatusCode::GATEWAY_TIMEOUT,
            Self::Gate(_) | Self::Answer(_) => StatusCode::BAD_GATEWAY,
        };
        let mut response = Response::new(Either::Left(Full::from(format!("spectask: {self}\n"))));
        *response.status_mut() = status;
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, text);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::super::NetworkMode;
    use super::super::gate::Refusals;
    use super::*;
    use parking_lot::RwLock;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    /// Sends bytes to a proxy that allows one host, a loopback port, and returns what the host and the client receive.
    async fn exchange(request: impl Fn(u16) -> String) -> (String, String) {
        let host = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = host.local_addr().expect("an address").port();
        let received = tokio::spawn(async move {
            let (mut stream, _) = host.accept().await.expect("a connection");
            let (mut all, mut bytes) = (String::new(), vec![0; 4096]);
            while !all.contains("\r\n\r\n") {
                let count = stream.read(&mut bytes).await.expect("bytes");
                if count == 0 {
                    break;
                }
                all.push_str(&String::from_utf8_lossy(&bytes[..count]));
            }
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
            stream.write_all(answer).await.expect("written");
            all
        });
        let gate = Gate {
            mode: NetworkMode::Allowlist,
            patterns: Arc::new(RwLock::new(vec![format!("localhost:{port}").parse().expect("a pattern")])),
            server: "127.0.0.1:8420".parse().expect("an address"),
            server_names: Vec::new(),
            upstream: Arc::default(),
            refusals: Refusals::new().0,
        };
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("proxy.sock");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let stop = CancellationToken::new();
        tokio::spawn(serve(listener, Arc::new(gate), stop.clone()));
        let mut client = UnixStream::connect(&socket).await.expect("connected");
        client.write_all(request(port).as_bytes()).await.expect("written");
        let mut answer = Vec::new();
        // A connection that is ended with bytes unread is reset.
        let _ = client.read_to_end(&mut answer).await;
        stop.cancel();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let is_reached = answer.contains("hello");
        let received = if is_reached { received.await.expect("received") } else { String::new() };
        (received, answer)
    }

    #[tokio::test]
    async fn a_request_is_sent_on_and_nothing_behind_it() {
        let (received, answer) = exchange(|port| {
            format!(
                "GET http://localhost:{port}/a?b HTTP/1.1\r\nHost: localhost:{port}\r\nProxy-Connection: x\r\n\r\n\
                 GET http://localhost:{port}/second HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n"
            )
        })
        .await;
        assert!(received.starts_with("GET /a?b HTTP/1.1\r\n"), "{received}");
        assert!(!received.contains("second") && !received.to_lowercase().contains("proxy-"), "{received}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
    }

    #[tokio::test]
    async fn a_request_with_two_lengths_is_not_taken_for_two() {
        let (received, _) = exchange(|port| {
            format!(
                "POST http://localhost:{port}/ HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: 60\r\n\
                 Transfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
            )
        })
        .await;
        let received = received.to_lowercase();
        let lengths = ["content-length", "transfer-encoding"].iter().filter(|name| received.contains(**name));
        assert!(lengths.count() <= 1 && !received.contains("smuggled"), "{received}");
    }

    fn read(method: &str, uri: &str, hosts: &[&str]) -> Result<String, String> {
        let uri: Uri = uri.parse().map_err(|error| format!("{error}"))?;
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, HeaderValue::from_str(host).map_err(|error| error.to_string())?);
        }
        let purpose = if method == "CONNECT" { Use::Tunnel } else { Use::Request };
        requested(&uri, &headers, purpose).map(|target| target.to_string())
    }

    #[test]
    fn what_a_request_asks_for_is_read_strictly() {
        let good = [
            ("CONNECT", "example.org:443", &["example.org:443"][..], "example.org:443"),
            ("CONNECT", "example.org:443", &["Example.org"], "example.org:443"),
            ("CONNECT", "EXAMPLE.org.:8443", &[], "example.org:8443"),
            ("CONNECT", "[::ffff:192.0.2.1]:443", &[], "192.0.2.1:443"),
            ("GET", "http://example.org/a?b", &["example.org"], "example.org:80"),
            ("GET", "http://example.org:8080/", &["example.org:8080"], "example.org:8080"),
        ];
        for (method, uri, hosts, target) in good {
            assert_eq!(read(method, uri, hosts).as_deref(), Ok(target), "{method} {uri}");
        }
        let bad = [
            ("CONNECT", "example.org", &[][..]),
            ("CONNECT", "http://example.org:443/", &[]),
            ("CONNECT", "user@example.org:443", &[]),
            ("CONNECT", "2130706433:443", &[]),
            ("CONNECT", "example.org:443", &["attacker.net:443"]),
            ("CONNECT", "example.org:443", &["example.org:80"]),
            ("GET", "/path", &["example.org"]),
            ("GET", "https://example.org/", &["example.org"]),
            ("GET", "ftp://example.org/", &["example.org"]),
            ("GET", "http://example.org@attacker.net/", &["attacker.net"]),
            ("GET", "http://user:password@example.org/", &["example.org"]),
            ("GET", "http://example.org/", &["attacker.net"]),
            ("GET", "http://example.org/", &["example.org", "example.org"]),
            ("GET", "http://example.org:8080/", &["example.org"]),
        ];
        for (method, uri, hosts) in bad {
            assert!(read(method, uri, hosts).is_err(), "{method} {uri} {hosts:?}");
        }
    }

    #[test]
    fn headers_of_one_connection_are_not_sent_on() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("connection", "x-secret, content-length, close"),
            ("x-secret", "1"),
            ("content-length", "5"),
            ("upgrade", "websocket"),
            ("proxy-authorization", "Basic eA=="),
            ("proxy-connection", "keep-alive"),
            ("accept", "text/html"),
        ] {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        remove_hop_by_hop(&mut headers);
        let mut left: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["accept", "content-length"]);
    }
}
