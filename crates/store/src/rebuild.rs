//! Filling a fresh database from a record: tasks with their events, logs and rounds, as they were.

use crate::logs::{self, LogRow};
use crate::short_ids;
use crate::sql::{self, execute, row, unsigned};
use crate::tasks::{LoggedEvent, Outcome, events_counter, insert_task, put_events, put_sessions, record};
use crate::{InstanceRow, Revision, SessionRun, Store, StoreError};
use futures::future::BoxFuture;
use workflow::{SessionId, Task};

/// The counter that is there while a database is being filled.
const UNDER_WAY: &str = "rebuilding";

/// A task as its record gives it back.
#[derive(Clone, Debug)]
pub struct RebuiltTask {
    pub task: Task,
    pub events: Vec<LoggedEvent>,
    /// Logs that [`Store::put_rebuilt_log`] has not put in before.
    pub logs: Vec<(SessionId, Vec<LogRow>)>,
    pub revisions: Vec<Revision>,
    pub runs: Vec<(SessionId, SessionRun)>,
    pub instance: Option<InstanceRow>,
    /// The next step of the task, saved together with it.
    pub next: Option<Outcome>,
}

impl Store {
    /// Returns whether no server has kept anything in the database yet.
    pub async fn is_new(&self) -> Result<bool, StoreError> {
        let sql = "SELECT (SELECT COUNT(*) FROM tasks) + (SELECT COUNT(*) FROM projects) + (SELECT COUNT(*) FROM tokens) \
                   AS total";
        let found = row(&self.readers, sql, Vec::new()).await?;
        found.map_or(Ok(true), |row| Ok(unsigned(&row, "total")? == 0))
    }

    /// Begins to fill the database; false, and nothing is done, when it has tasks or projects of its own. One that
    /// was interrupted while it was filled is continued.
    pub async fn begin_rebuild(&self) -> Result<bool, StoreError> {
        self.write(|on| {
            Box::pin(async move {
                if sql::counted(on, UNDER_WAY).await? > 0 {
                    return Ok(true);
                }
                let sql = "SELECT (SELECT COUNT(*) FROM tasks) + (SELECT COUNT(*) FROM projects) AS total";
                let has = row(on, sql, Vec::new()).await?.map_or(Ok(0), |row| unsigned(&row, "total"))?;
                if has > 0 {
                    return Ok(false);
                }
                sql::count_one(on, UNDER_WAY, 1).await?;
                Ok(true)
            })
        })
        .await
    }

    /// Ends what `begin_rebuild` began. Tasks whose records have no short id get one.
    pub async fn end_rebuild(&self) -> Result<(), StoreError> {
        self.assign_short_ids().await?;
        self.write(|on| {
            Box::pin(async move {
                execute(on, "DELETE FROM counters WHERE name = ?", vec![UNDER_WAY.into()]).await.map(|_| ())
            })
        })
        .await
    }

    /// Returns whether the database is being filled, or was when that was interrupted.
    pub async fn is_being_rebuilt(&self) -> Result<bool, StoreError> {
        Ok(sql::counted(&self.readers, UNDER_WAY).await? > 0)
    }

    /// Removes what an interrupted rebuild put into a session's log.
    pub async fn clear_rebuilt_log(&self, session: &SessionId) -> Result<(), StoreError> {
        let session = session.clone();
        self.write(move |on| {
            Box::pin(async move {
                let sql = "DELETE FROM session_log WHERE session = ?";
                execute(on, sql, vec![session.as_str().into()]).await?;
                let sql = "DELETE FROM counters WHERE name = ?";
                execute(on, sql, vec![logs::counter(&session).into()]).await.map(|_| ())
            })
        })
        .await
    }

    /// Puts in the next part of a session's log, before its task, so that a long log is never in memory as a whole.
    pub async fn put_rebuilt_log(&self, session: &SessionId, rows: Vec<LogRow>) -> Result<(), StoreError> {
        let session = session.clone();
        self.write(move |on| {
            Box::pin(async move {
                sql::count_one(on, &logs::counter(&session), rows.len()).await?;
                logs::put(on, &session, &rows).await
            })
        })
        .await
    }

    /// Puts a task in, whole or not at all; false when it is there already.
    pub fn put_rebuilt(&self, rebuilt: RebuiltTask) -> BoxFuture<'_, Result<bool, StoreError>> {
        let write = self.write(move |on| {
            Box::pin(async move {
                let RebuiltTask { mut task, events, logs, revisions, runs, instance, mut next } = rebuilt;
                let known =
                    row(on, "SELECT id FROM tasks WHERE id = ?", vec![task.id.as_str().into()]).await?;
                if known.is_some() {
                    return Ok(false);
                }
                if !short_ids::take_rebuilt(on, &task).await? {
                    task.short_id = None;
                    if let Some(next) = &mut next {
                        next.step.task.short_id = None;
                    }
                }
                insert_task(on, next.as_ref().map_or(&task, |next| &next.step.task)).await?;
                put_sessions(on, &task).await?;
                for comment in &task.comments {
                    crate::comments::insert(on, &task.id, &comment.id).await?;
                }
                sql::count_one(on, &events_counter(&task.id), events.len()).await?;
                put_events(on, &task.id, &events).await?;
                for (session, rows) in &logs {
                    sql::count_one(on, &logs::counter(session), rows.len()).await?;
                    logs::put(on, session, rows).await?;
                }
                for revision in &revisions {
                    crate::revisions::insert(on, revision).await?;
                }
                for (session, run) in &runs {
                    crate::sessions::put(on, session, run).await?;
                }
                if let Some(instance) = instance {
                    crate::instances::put(on, &instance).await?;
                }
                if let Some(next) = next {
                    record(on, next.into(), None).await?;
                }
                Ok(true)
            })
        });
        Box::pin(write)
    }
}
