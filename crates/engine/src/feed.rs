//! The live feed: publishes committed rows to its subscribers.
//!
//! Rows reach subscribers after their transaction; a subscriber that falls behind gets an error from its channel and
//! reads what it missed from the store.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use store::{FeedRow, LogRow};
use tokio::sync::broadcast;
use workflow::SessionId;

/// The number of rows that a subscriber may fall behind before it has to read from the store.
const BACKLOG: usize = 4096;
/// The same for one session's log; a channel holds on to its last entries, and there may be hundreds of channels.
const LOG_BACKLOG: usize = 128;

/// Publishes committed rows to subscribers.
#[derive(Clone)]
pub struct Feed(Arc<Inner>);

struct Inner {
    rows: broadcast::Sender<Arc<FeedRow>>,
    logs: Mutex<HashMap<SessionId, broadcast::Sender<Arc<LogRow>>>>,
}

impl Default for Feed {
    fn default() -> Self {
        Self(Arc::new(Inner { rows: broadcast::channel(BACKLOG).0, logs: Mutex::default() }))
    }
}

impl Feed {
    /// Listens to the rows of every topic.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<FeedRow>> {
        self.0.rows.subscribe()
    }

    /// Listens to one session's log.
    pub fn subscribe_log(&self, session: &SessionId) -> broadcast::Receiver<Arc<LogRow>> {
        self.logs().entry(session.clone()).or_insert_with(|| broadcast::channel(LOG_BACKLOG).0).subscribe()
    }

    /// Publishes committed rows, in their order.
    pub fn publish(&self, rows: Vec<FeedRow>) {
        for row in rows {
            // A feed without subscribers is no error.
            let _ = self.0.rows.send(Arc::new(row));
        }
    }

    /// Publishes committed entries of a session's log, in their order.
    pub fn publish_log(&self, session: &SessionId, rows: Vec<LogRow>) {
        let mut logs = self.logs();
        let Some(sender) = logs.get(session) else { return };
        if sender.receiver_count() == 0 {
            logs.remove(session);
            return;
        }
        for row in rows {
            let _ = sender.send(Arc::new(row));
        }
    }

    fn logs(&self) -> parking_lot::MutexGuard<'_, HashMap<SessionId, broadcast::Sender<Arc<LogRow>>>> {
        // The map is valid after any panic: each change is a single insert or remove.
        self.0.logs.lock()
    }
}
