//! How far the record in git reaches, as last seen: a hint that saves looking. What git has is found in git.

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
}

/// A task of which something is not in git yet, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unrecorded {
    pub task: TaskId,
    pub project: ProjectId,
    /// When it was recorded last, or created.
    pub since: Millis,
}

/// Tasks whose events or entries go further than their record.
const BEHIND: &str = "SELECT t.id, t.project, COALESCE(r.at, t.created_at) AS since FROM tasks t \
    LEFT JOIN records r ON r.task = t.id WHERE t.id IN (\
    SELECT e.id FROM tasks e JOIN counters c ON c.name = 'events/' || e.id \
    LEFT JOIN recorded d ON d.name = c.name WHERE c.value > COALESCE(d.value, 0) \
    UNION SELECT w.task FROM work_sessions w JOIN counters c ON c.name = 'log/' || w.id \
    LEFT JOIN recorded d ON d.name = c.name WHERE c.value > COALESCE(d.value, 0))";

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
                    let sql = "INSERT INTO recorded (name, value) VALUES (?, ?) \
                               ON CONFLICT (name) DO UPDATE SET value = excluded.value";
                    execute(on, sql, vec![name.into(), sql::signed(seq)]).await?;
                }
                Ok(())
            })
        })
        .await
    }

    /// When a task was recorded last, and in which commit.
    pub async fn recorded(&self, task: &TaskId) -> Result<Option<(Millis, String)>, StoreError> {
        let sql = "SELECT at, commit_id FROM records WHERE task = ?";
        let found = row(&self.readers, sql, vec![task.as_str().into()]).await?;
        found.map(|row| Ok((Millis(number(&row, "at")?), text(&row, "commit_id")?))).transpose()
    }

    /// The number of a session's last entry in git, as far as is known.
    pub async fn recorded_log(&self, session: &SessionId) -> Result<u64, StoreError> {
        let sql = "SELECT value FROM recorded WHERE name = ?";
        let found = row(&self.readers, sql, vec![format!("log/{session}").into()]).await?;
        found.map_or(Ok(0), |row| sql::unsigned(&row, "value"))
    }

    /// The tasks of which something is not in git yet, as far as is known.
    pub async fn unrecorded(&self) -> Result<Vec<Unrecorded>, StoreError> {
        let found = rows(&self.readers, &format!("{BEHIND} ORDER BY since, id"), Vec::new()).await?;
        found.iter().map(read).collect()
    }

    /// Whether something of a task is not in git yet.
    pub async fn is_unrecorded(&self, task: &TaskId) -> Result<bool, StoreError> {
        let found = row(&self.readers, &format!("{BEHIND} AND t.id = ?"), vec![task.as_str().into()]).await?;
        Ok(found.is_some())
    }

    /// The last commit that a project's record is known to have, task by task.
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
                    "DELETE FROM recorded WHERE name IN (SELECT 'events/' || id FROM tasks WHERE project = ?)".to_owned(),
                    format!(
                        "DELETE FROM recorded WHERE name IN (SELECT 'log/' || w.id FROM work_sessions w WHERE w.task IN ({tasks}))"
                    ),
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

fn read(row: &sea_orm::QueryResult) -> Result<Unrecorded, StoreError> {
    Ok(Unrecorded {
        task: text(row, "id")?.into(),
        project: text(row, "project")?.into(),
        since: Millis(number(row, "since")?),
    })
}
