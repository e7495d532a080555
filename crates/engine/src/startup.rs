//! Brings the engine up and takes it down: the database, effects under way, agents, and the loops that drive them.

use crate::agents::Agents;
use crate::agents::instances::Instances;
use crate::app::Inner;
use crate::documents::watch::Watch;
use crate::documents::{progress, watch};
use crate::feed::Feed;
use crate::health::{self, Health};
use crate::held;
use crate::insight::indexer;
use crate::maintenance::Maintenance;
use crate::metrics::Metrics;
use crate::notifications::inbox;
use crate::notifications::push::{self, Push};
use crate::notifications::webhooks::{self, Webhooks};
use crate::orchestrator::Orchestrator;
use crate::projects::repositories::Repositories;
use crate::projects::samples;
use crate::record::history::{self, History};
use crate::scheduling::scheduler::FreeSlots;
use crate::scheduling::{runner, scheduler};
use crate::settings::config::{Config, SandboxMode};
use crate::settings::data_dir::{self, DataDir, ServerFile, write_private};
use crate::settings::project::ProjectSettings;
use crate::settings::secret_store::SecretStore;
use crate::settings::{owner, redaction};
use crate::worktrees::collisions::{self, CollisionMonitor};
use crate::worktrees::setup::{KeyedLocks, relearn};
use crate::worktrees::terminals::{self, Terminals};
use crate::{App, clock, maintenance, metrics};
use anyhow::Context as _;
use sandbox::{Level, Sandbox};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tokio_util::sync::CancellationToken;

/// How long a graceful end may take before what is left is cut off; the next start continues it.
const GRACE: Duration = Duration::from_secs(8);

/// A data directory that is locked for this server, and the settings it is to run with.
pub struct Prepared {
    config: Config,
    data_dir: Arc<DataDir>,
}

/// An engine whose database is open, and that does no work yet.
pub struct Opened {
    pub app: App,
    /// The owner's token.
    pub token: String,
}

/// An engine at work.
pub struct Engine {
    pub app: App,
    /// The owner's token.
    pub token: String,
    work: tokio::task::JoinHandle<()>,
}

/// Takes the data directory for this server. It fails where another one has it.
pub fn prepare(mut config: Config) -> anyhow::Result<Prepared> {
    anyhow::ensure!(
        config.nats_url.is_none(),
        "nats_url (NATS_URL) is set, and this version does not use NATS: several servers share PostgreSQL alone. Remove it"
    );
    if let Some(host) = &config.preview_host {
        let name = host.trim_start_matches("*.");
        let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        anyhow::ensure!(
            name.split('.').all(|label| !label.is_empty() && label.bytes().all(is_part)),
            "preview_host is {host:?}, which is not the name of a host; set a name alone, such as \"preview.example.org\""
        );
    }
    metrics::install();
    protect_memory();
    let data_dir = Arc::new(DataDir::open(&config.data_dir)?);
    data_dir.path().clone_into(&mut config.data_dir);
    samples::write_scenarios(&config.data_dir.join("scenarios")).context("cannot write the scenarios")?;
    Ok(Prepared { config, data_dir })
}

/// Opens the database of a server and puts its engine together.
pub async fn open(prepared: Prepared) -> anyhow::Result<Opened> {
    let Prepared { config, data_dir } = prepared;
    let file = config.database_file();
    if let Some(file) = &file {
        data_dir::require_database(data_dir.path(), file)?;
    }
    let store = Store::open(&config.database()).await.context("cannot open the database")?;
    let database = data_dir::Database::of(&config);
    if store.is_new().await.context("cannot read the database")? {
        data_dir.refuse_new_database(&database)?;
    }
    if store.is_being_rebuilt().await.context("cannot read the database")? {
        anyhow::bail!(
            "the database is only partly rebuilt; run the same `spectask rebuild` again to continue it"
        );
    }
    let worker = worker_name(&config.data_dir)?;
    let freed = store.release_worker(&worker).await.context("cannot free the claims of the server before")?;
    if freed > 0 {
        tracing::info!(effects = freed, "resuming effects left by the previous process");
    }
    let token = owner::ensure(&store, &config).await.context("cannot set up the owner's token")?;
    data_dir.note_database(&database)?;
    let app = assemble(config, data_dir, store, worker, &token).await?;
    let live = app.store.live_tasks().await.context("cannot read the live tasks")?;
    inbox::reconcile(&app, &live).await.context("cannot bring the inbox up to date")?;
    Ok(Opened { app, token })
}

