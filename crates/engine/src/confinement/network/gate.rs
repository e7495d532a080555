//! Decides which connections a process tree gets, and makes them.

use super::address::{Reach, is_server};
use super::upstream::{Upstream, UpstreamError};
use super::{NetworkMode, Refusal};
use crate::settings::hosts::{Host, HostPattern, Target};
use parking_lot::{Mutex, RwLock};
use std::collections::HashSet;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

/// How long a connection may take to be made, with the look-up of its name.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// How many hosts that one process tree is refused are reported.
const MAX_REFUSED_HOSTS: usize = 100;
/// How many refusals may wait to be shown.
const MAX_WAITING: usize = 256;

/// The network access of one process tree.
pub(super) struct Gate {
    pub(super) mode: NetworkMode,
    pub(super) patterns: Arc<RwLock<Vec<HostPattern>>>,
    /// Where this server listens, and by which names it is reached.
    pub(super) server: SocketAddr,
    pub(super) server_names: Vec<String>,
    pub(super) upstream: Arc<Upstream>,
    pub(super) refusals: Refusals,
}

/// Reports refusals, of so many hosts.
pub(super) struct Refusals {
    reported: Mutex<HashSet<Target>>,
    sender: mpsc::Sender<Refusal>,
}

/// Why a connection is not made.
#[derive(Debug, thiserror::Error)]
pub(super) enum GateError {
    #[error("{0}")]
    Refused(Refusal),
    #[error("{target} is not known: {source}")]
    Unknown { target: Target, source: io::Error },
    #[error("no connection to {target}: {source}")]
    Unreachable { target: Target, source: io::Error },
    #[error("no connection to {target} within {} seconds", CONNECT_TIMEOUT.as_secs())]
    TimedOut { target: Target },
    #[error("{target} is not reached through the proxy of this server: {source}")]
    Upstream { target: Target, source: UpstreamError },
}

/// A connection to a target.
pub(super) struct Connected {
    pub(super) stream: TcpStream,
    /// The head of a request to the proxy that the connection leads to, when it leads to one.
    pub(super) proxy_authorization: Option<String>,
    pub(super) is_to_proxy: bool,
}

/// The use of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Bytes of any protocol.
    Tunnel,
    /// One request over plain HTTP.
    Request,
}

impl Refusals {
    pub(super) fn new() -> (Self, mpsc::Receiver<Refusal>) {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        (Self { reported: Mutex::default(), sender }, receiver)
    }

    fn report(&self, refusal: &Refusal) {
        let mut reported = self.reported.lock();
        let is_known = reported.contains(&refusal.target);
        if is_known || (reported.len() < MAX_REFUSED_HOSTS && reported.insert(refusal.target.clone())) {
            // What is repeated while many wait, or when the process tree ends, is shown already.
            let _ = self.sender.try_send(refusal.clone());
        }
    }
}

impl Gate {
    /// Connects to a target that is allowed.
    pub(super) async fn connect(&self, target: &Target, purpose: Use) -> Result<Connected, GateError> {
        let connected = tokio::time::timeout(CONNECT_TIMEOUT, self.try_connect(target, purpose)).await;
        let connected = connected.unwrap_or_else(|_| Err(GateError::TimedOut { target: target.clone() }));
        if let Err(GateError::Refused(refusal)) = &connected {
            self.refusals.report(refusal);
        }
        connected
    }

