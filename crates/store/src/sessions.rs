//! Facts of running a session that no decision needs: its agent sessions, its folder.

use crate::connection::Executor;
use crate::sql::{self, execute, from_json, row, rows, text};
use crate::{Store, StoreError};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use workflow::{Millis, SessionId, TaskId};

/// How a work session is run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionRun {
    /// The agent's own session ids, the last one in use.
    pub agent_sessions: Vec<String>,
    pub workspace_path: Option<String>,
    /// The commit its branch began at.
    pub base: Option<String>,
    /// Whether a person opened the session's thread before its agent did.
    pub thread_opened: bool,
    /// Whether the thread is closed, until the session's next turn opens it again.
    pub thread_closed: bool,
    /// The data that an integration keeps with the thread.
    pub thread_config: Option<serde_json::Value>,
    pub last_activity: Option<Millis>,
}

impl Store {
    /// Returns how a session is run.
    pub async fn session_run(&self, session: &SessionId) -> Result<Option<SessionRun>, StoreError> {
        let sql = "SELECT data FROM session_runs WHERE session = ?";
        let found = row(&self.readers, sql, vec![session.as_str().into()]).await?;
        found.map(|row| from_json(&row, "data", "session run")).transpose()
    }

    /// Returns how the sessions of a task are run, those that were.
    pub async fn session_runs(&self, task: &TaskId) -> Result<HashMap<SessionId, SessionRun>, StoreError> {
        let sql = "SELECT r.session, r.data FROM work_sessions s JOIN session_runs r ON r.session = s.id WHERE s.task = ?";
        let found = rows(&self.readers, sql, vec![task.as_str().into()]).await?;
        let run = |row| Ok((text(row, "session")?.into(), from_json(row, "data", "session run")?));
        found.iter().map(run).collect()
    }

    pub async fn put_session_run(&self, session: &SessionId, run: SessionRun) -> Result<(), StoreError> {
        let session = session.clone();
        self.write(move |on| Box::pin(async move { put(on, &session, &run).await })).await
    }
}

pub(crate) async fn put(on: &impl Executor, session: &SessionId, run: &SessionRun) -> Result<(), StoreError> {
    let sql = "INSERT INTO session_runs (session, data) VALUES (?, ?) \
               ON CONFLICT (session) DO UPDATE SET data = excluded.data";
    execute(on, sql, vec![session.as_str().into(), sql::json(run)]).await.map(|_| ())
}
