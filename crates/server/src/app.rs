//! The parts of a running server, shared by everything that serves it.

use crate::agents::Agents;
use crate::config::Config;
use crate::feed::Feed;
use crate::instances::Instances;
use crate::metrics::Metrics;
use crate::orchestrator::Orchestrator;
use crate::repositories::{ProjectSettings, Repositories};
use crate::samples;
use crate::watch::Watch;
use std::ops::Deref;
use std::sync::Arc;
use store::Store;
use tokio_util::sync::CancellationToken;
use workflow::{Millis, Task};

/// A running server.
#[derive(Clone)]
pub struct App(pub(crate) Arc<Inner>);

/// What a running server is made of.
pub struct Inner {
    pub config: Config,
    pub store: Store,
    pub feed: Feed,
    pub orchestrator: Orchestrator,
    pub repositories: Repositories,
    pub agents: Agents,
    pub instances: Instances,
    pub metrics: Metrics,
    pub(crate) watch: Watch,
    /// By which this server's claims are known; it stays over restarts.
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
    /// Whose commits the server's own commits are.
    pub(crate) fn identity() -> git::Identity {
        git::Identity { name: "SpecTask".to_owned(), email: "spectask@localhost".to_owned() }
    }

    /// The commands that must pass on a task's finished change.
    pub(crate) async fn checks(&self, task: &Task, settings: &ProjectSettings) -> Vec<String> {
        let project = self.store.project(&task.project).await.ok().flatten();
        let is_sample = project.is_some_and(|project| project.settings["sample"].is_string());
        let own = if is_sample { samples::scenario_checks(&task.prompt) } else { None };
        own.unwrap_or_else(|| settings.checks.clone())
    }
}
