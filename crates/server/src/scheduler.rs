//! Gives places to the tasks that wait for one, tells the others what they wait for, and ends the agents of those
//! that need none.

use crate::App;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use workflow::schedule::{self, Limits};

/// How often the scheduler looks without having been woken.
const LOOK: Duration = Duration::from_secs(1);

/// Schedules until told to stop.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = look(&app).await {
            tracing::error!(%error, "could not schedule; trying again");
        }
        tokio::select! {
            () = app.orchestrator.places_wait() => {}
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => {}
        }
    }
}

async fn look(app: &App) -> Result<(), store::StoreError> {
    let waiting = app.store.live_tasks().await?;
    app.instances.stop_idle(&app.store, &waiting).await?;
    if !waiting.iter().any(workflow::Task::waits_for_a_place) {
        return Ok(());
    }
    let mut statuses = BTreeMap::new();
    for needed in waiting.iter().flat_map(|task| &task.depends_on) {
        if let Some(task) = app.store.task(needed).await? {
            statuses.insert(needed.clone(), task.status());
        }
    }
    let limits =
        Limits { instances: app.config.limits.max_instances, in_review: app.config.limits.max_in_review };
    for (task, input) in schedule::admissions(&waiting, &statuses, limits) {
        app.orchestrator.decide(&task, input).await?;
    }
    Ok(())
}
