//! The dev servers of sessions: on which of a session's reserved ports something listens, and connections to them.
//!
//! Processes of a session listen in the network namespace of their tree, which is the machine's own where the network is open.
//! Ports are read from the kernel's tables when somebody asks; nothing watches them.

use crate::App;
use crate::paths::workdir;
use protocol::words::NetworkMode;
use sandbox::Level;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::net::UnixStream as StdUnixStream;
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::process::Child;
use workflow::{Session, Task};

/// How long a connection to a dev server may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(6);
/// The state of a listening socket in the kernel's tables.
const LISTEN: &str = "0A";

/// A reserved port on which something listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListeningPort {
    /// The number in `SPECTASK_PORT_1` to `SPECTASK_PORT_9`.
    pub number: u8,
    pub port: u16,
}

/// Why a session's ports cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    #[error(
        "the session has no worktree now: it is made when the session starts, and removed after its task is over"
    )]
    NoWorktree,
    #[error("the session has no reserved ports; widen `sessions.ports` in the server's configuration")]
    NoPorts,
    #[error("the session has the ports 1 to {count}; there is no port {number}")]
    NoSuchPort { number: u8, count: usize },
    #[error(
        "nothing listens on port {number} of the session (`SPECTASK_PORT_{number}`, {port}); start the dev server there, \
         then reload the page"
    )]
    NotListening { number: u8, port: u16 },
    #[error(
        "processes of the session cannot listen on ports: the project's network is `{}`, and this machine's sandbox has no \
         network of its own; install bubblewrap on the server, or set `network` to `open`",
        mode.as_str()
    )]
    NoNetwork { mode: NetworkMode },
    #[error("the port cannot be reached")]
    Failed(#[from] io::Error),
    #[error("the session's ports cannot be read")]
    Store(#[from] store::StoreError),
}

/// A connection to a dev server.
pub enum DevServerStream {
    /// In the network of the machine.
    Direct(TcpStream),
    /// In the network namespace of a sandbox, through a process that entered it and ends with the connection.
    Sandboxed { stream: UnixStream, _child: Child },
}

/// The network in which the processes of a tree listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum TreeNetwork {
    Machine,
    /// That of a process in a network namespace of its own.
    Process(u32),
}

/// Addresses to connect to, by the port on which something listens, and the network that they are in.
type Listeners = BTreeMap<u16, (TreeNetwork, Vec<SocketAddr>)>;

/// Returns the ports of a session on which something listens.
pub async fn listening(
    app: &App,
    task: &Task,
    session: &Session,
) -> Result<Vec<ListeningPort>, PreviewError> {
    let ports = ports(app, task, session).await?;
    let listeners = listeners(app, task, session, ports.clone()).await?;
    let numbered = (1..).zip(ports).map(|(number, port)| ListeningPort { number, port });
    Ok(numbered.filter(|one| listeners.contains_key(&one.port)).collect())
}

/// Returns the reserved port of a session with a number.
pub async fn port(app: &App, task: &Task, session: &Session, number: u8) -> Result<u16, PreviewError> {
    let ports = ports(app, task, session).await?;
    let index = usize::from(number).checked_sub(1);
    let found = index.and_then(|index| ports.get(index).copied());
    found.ok_or(PreviewError::NoSuchPort { number, count: ports.len() })
}

