//! What is to be indexed: hints of what was written just now, and a look at everything.

use crate::sql::{rows, text};
use crate::tasks::Saved;
use crate::{Store, StoreError};
use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::Notify;
use workflow::{SessionId, TaskId};

/// The tasks and sessions with content that is not indexed yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unindexed {
    pub tasks: BTreeSet<TaskId>,
    pub sessions: BTreeSet<SessionId>,
}

impl Unindexed {
    pub fn is_empty(&self) -> bool {
        self.tasks.is_empty() && self.sessions.is_empty()
    }
}

/// The rows that this process wrote since the last take.
#[derive(Clone, Default)]
pub(crate) struct Changes(Arc<Inner>);

#[derive(Default)]
struct Inner {
    written: Mutex<Unindexed>,
    news: Notify,
}

impl Changes {
    pub(crate) fn log(&self, session: &SessionId) {
        let mut written = self.written();
        if !written.sessions.contains(session) {
            written.sessions.insert(session.clone());
        }
        drop(written);
        self.0.news.notify_one();
    }

    pub(crate) fn saved(&self, saved: &Saved) {
        let mut written = self.written();
        written.tasks.insert(saved.task.id.clone());
        written.sessions.extend(saved.logs.iter().map(|(session, _)| session.clone()));
        drop(written);
        self.0.news.notify_one();
    }

    fn written(&self) -> MutexGuard<'_, Unindexed> {
        // The sets are valid after any panic: each change is a single insert.
        self.0.written.lock()
    }
}

impl Store {
    /// Waits until something was written, and takes what it was. Hints: what is lost is found by [`Store::unindexed`].
    pub async fn written(&self) -> Unindexed {
        loop {
            let taken = std::mem::take(&mut *self.changes.written());
            if !taken.is_empty() {
                return taken;
            }
            self.changes.0.news.notified().await;
        }
    }

    /// Everything that has something in it that is not indexed yet, from any process. Passages of tasks that are gone go.
    pub async fn unindexed(&self) -> Result<Unindexed, StoreError> {
        self.forget_gone().await?;
        let tasks = "SELECT t.id FROM tasks t LEFT JOIN search_places p ON p.name = 'task/' || t.id \
                     WHERE p.value IS NULL OR p.value <> t.version";
        let sessions = "SELECT w.id FROM work_sessions w JOIN counters c ON c.name = 'log/' || w.id \
                        LEFT JOIN search_places p ON p.name = c.name WHERE c.value > COALESCE(p.value, 0)";
        let tasks = rows(&self.readers, tasks, Vec::new()).await?;
        let sessions = rows(&self.readers, sessions, Vec::new()).await?;
        Ok(Unindexed {
            tasks: tasks.iter().map(|row| Ok(text(row, "id")?.into())).collect::<Result<_, StoreError>>()?,
            sessions: sessions
                .iter()
                .map(|row| Ok(text(row, "id")?.into()))
                .collect::<Result<_, StoreError>>()?,
        })
    }
}
