//! The open connections: how many there may be, and which of them makes room for another.
//!
//! When there is no room, the oldest connection that has shown no valid credential is ended. So connections that only
//! occupy room, however many, do not keep a person from signing in.

use crate::request::peer_process::Origin;
use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use tokio_util::sync::CancellationToken;

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) total: usize,
    /// Of one address beyond this machine.
    pub(super) per_address: usize,
}

/// All open connections.
#[derive(Clone)]
pub(crate) struct Connections(Arc<Inner>);

struct Inner {
    limits: Limits,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    next: u64,
    /// By age.
    all: BTreeMap<u64, Arc<State>>,
    per_address: HashMap<IpAddr, usize>,
}

struct State {
    number: u64,
    peer: SocketAddr,
    local: SocketAddr,
    /// Whether its address counts towards the limit of one address.
    is_counted: bool,
    /// Whether a request on it has shown a valid credential.
    is_authenticated: AtomicBool,
    requests: AtomicUsize,
    /// Which process opened it, once that was looked up.
    origin: tokio::sync::OnceCell<Origin>,
    end: CancellationToken,
}

/// An open connection. It is forgotten when the last clone is dropped.
#[derive(Clone)]
pub(crate) struct Connection(Arc<Registration>);

struct Registration {
    state: Arc<State>,
    connections: Weak<Inner>,
}

/// A request that is being served.
pub(super) struct Busy(Arc<State>);

impl Connections {
    pub(super) fn new(limits: Limits) -> Self {
        Self(Arc::new(Inner { limits, open: Mutex::default() }))
    }

    /// Adds a connection, or returns none when there is no room and none can be made.
    pub(super) fn admit(&self, peer: SocketAddr, local: SocketAddr, is_proxy: bool) -> Option<Connection> {
        let address = peer.ip().to_canonical();
        // All clients of a local proxy share its address.
        let is_counted = !address.is_loopback() && !is_proxy;
        let mut open = self.0.open();
        if is_counted && open.per_address.get(&address).is_some_and(|many| *many >= self.0.limits.per_address)
        {
            open.evict(|state| state.is_counted && state.peer.ip().to_canonical() == address)?;
        }
        if open.all.len() >= self.0.limits.total {
            open.evict(|_| true)?;
        }
        let state = Arc::new(State {
            number: open.next,
            peer,
            local,
            is_counted,
            is_authenticated: AtomicBool::new(false),
            requests: AtomicUsize::new(0),
            origin: tokio::sync::OnceCell::new(),
            end: CancellationToken::new(),
        });
        open.next += 1;
        if is_counted {
            *open.per_address.entry(address).or_default() += 1;
        }
        open.all.insert(state.number, state.clone());
        drop(open);
        Some(Connection(Arc::new(Registration { state, connections: Arc::downgrade(&self.0) })))
    }

    /// Ends the oldest connection that may be ended.
    pub(super) fn evict_idle(&self) {
        self.0.open().evict(|_| true);
    }
}

impl Inner {
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock()
    }
}

impl Open {
    /// Ends the oldest unauthenticated connection that fits, preferring those without a request.
    fn evict(&mut self, fits: impl Fn(&State) -> bool) -> Option<()> {
        let is_open = |state: &Arc<State>| fits(state) && !state.is_authenticated.load(Ordering::Relaxed);
        let is_idle = |state: &Arc<State>| state.requests.load(Ordering::Relaxed) == 0;
        let found = self.all.values().find(|state| is_open(state) && is_idle(state));
        let found = found.or_else(|| self.all.values().find(|state| is_open(state)))?.clone();
        found.end.cancel();
        self.remove(&found);
        Some(())
    }

    fn remove(&mut self, state: &State) {
        if self.all.remove(&state.number).is_none() || !state.is_counted {
            return;
        }
        let address = state.peer.ip().to_canonical();
        if let Some(many) = self.per_address.get_mut(&address) {
            *many -= 1;
            if *many == 0 {
                self.per_address.remove(&address);
            }
        }
    }
}

impl Connection {
    pub(crate) fn peer(&self) -> SocketAddr {
        self.0.state.peer
    }

    pub(crate) fn local(&self) -> SocketAddr {
        self.0.state.local
    }

    /// Notes that a request on it has shown a valid credential: it does not make room for others.
    pub(crate) fn set_authenticated(&self) {
        self.0.state.is_authenticated.store(true, Ordering::Relaxed);
    }

    /// Returns which process opened it, once that was looked up.
    pub(crate) fn origin(&self) -> &tokio::sync::OnceCell<Origin> {
        &self.0.state.origin
    }

    /// Cancelled when the connection is to make room.
    pub(super) fn ended(&self) -> CancellationToken {
        self.0.state.end.clone()
    }

    pub(super) fn begin_request(&self) -> Busy {
        self.0.state.requests.fetch_add(1, Ordering::Relaxed);
        Busy(self.0.state.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.requests.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        if let Some(connections) = self.connections.upgrade() {
            connections.open().remove(&self.state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    fn connections(total: usize, per_address: usize) -> Connections {
        Connections::new(Limits { total, per_address })
    }

    fn admit(connections: &Connections, peer: &str) -> Option<Connection> {
        connections.admit(address(peer), address("10.0.0.1:80"), false)
    }

    #[test]
    fn the_oldest_connection_without_a_credential_makes_room() {
        let all = connections(3, 10);
        let [owner, first, second] =
            ["127.0.0.1:1", "127.0.0.1:2", "127.0.0.1:3"].map(|peer| admit(&all, peer).expect("room"));
        owner.set_authenticated();
        let working = first.begin_request();
        let third = admit(&all, "127.0.0.1:4").expect("room is made");
        assert!(second.ended().is_cancelled(), "it has no request");
        let fourth = admit(&all, "127.0.0.1:5").expect("room is made");
        assert!(third.ended().is_cancelled());
        drop(working);
        fourth.set_authenticated();
        let fifth = admit(&all, "127.0.0.1:6").expect("room is made");
        assert!(first.ended().is_cancelled() && !owner.ended().is_cancelled());
        fifth.set_authenticated();
        assert!(admit(&all, "127.0.0.1:7").is_none(), "those with a credential stay");
        drop(fifth);
        assert!(admit(&all, "127.0.0.1:8").is_some());
    }

    #[test]
    fn an_address_has_its_share_and_loopback_has_no_limit_of_its_own() {
        let all = connections(100, 2);
        let [first, second] = ["9.9.9.9:1", "9.9.9.9:2"].map(|peer| admit(&all, peer).expect("room"));
        let _third = admit(&all, "9.9.9.9:3").expect("room is made");
        assert!(first.ended().is_cancelled() && !second.ended().is_cancelled());
        let local: Vec<Connection> =
            (1..20).map(|port| admit(&all, &format!("127.0.0.1:{port}")).expect("room")).collect();
        assert!(local.iter().all(|connection| !connection.ended().is_cancelled()));
    }
}
