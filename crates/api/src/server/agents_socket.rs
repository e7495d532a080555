//! The socket through which confined agents reach the tools of their crew.
//!
//! A sandbox may have no network, and none leads to this server. The socket is a file that every sandbox of an agent shows. It
//! serves the tools of crews to tokens of sessions, and nothing else.

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

/// How many connections there are at once; further ones wait.
const MAX_CONNECTIONS: usize = 256;
/// How large the head of a request may be, in bytes.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// How long a client may take to send the head of a request, and how long a connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the server waits after the kernel could not give it a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A mark on requests that came over the socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FromAgentsSocket;

/// Listens at a path, in place of the socket that an earlier server left there.
pub(crate) fn listen(path: &Path) -> io::Result<UnixListener> {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let (folder, name) = (path.parent().unwrap_or(Path::new("/")), path.file_name().unwrap_or_default());
    // The path of a socket has some hundred characters at most, and the folder may be further away.
    let opened = std::fs::File::open(folder)?;
    let listener =
        UnixListener::bind(Path::new(&format!("/proc/self/fd/{}", opened.as_raw_fd())).join(name))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Serves the router until `stop`; then requests under way are finished.
pub(crate) async fn serve(listener: UnixListener, router: Router, stop: CancellationToken) {
    let slots = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let tracker = TaskTracker::new();
    loop {
        // The semaphore is never closed.
        let Ok(slot) = slots.clone().acquire_owned().await else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                tracker.spawn(serve_connection(stream, router.clone(), slot, stop.clone()));
            }
            Err(error) => {
                tracing::error!(%error, "could not accept a connection of an agent");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    tracker.close();
    tracker.wait().await;
}

async fn serve_connection(
    stream: UnixStream,
    router: Router,
    _slot: OwnedSemaphorePermit,
    stop: CancellationToken,
) {
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(FromAgentsSocket);
        router.clone().oneshot(request)
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    let mut served = std::pin::pin!(served);
    let outcome = tokio::select! {
        outcome = served.as_mut() => outcome,
        () = stop.cancelled() => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = outcome {
        tracing::debug!(%error, "a connection of an agent ended early");
    }
}
