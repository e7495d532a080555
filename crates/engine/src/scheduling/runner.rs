//! Claims effects, performs them, and reports their results.
//!
//! An effect is claimed for a lease and with a fence: a server that stops renewing loses the
//! effect to the next claim, and its late report is refused.

use crate::App;
use crate::clock::now;
use crate::effects::{self, Done};
use crate::failure::{blocking, chain};
use crate::metrics::count_effect;
use crate::orchestrator::Orchestrator;
use crate::settings::redaction;
use futures::FutureExt as _;
use parking_lot::{Mutex, MutexGuard};
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Claimed, Fence};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument as _, Span};
use workflow::{Effect, EffectId, Failure, FailureClass, Input, Millis};

/// How often a held claim is renewed.
const RENEWAL: Duration = Duration::from_secs(10);
/// The polling interval without a wake-up.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// How many effects are claimed at once.
const BATCH: u64 = 64;
/// How often an effect that cannot be done is tried before it is given up.
const MAX_ATTEMPTS: i64 = 5;
/// The same for one that no state waits for, such as a clean-up: nothing would request it again.
const PATIENT_ATTEMPTS: i64 = 30;

/// Delay before an effect that waits for disk space or for its repository is retried, in milliseconds.
const RECHECK_INTERVAL: i64 = 3_000;
/// How often claims are looked for that this server holds and does not know of.
const ADOPTION_INTERVAL: Duration = Duration::from_secs(5);
/// How old such a claim is at least, in milliseconds: its decision may be on its way to the runner.
const ADOPTION_AGE: i64 = 5_000;

/// Smaller steps back of the clock are corrections and move no due time, in milliseconds.
const MIN_CLOCK_JUMP: i64 = 30_000;

/// Runs effects until stopped, then waits for those under way that end by themselves.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let running = Running { tasks: TaskTracker::new(), held: Held::default(), app, stop };
    tokio::join!(running.start_claimed(), running.look(), running.adopt());
    running.tasks.close();
    running.tasks.wait().await;
}

/// A reading of the wall clock, with the monotonic clock at that moment.
struct Clock {
    wall: Millis,
    at: Instant,
}

impl Clock {
    fn read() -> Self {
        Self { wall: now(), at: Instant::now() }
    }

    /// Returns the wall clock's time at a later moment, provided that it is not set in between.
    fn expected(&self, at: Instant) -> Millis {
        let elapsed = at.saturating_duration_since(self.at).as_millis();
        self.wall.plus(i64::try_from(elapsed).unwrap_or(i64::MAX))
    }
}

/// Returns by how many milliseconds the clock was set back; `None` for small corrections.
fn set_back(expected: Option<Millis>, wall: Millis) -> Option<i64> {
    let by = expected?.0.saturating_sub(wall.0);
    (by > MIN_CLOCK_JUMP).then_some(by)
}

/// The effects that this server holds.
type Held = Arc<Mutex<HashSet<EffectId>>>;

/// The effects under way.
struct Running {
    app: App,
    stop: CancellationToken,
    tasks: TaskTracker,
    held: Held,
}

impl Running {
    /// Starts an effect, with the decision that requested it where that was made just now.
    fn spawn(&self, claimed: Claimed, decision: Option<&Span>) {
        let holds = Holds::new(&self.held, claimed.row.id.clone());
        let span = span(&claimed);
        if let Some(id) = self.app.orchestrator.request_of(&claimed.row.id) {
            span.record("request_id", &*id);
        }
        if let Some(decision) = decision {
            span.follows_from(decision);
        }
        let work = guard(self.app.clone(), claimed, self.stop.clone());
        let work = async move {
            work.await;
            drop(holds);
        };
        self.tasks.spawn(work.instrument(span));
    }

