//! Joins the pure workflow to the store: an input in, one transaction, the news out, the runner woken.

use crate::clock::{Ulids, now};
use crate::feed::Feed;
use crate::news;
use std::sync::Arc;
use store::{Advanced, Fence, Outcome, Saved, Store, StoreError};
use tokio::sync::Notify;
use workflow::{Context, Input, NewTask, Rejected, Task, TaskId, UserId};

/// Applies inputs to tasks.
#[derive(Clone)]
pub struct Orchestrator {
    store: Store,
    feed: Feed,
    runner: Arc<Notify>,
    scheduler: Arc<Notify>,
}

/// Why something asked of a task was not done.
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
    pub(crate) fn new(store: Store, feed: Feed) -> Self {
        Self { store, feed, runner: Arc::default(), scheduler: Arc::default() }
    }

    /// Creates a task, and starts it when asked to.
    pub async fn create(&self, new: NewTask, start: bool) -> Result<Task, AskError> {
        let mut ids = Ulids;
        let step = Task::create(new, start, &mut Context { now: now(), ids: &mut ids })?;
        let feed = news::of(None, &step);
        let logs = news::log_entries(&step);
        let saved = self.store.create_task(Outcome { step, feed, logs }).await?;
        Ok(self.announce(saved))
    }

    /// Does what a person asks of a task of theirs; what is already so is no error.
    pub async fn ask(&self, user: &UserId, id: &TaskId, input: Input) -> Result<Task, AskError> {
        let owner = user.clone();
        let advanced = self
            .store
            .advance(id, None, move |task| {
                if task.owner != owner {
                    return Err(Rejected::Stale(String::new()));
                }
                decide(task, input)
            })
            .await?;
        match advanced {
            Advanced::Saved(saved) => Ok(self.announce(*saved)),
            Advanced::Rejected(Rejected::AlreadySo(_)) => {
                self.store.task(id).await?.ok_or(AskError::NotFound)
            }
            Advanced::Rejected(Rejected::Stale(message)) if message.is_empty() => Err(AskError::NotFound),
            Advanced::Rejected(rejected) => Err(AskError::Rejected(rejected)),
            Advanced::NotFound | Advanced::Fenced => Err(AskError::NotFound),
        }
    }

    /// Takes in a decision of the server's own, such as a place in the queue.
    pub(crate) async fn decide(&self, id: &TaskId, input: Input) -> Result<Option<Task>, StoreError> {
        match self.store.advance(id, None, move |task| decide(task, input)).await? {
            Advanced::Saved(saved) => Ok(Some(self.announce(*saved))),
            Advanced::Rejected(_) | Advanced::NotFound | Advanced::Fenced => Ok(None),
        }
    }

    /// Takes in what an effect reports, together with the effect's end; a report from a lost lease is dropped.
    pub(crate) async fn report(&self, id: &TaskId, fence: Fence, input: Input) -> Result<(), StoreError> {
        match self.store.advance(id, Some(fence), move |task| decide(task, input)).await? {
            Advanced::Saved(saved) => {
                self.announce(*saved);
            }
            Advanced::Rejected(rejected) => tracing::debug!(task = %id, %rejected, "a report was not needed"),
            Advanced::Fenced => tracing::info!(task = %id, "a report from a lost lease was dropped"),
            Advanced::NotFound => tracing::warn!(task = %id, "a report names a task that is gone"),
        }
        Ok(())
    }

    /// Waits until there may be something to run. Wake-ups are hints: the caller also looks now and then.
    pub(crate) async fn effects_wait(&self) {
        self.runner.notified().await;
    }

    /// Waits until a task may wait for a place.
    pub(crate) async fn places_wait(&self) {
        self.scheduler.notified().await;
    }

    pub(crate) fn wake(&self) {
        self.runner.notify_one();
        self.scheduler.notify_one();
    }

    fn announce(&self, saved: Saved) -> Task {
        self.feed.publish(saved.feed);
        for (session, rows) in saved.logs {
            self.feed.publish_log(&session, rows);
        }
        self.wake();
        saved.task
    }
}

fn decide(task: &Task, input: Input) -> Result<Outcome, Rejected> {
    let mut ids = Ulids;
    let step = task.handle(input, &mut Context { now: now(), ids: &mut ids })?;
    let feed = news::of(Some(task), &step);
    let logs = news::log_entries(&step);
    Ok(Outcome { step, feed, logs })
}
