//! Bringing a server up and taking it down.

use crate::agents::Agents;
use crate::app::Inner;
use crate::config::{Config, SandboxMode};
use crate::feed::Feed;
use crate::history::{self, History};
use crate::instances::Instances;
use crate::metrics::Metrics;
use crate::orchestrator::Orchestrator;
use crate::permissions::Permissions;
use crate::radar::{self, Radar};
use crate::repositories::Repositories;
use crate::scheduler::Places;
use crate::watch::Watch;
use crate::{App, api, clean, clock, indexer, owner, progress, runner, samples, scheduler, upkeep, watch};
use anyhow::Context as _;
use axum::serve::ListenerExt as _;
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

/// A server that listens.
pub struct Running {
    pub app: App,
    pub address: SocketAddr,
    /// The owner's token.
    pub token: String,
    work: tokio::task::JoinHandle<()>,
    serve: tokio::task::JoinHandle<std::io::Result<()>>,
}

/// Serves until SIGTERM or SIGINT; `ready` is called once, with the address and the owner's token.
pub async fn run(config: Config, ready: impl FnOnce(SocketAddr, &str)) -> anyhow::Result<()> {
    let running = start(config).await?;
    ready(running.address, &running.token);
    signalled().await;
    tracing::info!("ending: writing what is under way and ending the agents");
    running.end().await
}

/// Brings a server up.
pub async fn start(config: Config) -> anyhow::Result<Running> {
    let mut config = config;
    std::fs::create_dir_all(&config.data_dir).with_context(|| {
        format!(
            "cannot make the data directory {}; choose another with --data-dir",
            config.data_dir.display()
        )
    })?;
    config.data_dir = config.data_dir.canonicalize().context("cannot resolve the data directory")?;
    samples::write_scenarios(&config.data_dir.join("scenarios")).context("cannot write the scenarios")?;
    let listener = TcpListener::bind(config.bind).await.with_context(|| {
        format!(
            "cannot listen on {}; is another server running there? choose another with --bind",
            config.bind
        )
    })?;
    let address = listener.local_addr().context("cannot read the listening address")?;
    let store = Store::open(&config.database()).await.context("cannot open the database")?;
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
    let app = assemble(config, store, worker, &token)?;
    app.instances.end_leftovers().await.context("cannot end the agents that a killed server left")?;
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
    if app.config.sandbox.mode == SandboxMode::Auto {
        tracing::warn!("agents run with this user's rights; sandbox.mode = \"off\" says that you know");
    }
    write_server_file(&app, address)?;
    app.instances.listen_at(url_of(address));
    app.agents.prepare();
    let stop = app.stop.clone();
    let work = tokio::spawn({
        let app = app.clone();
        async move {
            follow_live(&app).await;
            tokio::join!(
                runner::run(app.clone(), app.stop.clone()),
                scheduler::run(app.clone(), app.stop.clone()),
                radar::run(app.clone(), app.stop.clone()),
                history::run(app.clone(), app.stop.clone()),
                indexer::run(app.clone(), app.stop.clone()),
                upkeep::run(app.clone(), app.stop.clone())
            );
        }
    });
    let router = api::router(app.clone());
    // Small messages follow each other on the live stream; none waits for the receipt of the one before.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!(%error, "a connection keeps gathering small messages");
        }
    });
    let serve = tokio::spawn(async move {
        axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
            .with_graceful_shutdown(async move { stop.cancelled().await })
            .await
    });
    Ok(Running { app, address, token, work, serve })
}

fn assemble(config: Config, store: Store, worker: String, token: &str) -> anyhow::Result<App> {
    let identity = App::identity();
    let git = git::Git::new(git::Settings { git_binary: None, identity })
        .context("cannot use git; install it (Debian: apt-get install git)")?;
    let feed = Feed::default();
    let agents = Agents::new(&config);
    let redactor = clean::redactor(&config, &agents, token)?;
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
        places: Places::default(),
        radar: Radar::default(),
        samples: tokio::sync::Mutex::default(),
        registering: tokio::sync::Mutex::default(),
        worker,
        started_at: clock::now(),
        stop: CancellationToken::new(),
    }));
    app.watch.set_app(&app);
    Ok(app)
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
    if let Err(error) = app.store.note_who_needs_person(&live).await {
        tracing::warn!(%error, "could not note which tasks need a person");
    }
    for task in live {
        if let Err(error) = recover(app, &task).await {
            tracing::warn!(%error, task = %task.id, "a task's repository cannot be used");
        }
    }
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
    watch::keep_forward(app, &task.project).await?;
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
            if let Ok(Err(error)) = serve.await {
                tracing::error!(%error, "serving ended badly");
            }
        };
        if tokio::time::timeout(GRACE, graceful).await.is_err() {
            tracing::warn!("not everything ended in time; the next start goes on with it");
            end_children();
        }
        app.store.close().await;
        // Another server may have written it meanwhile; a missing file is as good.
        let _ = std::fs::remove_file(app.config.data_dir.join("server.json"));
        Ok(())
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
    std::fs::write(&path, &name).with_context(|| format!("cannot write {}", path.display()))?;
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

/// Where command-line clients find the running server of a data directory.
fn write_server_file(app: &App, address: SocketAddr) -> anyhow::Result<()> {
    let path = app.config.data_dir.join("server.json");
    let text = serde_json::json!({ "url": url_of(address), "pid": std::process::id() }).to_string();
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
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