    /// Starts the effects that this server's own decisions claimed.
    async fn start_claimed(&self) {
        while let Some(Some((claimed, decision))) =
            self.stop.run_until_cancelled(self.app.orchestrator.claimed()).await
        {
            self.spawn(claimed, Some(&decision));
        }
    }

    /// Claims and starts the other effects: those that waited for their time or their lane, and those that another
    /// server left.
    async fn look(&self) {
        let app = &self.app;
        let mut clock = None;
        while !self.stop.is_cancelled() {
            self.follow_clock(&mut clock).await;
            match app.store.claim_effects(app.orchestrator.lease(), BATCH).await {
                Ok(claimed) if claimed.is_empty() => {}
                Ok(claimed) => {
                    for claim in claimed {
                        self.spawn(claim, None);
                    }
                    continue;
                }
                Err(error) => tracing::error!(error = chain(&error), "could not claim effects; trying again"),
            }
            tokio::select! {
                () = app.orchestrator.effects_wait() => {}
                () = tokio::time::sleep(POLL_INTERVAL) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// Moves the due times of waiting effects when the wall clock is set back, so that each remaining delay is unchanged.
    /// The first call compares the clock with the time of the last message in the database.
    async fn follow_clock(&self, clock: &mut Option<Clock>) {
        let (app, at_present) = (&self.app, Clock::read());
        let expected = match clock {
            Some(before) => Ok(Some(before.expected(at_present.at))),
            None => app.store.last_message_at().await,
        };
        let moved = match expected {
            Ok(expected) => match set_back(expected, at_present.wall) {
                Some(by) => app
                    .store
                    .advance_waiting_effects(at_present.wall, by)
                    .await
                    .map(|moved| Some((by, moved))),
                None => Ok(None),
            },
            Err(error) => Err(error),
        };
        match moved {
            Ok(moved) => {
                if let Some((by, effects)) = moved {
                    tracing::warn!(
                        seconds = by / 1_000,
                        effects,
                        "the clock was set back; what waits for a time is due that much earlier"
                    );
                }
                *clock = Some(at_present);
            }
            // The next look compares with the same clock again.
            Err(error) => tracing::debug!(error = chain(&error), "could not follow the clock; trying again"),
        }
    }

    /// Adopts claims that are this server's in the database and unknown to it: the connection was lost after the commit
    /// that made them and before its answer.
    async fn adopt(&self) {
        while self.stop.run_until_cancelled(tokio::time::sleep(ADOPTION_INTERVAL)).await.is_some() {
            if let Err(error) = self.adopt_once().await {
                tracing::warn!(
                    error = chain(&error),
                    "could not look for claims that are not known; trying again"
                );
            }
        }
    }

    async fn adopt_once(&self) -> Result<(), store::StoreError> {
        let app = &self.app;
        let until = Orchestrator::leased_before(ADOPTION_AGE);
        for mut claimed in app.store.claims_until(&app.worker, until).await? {
            if lock(&self.held).contains(&claimed.row.id) {
                continue;
            }
            if app.store.reclaim_effect(&claimed.fence(), app.orchestrator.lease().until).await? {
                claimed.attempt += 1;
                tracing::info!(effect = claimed.row.effect.name(), task = %claimed.task, "adopting an effect whose claim was not confirmed");
                self.spawn(claimed, None);
            }
        }
        Ok(())
    }
}

/// Returns the span of an effect's attempt. It starts a new trace with a link to the decision that requested it.
fn span(claimed: &Claimed) -> Span {
    let (task, effect, attempt) = (&claimed.task, &claimed.row.effect, claimed.attempt);
    let id = claimed.row.id.as_str();
    let span = tracing::info_span!(
        parent: None, "effect", %task, effect = effect.name(), effect_id = id, attempt,
        session = tracing::field::Empty, request_id = tracing::field::Empty
    );
    if let Some(session) = effect.session() {
        span.record("session", session.as_str());
    }
    span
}

/// Keeps an effect among those that are held for as long as it lives.
struct Holds {
    held: Held,
    id: EffectId,
}

impl Holds {
    pub(crate) fn new(held: &Held, id: EffectId) -> Self {
        lock(held).insert(id.clone());
        Self { held: held.clone(), id }
    }
}

impl Drop for Holds {
    fn drop(&mut self) {
        lock(&self.held).remove(&self.id);
    }
}

fn lock(held: &Held) -> MutexGuard<'_, HashSet<EffectId>> {
    // Each change is a single insert or removal, so the content is valid after any panic.
    held.lock()
}

/// Performs one effect; one that panics is released, since no other server may claim an effect that this one holds.
async fn guard(app: App, claimed: Claimed, stop: CancellationToken) {
    let begun = Instant::now();
    let work = perform(app.clone(), claimed.clone(), stop);
    if AssertUnwindSafe(work).catch_unwind().await.is_ok() {
        return;
    }
    let message = "The server failed at it; its log says why.".to_owned();
    let failure = Failure { class: FailureClass::Internal, message, at: now() };
    count_effect(claimed.row.effect.name(), Some(failure.class), begun.elapsed());
    if let Err(error) = release(&app, &claimed, claimed.fence(), failure).await {
        tracing::error!(error = chain(&error), task = %claimed.task, "could not release an effect; it is adopted again");
    }
}

/// Performs one effect while renewing its lease, and reports.
async fn perform(app: App, claimed: Claimed, stop: CancellationToken) {
    let fence = claimed.fence();
    if uses_room(&claimed.row.effect)
        && let Some(obstacle) = app.health.obstacle_of(&claimed.task)
    {
        return postpone(&app, &claimed, &obstacle.detail).await;
    }
    let begun = Instant::now();
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
    let outcome = outcome.map_err(|failure| redaction::cleaned(&app.redactor, failure));
    let class = outcome.as_ref().err().map(|failure| failure.class);
    let duration = begun.elapsed();
    count_effect(claimed.row.effect.name(), class, duration);
    let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    tracing::debug!(class = class.map(FailureClass::as_str), duration_ms, "an attempt of an effect ended");
    // No other server takes up what is held here, so its end is reported until the database has it.
    while let Err(error) = record(&app, &claimed, &fence, outcome.clone()).await {
        tracing::error!(error = chain(&error), effect = claimed.row.effect.name(), task = %claimed.task, "could not record the end of an effect; trying again");
        if stop.run_until_cancelled(tokio::time::sleep(POLL_INTERVAL)).await.is_none() {
            return;
        }
    }
}

/// Reports the result of an effect to the task.
pub(crate) async fn record(
    app: &App,
    claimed: &Claimed,
    fence: &Fence,
    outcome: Result<Done, Failure>,
) -> Result<(), store::StoreError> {
    match outcome {
        Ok(Done::Report(input)) => app.orchestrator.report(&claimed.task, fence.clone(), input).await,
        Ok(Done::Nothing) => app.store.finish_effect(fence).await.map(|_| app.orchestrator.wake()),
        Err(failure) => release(app, claimed, fence.clone(), failure).await,
    }
}

/// Retries the effect after a delay; after the last attempt, the task gets the reason.
async fn release(
    app: &App,
    claimed: &Claimed,
    fence: Fence,
    failure: Failure,
) -> Result<(), store::StoreError> {
    let missing = match failure.class {
        FailureClass::Git => missing_repository(app, claimed).await,
        _ => None,
    };
    // An effect that waits for its repository is retried every few seconds; only attempts 1, 2, 4, 8 … are logged.
    if missing.is_none() || claimed.attempt.unsigned_abs().is_power_of_two() {
        tracing::warn!(effect = claimed.row.effect.name(), task = %claimed.task, attempt = claimed.attempt, reason = failure.message, "an effect failed");
    }
    if let Some(reason) = missing {
        app.store.postpone_effect(&fence, now().plus(RECHECK_INTERVAL), &reason).await?;
        return Ok(());
    }
    if failure.class == FailureClass::OutOfSpace {
        app.health.note_full(&claimed.task, &failure.message);
        let later = now().plus(RECHECK_INTERVAL);
        app.store.postpone_effect(&fence, later, &failure.message).await?;
        return Ok(());
    }
    let is_patient = !claimed.row.effect.reports_back() || is_about_lock(&failure);
    let most = if is_patient { PATIENT_ATTEMPTS } else { MAX_ATTEMPTS };
    // Attempts that a kill cut off do not count: nothing was wrong with them.
    let failures = claimed.failures + 1;
    if failure.class.is_retryable() && failures < most {
        if failure.class == FailureClass::Git {
            remove_dead_locks(app, claimed).await;
        }
        let wait = 250 * (1 << failures.clamp(0, if is_about_lock(&failure) { 4 } else { 8 }));
        app.store.release_effect(&fence, now().plus(wait), &failure.message).await?;
        return Ok(());
    }
    let input = Input::EffectFailed { effect: claimed.row.effect.clone(), failure };
    app.orchestrator.report(&claimed.task, fence, input).await
}

/// Returns why the repository of an effect's task cannot be opened: it was moved, replaced or unmounted, and may come
/// back.
async fn missing_repository(app: &App, claimed: &Claimed) -> Option<String> {
    let task = app.store.task(&claimed.task).await.ok().flatten()?;
    app.repositories.why_missing(&task.project).await
}

/// Returns whether an effect begins work that takes room on a disk, and so does not begin while there is too little.
fn uses_room(effect: &Effect) -> bool {
    matches!(
        effect,
        Effect::PreparePlanning { .. }
            | Effect::RunTurn { .. }
            | Effect::OpenWorktree { .. }
            | Effect::RunChecks
    )
}

/// Releases an effect that cannot begin yet.
async fn postpone(app: &App, claimed: &Claimed, reason: &str) {
    let later = now().plus(RECHECK_INTERVAL);
    if let Err(error) = app.store.postpone_effect(&claimed.fence(), later, reason).await {
        // The claim stays this server's, and is taken up as one that is not known.
        tracing::debug!(error = chain(&error), task = %claimed.task, "could not release an effect");
    }
}

/// Returns whether an effect failed because another process holds a lock file.
fn is_about_lock(failure: &Failure) -> bool {
    failure.class == FailureClass::Git && failure.message.contains(".lock")
}

/// Removes locks of dead processes in the task's repository, so that the next attempt does not meet them.
async fn remove_dead_locks(app: &App, claimed: &Claimed) {
    let Ok(Some(task)) = app.store.task(&claimed.task).await else { return };
    let Ok(project_repo) = app.repositories.project_repo(&task.project).await else { return };
    match blocking(move || project_repo.repository.remove_dead_locks()).await {
        Ok(removed) if removed.is_empty() => {}
        Ok(removed) => {
            tracing::info!(?removed, task = %claimed.task, "removed locks whose holders are dead");
        }
        Err(failure) => {
            let reason = failure.message;
            tracing::warn!(reason, task = %claimed.task, "could not look for locks of dead processes");
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_is_noticed() {
        let before = Clock { wall: Millis(1_000_000), at: Instant::now() };
        let later = before.at + Duration::from_secs(10);
        let expected = before.expected(later);
        assert_eq!(expected, Millis(1_010_000));
        assert_eq!(set_back(Some(expected), Millis(1_010_000)), None);
        assert_eq!(set_back(Some(expected), Millis(1_000_000)), None, "a small correction");
        assert_eq!(set_back(Some(expected), Millis(10_000)), Some(1_000_000));
        assert_eq!(
            set_back(Some(expected), Millis(9_000_000)),
            None,
            "it was set forward, or the machine slept"
        );
        assert_eq!(set_back(None, Millis(0)), None);
    }
}
