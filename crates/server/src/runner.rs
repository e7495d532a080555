//! Claims effects, does them, and reports what came of it.
//!
//! An effect is claimed for the length of a lease and under a fence: a server that stops renewing loses the
//! effect to the next claim, and its late report is refused.

use crate::App;
use crate::clean;
use crate::clock::now;
use crate::effects::{self, Done};
use futures::FutureExt as _;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use store::{Claimed, Fence};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use workflow::{Failure, FailureClass, Input};

/// How often a held claim is renewed.
const RENEWAL: Duration = Duration::from_secs(10);
/// How often the runner looks without having been woken.
const LOOK: Duration = Duration::from_secs(1);
/// How many effects are claimed at once.
const BATCH: u64 = 64;
/// How often an effect that cannot be done is tried before it is given up.
const MAX_ATTEMPTS: i64 = 5;
/// The same for one that nobody waits for, such as tidying up: nobody would ask for it again.
const PATIENT_ATTEMPTS: i64 = 30;

/// Runs effects until told to stop, then waits for those under way that end by themselves.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let running = TaskTracker::new();
    tokio::join!(start_claimed(&app, &running, &stop), look(&app, &running, &stop));
    running.close();
    running.wait().await;
}

/// Starts what this server's own decisions claimed.
async fn start_claimed(app: &App, running: &TaskTracker, stop: &CancellationToken) {
    while let Some(Some(claimed)) = stop.run_until_cancelled(app.orchestrator.claimed()).await {
        running.spawn(guard(app.clone(), claimed, stop.clone()));
    }
}

/// Claims and starts the rest: what waited for its time or its lane, and what another server left.
async fn look(app: &App, running: &TaskTracker, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        match app.store.claim_effects(app.orchestrator.lease(), BATCH).await {
            Ok(claimed) if claimed.is_empty() => {}
            Ok(claimed) => {
                for claim in claimed {
                    running.spawn(guard(app.clone(), claim, stop.clone()));
                }
                continue;
            }
            Err(error) => tracing::error!(%error, "could not claim effects; trying again"),
        }
        tokio::select! {
            () = app.orchestrator.effects_wait() => {}
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Does one effect; one that panics is given back, since nobody else may claim what this server holds.
async fn guard(app: App, claimed: Claimed, stop: CancellationToken) {
    let work = perform(app.clone(), claimed.clone(), stop);
    if AssertUnwindSafe(work).catch_unwind().await.is_ok() {
        return;
    }
    let message = "The server failed at it; its log says why.".to_owned();
    let failure = Failure { class: FailureClass::Internal, message, at: now() };
    if let Err(error) = give_back(&app, &claimed, claimed.fence(), failure).await {
        tracing::error!(%error, task = %claimed.task, "could not give an effect back; the next start of the server does");
    }
}

/// Does one effect while renewing its lease, and reports.
async fn perform(app: App, claimed: Claimed, stop: CancellationToken) {
    let fence = claimed.fence();
    let work = Box::pin(effects::perform(&app, &claimed));
    let outcome = tokio::select! {
        outcome = work => outcome,
        () = hold(&app, &fence) => {
            tracing::warn!(effect = claimed.row.effect.name(), task = %claimed.task, "the lease was lost");
            return;
        }
        // What is cut off here is claimed again by the next start, at once.
        () = stop.cancelled() => return,
    };
    // What an agent or git said last goes to the log, the queue and the task.
    let outcome = outcome.map_err(|failure| clean::cleaned(&app.redactor, failure));
    app.metrics.effect_done(claimed.row.effect.name());
    // What is held here nobody else takes up, so that its end is told until the database has it.
    while let Err(error) = record(&app, &claimed, &fence, outcome.clone()).await {
        tracing::error!(%error, effect = claimed.row.effect.name(), task = %claimed.task, "could not record the end of an effect; trying again");
        if stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_none() {
            return;
        }
    }
}

/// Tells the task what came of an effect.
async fn record(
    app: &App,
    claimed: &Claimed,
    fence: &Fence,
    outcome: Result<Done, Failure>,
) -> Result<(), store::StoreError> {
    match outcome {
        Ok(Done::Report(input)) => app.orchestrator.report(&claimed.task, fence.clone(), input).await,
        Ok(Done::Nothing) => app.store.finish_effect(fence).await.map(|_| app.orchestrator.wake()),
        Err(failure) => give_back(app, claimed, fence.clone(), failure).await,
    }
}

/// Tries the effect again after a while; given up, the task is told why.
async fn give_back(
    app: &App,
    claimed: &Claimed,
    fence: Fence,
    failure: Failure,
) -> Result<(), store::StoreError> {
    tracing::warn!(effect = claimed.row.effect.name(), task = %claimed.task, attempt = claimed.attempt, reason = failure.message, "an effect failed");
    let most = if claimed.row.effect.is_waited_for() { MAX_ATTEMPTS } else { PATIENT_ATTEMPTS };
    if failure.class.heals() && claimed.attempt < most {
        let wait = 250 * (1 << claimed.attempt.clamp(0, 8));
        app.store.release_effect(&fence, now().plus(wait), &failure.message).await?;
        return Ok(());
    }
    let input = Input::EffectFailed { effect: claimed.row.effect.clone(), failure };
    app.orchestrator.report(&claimed.task, fence, input).await
}

/// Renews the lease for as long as it can; returns when it is lost.
async fn hold(app: &App, fence: &Fence) {
    loop {
        tokio::time::sleep(RENEWAL).await;
        match app.store.renew_lease(fence, app.orchestrator.lease().until).await {
            Ok(true) => {}
            Ok(false) => return,
            Err(error) => tracing::warn!(%error, "could not renew a lease; trying again"),
        }
    }
}
