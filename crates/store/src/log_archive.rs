//! Logs of finished tasks that leave the database because git has them, and that return when they are read.

use crate::logs::{self, LogRow};
use crate::retention::{BATCH_ROWS, RowTotal};
use crate::sql::{self, execute, row, rows, text};
use crate::{Store, StoreError};
use workflow::{Millis, ProjectId, SessionId, TaskId};

/// Where the logs of a task are, as the column `logs_state` has it.
const PRESENT: i64 = 0;
const REMOVING: i64 = 1;
const ARCHIVED: i64 = 2;
const RESTORING: i64 = 3;

/// A finished task is to be archived while its logs are in the database and nobody reads them. The index
/// `tasks_with_logs` has the same condition on the states.
const CAN_BE_ARCHIVED: &str =
    "logs_state < 2 AND status IN ('done', 'cancelled') AND updated_at < ? AND logs_restored_at < ?";

/// A task whose logs can leave the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskWithLogs {
    pub task: TaskId,
    pub project: ProjectId,
    pub updated_at: Millis,
}

/// The logs of a task that are only in git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchivedLogs {
    pub task: TaskId,
    pub project: ProjectId,
    /// The commit that has them.
    pub commit: String,
}

impl Store {
    /// Returns finished tasks that neither changed nor had their logs restored since `before`, by the time of their last
    /// change: those after the task `after`, at most `limit`.
    pub async fn tasks_with_logs(
        &self,
        before: Millis,
        after: Option<&TaskWithLogs>,
        limit: u64,
    ) -> Result<Vec<TaskWithLogs>, StoreError> {
        let sql = format!(
            "SELECT id, project, updated_at FROM tasks WHERE {CAN_BE_ARCHIVED} AND (updated_at, id) > (?, ?) \
             ORDER BY updated_at, id LIMIT ?"
        );
        let (at, id) = after.map_or((Millis(i64::MIN), ""), |last| (last.updated_at, last.task.as_str()));
        let values = vec![before.0.into(), before.0.into(), at.0.into(), id.into(), sql::signed(limit)];
        let found = rows(&self.readers, &sql, values).await?;
        found
            .iter()
            .map(|row| {
                Ok(TaskWithLogs {
                    task: text(row, "id")?.into(),
                    project: text(row, "project")?.into(),
                    updated_at: Millis(sql::number(row, "updated_at")?),
                })
            })
            .collect()
    }

    /// Returns how many entries of a session's log would leave the database, and their size.
    pub async fn count_archivable(&self, session: &SessionId) -> Result<RowTotal, StoreError> {
        let sql = format!(
            "SELECT COUNT(*) AS many, CAST(COALESCE(SUM(OCTET_LENGTH(entry)), 0) AS BIGINT) AS bytes FROM session_log \
             WHERE session = ? AND {}",
            logs::IS_NOT_FOR_PERSON
        );
        let found = row(&self.readers, &sql, vec![session.as_str().into()]).await?;
        let Some(found) = found else { return Ok(RowTotal::default()) };
        Ok(RowTotal { rows: sql::unsigned(&found, "many")?, bytes: sql::unsigned(&found, "bytes")? })
    }

    /// Begins to remove the logs of a task, which the commit has; false if the task changed or its logs were read since
    /// `before`.
    pub async fn begin_log_removal(
        &self,
        task: &TaskId,
        commit: &str,
        before: Millis,
    ) -> Result<bool, StoreError> {
        let sql = format!(
            "UPDATE tasks SET logs_state = {REMOVING}, logs_commit = ? WHERE id = ? AND {CAN_BE_ARCHIVED}"
        );
        let values = vec![commit.into(), task.as_str().into(), before.0.into(), before.0.into()];
        self.write(move |on| Box::pin(async move { execute(on, &sql, values).await }))
            .await
            .map(|many| many == 1)
    }

    /// Removes up to [`BATCH_ROWS`] entries of a session's log and returns what was removed; nothing once the task's logs
    /// are read again. Permission requests for people stay, since a task's timeline is made of them.
    pub async fn remove_log(&self, task: &TaskId, session: &SessionId) -> Result<RowTotal, StoreError> {
        let sql = format!(
            "DELETE FROM session_log WHERE session = ? AND seq IN (SELECT seq FROM session_log WHERE session = ? AND {} \
             ORDER BY seq LIMIT ?) AND EXISTS (SELECT 1 FROM tasks WHERE id = ? AND logs_state = {REMOVING}) \
             RETURNING CAST(OCTET_LENGTH(entry) AS BIGINT) AS bytes",
            logs::IS_NOT_FOR_PERSON
        );
        let name = session.as_str();
        let values = vec![name.into(), name.into(), sql::signed(BATCH_ROWS), task.as_str().into()];
        self.write(move |on| {
            Box::pin(async move {
                let removed = rows(on, &sql, values).await?;
                let mut total = RowTotal { rows: removed.len() as u64, bytes: 0 };
                for row in &removed {
                    total.bytes += sql::unsigned(row, "bytes")?;
                }
                Ok(total)
            })
        })
        .await
    }

    /// Notes that the logs of a task have left the database.
    pub async fn end_log_removal(&self, task: &TaskId) -> Result<(), StoreError> {
        self.move_logs(task, REMOVING, format!("logs_state = {ARCHIVED}")).await
    }

    /// Returns the logs that a session's is one of, if they are in git alone or only partly in the database.
    pub async fn archived_logs(&self, session: &SessionId) -> Result<Option<ArchivedLogs>, StoreError> {
        let sql = format!(
            "SELECT t.id, t.project, t.logs_commit FROM work_sessions w JOIN tasks t ON t.id = w.task \
             WHERE w.id = ? AND t.logs_state <> {PRESENT}"
        );
        let found = row(&self.readers, &sql, vec![session.as_str().into()]).await?;
        found
            .map(|row| {
                Ok(ArchivedLogs {
                    task: text(&row, "id")?.into(),
                    project: text(&row, "project")?.into(),
                    commit: text(&row, "logs_commit")?,
                })
            })
            .transpose()
    }

    /// Begins to restore the logs of a task: none of them is removed from now on.
    pub async fn begin_log_restore(&self, task: &TaskId) -> Result<(), StoreError> {
        let sql =
            format!("UPDATE tasks SET logs_state = {RESTORING} WHERE id = ? AND logs_state <> {PRESENT}");
        let values = vec![task.as_str().into()];
        self.write(move |on| Box::pin(async move { execute(on, &sql, values).await })).await.map(|_| ())
    }

    /// Puts entries back into a session's log; those that are there stay.
    pub async fn restore_log(&self, session: &SessionId, rows: Vec<LogRow>) -> Result<(), StoreError> {
        let session = session.clone();
        self.write(move |on| Box::pin(async move { logs::put_missing(on, &session, &rows).await })).await
    }

    /// Notes that the logs of a task are whole again.
    pub async fn end_log_restore(&self, task: &TaskId, now: Millis) -> Result<(), StoreError> {
        let change = format!("logs_state = {PRESENT}, logs_commit = '', logs_restored_at = {}", now.0);
        self.move_logs(task, RESTORING, change).await
    }

    async fn move_logs(&self, task: &TaskId, from: i64, change: String) -> Result<(), StoreError> {
        let sql = format!("UPDATE tasks SET {change} WHERE id = ? AND logs_state = {from}");
        let values = vec![task.as_str().into()];
        self.write(move |on| Box::pin(async move { execute(on, &sql, values).await })).await.map(|_| ())
    }
}
