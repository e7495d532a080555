//! How far the record in git reaches, as last seen: a hint that saves looking. What git has is found in git.

use crate::connection::Row;
use crate::sql::{self, execute, number, row, rows, text};
use crate::{Store, StoreError};
use workflow::{Millis, ProjectId, SessionId, TaskId};

/// How far a task is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub task: TaskId,
    pub at: Millis,
    /// The last commit that has something of the task's record.
    pub commit: String,
    /// The number of the last event in git.
    pub events: u64,
    /// The number of each session's last entry in git.
    pub logs: Vec<(SessionId, u64)>,
    /// The attached files in git.
    pub attachments: Vec<String>,
}

/// A task of which something is not in git yet, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unrecorded {
    pub task: TaskId,
    pub project: ProjectId,
    /// When it was recorded last, or created.
    pub since: Millis,
}

/// Tasks whose events or entries go further than their record, or with attached files that it lacks. The conditions are those
/// of indexes.
const BEHIND: &str = "SELECT t.id, t.project, COALESCE(r.at, t.created_at) AS since FROM (\
    SELECT CASE WHEN name LIKE 'events/%' THEN SUBSTR(name, 8) \
    ELSE (SELECT w.task FROM work_sessions w WHERE w.id = SUBSTR(name, 5)) END AS task FROM counters \
    WHERE value > recorded AND (name LIKE 'events/%' OR name LIKE 'log/%') GROUP BY 1 \
    UNION SELECT task FROM attachments WHERE recorded = 0) AS behind \
    JOIN tasks t ON t.id = behind.task LEFT JOIN records r ON r.task = t.id";

impl Store {
    /// Remembers how far a task is recorded.
    pub async fn put_recorded(&self, recorded: Recorded) -> Result<(), StoreError> {
        self.write(move |on| {
            Box::pin(async move {
                let sql = "INSERT INTO records (task, at, commit_id) VALUES (?, ?, ?) \
                           ON CONFLICT (task) DO UPDATE SET at = excluded.at, commit_id = excluded.commit_id";
                let values = vec![
                    recorded.task.as_str().into(),
                    recorded.at.0.into(),
                    recorded.commit.as_str().into(),
                ];
                execute(on, sql, values).await?;
                let mut reached = vec![(format!("events/{}", recorded.task), recorded.events)];
                reached
                    .extend(recorded.logs.into_iter().map(|(session, seq)| (format!("log/{session}"), seq)));
                for (name, seq) in reached {
                    let sql = "UPDATE counters SET recorded = ? WHERE name = ?";
                    execute(on, sql, vec![sql::signed(seq), name.into()]).await?;
                }
                for id in recorded.attachments {
                    let sql =
                        "UPDATE attachments SET recorded = 1 WHERE task = ? AND id = ? AND recorded = 0";
                    execute(on, sql, vec![recorded.task.as_str().into(), id.into()]).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// Returns when a task was recorded last, and in which commit.
    pub async fn recorded(&self, task: &TaskId) -> Result<Option<(Millis, String)>, StoreError> {
        let sql = "SELECT at, commit_id FROM records WHERE task = ?";
        let found = row(&self.readers, sql, vec![task.as_str().into()]).await?;
        found.map(|row| Ok((Millis(number(&row, "at")?), text(&row, "commit_id")?))).transpose()
    }

    /// Returns the number of a session's last entry in git, as far as is known.
    pub async fn recorded_log(&self, session: &SessionId) -> Result<u64, StoreError> {
        let sql = "SELECT recorded FROM counters WHERE name = ?";
        let found = row(&self.readers, sql, vec![format!("log/{session}").into()]).await?;
        found.map_or(Ok(0), |row| sql::unsigned(&row, "recorded"))
    }

    /// Returns the tasks of which something is not in git yet, as far as is known.
    pub async fn unrecorded(&self) -> Result<Vec<Unrecorded>, StoreError> {
        let found = rows(&self.readers, &format!("{BEHIND} ORDER BY since, id"), Vec::new()).await?;
        found.iter().map(read).collect()
    }

    /// Returns whether something of a task is not in git yet.
    pub async fn is_unrecorded(&self, task: &TaskId) -> Result<bool, StoreError> {
        let sql = format!("{BEHIND} WHERE t.id = ?");
        let found = row(&self.readers, &sql, vec![task.as_str().into()]).await?;
        Ok(found.is_some())
    }

    /// Returns the last commit that a project's record is known to have, task by task.
    pub async fn records_of_project(&self, project: &ProjectId) -> Result<Vec<(TaskId, String)>, StoreError> {
        let sql = "SELECT r.task, r.commit_id FROM records r JOIN tasks t ON t.id = r.task WHERE t.project = ? ORDER BY r.at DESC";
        let found = rows(&self.readers, sql, vec![project.as_str().into()]).await?;
        found.iter().map(|row| Ok((text(row, "task")?.into(), text(row, "commit_id")?))).collect()
    }

    /// Forgets how far a project's tasks are recorded, so that git is read again.
    pub async fn forget_recorded(&self, project: &ProjectId) -> Result<(), StoreError> {
        let project = project.clone();
        self.write(move |on| {
            Box::pin(async move {
                let tasks = "SELECT id FROM tasks WHERE project = ?";
                for sql in [
                    "UPDATE counters SET recorded = 0 WHERE name IN (SELECT 'events/' || id FROM tasks WHERE project = ?)"
                        .to_owned(),
                    format!(
                        "UPDATE counters SET recorded = 0 WHERE name IN (SELECT 'log/' || w.id FROM work_sessions w WHERE w.task IN ({tasks}))"
                    ),
                    format!("UPDATE attachments SET recorded = 0 WHERE task IN ({tasks})"),
                    format!("DELETE FROM records WHERE task IN ({tasks})"),
                ] {
                    execute(on, &sql, vec![project.as_str().into()]).await?;
                }
                Ok(())
            })
        })
        .await
    }
}

fn read(row: &Row) -> Result<Unrecorded, StoreError> {
    Ok(Unrecorded {
        task: text(row, "id")?.into(),
        project: text(row, "project")?.into(),
        since: Millis(number(row, "since")?),
    })
}
