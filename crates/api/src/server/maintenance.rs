//! The stored data, the removals of retention, and running them now.

use crate::people::audit;
use crate::request::caller::Caller;
use crate::request::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use engine::App;
use engine::clock::now;
use engine::clock::rfc3339;
use engine::maintenance::{self, Figures, Kept, Removal, Run, Usage};
use protocol::words::RuleUnit;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// The stored data, and what maintenance removes of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MaintenanceView {
    storage: StorageView,
    /// The settings of retention.
    rules: Vec<RuleView>,
    /// The removals of a run that would start now.
    planned: Vec<Removal>,
    /// Data that is old enough and stays, with the reason; at most 100 entries.
    kept: Vec<Kept>,
    /// The last run; null before the first.
    #[schema(required)]
    last_run: Option<RunView>,
}

/// A setting of retention.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RuleView {
    /// The setting's name.
    #[schema(example = "retention.trash_days")]
    setting: &'static str,
    /// Its value; 0 keeps for ever.
    #[schema(example = 7)]
    value: u64,
    /// The unit of the value.
    unit: RuleUnit,
}

/// How much is stored.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StorageView {
    /// When it was measured, at most some minutes ago.
    measured_at: String,
    /// The size of the database, in bytes.
    #[schema(example = 52_428_800)]
    database_bytes: u64,
    /// The part of the database that is free for reuse, in bytes; 0 where the database does not say.
    #[schema(example = 1_048_576)]
    database_free_bytes: u64,
    /// Messages of the live feed.
    feed: Usage,
    /// Entries of session logs.
    session_logs: Usage,
    /// Effects, finished or not.
    effects: Usage,
    /// Answers to requests with an idempotency key.
    idempotency_answers: Usage,
    /// Removed worktrees.
    trash: Usage,
    /// Folders of tasks with worktrees.
    worktrees: Usage,
    /// Results of setup commands that are used again.
    setup_cache: Usage,
    /// Repositories that the server cloned or made.
    repositories: Usage,
    /// Tasks whose record in git is not complete yet.
    #[schema(example = 0)]
    unrecorded_tasks: u64,
}

/// A run of maintenance.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunView {
    /// When it began.
    started_at: String,
    /// When it ended.
    ended_at: String,
    /// The removals of the run.
    removed: Vec<Removal>,
    /// Failures, as sentences; the next run tries again.
    errors: Vec<String>,
}

impl From<Run> for RunView {
    fn from(run: Run) -> Self {
        let Run { started_at, ended_at, removed, errors } = run;
        Self { started_at: rfc3339(started_at), ended_at: rfc3339(ended_at), removed, errors }
    }
}

impl From<Figures> for StorageView {
    fn from(figures: Figures) -> Self {
        Self {
            measured_at: rfc3339(figures.measured_at),
            database_bytes: figures.database_bytes,
            database_free_bytes: figures.database_free_bytes,
            feed: figures.feed,
            session_logs: figures.session_logs,
            effects: figures.effects,
            idempotency_answers: figures.idempotency_answers,
            trash: figures.trash,
            worktrees: figures.worktrees,
            setup_cache: figures.setup_cache,
            repositories: figures.repositories,
            unrecorded_tasks: figures.unrecorded_tasks,
        }
    }
}

/// Returns what the server stores, what maintenance would remove now and why, and its last run. Nothing is removed.
#[utoipa::path(get, path = "/maintenance", tag = "about",
    responses((status = 200, description = "Figures, the plan and the last run", body = MaintenanceView),
    (status = 403, description = "The caller is not the owner", body = Problem)))]
pub(crate) async fn read(State(app): State<App>, caller: Caller) -> Result<Json<MaintenanceView>, Problem> {
    require_owner(&caller)?;
    let plan = maintenance::plan(&app, now()).await.map_err(|error| failed(&error))?;
    let figures = maintenance::figures(&app).await.map_err(|error| failed(&error))?;
    Ok(Json(MaintenanceView {
        storage: figures.into(),
        rules: rules(&app),
        planned: plan.removals,
        kept: plan.kept,
        last_run: maintenance::last_run(&app).await.map(RunView::from),
    }))
}

/// Runs maintenance now and returns what it removed. A run that is in progress is waited for.
#[utoipa::path(post, path = "/maintenance", tag = "about",
    responses((status = 200, description = "The run", body = RunView),
    (status = 403, description = "The caller is not the owner", body = Problem)))]
pub(crate) async fn run(State(app): State<App>, caller: Caller) -> Result<Json<RunView>, Problem> {
    require_owner(&caller)?;
    // A client that goes away does not cut the run off.
    let work = tokio::spawn({
        let app = app.clone();
        async move { maintenance::run_now(&app, now()).await }
    });
    let run = match work.await {
        Ok(run) => run.map_err(|error| failed(&error))?,
        Err(error) => return Err(failed(&error.into())),
    };
    let removed: u64 = run.removed.iter().map(|removal| removal.count).sum();
    let bytes: u64 = run.removed.iter().map(|removal| removal.bytes).sum();
    let data = json!({ "removed": removed, "bytes": bytes, "errors": run.errors.len() });
    audit::record(&app, &caller, "run_maintenance", "maintenance", &data).await?;
    Ok(Json(run.into()))
}

fn rules(app: &App) -> Vec<RuleView> {
    let retention = &app.config.retention;
    let rule = |setting, value, unit| RuleView { setting, value, unit };
    vec![
        rule("retention.trash_days", retention.trash_days, RuleUnit::Days),
        rule("retention.trash_mb", retention.trash_mb, RuleUnit::Mebibytes),
        rule("retention.effects_days", retention.effects_days, RuleUnit::Days),
        rule("retention.feed_days", retention.feed_days, RuleUnit::Days),
        rule("retention.session_logs_days", retention.session_logs_days, RuleUnit::Days),
        rule("retention.idempotency_hours", retention.idempotency_hours, RuleUnit::Hours),
        rule("retention.branches_days", retention.branches_days, RuleUnit::Days),
        rule("retention.saved_refs_days", retention.saved_refs_days, RuleUnit::Days),
        rule("retention.setup_cache_days", retention.setup_cache_days, RuleUnit::Days),
        rule("retention.setup_cache_mb", retention.setup_cache_mb, RuleUnit::Mebibytes),
    ]
}

fn require_owner(caller: &Caller) -> Result<(), Problem> {
    if caller.is_owner() {
        return Ok(());
    }
    let detail = "Maintenance is for the server's owner only.";
    Err(Problem::new(StatusCode::FORBIDDEN, "not_allowed", detail))
}

fn failed(error: &anyhow::Error) -> Problem {
    tracing::error!(error = format!("{error:#}"), "maintenance failed");
    let detail = format!("Maintenance failed: {error:#}.");
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "maintenance_failed", detail)
}
