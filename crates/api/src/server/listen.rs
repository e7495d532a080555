//! Serves: listens, starts the engine, and takes both down at a signal.

use crate::request::http;
use crate::server::{agents_socket, dashboard};
use anyhow::Context as _;
use engine::{Config, Engine};
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// How long an address may be in use before the start gives up, and how often it is asked for.
const ADDRESS_IN_USE: Duration = Duration::from_secs(5);
const ADDRESS_INTERVAL: Duration = Duration::from_millis(100);

/// Delay between attempts to start while the disk is full or the database server is unreachable.
const START_INTERVAL: Duration = Duration::from_secs(2);

/// A server that listens.
struct Running {
    engine: Engine,
    address: SocketAddr,
    serving: tokio::task::JoinHandle<()>,
}

/// Serves until SIGTERM or SIGINT; `ready` is called once, with the address and the owner's token.
pub async fn run(config: Config, ready: impl FnOnce(SocketAddr, &str)) -> anyhow::Result<()> {
    // A signal that comes while the server starts counts.
    let mut signal = std::pin::pin!(signalled().context("cannot listen to signals")?);
    survive_file_size_limit().context("cannot listen to signals")?;
    let Some(running) = start_when_possible(config, signal.as_mut()).await? else { return Ok(()) };
    ready(running.address, &running.engine.token);
    tokio::select! {
        () = signal => {
            tracing::info!("ending: writing what is under way and ending the agents");
            running.engine.end(running.serving).await
        }
        () = running.engine.app.store.writer_ended() => {
            tracing::error!("the task that writes the database ended, so nothing can be saved; ending the server");
            running.engine.end(running.serving).await?;
            anyhow::bail!("the server ended because it could not write its database any more; its log says why, and the next start continues")
        }
    }
}

/// Starts a server. A full disk or an unreachable database server is waited for; `None` when a signal ends the wait.
async fn start_when_possible(
    config: Config,
    mut signal: std::pin::Pin<&mut impl Future<Output = ()>>,
) -> anyhow::Result<Option<Running>> {
    let mut logged = String::new();
    loop {
        let starting = tokio::select! {
            () = signal.as_mut() => return Ok(None),
            starting = Box::pin(start(config.clone())) => starting,
        };
        let (error, advice) = match starting {
            Ok(running) => return Ok(Some(running)),
            Err(error) if engine::failure::is_out_of_space(error.as_ref()) => {
                (format!("{error:#}"), "the server starts when there is room on the disk; make some")
            }
            Err(error) if engine::waits_for_database(&error) => (
                format!("{error:#}"),
                "the server starts when the database answers; start it, or correct DATABASE_URL",
            ),
            Err(error) => return Err(error),
        };
        if error != logged {
            tracing::error!(error, "{advice}");
            logged = error;
        }
        tokio::select! {
            () = signal.as_mut() => return Ok(None),
            () = tokio::time::sleep(START_INTERVAL) => {}
        }
    }
}

/// Brings a server up.
async fn start(config: Config) -> anyhow::Result<Running> {
    let (bind, settings) = (config.bind, config.http.clone());
    let prepared = engine::prepare(config)?;
    crate::request::metrics::describe();
    let listener = listen(bind).await.with_context(|| {
        format!("cannot listen on {bind}; is another server running there? choose another with --bind")
    })?;
    let address = listener.local_addr().context("cannot read the listening address")?;
    if !dashboard::is_embedded() {
        tracing::warn!("this binary has no dashboard; build it with `make web`, then build the binary again");
    }
    let opened = engine::open(prepared).await?;
    let engine = engine::start(opened, address, url_of(address)).await?;
    let router = crate::router(engine.app.clone());
    let socket = engine::paths::agents_socket(&engine.app.config);
    let agents = agents_socket::listen(&socket)
        .with_context(|| format!("cannot listen for agents on {}", socket.display()))?;
    tokio::spawn(agents_socket::serve(agents, router.clone(), engine.app.stop.clone()));
    let serving = tokio::spawn(http::serve(listener, router, settings, engine.app.stop.clone()));
    Ok(Running { engine, address, serving })
}

/// Listens on an address. One that is in use may still be that of a server that was just killed, so it is asked for
/// again for a while.
async fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let begun = tokio::time::Instant::now();
    let mut is_told = false;
    loop {
        match TcpListener::bind(address).await {
            Err(error)
                if error.kind() == std::io::ErrorKind::AddrInUse && begun.elapsed() < ADDRESS_IN_USE =>
            {
                if !std::mem::replace(&mut is_told, true) {
                    tracing::info!(%address, "the address is in use; waiting a few seconds for it");
                }
                tokio::time::sleep(ADDRESS_INTERVAL).await;
            }
            bound => return bound,
        }
    }
}

/// Returns how programs on this machine reach an address that was bound.
fn url_of(mut address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    format!("http://{address}")
}

/// Listens to SIGTERM, SIGINT and SIGHUP from now on; the future ends with the first of them. SIGHUP stays ignored when the
/// process was started with it ignored, as by `nohup`.
fn signalled() -> std::io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup =
        if is_ignored(SignalKind::hangup()) { None } else { Some(signal(SignalKind::hangup())?) };
    Ok(async move {
        let hung_up = async {
            match &mut hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            _ = hung_up => {}
        }
    })
}

/// Returns whether the process was started with a signal ignored; false where the system does not say.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (kind.as_raw_value() - 1) & 1 == 1
}

/// Makes a write beyond the file size limit fail with an error: by default the kernel's SIGXFSZ ends the process.
fn survive_file_size_limit() -> std::io::Result<()> {
    let too_large = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    // The handler stays for the life of the process.
    signal(too_large).map(drop)?;
    let limit = rustix::process::getrlimit(rustix::process::Resource::Fsize).current;
    if let Some(bytes) = limit {
        tracing::warn!(
            megabytes = bytes >> 20,
            "the size of files is limited (`ulimit -f`, `LimitFSIZE` of the unit): the database can grow no further than that"
        );
    }
    Ok(())
}