/// Starts the work of a server that listens at an address; its URL is the one by which programs of this machine reach it.
pub async fn start(opened: Opened, address: SocketAddr, url: String) -> anyhow::Result<Engine> {
    let Opened { app, token } = opened;
    app.instances.kill_orphans().await.context("cannot end the agents that a killed server left")?;
    crate::confinement::checks::kill_orphans(&app.config);
    crate::confinement::network::remove_leftovers(&app.config.data_dir);
    terminals::remove_leftovers(&app.config.data_dir);
    if app.config.demo {
        let owner = workflow::UserId::from(owner::OWNER);
        let known = app.store.projects(&owner).await.context("cannot read the projects")?;
        let is_there = |sample: &samples::Sample| {
            known.iter().any(|project| project.settings["sample"] == sample.id.as_str())
        };
        for sample in samples::list().into_iter().filter(|sample| !is_there(sample)) {
            let made = samples::fresh_project(&app.repositories, &app.store, &owner, &sample).await;
            made.with_context(|| format!("cannot make the sample repository {}", sample.id))?;
        }
    }
    log_sandbox(app.agents.sandbox());
    app.data_dir.write_server(&ServerFile { url: url.clone(), pid: std::process::id() })?;
    app.webhooks.listen_at(&url);
    app.instances.listen_at(url);
    app.agents.networks().listen_at(address);
    app.agents.prepare();
    if let Some(changes) = app.instances.take_permission_changes() {
        tokio::spawn(inbox::follow(app.clone(), changes));
    }
    let work = tokio::spawn({
        let app = app.clone();
        async move {
            follow_live(&app).await;
            tokio::join!(
                health::run(app.clone(), app.stop.clone()),
                runner::run(app.clone(), app.stop.clone()),
                scheduler::run(app.clone(), app.stop.clone()),
                collisions::run(app.clone(), app.stop.clone()),
                history::run(app.clone(), app.stop.clone()),
                indexer::run(app.clone(), app.stop.clone()),
                maintenance::run(app.clone(), app.stop.clone()),
                webhooks::run(app.clone(), app.stop.clone()),
                push::run(app.clone(), app.stop.clone()),
                metrics::run(app.clone(), app.stop.clone())
            );
        }
    });
    Ok(Engine { app, token, work })
}

/// Returns whether a start failed only because the database server cannot be reached for now.
pub fn waits_for_database(error: &anyhow::Error) -> bool {
    error.downcast_ref::<store::OpenError>().is_some_and(store::OpenError::is_unavailable)
}

async fn assemble(
    config: Config,
    data_dir: Arc<DataDir>,
    store: Store,
    worker: String,
    token: &str,
) -> anyhow::Result<App> {
    let identity = App::identity();
    let git = git::Git::new(git::Settings { git_binary: None, identity })
        .context("cannot use git; install it (Debian: apt-get install git)")?;
    let feed = Feed::default();
    let agents = Agents::new(&config);
    let redactor = redaction::redactor(&config, agents.environment(), token)?;
    held::restore(&config.data_dir, &redactor)?;
    let secret_store = SecretStore::open(&config, store.clone(), redactor.clone()).await?;
    agents.use_secrets(secret_store.clone());
    let webhooks = Webhooks::new(&config)?;
    let push = Push::new(&config, store.clone(), secret_store.clone(), &webhooks)?;
    let orchestrator =
        Orchestrator::new(store.clone(), feed.clone(), redactor.clone(), webhooks.clone(), &worker);
    let repositories = Repositories::new(git, store.clone(), config.clone(), redactor.clone());
    let instances = Instances::new(
        store.clone(),
        feed.clone(),
        config.clone(),
        agents.clone(),
        redactor.clone(),
        orchestrator.clone(),
        repositories.clone(),
    );
    let app = App(Arc::new(Inner {
        config,
        data_dir,
        health: Health::default(),
        store,
        feed,
        history: History::default(),
        orchestrator,
        redactor,
        secret_store,
        repositories,
        agents,
        instances,
        metrics: Metrics::new(metrics::install()),
        watch: Watch::default(),
        webhooks,
        push,
        free_slots: FreeSlots::default(),
        collisions: CollisionMonitor::default(),
        maintenance: Maintenance::default(),
        setup_locks: KeyedLocks::default(),
        terminals: Terminals::default(),
        samples: tokio::sync::Mutex::default(),
        registering: tokio::sync::Mutex::default(),
        worker,
        started_at: clock::now(),
        stop: CancellationToken::new(),
    }));
    app.watch.set_app(&app);
    Ok(app)
}

/// Logs how agents are confined, and why not more strongly.
fn log_sandbox(sandbox: &Sandbox) {
    let (level, reasons) = (sandbox.level().name(), sandbox.reasons().join("; "));
    match sandbox.level() {
        Level::Bubblewrap => tracing::info!(level, "agents and checks are sandboxed"),
        Level::Landlock => tracing::warn!(level, reasons, "agents and checks are sandboxed, but not fully"),
        Level::Off if sandbox.mode() == SandboxMode::Off => {
            tracing::info!("agents and checks are not sandboxed");
        }
        Level::Off => {
            tracing::warn!(
                reasons,
                "agents are not sandboxed; set sandbox.mode = \"off\" to silence this warning"
            );
        }
    }
}

