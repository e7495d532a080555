//! Joins the pure workflow to the store: applies an input in one transaction, publishes the updates, and wakes the
//! runner.

use crate::clock::{Ulids, now};
use crate::feed::Feed;
use crate::metrics::{DECISION_DURATION, DECISIONS};
use crate::notifications::inbox;
use crate::notifications::updates;
use crate::notifications::webhooks::Webhooks;
use crate::settings::redaction::cleaned;
use crate::tracing_context::EffectRequests;
use futures::future::BoxFuture;
use metrics::{counter, histogram};
use protocol::FeedMessage;
use secrets::Redactor;
use std::sync::Arc;
use std::time::Instant;
use store::{Advanced, Claimed, FeedRow, Fence, Lease, Outcome, Saved, Store, StoreError};
use tokio::sync::{Mutex, Notify, mpsc};
use tracing::{Span, instrument};
use workflow::{Context, EffectId, Input, Millis, NewTask, Rejected, Step, Task, TaskId, UserId};

/// Applies inputs to tasks. Inputs are redacted first, so that no decision, row or message has a secret.
#[derive(Clone)]
pub struct Orchestrator {
    store: Store,
    feed: Feed,
    /// The name with which this server claims effects.
    worker: Arc<str>,
    requests: EffectRequests,
    /// Effects that were claimed along with a decision, with the span of the decision.
    claimed: mpsc::UnboundedSender<(Claimed, Span)>,
    /// Effects that were claimed along with a decision and do not run yet.
    waiting: Arc<Mutex<mpsc::UnboundedReceiver<(Claimed, Span)>>>,
    redactor: Redactor,
    webhooks: Webhooks,
    runner: Arc<Notify>,
    scheduler: Arc<Notify>,
}

/// The name of a task's creation among the inputs.
const CREATE: &str = "create";
/// How long a claim holds without being renewed, in milliseconds.
const LEASE: i64 = 30_000;

