//! Bringing a server up and taking it down.

use crate::agents::Agents;
use crate::api::{Refusals, Resumptions};
use crate::app::Inner;
use crate::collisions::{self, CollisionMonitor};
use crate::config::{Config, SandboxMode};
use crate::data_dir::{self, DataDir, ServerFile, write_private};
use crate::feed::Feed;
use crate::health::{self, Health};
use crate::held;
use crate::history::{self, History};
use crate::instances::Instances;
use crate::metrics::Metrics;
use crate::orchestrator::Orchestrator;
use crate::permissions::Permissions;
use crate::repositories::{ProjectSettings, Repositories};
use crate::scheduler::FreeSlots;
use crate::watch::Watch;
use crate::{
    App, api, clean, clock, http, indexer, owner, progress, runner, samples, scheduler, upkeep, watch,
};
use anyhow::Context as _;
use sandbox::{Level, Sandbox};
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::Store;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long a graceful end may take before what is left is cut off; the next start goes on with it.
const GRACE: Duration = Duration::from_secs(8);

/// How long an address may be in use before the start gives up, and how often it is asked for.
const ADDRESS_IN_USE: Duration = Duration::from_secs(5);
const ADDRESS_INTERVAL: Duration = Duration::from_millis(100);

/// How often a start that a full disk keeps back is tried.
const ROOM_INTERVAL: Duration = Duration::from_secs(2);

/// A server that listens.
pub struct Running {
    pub app: App,
    pub address: SocketAddr,
    /// The owner's token.
    pub token: String,
    work: tokio::task::JoinHandle<()>,
    serve: tokio::task::JoinHandle<()>,
}

/// Serves until SIGTERM or SIGINT; `ready` is called once, with the address and the owner's token.
pub async fn run(config: Config, ready: impl FnOnce(SocketAddr, &str)) -> anyhow::Result<()> {
    // Listened to from the beginning: a signal that comes while the server starts counts.
    let mut signal = std::pin::pin!(signalled());
    let Some(running) = start_when_there_is_room(config, signal.as_mut()).await? else { return Ok(()) };
    ready(running.address, &running.token);
    tokio::select! {
        () = signal => {
            tracing::info!("ending: writing what is under way and ending the agents");
            running.end().await
        }
        () = running.app.store.writer_ended() => {
            tracing::error!("the task that writes the database ended, so nothing can be saved; ending the server");
            running.end().await?;
            anyhow::bail!("the server ended because it could not write its database any more; its log says why, and the next start continues")
        }
    }
}

/// Brings a server up, and waits while a full disk is all that keeps it from starting; none when the signal to end comes first.
async fn start_when_there_is_room(
    config: Config,
    mut signal: std::pin::Pin<&mut impl Future<Output = ()>>,
) -> anyhow::Result<Option<Running>> {
    let mut logged = String::new();
    loop {
        let error = match start(config.clone()).await {
            Ok(running) => return Ok(Some(running)),
            Err(error) if crate::effects::is_out_of_space(error.as_ref()) => format!("{error:#}"),
            Err(error) => return Err(error),
        };
        if error != logged {
            tracing::error!(error, "the server starts when there is room on the disk; make some");
            logged = error;
        }
        tokio::select! {
            () = signal.as_mut() => return Ok(None),
            () = tokio::time::sleep(ROOM_INTERVAL) => {}
        }
    }
}

/// Brings a server up.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    let mut config = config;
    anyhow::ensure!(
        config.nats_url.is_none(),
        "nats_url (NATS_URL) is set, and this version does not use NATS: several servers share PostgreSQL alone. Remove it"
    );
    protect_memory();
    let data_dir = Arc::new(DataDir::open(&config.data_dir)?);
    config.data_dir = data_dir.path().to_owned();
    samples::write_scenarios(&config.data_dir.join("scenarios")).context("cannot write the scenarios")?;
    let listener = listen(config.bind).await.with_context(|| {
        format!(
            "cannot listen on {}; is another server running there? choose another with --bind",
            config.bind
        )
    })?;
    let address = listener.local_addr().context("cannot read the listening address")?;
    let file = config.database_file();
    if let Some(file) = &file {
        data_dir::require_database(data_dir.path(), file)?;
    }
    let store = Store::open(&config.database()).await.context("cannot open the database")?;
    if let Some(file) = &file {
        data_dir.note_database(file)?;
    }
    if store.is_being_rebuilt().await.context("cannot read the database")? {
        anyhow::bail!(
            "the database is only partly rebuilt; run the same `spectask rebuild` again, it goes on"
        );
    }
    let worker = worker_name(&config.data_dir)?;
    let freed = store.release_worker(&worker).await.context("cannot free the claims of the server before")?;
    if freed > 0 {
        tracing::info!(effects = freed, "going on with what the server before left");
    }
    let token = owner::ensure(&store, &config).await.context("cannot set up the owner's token")?;
    let app = assemble(config, data_dir, store, worker, &token)?;
    app.instances.kill_orphans().await.context("cannot end the agents that a killed server left")?;
    crate::checks::kill_orphans(&app.config);
    crate::network::remove_leftovers(&app.config.data_dir);
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
    if !api::has_dashboard() {
        tracing::warn!("this binary has no dashboard; build it with `make web`, then build the binary again");
    }
    app.data_dir.write_server(&ServerFile { url: url_of(address), pid: std::process::id() })?;
    app.instances.listen_at(url_of(address));
    app.agents.networks().listen_at(address);
    app.agents.prepare();
    let stop = app.stop.clone();
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
                upkeep::run(app.clone(), app.stop.clone())
            );
        }
    });
    let router = api::router(app.clone());
    let serve = tokio::spawn(http::serve(listener, router, app.config.http.clone(), stop));
    Ok(Running { app, address, token, work, serve })
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

