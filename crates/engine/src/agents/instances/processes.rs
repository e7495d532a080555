//! The processes that serve one task: which process serves which session, and which sessions are isolated.

use super::threads::Thread;
use crate::clock::now;
use crate::confinement::network::{Refusal, TreeNetwork};
use crate::settings::owner;
use agent::{AgentError, AgentEvent, Process};
use parking_lot::{Mutex, MutexGuard};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use workflow::{Millis, Session, SessionId, SessionPhase};

/// How long a process that may not serve others is kept without a session to serve.
const UNUSED: Duration = Duration::from_secs(30);

/// The processes that serve one task: one for each agent that its sessions use, or several where one may not serve all.
pub(super) struct Instance {
    pub(super) id: String,
    /// The token with which its processes report; it is invalid once they have ended.
    pub(super) token: String,
    running: Mutex<Vec<Arc<Running>>>,
    /// The agents whose process ended while several sessions were at work in it: since it is unknown which of them
    /// ended it, each session gets a separate process, so that the faulty one ends only its own.
    apart: Mutex<HashSet<String>>,
    /// The starts under way, by the key of the process.
    starting: Mutex<HashMap<String, Starting>>,
    /// Held while the running processes are recorded.
    pub(super) recording: tokio::sync::Mutex<()>,
}

/// Held while a process starts; keeps the failure of the last start for callers that waited for it meanwhile.
pub(super) type Starting = Arc<tokio::sync::Mutex<Option<(Instant, Arc<AgentError>)>>>;