/// The reason why an action on a task failed.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error(transparent)]
    Rejected(#[from] Rejected),
    #[error("there is no such task")]
    NotFound,
    #[error("could not read or write the database")]
    Store(#[from] StoreError),
}

impl Orchestrator {
    pub fn new(store: Store, feed: Feed, redactor: Redactor, webhooks: Webhooks, worker: &str) -> Self {
        let (claimed, waiting) = mpsc::unbounded_channel();
        let waiting = Arc::new(Mutex::new(waiting));
        let (runner, scheduler, requests) = Default::default();
        let worker = worker.into();
        Self { store, feed, worker, requests, claimed, waiting, redactor, webhooks, runner, scheduler }
    }

    /// Returns the terms of a claim that begins now.
    pub(crate) fn lease(&self) -> Lease {
        let now = now();
        Lease { worker: self.worker.to_string(), now, until: now.plus(LEASE) }
    }

    /// Returns a task as it would begin, started when asked to; `admitted` says that there is a slot for it. Nothing
    /// is kept.
    pub(crate) fn begin(&self, new: NewTask, start: bool, admitted: bool) -> Result<Step, Rejected> {
        begin(cleaned(&self.redactor, new), start, admitted)
    }

    /// Creates a task as it begins and has the next short id of its project. One of its id that is there already is the answer.
    #[instrument(name = "decision", skip_all, fields(task = %step.task.id, input = CREATE))]
    pub async fn create(&self, step: Step) -> Result<Task, AskError> {
        let (id, owner) = (step.task.id.clone(), step.task.owner.clone());
        let begun = Instant::now();
        let created =
            Box::pin(self.store.create_task(outcome(None, step, &self.webhooks), Some(self.lease()))).await;
        let result = match &created {
            Ok(_) => "saved",
            Err(StoreError::Conflict(_)) => "unchanged",
            Err(_) => "error",
        };
        count(CREATE, result, begun);
        match created {
            Ok(saved) => Ok(self.announce(saved)),
            Err(StoreError::Conflict(_)) => {
                let found = self.store.task(&id).await?;
                found.filter(|task| task.owner == owner).ok_or(AskError::NotFound)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Applies a person's action to a task and returns the task. A state that it has already is no error.
    ///
    /// The future is boxed, because nearly every request awaits it: otherwise each of their futures contains it.
    #[instrument(name = "decision", skip_all, fields(task = %id, input = input.name()))]
    pub fn ask<'a>(
        &'a self,
        user: &'a UserId,
        id: &'a TaskId,
        input: Input,
    ) -> BoxFuture<'a, Result<Task, AskError>> {
        Box::pin(async move {
            let owner = user.clone();
            match self.advance(id, None, Some(owner), input).await? {
                Advanced::Saved(saved) => Ok(self.announce(*saved)),
                Advanced::Rejected(Rejected::AlreadySo(_)) => {
                    self.store.task(id).await?.ok_or(AskError::NotFound)
                }
                Advanced::Rejected(Rejected::OtherOwner) => Err(AskError::NotFound),
                Advanced::Rejected(rejected) => Err(AskError::Rejected(rejected)),
                Advanced::NotFound | Advanced::Fenced => Err(AskError::NotFound),
            }
        })
    }

    /// Applies a decision of the server itself, such as a position in the queue.
    #[instrument(name = "decision", skip_all, fields(task = %id, input = input.name()))]
    pub(crate) async fn decide(&self, id: &TaskId, input: Input) -> Result<Option<Task>, StoreError> {
        match self.advance(id, None, None, input).await? {
            Advanced::Saved(saved) => Ok(Some(self.announce(*saved))),
            Advanced::Rejected(_) | Advanced::NotFound | Advanced::Fenced => Ok(None),
        }
    }

    /// Applies an effect's report, together with the effect's end; a report from a lost lease is dropped.
    #[instrument(name = "decision", skip_all, fields(task = %id, input = input.name()))]
    pub(crate) async fn report(&self, id: &TaskId, fence: Fence, input: Input) -> Result<(), StoreError> {
        match self.advance(id, Some(fence), None, input).await? {
            Advanced::Saved(saved) => {
                self.announce(*saved);
            }
            Advanced::Rejected(rejected) => tracing::debug!(task = %id, %rejected, "a report was not needed"),
            Advanced::Fenced => tracing::info!(task = %id, "a report from a lost lease was dropped"),
            Advanced::NotFound => tracing::warn!(task = %id, "a report names a task that is gone"),
        }
        Ok(())
    }

    /// Applies an input to a task, of an owner where one is given, and counts the outcome.
    async fn advance(
        &self,
        id: &TaskId,
        fence: Option<Fence>,
        owner: Option<UserId>,
        input: Input,
    ) -> Result<Advanced, StoreError> {
        let (name, begun) = (input.name(), Instant::now());
        let input = cleaned(&self.redactor, input);
        let webhooks = self.webhooks.clone();
        let decide = move |task: &Task| {
            if owner.as_ref().is_some_and(|owner| task.owner != *owner) {
                return Err(Rejected::OtherOwner);
            }
            decide(task, input.clone(), &webhooks)
        };
        let advanced = self.store.advance(id, fence, Some(self.lease()), decide).await;
        let outcome = match &advanced {
            Ok(Advanced::Saved(_)) => "saved",
            Ok(Advanced::Rejected(Rejected::AlreadySo(_))) => "unchanged",
            Ok(Advanced::Rejected(_)) => "rejected",
            Ok(Advanced::Fenced) => "fenced",
            Ok(Advanced::NotFound) => "not_found",
            Err(_) => "error",
        };
        count(name, outcome, begun);
        advanced
    }

    /// Returns the next effect that was claimed along with a decision, so that it starts without a look at the
    /// database.
    pub(crate) async fn claimed(&self) -> Option<(Claimed, Span)> {
        self.waiting.lock().await.recv().await
    }

    /// Returns the id of the HTTP request that an effect comes from, where one is known.
    pub(crate) fn request_of(&self, effect: &EffectId) -> Option<Arc<str>> {
        self.requests.of(effect)
    }

    /// Waits until there may be something to claim. Wake-ups are hints: the caller also polls.
    pub(crate) async fn effects_wait(&self) {
        self.runner.notified().await;
    }

    /// Waits until a task may wait for a slot.
    pub(crate) async fn wait_for_queued(&self) {
        self.scheduler.notified().await;
    }

    pub fn wake(&self) {
        self.runner.notify_one();
    }

    /// Wakes the runner and the scheduler when an obstacle to work is gone.
    pub(crate) fn wake_all(&self) {
        self.wake();
        self.scheduler.notify_one();
    }

    /// By when the leases end of claims that were made or renewed at least `age` milliseconds ago.
    pub(crate) fn leased_before(age: i64) -> Millis {
        now().plus(LEASE - age)
    }

    fn announce(&self, saved: Saved) -> Task {
        let is_for_webhooks = |row: &FeedRow| matches!(*row.message, FeedMessage::Inbox(_));
        if saved.task.status().is_terminal() || saved.feed.iter().any(is_for_webhooks) {
            self.webhooks.wake();
        }
        self.feed.publish(saved.feed);
        for (session, rows) in saved.logs {
            self.feed.publish_log(&session, rows);
        }
        self.requests.note(&saved.effects);
        for claimed in saved.claimed {
            // Without a runner the server is going down, and the next start frees the claim.
            let _ = self.claimed.send((claimed, Span::current()));
        }
        self.wake();
        // A task at work takes no place and frees none, unless its sessions hold resources.
        if !saved.task.holds_instance() || saved.task.needs_resources() {
            self.scheduler.notify_one();
        }
        saved.task
    }
}

/// Counts a decision and the time that it took.
fn count(input: &'static str, outcome: &'static str, begun: Instant) {
    counter!(DECISIONS, "input" => input, "outcome" => outcome).increment(1);
    histogram!(DECISION_DURATION, "outcome" => outcome).record(begun.elapsed());
}

/// Returns a task's first steps.
fn begin(new: NewTask, start: bool, admitted: bool) -> Result<Step, Rejected> {
    let mut ids = Ulids;
    let mut context = Context { now: now(), ids: &mut ids };
    let mut step = Task::create(new, start, &mut context)?;
    if admitted && step.task.is_queued() {
        let next = step.task.handle(Input::Admit, &mut context)?;
        step.task = next.task;
        step.events.extend(next.events);
        step.effects.extend(next.effects);
    }
    Ok(step)
}

fn decide(task: &Task, input: Input, webhooks: &Webhooks) -> Result<Outcome, Rejected> {
    let mut ids = Ulids;
    let step = task.handle(input, &mut Context { now: now(), ids: &mut ids })?;
    Ok(outcome(Some(task), step, webhooks))
}

/// Returns what is saved of a step, given the task before it.
pub(crate) fn outcome(before: Option<&Task>, step: Step, webhooks: &Webhooks) -> Outcome {
    let updates = inbox::changes(before, &step.task);
    let deliveries = webhooks.of_step(before, &step.task, &updates);
    let feed = updates::of(before, &step, &updates);
    let logs = updates::log_entries(&step);
    Outcome { step, feed, logs, deliveries }
}