fn assemble(
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
    let redactor = clean::redactor(&config, &agents, token)?;
    held::restore(&config.data_dir, &redactor)?;
    let orchestrator = Orchestrator::new(store.clone(), feed.clone(), redactor.clone(), &worker);
    let instances = Instances::new(
        store.clone(),
        feed.clone(),
        config.clone(),
        agents.clone(),
        Permissions::default(),
        redactor.clone(),
        orchestrator.clone(),
    );
    let repositories = Repositories::new(git, store.clone(), config.clone(), redactor.clone());
    let app = App(Arc::new(Inner {
        config,
        data_dir,
        health: Health::default(),
        store,
        feed,
        history: History::default(),
        orchestrator,
        redactor,
        repositories,
        agents,
        instances,
        metrics: Metrics::default(),
        watch: Watch::default(),
        free_slots: FreeSlots::default(),
        collisions: CollisionMonitor::default(),
        refusals: Refusals::default(),
        streams: Resumptions::default(),
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

/// Watches the repositories of every live task, and takes in what happened while no server ran.
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
        tracing::warn!(error = format!("{error:#}"), "could not look after the worktrees of documents");
    }
}

/// Finishes what a killed server left half done in the documents' worktrees: those of tasks that are over, too.
async fn finish_documents(app: &App) -> anyhow::Result<()> {
    for project in app.store.all_projects().await? {
        let branch = ProjectSettings::read(&project.settings).design_docs_branch;
        if !git::is_docs_worktree_unfinished(Path::new(&project.repository_path), &branch) {
            continue;
        }
        let repository = app.repositories.workplace(&project.id).await?.repository.clone();
        if tokio::task::spawn_blocking(move || repository.finish_docs_worktree(&branch)).await?? {
            tracing::info!(project = %project.id, "finished a move of the documents' worktree");
        }
    }
    Ok(())
}

async fn recover(app: &App, task: &workflow::Task) -> anyhow::Result<()> {
    let workplace = app.repositories.workplace(&task.project).await?;
    let repository = workplace.repository.clone();
    for finding in tokio::task::spawn_blocking(move || repository.recover()).await?? {
        tracing::info!(task = %task.id, ?finding, "mended a repository");
    }
    if progress::put_back(app, &workplace, task).await? {
        tracing::info!(task = %task.id, "put a checklist back that was being written when the server ended");
    }
    watch::restore_rewound(app, &task.project).await?;
    app.watch.follow(&task.project).await;
    let branch = workplace.settings.design_docs_branch.clone();
    let repository = workplace.repository.clone();
    let tip = tokio::task::spawn_blocking(move || repository.resolve(&branch)).await??;
    if let Some(tip) = tip {
        watch::look_at_documents(app, &workplace, task, &tip.to_string(), String::new()).await?;
    }
    Ok(())
}

impl Running {
    /// Takes the server down: requests and effects under way end, agents are stopped.
    pub async fn end(self) -> anyhow::Result<()> {
        let Running { app, work, serve, .. } = self;
        app.stop.cancel();
        let graceful = async {
            if let Err(error) = work.await {
                tracing::error!(%error, "the work ended badly");
            }
            app.instances.stop_all().await;
            if let Err(error) = app.store.release_worker(&app.worker).await {
                tracing::warn!(%error, "could not free this server's claims; the next start does");
            }
            if let Err(error) = serve.await {
                tracing::error!(%error, "the HTTP server panicked");
            }
        };
        if tokio::time::timeout(GRACE, graceful).await.is_err() {
            tracing::warn!("not everything ended in time; the next start goes on with it");
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

/// Ends what this process still waits for, such as a clone from a host that does not answer: it would outlive the server.
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

/// The processes that a process has started and that are there.
fn children(process: &str) -> Vec<i32> {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else { return Vec::new() };
    let lists =
        threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// By which name this data directory's server claims work; the same after a restart.
fn worker_name(data_dir: &Path) -> anyhow::Result<String> {
    let path = data_dir.join("worker");
    if let Ok(name) = std::fs::read_to_string(&path) {
        return Ok(name.trim().to_owned());
    }
    let name = format!("worker_{}", ulid::Ulid::generate());
    write_private(&path, name.as_bytes()).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(name)
}

/// How programs on this machine reach an address that was bound.
fn url_of(mut address: SocketAddr) -> String {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        IpAddr::V4(_) | IpAddr::V6(_) => {}
    }
    format!("http://{address}")
}

async fn signalled() {
    let terminated: std::pin::Pin<Box<dyn Future<Output = ()> + Send>> =
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => Box::pin(async move {
                signal.recv().await;
            }),
            Err(error) => {
                tracing::error!(%error, "cannot listen to SIGTERM");
                Box::pin(std::future::pending())
            }
        };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}