impl Instance {
    pub(super) fn new(id: String) -> Self {
        Self {
            id,
            token: owner::fresh(),
            running: Mutex::default(),
            apart: Mutex::default(),
            starting: Mutex::default(),
            recording: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn running(&self) -> MutexGuard<'_, Vec<Arc<Running>>> {
        self.running.lock()
    }

    /// Returns how many sessions a process of an agent may serve.
    fn room(&self, agent: &str, limit: usize) -> usize {
        let is_apart = self.apart.lock().contains(agent);
        match limit {
            _ if is_apart => 1,
            0 => usize::MAX,
            limit => limit,
        }
    }

    pub(super) fn isolate_sessions(&self, agent: &str) {
        self.apart.lock().insert(agent.to_owned());
    }

    /// Returns the process that serves a session: the one that did before, else one with room.
    pub(super) fn serving(&self, agent: &str, session: &SessionId, limit: usize) -> Option<Arc<Running>> {
        let running = self.running();
        let alive = || running.iter().filter(|one| one.agent == agent && one.process.alive());
        let found = alive().find(|one| one.serves().contains(session)).or_else(|| {
            let room = self.room(agent, limit);
            alive().find(|one| one.serves().len() < room)
        })?;
        found.serves().insert(session.clone());
        *found.last_used() = Instant::now();
        Some(found.clone())
    }

    /// Removes processes that have ended, and returns whether there was one of an agent.
    pub(super) fn reap_dead(&self, agent: &str) -> bool {
        let mut running = self.running();
        let dead = running.iter().filter(|one| !one.process.alive() && one.agent == agent);
        let (mut is_restart, mut was_shared) = (false, false);
        for one in dead {
            is_restart = true;
            was_shared |= one.is_shared();
        }
        running.retain(|one| one.process.alive() || one.agent != agent);
        drop(running);
        if was_shared {
            self.isolate_sessions(agent);
        }
        is_restart
    }

    /// Removes the processes that served only sessions that are over, where a process may not serve others for ever.
    pub(super) fn release_unused(
        &self,
        is_over: impl Fn(&SessionId) -> bool,
        limit: impl Fn(&str) -> usize,
    ) -> Vec<Arc<Running>> {
        // No session gets a process meanwhile.
        let mut running = self.running();
        let (done, kept) = std::mem::take(&mut *running).into_iter().partition(|one: &Arc<Running>| {
            // The caller read the task a while ago; a session that was used again since then is not over.
            if one.is_busy() || one.last_used().elapsed() < UNUSED {
                return false;
            }
            let mut serves = one.serves();
            serves.retain(|session| !is_over(session));
            let room = self.room(&one.agent, limit(&one.agent));
            serves.is_empty() && room < usize::MAX && one.process.alive()
        });
        *running = kept;
        done
    }

    /// Returns the lock of a process that is about to start for a session.
    pub(super) fn starting(&self, agent: &str, session: &SessionId, limit: usize) -> Starting {
        let key = match self.room(agent, limit) {
            1 => format!("{agent} {session}"),
            _ => agent.to_owned(),
        };
        let mut starting = self.starting.lock();
        starting.entry(key).or_default().clone()
    }
}

/// One live agent process and the threads attached to it.
pub(crate) struct Running {
    pub(crate) process: Process,
    pub(super) agent: String,
    pub(super) started_at: Millis,
    /// The sessions that it serves.
    serves: Mutex<HashSet<SessionId>>,
    /// The time of its last use by a session.
    last_used: Mutex<Instant>,
    /// Those of them whose turn has not ended by itself.
    at_work: Mutex<HashSet<SessionId>>,
    threads: Mutex<HashMap<String, Thread>>,
    pub(super) early: Mutex<Vec<(String, AgentEvent)>>,
    /// The number of its updates that were handled.
    pub(super) updates: watch::Sender<u64>,
    /// The sessions whose worktrees it may write, by what they do there.
    pub(super) admitted: tokio::sync::Mutex<HashSet<(SessionId, SessionPhase)>>,
    /// The network that it reaches.
    pub(super) network: TreeNetwork,
    /// The refusals while no turn ran in it.
    pub(super) refused: Mutex<Vec<Refusal>>,
    /// Whether another process of its agent served the task before.
    pub(super) is_restart: bool,
    /// Set with its first output.
    pub(super) begun: CancellationToken,
    pub(super) is_recorded: AtomicBool,
    /// Whether a turn in it succeeded.
    pub(super) has_succeeded: AtomicBool,
    /// Set once the process is recorded.
    pub(super) recorded: tokio::sync::OnceCell<()>,
}

impl Running {
    /// Returns a process that began just now, for a session.
    pub(crate) fn new(process: Process, session: &Session, is_restart: bool, network: TreeNetwork) -> Self {
        Self {
            process,
            agent: session.agent.clone(),
            started_at: now(),
            serves: Mutex::new(HashSet::from([session.id.clone()])),
            last_used: Mutex::new(Instant::now()),
            at_work: Mutex::default(),
            threads: Mutex::default(),
            early: Mutex::default(),
            updates: watch::Sender::default(),
            admitted: tokio::sync::Mutex::default(),
            network,
            refused: Mutex::default(),
            is_restart,
            begun: CancellationToken::new(),
            is_recorded: AtomicBool::new(false),
            has_succeeded: AtomicBool::new(false),
            recorded: tokio::sync::OnceCell::new(),
        }
    }

    /// Returns whether a session is at work in it.
    pub(crate) fn is_busy(&self) -> bool {
        !self.at_work().is_empty()
    }

    /// Records that a session's turn runs in it, until the returned value is dropped.
    pub(crate) fn begins_turn(self: &Arc<Self>, session: &SessionId) -> AtWork {
        self.at_work().insert(session.clone());
        AtWork { running: self.clone(), session: session.clone() }
    }

    pub(super) fn serves(&self) -> MutexGuard<'_, HashSet<SessionId>> {
        self.serves.lock()
    }

    fn last_used(&self) -> MutexGuard<'_, Instant> {
        self.last_used.lock()
    }

    fn at_work(&self) -> MutexGuard<'_, HashSet<SessionId>> {
        self.at_work.lock()
    }

    /// Returns whether several sessions are at work in it, or were when it ended.
    fn is_shared(&self) -> bool {
        self.at_work().len() > 1
    }

    pub(super) fn threads(&self) -> MutexGuard<'_, HashMap<String, Thread>> {
        self.threads.lock()
    }
}

/// A session whose turn runs in a process.
pub(crate) struct AtWork {
    running: Arc<Running>,
    session: SessionId,
}

impl Drop for AtWork {
    fn drop(&mut self) {
        // In a process that has ended, sessions that were at work stay so.
        if self.running.process.alive() {
            self.running.at_work().remove(&self.session);
        }
    }
}
