//! Gives places to the tasks that wait for one, tells the others what they wait for, and ends the agents of those
//! that need none.

use crate::App;
use crate::effects;
use crate::health::{Obstacle, Part};
use crate::orchestrator::AskError;
use crate::prewarm;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use workflow::schedule::{self, Limits};
use workflow::{Input, NewTask, Phase, Task};

/// How often the scheduler looks without having been woken.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How many more tasks may start before the next look. Admitting one takes the lock.
#[derive(Default)]
pub(crate) struct FreeSlots(Mutex<usize>);

/// Creates a task; one that is to be planned and waits for nothing is admitted at once.
pub async fn create(app: &App, new: NewTask, start: bool) -> Result<Task, AskError> {
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

/// Schedules until told to stop.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = look(&app).await {
            tracing::error!(error = effects::chain(&error), "could not schedule; trying again");
        }
        tokio::select! {
            () = app.orchestrator.wait_for_queued() => {}
            () = tokio::time::sleep(POLL_INTERVAL) => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn look(app: &App) -> Result<(), store::StoreError> {
    let live = admit_queued(app).await?;
    app.instances.stop_idle(&app.store, &live).await
}

async fn admit_queued(app: &App) -> Result<Vec<Task>, store::StoreError> {
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
        hold_back(app, &live, &obstacle).await?;
        return Ok(live);
    }
    let mut statuses = BTreeMap::new();
    for needed in live.iter().flat_map(|task| &task.depends_on) {
        if let Some(task) = app.store.task(needed).await? {
            statuses.insert(needed.clone(), task.status());
        }
    }
    for (task, input) in schedule::admissions(&live, &statuses, limits) {
        app.orchestrator.decide(&task, input).await?;
    }
    Ok(live)
}

/// Tells queued tasks why none of them is admitted.
async fn hold_back(app: &App, live: &[Task], obstacle: &Obstacle) -> Result<(), store::StoreError> {
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

/// How many tasks could begin to be planned at once while none waits.
fn free_after(live: &[Task], limits: Limits) -> usize {
    let at_work = live.iter().filter(|task| task.holds_instance()).count();
    let reviewed =
        |task: &&Task| matches!(task.phase, Phase::SpecReview { .. } | Phase::SpecGeneration { .. });
    let in_review = live.iter().filter(reviewed).count();
    limits.instances.saturating_sub(at_work).min(limits.in_review.saturating_sub(in_review))
}
