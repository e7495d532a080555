//! Lists of a user's work sessions, and the sessions that a person is about to open in an editor.

use crate::connection::Value;
use crate::sql::{self, execute, number, row, rows, text, unsigned};
use crate::{Store, StoreError};
use workflow::{Isolation, Millis, ProjectId, Session, SessionId, SessionPhase, Task, TaskId, UserId};

/// Which work sessions are listed: all of a user's, or those of one project, task or directory.
#[derive(Clone, Debug)]
pub struct SessionFilter {
    pub owner: UserId,
    pub project: Option<ProjectId>,
    pub task: Option<TaskId>,
    /// The session whose directory it is; with `task` alone, `None` lists every session of the task.
    pub directory: Option<SessionDirectory>,
    pub limit: u64,
    /// Where the page before ended: when its last session changed, and that session.
    pub after: Option<(Millis, SessionId)>,
}

/// A directory that sessions of a task work in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionDirectory {
    /// That of one session.
    Own(SessionId),
    /// The one that the sessions of a task share.
    Shared,
}

/// A work session in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedSession {
    pub id: SessionId,
    pub task: TaskId,
    pub title: String,
    pub status: String,
    pub directory: SessionDirectory,
    pub updated_at: Millis,
}

impl Store {
    /// Returns the user's work sessions that pass a filter, those that changed last first, and how many there are in all.
    pub async fn list_sessions(
        &self,
        filter: &SessionFilter,
    ) -> Result<(Vec<ListedSession>, u64), StoreError> {
        let (condition, mut values) = condition(filter);
        let count = format!("SELECT COUNT(*) AS total FROM work_sessions s WHERE {condition}");
        let total = row(&self.readers, &count, values.clone()).await?;
        let total = total.map_or(Ok(0), |row| unsigned(&row, "total"))?;
        let mut statement = format!(
            "SELECT s.id, s.task, s.title, s.status, s.is_shared, s.updated_at FROM work_sessions s WHERE {condition}"
        );
        if let Some((at, id)) = &filter.after {
            statement.push_str(" AND (s.updated_at, s.id) < (?, ?)");
            values.extend([at.0.into(), id.as_str().into()]);
        }
        statement.push_str(" ORDER BY s.updated_at DESC, s.id DESC LIMIT ?");
        values.push(sql::signed(filter.limit));
        let found = rows(&self.readers, &statement, values).await?;
        let mut listed = Vec::with_capacity(found.len());
        for row in &found {
            let id = SessionId::from(text(row, "id")?.as_str());
            let is_shared = number(row, "is_shared")? == 1;
            listed.push(ListedSession {
                task: text(row, "task")?.as_str().into(),
                title: text(row, "title")?,
                status: text(row, "status")?,
                updated_at: Millis(number(row, "updated_at")?),
                directory: if is_shared {
                    SessionDirectory::Shared
                } else {
                    SessionDirectory::Own(id.clone())
                },
                id,
            });
        }
        Ok((listed, total))
    }

    /// Notes that a user opens a session in an editor, and forgets what was noted before `expired`.
    pub async fn put_editor_handoff(
        &self,
        task: &TaskId,
        session: &SessionId,
        user: &UserId,
        at: Millis,
        expired: Millis,
    ) -> Result<(), StoreError> {
        let (task, session, user) = (task.to_string(), session.to_string(), user.to_string());
        self.write(move |on| {
            Box::pin(async move {
                execute(on, "DELETE FROM editor_handoffs WHERE at < ?", vec![expired.0.into()]).await?;
                let sql = "INSERT INTO editor_handoffs (session, task, user_id, at) VALUES (?, ?, ?, ?) \
                           ON CONFLICT (session) DO UPDATE SET user_id = excluded.user_id, at = excluded.at";
                execute(on, sql, vec![session.into(), task.into(), user.into(), at.0.into()]).await?;
                Ok(())
            })
        })
        .await
    }

    /// Takes the session of a task that a user opened last in an editor since `expired`, in one of these sessions' directories. Each
    /// is taken once.
    pub async fn take_editor_handoff(
        &self,
        task: &TaskId,
        sessions: Vec<SessionId>,
        user: &UserId,
        expired: Millis,
    ) -> Result<Option<SessionId>, StoreError> {
        let (task, user) = (task.to_string(), user.to_string());
        self.write(move |on| {
            Box::pin(async move {
                let sql = "SELECT session FROM editor_handoffs WHERE task = ? AND user_id = ? AND at >= ? ORDER BY at DESC";
                let noted = rows(on, sql, vec![task.into(), user.into(), expired.0.into()]).await?;
                for row in &noted {
                    let session = SessionId::from(text(row, "session")?.as_str());
                    if sessions.contains(&session) {
                        let sql = "DELETE FROM editor_handoffs WHERE session = ?";
                        execute(on, sql, vec![session.as_str().into()]).await?;
                        return Ok(Some(session));
                    }
                }
                Ok(None)
            })
        })
        .await
    }
}

fn condition(filter: &SessionFilter) -> (String, Vec<Value>) {
    let mut condition = "s.owner = ?".to_owned();
    let mut values: Vec<Value> = vec![filter.owner.as_str().into()];
    if let Some(project) = &filter.project {
        condition.push_str(" AND s.task IN (SELECT id FROM tasks WHERE project = ?)");
        values.push(project.as_str().into());
    }
    if let Some(task) = &filter.task {
        condition.push_str(" AND s.task = ?");
        values.push(task.as_str().into());
    }
    match &filter.directory {
        Some(SessionDirectory::Own(session)) => {
            condition.push_str(" AND s.id = ? AND s.is_shared = 0");
            values.push(session.as_str().into());
        }
        Some(SessionDirectory::Shared) => condition.push_str(" AND s.is_shared = 1"),
        None => {}
    }
    (condition, values)
}

/// Returns whether a session works in the directory that the sessions of its task share.
pub(crate) fn is_shared(task: &Task, session: &Session) -> bool {
    task.isolation == Isolation::Shared && session.phase != SessionPhase::Planning
}

/// Returns the title of a session where it stands among those of other tasks.
pub(crate) fn title(task: &Task, session: &Session) -> String {
    let name = session.display_name();
    if name == task.name { name.to_owned() } else { format!("{}: {name}", task.name) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_list_is_read_in_its_order_by_an_index() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("store.db");
        let store = Store::open(&format!("sqlite://{}", path.display())).await.expect("it opens");
        let sql = "EXPLAIN QUERY PLAN SELECT s.id FROM work_sessions s WHERE s.owner = ? AND (s.updated_at, s.id) < (?, ?) \
                   ORDER BY s.updated_at DESC, s.id DESC LIMIT ?";
        let values = vec!["usr_1".into(), 1.into(), "stws_1".into(), 200.into()];
        let plan = rows(&store.readers, sql, values).await.expect("a plan");
        let plan: Vec<String> = plan.iter().map(|row| text(row, "detail").expect("a step")).collect();
        assert!(plan.iter().all(|step| step.contains("work_sessions_by_change")), "{plan:?}");
        store.close().await;
    }
}