/// Watches the repositories of every live task, and handles changes that were made while no server ran.
async fn follow_live(app: &App) {
    let live = match app.store.live_tasks().await {
        Ok(live) => live,
        Err(error) => {
            tracing::error!(%error, "could not read the live tasks");
            return;
        }
    };
    if let Err(error) = app.store.backfill_needs_person(&live).await {
        tracing::warn!(%error, "could not note which tasks need a person");
    }
    for task in live {
        if let Err(error) = recover(app, &task).await {
            tracing::warn!(%error, task = %task.id, "a task's repository cannot be used");
        }
    }
    if let Err(error) = finish_documents(app).await {
        tracing::warn!(error = format!("{error:#}"), "could not maintain the worktrees of documents");
    }
}

/// Finishes what a killed server left half done in the documents' worktrees: those of tasks that are over, too.
async fn finish_documents(app: &App) -> anyhow::Result<()> {
    for project in app.store.all_projects().await? {
        let branch = ProjectSettings::read(&project.settings).design_docs_branch;
        if !git::is_docs_worktree_unfinished(Path::new(&project.repository_path), &branch) {
            continue;
        }
        let repository = app.repositories.project_repo(&project.id).await?.repository.clone();
        if crate::spawn_blocking(move || repository.finish_docs_worktree(&branch)).await?? {
            tracing::info!(project = %project.id, "finished a move of the documents' worktree");
        }
    }
    Ok(())
}

async fn recover(app: &App, task: &workflow::Task) -> anyhow::Result<()> {
    let project_repo = app.repositories.project_repo(&task.project).await?;
    // From here on, messages of agents are redacted by the values of files that were copied for them.
    relearn(app, task, project_repo.repository.path().to_owned()).await;
    let repository = project_repo.repository.clone();
    for finding in crate::spawn_blocking(move || repository.recover()).await?? {
        tracing::info!(task = %task.id, ?finding, "repaired a repository");
    }
    if progress::put_back(app, &project_repo, task).await? {
        tracing::info!(task = %task.id, "restored a checklist that was being written when the server ended");
    }
    watch::restore_rewound(app, &task.project).await?;
    app.watch.follow(&task.project).await;
    let branch = project_repo.settings.design_docs_branch.clone();
    let repository = project_repo.repository.clone();
    let tip = crate::spawn_blocking(move || repository.resolve(&branch)).await??;
    if let Some(tip) = tip {
        watch::look_at_documents(app, &project_repo, task, &tip.to_string(), String::new()).await?;
    }
    Ok(())
}

impl Engine {
    /// Shuts the engine down: effects under way end, agents are stopped, and `serving` has answered the requests under
    /// way.
    pub async fn end(self, serving: tokio::task::JoinHandle<()>) -> anyhow::Result<()> {
        let Self { app, work, .. } = self;
        app.stop.cancel();
        let graceful = async {
            if let Err(error) = work.await {
                tracing::error!(%error, "background tasks panicked");
            }
            app.terminals.end_all(&app).await;
            app.instances.stop_all().await;
            if let Err(error) = app.store.release_worker(&app.worker).await {
                tracing::warn!(%error, "could not free this server's claims; the next start does");
            }
            if let Err(error) = serving.await {
                tracing::error!(%error, "the HTTP server panicked");
            }
        };
        if tokio::time::timeout(GRACE, graceful).await.is_err() {
            tracing::warn!("not everything ended in time; the next start continues it");
            end_children();
        }
        app.store.close().await;
        app.data_dir.remove_server();
        Ok(())
    }
}

/// Keeps other processes of this user from reading the server's memory and environment, which hold its secrets.
fn protect_memory() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
        tracing::warn!(%error, "other processes of this user can read the server's memory");
    }
}

/// Ends the child processes that this process still waits for, such as a clone from a host that does not answer: they
/// would outlive the server.
fn end_children() {
    let mut open = children("self");
    let mut all = Vec::new();
    while let Some(pid) = open.pop() {
        open.extend(children(&pid.to_string()));
        all.push(pid);
    }
    for pid in all.into_iter().filter_map(rustix::process::Pid::from_raw) {
        // One that has ended meanwhile needs no end.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
    }
}

/// Returns the processes that a process has started and that are there.
fn children(process: &str) -> Vec<i32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    let lists =
        threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// The name with which this data directory's server claims work; the same after a restart.
fn worker_name(data_dir: &Path) -> anyhow::Result<String> {
    let path = data_dir.join("worker");
    if let Ok(name) = std::fs::read_to_string(&path) {
        return Ok(name.trim().to_owned());
    }
    let name = format!("worker_{}", ulid::Ulid::generate());
    write_private(&path, name.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(name)
}