/// Connects to what listens on a reserved port of a session.
pub async fn connect(
    app: &App,
    task: &Task,
    session: &Session,
    number: u8,
) -> Result<DevServerStream, PreviewError> {
    let port = port(app, task, session, number).await?;
    let mut listeners = listeners(app, task, session, vec![port]).await?;
    let (network, addresses) = listeners.remove(&port).ok_or(PreviewError::NotListening { number, port })?;
    let mut failed = io::Error::from(io::ErrorKind::ConnectionRefused);
    for address in addresses {
        let connecting = async {
            match network {
                TreeNetwork::Machine => {
                    let stream = TcpStream::connect(address).await?;
                    stream.set_nodelay(true)?;
                    Ok(DevServerStream::Direct(stream))
                }
                TreeNetwork::Process(process) => connect_within(app, process, address).await,
            }
        };
        match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failed = error,
            Err(_) => failed = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(PreviewError::Failed(failed))
}

/// Returns the reserved ports of a session that has a worktree and can listen on them.
async fn ports(app: &App, task: &Task, session: &Session) -> Result<Vec<u16>, PreviewError> {
    let worktree = workdir(&app.config.data_dir, task, session);
    if task.status().is_terminal() || !worktree.join(".git").exists() {
        return Err(PreviewError::NoWorktree);
    }
    if app.agents.sandbox().level() == Level::Landlock {
        let mode = app.instances.network_rules(task).await.map_err(io::Error::other)?.mode;
        if mode != NetworkMode::Open {
            return Err(PreviewError::NoNetwork { mode });
        }
    }
    let ports = app.store.ports_of(session.id.as_str()).await?;
    if ports.is_empty() { Err(PreviewError::NoPorts) } else { Ok(ports) }
}

/// Returns what listens on ports in the networks of a session's process trees: its terminal's first, then those of its
/// task's agents.
async fn listeners(
    app: &App,
    task: &Task,
    session: &Session,
    ports: Vec<u16>,
) -> Result<Listeners, PreviewError> {
    let terminal = app.terminals.process_of(&session.id);
    let roots: Vec<_> =
        terminal.into_iter().chain(app.instances.processes_of(&task.id, &session.id)).collect();
    // Only the sandbox's own namespaces are entered, never one that a process made.
    let has_networks = app.agents.sandbox().level() == Level::Bubblewrap;
    let read = crate::spawn_blocking(move || {
        let mut networks: Vec<TreeNetwork> = Vec::new();
        let of = |root| if has_networks { network_of(root) } else { TreeNetwork::Machine };
        for network in roots.into_iter().map(of) {
            if !networks.contains(&network) {
                networks.push(network);
            }
        }
        let mut found = Listeners::new();
        for network in networks {
            for (port, addresses) in listening_in(network) {
                if ports.contains(&port) {
                    found.entry(port).or_insert((network, addresses));
                }
            }
        }
        found
    });
    Ok(read.await.map_err(io::Error::other)?)
}

/// Returns the network of a process tree: the first one beneath its root that is not the machine's.
fn network_of(root: agent::ProcessIdentity) -> TreeNetwork {
    let own = sandbox::network_namespace(std::process::id());
    let is_apart = |process: &u32| {
        let network = sandbox::network_namespace(*process);
        network.is_some() && network != own
    };
    let found = agent::descendants(root).into_iter().find(is_apart);
    found.map_or(TreeNetwork::Machine, TreeNetwork::Process)
}

/// Reads the addresses on which something listens in a network, by their ports.
fn listening_in(network: TreeNetwork) -> BTreeMap<u16, Vec<SocketAddr>> {
    let process = match network {
        TreeNetwork::Machine => "self".to_owned(),
        TreeNetwork::Process(process) => process.to_string(),
    };
    let mut found: BTreeMap<u16, Vec<SocketAddr>> = BTreeMap::new();
    for table in ["tcp", "tcp6"] {
        let Ok(file) = File::open(format!("/proc/{process}/net/{table}")) else { continue };
        // The kernel lists sockets that listen before all others.
        let lines = BufReader::new(file).lines().skip(1).map_while(Result::ok);
        for address in lines.map_while(|line| listener(&line)) {
            found.entry(address.port()).or_default().push(address);
        }
    }
    found
}

/// Returns where a socket of the kernel's table is reached, when it listens.
fn listener(line: &str) -> Option<SocketAddr> {
    let mut fields = line.split_whitespace().skip(1);
    let (local, state) = (fields.next()?, fields.nth(1)?);
    if state != LISTEN {
        return None;
    }
    let (address, port) = local.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    // Addresses are words of four bytes in the order of the machine.
    let bytes = hex::decode(address).ok()?;
    let bytes: Vec<u8> = bytes
        .chunks(4)
        .filter_map(|word| Some(u32::from_be_bytes(word.try_into().ok()?).to_ne_bytes()))
        .flatten()
        .collect();
    let address = match bytes.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?),
        _ => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical(),
    };
    Some(SocketAddr::new(reachable(address), port))
}

/// Returns the address at which a socket is reached that listens on one, or on all.
fn reachable(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(any) if any.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(any) if any.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    }
}

/// Connects to an address in the network namespace of a process.
async fn connect_within(app: &App, process: u32, address: SocketAddr) -> io::Result<DevServerStream> {
    let own = [app.config.own_binary.to_string_lossy().into_owned(), "exec-agent".to_owned()];
    let (near, far) = StdUnixStream::pair()?;
    near.set_nonblocking(true)?;
    let mut command = tokio::process::Command::from(sandbox::reach_command(&own, process, address));
    command.stdin(Stdio::from(std::os::fd::OwnedFd::from(far))).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn()?;
    // The command holds the other end of the socket, which is to end with the process.
    drop(command);
    let mut stream = UnixStream::from_std(near)?;
    let mut first = [0];
    if stream.read(&mut first).await? == 1 && first[0] == sandbox::CONNECTED {
        return Ok(DevServerStream::Sandboxed { stream, _child: child });
    }
    let mut said = String::new();
    if let Some(stderr) = &mut child.stderr {
        stderr.read_to_string(&mut said).await?;
    }
    Err(io::Error::new(io::ErrorKind::ConnectionRefused, said.trim().to_owned()))
}

impl AsyncRead for DevServerStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Direct(stream) => Pin::new(stream).poll_read(cx, into),
            Self::Sandboxed { stream, .. } => Pin::new(stream).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for DevServerStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Direct(stream) => Pin::new(stream).poll_write(cx, bytes),
            Self::Sandboxed { stream, .. } => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Direct(stream) => Pin::new(stream).poll_flush(cx),
            Self::Sandboxed { stream, .. } => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Direct(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Sandboxed { stream, .. } => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn sockets_that_listen_are_read_from_the_kernels_table() {
        let v4 = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).expect("a port");
        let address = v4.local_addr().expect("an address");
        let found = listening_in(TreeNetwork::Machine);
        assert_eq!(found[&address.port()], [SocketAddr::from((Ipv4Addr::LOCALHOST, address.port()))]);
        drop(v4);
        assert!(!listening_in(TreeNetwork::Machine).contains_key(&address.port()));
    }

    #[test]
    fn an_address_of_the_kernels_table_is_read() {
        let read = |local: &str, state: &str| {
            listener(&format!("   0: {local} 00000000:0000 {state} 00000000:00000000 00:00000000"))
                .map(|address| address.to_string())
        };
        let loopback = hex::encode_upper(u32::from_ne_bytes([127, 0, 0, 1]).to_be_bytes());
        assert_eq!(read(&format!("{loopback}:1F90"), "0A").as_deref(), Some("127.0.0.1:8080"));
        assert_eq!(read("00000000:1F90", "0A").as_deref(), Some("127.0.0.1:8080"));
        assert_eq!(read(&format!("{}:1F90", "0".repeat(32)), "0A").as_deref(), Some("[::1]:8080"));
        assert_eq!(read("00000000:1F90", "01"), None, "it is a connection");
        assert_eq!(read("what", "0A"), None);
    }
}
