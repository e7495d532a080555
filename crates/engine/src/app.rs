//! The parts of a running server, shared by everything that serves it.

use crate::agents::Agents;
use crate::agents::instances::Instances;
use crate::documents::watch::Watch;
use crate::feed::Feed;
use crate::health::Health;
use crate::maintenance::Maintenance;
use crate::metrics::Metrics;
use crate::notifications::push::Push;
use crate::notifications::webhooks::Webhooks;
use crate::orchestrator::Orchestrator;
use crate::projects::repositories::Repositories;
use crate::projects::samples;
use crate::record::history::History;
use crate::scheduling::scheduler::FreeSlots;
use crate::settings::config::Config;
use crate::settings::data_dir::DataDir;
use crate::settings::project::ProjectSettings;
use crate::settings::secret_store::SecretStore;
use crate::worktrees::collisions::CollisionMonitor;
use crate::worktrees::setup::KeyedLocks;
use crate::worktrees::terminals::Terminals;
use secrets::Redactor;
use std::ops::Deref;
use std::sync::Arc;
use store::Store;
use tokio_util::sync::CancellationToken;
use workflow::{Millis, Task};

/// A running server.
#[derive(Clone)]
pub struct App(pub(crate) Arc<Inner>);

/// The parts of a running server.
pub struct Inner {
    pub config: Config,
    /// Locked for this server.
    pub(crate) data_dir: Arc<DataDir>,
    pub health: Health,
    pub store: Store,
    pub feed: Feed,
    pub history: History,
    pub orchestrator: Orchestrator,
    /// Takes secrets out of text.
    pub redactor: Redactor,
    /// The secrets that people store for sessions.
    pub secret_store: SecretStore,
    pub repositories: Repositories,
    pub agents: Agents,
    pub instances: Instances,
    pub metrics: Metrics,
    pub watch: Watch,
    pub webhooks: Webhooks,
    pub push: Push,
    pub(crate) free_slots: FreeSlots,
    pub collisions: CollisionMonitor,
    pub(crate) maintenance: Maintenance,
    /// Held while a worktree is made ready, by its path, and while a setup command runs, by the hash of its inputs.
    pub(crate) setup_locks: KeyedLocks,
    /// The terminals that people have open in worktrees.
    pub terminals: Terminals,
    /// Held while a copy of a sample repository is taken.
    pub samples: tokio::sync::Mutex<()>,
    /// Held while a repository that is there already is registered.
    pub registering: tokio::sync::Mutex<()>,
    /// The name of this server's claims; it stays the same over restarts.
    pub(crate) worker: String,
    pub started_at: Millis,
    /// Ends sockets and streams when the server goes down.
    pub stop: CancellationToken,
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    /// Returns whose commits the server's own commits are.
    pub fn identity() -> git::Identity {
        git::Identity { name: "SpecTask".to_owned(), email: "spectask@localhost".to_owned() }
    }

    /// Returns the commands that must pass on a task's finished change.
    pub(crate) async fn checks(&self, task: &Task, settings: &ProjectSettings) -> Vec<String> {
        let project = self.store.project(&task.project).await.ok().flatten();
        let sample = project.as_ref().and_then(|project| project.settings["sample"].as_str());
        let own = sample.and_then(|sample| samples::scenario_checks(sample, &task.prompt));
        let mut checks = own.unwrap_or_else(|| settings.checks.clone());
        for check in task.template.iter().flat_map(|template| &template.checks) {
            if !checks.contains(check) {
                checks.push(check.clone());
            }
        }
        checks
    }
}
