//! Admits waiting tasks to free slots, records why the others wait, and ends the agents of tasks that need none.

use crate::App;
use crate::clock::now;
use crate::health::{Obstacle, Part};
use crate::orchestrator::AskError;
use crate::projects::daily_budget;
use crate::scheduling::{prewarm, resume};
use std::collections::BTreeMap;
use std::time::Duration;
use store::StoreError;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use workflow::resources::{self, Capacities};
use workflow::schedule::{self, Limits};
use workflow::{Input, NewTask, Phase, Task};

/// The polling interval without a wake-up.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How long a server alone may give resources away after it looked, in milliseconds.
const RESOURCE_LEASE_MS: i64 = 10_000;

/// How many more tasks may start before the next look. Admitting one takes the lock.
#[derive(Default)]
pub(crate) struct FreeSlots(Mutex<usize>);

/// Creates a task; one that is to be planned and waits for nothing is admitted at once.
pub async fn create(app: &App, mut new: NewTask, start: bool) -> Result<Task, AskError> {
    loop {
        let next = app.store.next_short_id(&new.project).await?;
        new.short_id = next.as_ref().map(|next| next.short_id.clone());
        match create_numbered(app, new.clone(), start).await {
            // Another server gave the number to a task of its own.
            Err(AskError::Store(StoreError::Overtaken)) => {}
            created => return created,
        }
    }
}

async fn create_numbered(app: &App, new: NewTask, start: bool) -> Result<Task, AskError> {
    let waits_for_others = !new.depends_on.is_empty();
    let mut free = app.free_slots.0.lock().await;
    let admitted = start && new.planned && !waits_for_others && *free > 0;
    if !admitted {
        drop(free);
        return app.orchestrator.create(app.orchestrator.begin(new, start, false)?).await;
    }
    *free -= 1;
    let step = app.orchestrator.begin(new, start, true)?;
    // The agent starts, and its worktree is made, while the task is brought to the disk.
    let prewarm = prewarm::start(app, &step.task);
    let created = app.orchestrator.create(step).await;
    if let Some(prewarm) = prewarm {
        prewarm.reconcile(app, created.as_ref().ok()).await;
    }
    created
}

/// Schedules until stopped.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = look(&app).await {
            tracing::error!(error = crate::failure::chain(&error), "could not schedule; trying again");
        }
        tokio::select! {
            () = app.orchestrator.wait_for_queued() => {}
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn look(app: &App) -> Result<(), StoreError> {
    let live = admit_queued(app).await?;
    resume::look(app, &live).await?;
    grant_resources(app, &live).await?;
    app.instances.stop_idle(&app.store, &live).await
}

async fn admit_queued(app: &App) -> Result<Vec<Task>, StoreError> {
    let mut free = app.free_slots.0.lock().await;
    let live = app.store.live_tasks().await?;
    let limits =
        Limits { instances: app.config.limits.max_instances, in_review: app.config.limits.max_in_review };
    if !live.iter().any(Task::is_queued) {
        *free = if app.health.obstacle().is_some() { 0 } else { free_after(&live, limits) };
        return Ok(live);
    }
    *free = 0;
    if let Some(obstacle) = app.health.obstacle() {
        report_obstacle(app, &live, &obstacle).await?;
        return Ok(live);
    }
    let mut statuses = BTreeMap::new();
    for needed in live.iter().flat_map(|task| &task.depends_on) {
        if let Some(task) = app.store.task(needed).await? {
            statuses.insert(needed.clone(), task.status());
        }
    }
    let queued = live.iter().filter(|task| task.is_queued()).map(|task| &task.project);
    let exhausted = daily_budget::exhausted_among(app, queued).await?;
    let limited = app.agents.limits();
    let limited = limited.iter().map(|(id, limit)| (id.clone(), resume::sentence(id, limit))).collect();
    for (task, input) in schedule::admissions(&live, &statuses, limits, &limited, &exhausted) {
        app.orchestrator.decide(&task, input).await?;
    }
    Ok(live)
}

/// Starts the sessions whose resources are free, and tells the others who holds what they need.
async fn grant_resources(app: &App, live: &[Task]) -> Result<(), store::StoreError> {
    if live.iter().all(|task| task.awaiting_resources().is_empty()) || app.health.obstacle().is_some() {
        return Ok(());
    }
    // Of the servers that share a database, one at a time gives resources away.
    let at = now();
    if !app.store.take_lease("resources", &app.worker, at, at.plus(RESOURCE_LEASE_MS)).await? {
        return Ok(());
    }
    // Another server may have given some away before.
    let live = app.store.live_tasks().await?;
    let mut capacities = Capacities::new();
    for task in live.iter().filter(|task| !task.awaiting_resources().is_empty()) {
        if !capacities.contains_key(&task.project)
            && let Some(project) = app.store.project(&task.project).await?
        {
            let settings = app.repositories.in_force(&project).await.settings;
            capacities.insert(project.id, settings.resources);
        }
    }
    for (task, input) in resources::grants(&live, &capacities) {
        app.orchestrator.decide(&task, input).await?;
    }
    Ok(())
}

/// Tells queued tasks why none of them is admitted.
async fn report_obstacle(app: &App, live: &[Task], obstacle: &Obstacle) -> Result<(), StoreError> {
    // A database that cannot be written takes no reason either; the API adds it to what it shows.
    if matches!(obstacle.part, Part::Database | Part::Writer) {
        return Ok(());
    }
    let waits =
        |task: &&Task| task.is_queued() && task.queue_reason.as_deref() != Some(obstacle.reason.as_str());
    for task in live.iter().filter(waits) {
        let reason = obstacle.reason.clone();
        app.orchestrator.decide(&task.id, Input::Wait { reason }).await?;
    }
    Ok(())
}

/// Returns how many tasks could begin to be planned at once while none waits.
fn free_after(live: &[Task], limits: Limits) -> usize {
    let at_work = live.iter().filter(|task| task.holds_instance()).count();
    let reviewed =
        |task: &&Task| matches!(task.phase, Phase::SpecReview { .. } | Phase::SpecGeneration { .. });
    let in_review = live.iter().filter(reviewed).count();
    limits.instances.saturating_sub(at_work).min(limits.in_review.saturating_sub(in_review))
}
