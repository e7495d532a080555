//! The processes that serve one task: who is served by which, and who stays apart.

use super::threads::Thread;
use crate::clock::now;
use crate::network::{Refusal, TreeNetwork};
use crate::owner;
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
    /// By which its processes may report; it is worth nothing once they have ended.
    pub(super) token: String,
    running: Mutex<Vec<Arc<Running>>>,
    /// The agents whose process ended while several sessions were at work in it: since it is unknown which of them ended it,
    /// each gets a process of its own, and the guilty one ends only itself.
    apart: Mutex<HashSet<String>>,
    /// Who starts a process, by what it is for.
    starting: Mutex<HashMap<String, Starting>>,
    /// Held while what runs is written down.
    pub(super) recording: tokio::sync::Mutex<()>,
}

/// Held while a process starts; keeps how the last start failed, for who waited for it meanwhile.
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

    /// How many sessions a process of an agent may serve.
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

    /// The process that serves a session: the one that did before, else one with room.
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

    /// Takes out what has ended, and tells whether there was such of an agent.
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

    /// Takes out the processes that served only sessions that are over, where they may not serve others for ever.
    pub(super) fn release_unused(
        &self,
        is_over: impl Fn(&SessionId) -> bool,
        limit: impl Fn(&str) -> usize,
    ) -> Vec<Arc<Running>> {
        // No session gets a process meanwhile.
        let mut running = self.running();
        let (done, kept) = std::mem::take(&mut *running).into_iter().partition(|one: &Arc<Running>| {
            // Who looks read the task a while ago; a session that was taken up again since then is not over.
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

    /// By which name a process that is about to start for a session is waited for.
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
    /// When a session took it up last.
    last_used: Mutex<Instant>,
    /// Those of them whose turn has not ended by itself.
    at_work: Mutex<HashSet<SessionId>>,
    threads: Mutex<HashMap<String, Thread>>,
    pub(super) early: Mutex<Vec<(String, AgentEvent)>>,
    /// How many of its updates were taken in.
    pub(super) updates: watch::Sender<u64>,
    /// The sessions whose worktrees it may write, by what they do there.
    pub(super) admitted: tokio::sync::Mutex<HashSet<(SessionId, SessionPhase)>>,
    /// What it reaches over the network.
    pub(super) network: TreeNetwork,
    /// What it was refused while no turn ran in it.
    pub(super) refused: Mutex<Vec<Refusal>>,
    /// Whether another process of its agent served the task before.
    pub(super) is_restart: bool,
    /// Set with the first that is heard of it.
    pub(super) begun: CancellationToken,
    pub(super) is_recorded: AtomicBool,
    /// Whether a turn in it ended well.
    pub(super) has_succeeded: AtomicBool,
    /// Whether it is written down which process this is.
    pub(super) recorded: tokio::sync::OnceCell<()>,
}

impl Running {
    /// A process that began just now, for a session.
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

    /// Whether a session is at work in it.
    pub(crate) fn is_busy(&self) -> bool {
        !self.at_work().is_empty()
    }

    /// Notes that a session's turn is asked in it, for as long as the answer is held.
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

    /// Whether several sessions are at work in it, or were when it ended.
    fn is_shared(&self) -> bool {
        self.at_work().len() > 1
    }

    pub(super) fn threads(&self) -> MutexGuard<'_, HashMap<String, Thread>> {
        self.threads.lock()
    }
}

/// A session whose turn is asked in a process.
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
