//! Keeps the search index up to date: shortly after each write, and after a start with everything that was not indexed
//! before. Writing never waits for it.

use crate::App;
use futures::{StreamExt as _, stream};
use std::time::Duration;
use store::{Store, StoreError, Unindexed};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

/// The delay of indexing after a write: a session that writes all the time is indexed this often.
const DEBOUNCE: Duration = Duration::from_secs(1);
/// The interval of full scans, for writes of another server that ended.
const SWEEP_INTERVAL: Duration = Duration::from_mins(5);
/// How many logs are indexed side by side; on SQLite they share commits.
const SIDE_BY_SIDE: usize = 16;

/// Indexes until stopped.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    // Ends early only when the server does; a step that was cut off is not there.
    let _ = stop.run_until_cancelled(follow(&app.store)).await;
}

pub(crate) async fn follow(store: &Store) {
    loop {
        let mut look = Instant::now() + SWEEP_INTERVAL;
        if let Err(error) = catch_up(store).await {
            tracing::warn!(
                error = crate::failure::chain(&error),
                "could not fill the index of the search; trying again"
            );
            look = Instant::now() + Duration::from_secs(5);
        }
        while let Ok(written) = timeout_at(look, store.written()).await {
            sleep(DEBOUNCE).await;
            let mut all = written;
            // What came meanwhile is known already, or waits for the next time.
            if let Ok(more) = timeout_at(Instant::now(), store.written()).await {
                all.tasks.extend(more.tasks);
                all.sessions.extend(more.sessions);
            }
            if let Err(error) = index(store, all).await {
                tracing::warn!(
                    error = crate::failure::chain(&error),
                    "could not index what was written; trying again"
                );
                look = look.min(Instant::now() + Duration::from_secs(5));
            }
        }
    }
}

/// Indexes everything that is not indexed yet.
pub(crate) async fn catch_up(store: &Store) -> Result<(), StoreError> {
    let unindexed = store.unindexed().await?;
    if !unindexed.is_empty() {
        tracing::debug!(
            tasks = unindexed.tasks.len(),
            logs = unindexed.sessions.len(),
            "filling the index of the search"
        );
    }
    index(store, unindexed).await
}

async fn index(store: &Store, unindexed: Unindexed) -> Result<(), StoreError> {
    let tasks = stream::iter(unindexed.tasks).map(|task| async move { store.index_task(&task).await });
    let mut tasks = tasks.buffer_unordered(SIDE_BY_SIDE);
    while let Some(done) = tasks.next().await {
        done?;
    }
    let logs = stream::iter(unindexed.sessions).map(|session| async move {
        while store.index_log(&session).await? {}
        Ok::<_, StoreError>(())
    });
    let mut logs = logs.buffer_unordered(SIDE_BY_SIDE);
    while let Some(done) = logs.next().await {
        done?;
    }
    Ok(())
}
