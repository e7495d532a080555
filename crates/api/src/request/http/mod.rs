//! The HTTP server under the routes: connections with time-outs and limits, so that clients that are slow, many or hostile
//! cannot keep others from being served.

mod body;
mod connections;
mod stream;

pub(crate) use body::BodyTimeout;
pub(crate) use connections::{Connection, Connections};

use axum::Router;
use axum::body::Body;
use body::TimedBody;
use engine::settings::config::Http;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use stream::TimedStream;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// How large the head of a request may be, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How many header fields a request may have.
const MAX_HEADERS: usize = 100;
/// How long the server waits after the kernel could not give it a connection, for example for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// The descriptors that files, databases and agents need besides connections.
const RESERVED_DESCRIPTORS: u64 = 256;
/// Up to how many descriptors the process asks for. Some programs that agents run walk through all they may have.
const MAX_DESCRIPTORS: u64 = 65_536;

/// Serves a router until `stop`; then requests under way are finished.
pub(crate) async fn serve(listener: TcpListener, router: Router, settings: Http, stop: CancellationToken) {
    let connections = Connections::new(limits(&settings));
    let settings = Arc::new(settings);
    let tracker = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_connection(&error) => continue,
            Err(error) => {
                tracing::error!(%error, "could not accept a connection");
                connections.evict_idle();
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let local = stream.local_addr().unwrap_or(peer);
        let Some(connection) = connections.admit(peer, local, settings.trusted_proxies.contains(&peer.ip()))
        else {
            refuse(&stream);
            continue;
        };
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "could not set TCP_NODELAY");
        }
        tracker.spawn(serve_connection(stream, connection, router.clone(), settings.clone(), stop.clone()));
    }
    drop(listener);
    tracker.close();
    tracker.wait().await;
}

async fn serve_connection(
    stream: TcpStream,
    connection: Connection,
    router: Router,
    settings: Arc<Http>,
    stop: CancellationToken,
) {
    let seconds = Duration::from_secs;
    let ended = connection.ended();
    let stream = TimedStream::new(stream, seconds(settings.write_timeout_seconds), connection.clone());
    let body_timeout = seconds(settings.body_timeout_seconds);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(|body| Body::new(TimedBody::new(body, body_timeout)));
        request.extensions_mut().insert(connection.clone());
        let (router, busy) = (router.clone(), connection.begin_request());
        async move {
            let response = router.oneshot(request).await;
            drop(busy);
            response
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        // It also ends a connection that stays idle after an answer.
        .header_read_timeout(seconds(settings.header_timeout_seconds))
        .max_buf_size(MAX_HEAD_BYTES)
        .max_headers(MAX_HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut served = pin!(served);
    let outcome = tokio::select! {
        outcome = served.as_mut() => outcome,
        () = ended.cancelled() => return,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            tokio::select! {
                outcome = served.as_mut() => outcome,
                () = ended.cancelled() => return,
            }
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Answers a connection for which there is no room, as far as it reads at once.
fn refuse(stream: &TcpStream) {
    const ANSWER: &[u8] =
        b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    // The client may be gone, and learns it from the connection's end too.
    let _ = stream.try_write(ANSWER);
}

/// Returns whether an error is of the connection that was to be accepted, which its client gave up.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

/// Returns how many connections there may be: what is configured, within what the process has descriptors for.
fn limits(settings: &Http) -> connections::Limits {
    let descriptors = raise_descriptor_limit();
    let room =
        usize::try_from(descriptors.saturating_sub(RESERVED_DESCRIPTORS).max(16)).unwrap_or(usize::MAX);
    if room < settings.max_connections {
        tracing::warn!(
            descriptors,
            max_connections = settings.max_connections,
            "the limit of open files leaves room for {room} connections; raise it (ulimit -n, LimitNOFILE=)"
        );
    }
    connections::Limits {
        total: settings.max_connections.min(room).max(1),
        per_address: settings.max_connections_per_address.max(1),
    }
}

/// Raises the soft limit of open files as far as the hard one allows, and returns what is in force.
fn raise_descriptor_limit() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = maximum.unwrap_or(MAX_DESCRIPTORS).min(MAX_DESCRIPTORS);
    let current = current.unwrap_or(MAX_DESCRIPTORS);
    if current >= wanted {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum }) {
        Ok(()) => wanted,
        Err(error) => {
            tracing::warn!(%error, "could not raise the limit of open files");
            current
        }
    }
}

/// Returns the address of a client: its network address, or the one that a trusted proxy names.
pub(crate) fn client_address(
    peer: Option<SocketAddr>,
    headers: &axum::http::HeaderMap,
    settings: &Http,
) -> Option<std::net::IpAddr> {
    let mut address = peer?.ip().to_canonical();
    let forwarded: Vec<std::net::IpAddr> = headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|value| value.trim().parse().ok())
        .collect();
    // Each proxy adds whom it was asked by; only what a trusted one says counts.
    for named in forwarded.into_iter().rev() {
        if !settings.trusted_proxies.contains(&address) {
            break;
        }
        address = named;
    }
    Some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_say_who_asks() {
        let proxy = SocketAddr::from(([10, 0, 0, 1], 4000));
        let mut headers = axum::http::HeaderMap::new();
        headers.insert("x-forwarded-for", "1.2.3.4, 5.6.7.8".parse().expect("a value"));
        let trusting = |proxies: &[&str]| Http {
            trusted_proxies: proxies.iter().map(|proxy| proxy.parse().expect("an address")).collect(),
            ..Http::default()
        };
        let found = |proxies: &[&str]| {
            client_address(Some(proxy), &headers, &trusting(proxies)).map(|address| address.to_string())
        };
        assert_eq!(found(&[]).as_deref(), Some("10.0.0.1"));
        assert_eq!(found(&["10.0.0.1"]).as_deref(), Some("5.6.7.8"));
        assert_eq!(found(&["10.0.0.1", "5.6.7.8"]).as_deref(), Some("1.2.3.4"));
    }
}