    async fn try_connect(&self, target: &Target, purpose: Use) -> Result<Connected, GateError> {
        if !self.allows(|pattern| pattern.matches(target)) {
            return Err(self.refused(target, None));
        }
        // Names are looked up once they are allowed, and the connection goes to the addresses that were looked at.
        let found = look_up(target).await;
        let is_local = target.host.is_localhost()
            || matches!(&target.host, Host::Address(address) if Reach::of(*address) == Reach::Local);
        let proxied = if is_local { None } else { self.upstream.proxy_for(target, purpose) };
        let addresses = match found {
            Ok(found) => self.permitted(target, &found)?,
            // The proxy of this server may know names that this machine does not.
            Err(_) if proxied.is_some() => self.permitted(target, &[])?,
            Err(source) => return Err(GateError::Unknown { target: target.clone(), source }),
        };
        if let Some(proxy) = proxied {
            let connected = self.upstream.connect(proxy, target, purpose).await;
            return connected.map_err(|source| GateError::Upstream { target: target.clone(), source });
        }
        let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(stream) => return Ok(Connected { stream, proxy_authorization: None, is_to_proxy: false }),
                Err(error) => last = error,
            }
        }
        Err(GateError::Unreachable { target: target.clone(), source: last })
    }

    /// Returns the addresses of a target that it may be reached at; a refusal where it has others only.
    fn permitted(&self, target: &Target, found: &[SocketAddr]) -> Result<Vec<SocketAddr>, GateError> {
        if let Host::Name(name) = &target.host
            && self.server_names.iter().any(|own| own.eq_ignore_ascii_case(name))
        {
            return Err(self.refused(target, Some(Obstacle::Server)));
        }
        let obstacle = |address: &SocketAddr| self.obstacle(target, *address);
        let permitted: Vec<SocketAddr> =
            found.iter().copied().filter(|address| obstacle(address).is_none()).collect();
        match found.iter().find_map(obstacle) {
            Some(obstacle) if permitted.is_empty() => Err(self.refused(target, Some(obstacle))),
            _ => Ok(permitted),
        }
    }

    /// Returns what keeps a target from being reached at one of its addresses.
    fn obstacle(&self, target: &Target, address: SocketAddr) -> Option<Obstacle> {
        if is_server(address, self.server) {
            return Some(Obstacle::Server);
        }
        let ip = address.ip().to_canonical();
        let itself = Target { host: Host::Address(ip), port: target.port };
        let is_listed = || self.allows(|pattern| pattern.matches(&itself));
        let by_name = || self.allows(|pattern| pattern.is_exact() && pattern.matches(target));
        let is_permitted = match Reach::of(ip) {
            Reach::Public => true,
            // A name that its owner points at this machine does not open it; the address has to be listed.
            Reach::Local => is_listed() || (ip.is_loopback() && target.host.is_localhost() && by_name()),
            Reach::Private => is_listed() || by_name(),
            Reach::Nowhere => false,
        };
        (!is_permitted).then_some(Obstacle::Address(ip))
    }

    fn allows(&self, matches: impl Fn(&HostPattern) -> bool) -> bool {
        self.patterns.read().iter().any(matches)
    }

    fn refused(&self, target: &Target, obstacle: Option<Obstacle>) -> GateError {
        GateError::Refused(Refusal { target: target.clone(), mode: self.mode, obstacle })
    }
}

/// The reason why a listed target cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// It is this server.
    Server,
    /// It has an address that is not public.
    Address(IpAddr),
}

async fn look_up(target: &Target) -> io::Result<Vec<SocketAddr>> {
    match &target.host {
        Host::Address(address) => Ok(vec![SocketAddr::new(*address, target.port)]),
        Host::Name(name) => Ok(tokio::net::lookup_host((name.as_str(), target.port)).await?.collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(patterns: &[&str]) -> Gate {
        Gate {
            mode: NetworkMode::Allowlist,
            patterns: Arc::new(RwLock::new(
                patterns.iter().map(|text| text.parse().expect("a pattern")).collect(),
            )),
            server: "127.0.0.1:8420".parse().expect("an address"),
            server_names: vec!["spectask.example.org".to_owned()],
            upstream: Arc::new(Upstream::default()),
            refusals: Refusals::new().0,
        }
    }

    /// Returns whether a target that resolves to an address may be reached there.
    fn is_open(patterns: &[&str], target: &str, address: &str) -> bool {
        let target = Target::parse(target, None).expect("a target");
        let address = SocketAddr::new(address.parse().expect("an address"), target.port);
        gate(patterns).permitted(&target, &[address]).is_ok()
    }

    #[test]
    fn a_name_that_leads_to_this_machine_or_a_private_network_is_refused() {
        for address in
            ["127.0.0.1", "::1", "169.254.169.254", "fe80::1", "::ffff:127.0.0.1", "0.0.0.0", "224.0.0.1"]
        {
            assert!(!is_open(&["rebound.example.org"], "rebound.example.org:80", address), "{address}");
        }
        for address in ["10.0.0.1", "192.168.1.1", "fd00::1"] {
            assert!(!is_open(&["*.example.org"], "rebound.example.org:80", address), "{address}");
            assert!(is_open(&["rebound.example.org"], "rebound.example.org:80", address), "{address}");
        }
        assert!(is_open(&["*.example.org"], "a.example.org:80", "93.184.216.34"));
        assert!(is_open(&["localhost:3000"], "localhost:3000", "127.0.0.1"));
        assert!(!is_open(&["*.localhost:3000"], "a.localhost:3000", "127.0.0.1"));
        assert!(is_open(&["a.example.org", "127.0.0.1"], "a.example.org:80", "127.0.0.1"));
        assert!(!is_open(&["0.0.0.0"], "0.0.0.0:80", "0.0.0.0"));
    }

    #[test]
    fn the_server_itself_is_never_reached() {
        assert!(!is_open(&["127.0.0.1:8420"], "127.0.0.1:8420", "127.0.0.1"));
        assert!(!is_open(&["localhost:8420"], "localhost:8420", "::1"));
        assert!(!is_open(&["spectask.example.org"], "spectask.example.org:443", "93.184.216.34"));
    }

    #[test]
    fn of_several_addresses_the_permitted_ones_are_taken() {
        let target = Target::parse("a.example.org:80", None).expect("a target");
        let addresses = ["127.0.0.1:80", "93.184.216.34:80"].map(|text| text.parse().expect("an address"));
        let permitted = gate(&["a.example.org"]).permitted(&target, &addresses).expect("one is permitted");
        assert_eq!(permitted, addresses[1..]);
    }
}
