//! Session logs that only the record in git keeps: comparing them before they leave the database, and restoring them
//! when they are read.

use crate::App;
use crate::clock::now;
use crate::projects::repositories::RepositoryError;
use git::Repository;
use std::collections::BTreeMap;
use store::{LogRow, StoreError};
use thiserror::Error;
use workflow::records::{conversation, paths};
use workflow::{SessionId, TaskId};

/// How many entries are compared or restored at once.
const STEP: usize = 1_000;

/// Why a session's log cannot be read.
#[derive(Debug, Error)]
pub enum LogError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("this session's log is archived in git, in commit {commit}, and the repository cannot be read")]
    Repository { commit: String, source: RepositoryError },
    #[error(
        "this session's log is archived in git, and commit {commit} does not have all of it: {reason}; fetch the commit from \
         another copy of the repository"
    )]
    Incomplete { commit: String, reason: String },
}

/// Restores a session's log to the database if it was removed from it, with those of its task's other sessions. Returns whether
/// it was.
pub async fn ensure_present(app: &App, session: &SessionId) -> Result<bool, LogError> {
    let Some(archived) = app.store.archived_logs(session).await? else { return Ok(false) };
    let commit = archived.commit.clone();
    let unreadable = |source| LogError::Repository { commit: commit.clone(), source };
    let project = app.repositories.project_repo(&archived.project).await.map_err(unreadable)?;
    let Some(task) = app.store.task(&archived.task).await? else { return Ok(false) };
    tracing::info!(task = %task.id, commit = archived.commit, "restoring session logs from git");
    app.store.begin_log_restore(&task.id).await?;
    for session in &task.sessions {
        let last = app.store.log_tail(&session.id).await?;
        let mut log = RecordedLog::new(&project.repository, &archived.commit, &task.id, &session.id);
        // Entries after those of the commit never left the database.
        while log.reached < last {
            let rows = match log.next().await {
                Ok(Some(rows)) => rows,
                Ok(None) => break,
                Err(reason) => return Err(LogError::Incomplete { commit: archived.commit, reason }),
            };
            for rows in rows.chunks(STEP) {
                app.store.restore_log(&session.id, rows.to_vec()).await?;
            }
        }
    }
    app.store.end_log_restore(&task.id, now()).await?;
    Ok(true)
}

/// Returns why a session's log cannot leave the database, if so: the commit has to have each of its entries.
pub(crate) async fn difference(
    app: &App,
    repository: &Repository,
    commit: &str,
    task: &TaskId,
    session: &SessionId,
) -> Result<Option<String>, StoreError> {
    let last = app.store.log_tail(session).await?;
    let mut log = RecordedLog::new(repository, commit, task, session);
    while log.reached < last {
        let after = log.reached;
        let recorded = match log.next().await {
            Ok(Some(rows)) => rows,
            Ok(None) => return Ok(Some("its record in git ends too early".to_owned())),
            Err(reason) => return Ok(Some(format!("its record in git cannot be read: {reason}"))),
        };
        let recorded: BTreeMap<u64, LogRow> = recorded.into_iter().map(|row| (row.seq, row)).collect();
        let mut after = after;
        'part: while after < log.reached {
            let rows = app.store.read_log(session, after, STEP as u64).await?;
            let Some(end) = rows.last() else { break };
            after = end.seq;
            for row in &rows {
                if row.seq > log.reached {
                    break 'part;
                }
                if recorded.get(&row.seq) != Some(row) {
                    return Ok(Some(format!("entry {} differs from its record in git", row.seq)));
                }
            }
        }
    }
    Ok(None)
}

/// The log of a session as a commit of the record has it, read file by file.
struct RecordedLog {
    repository: Repository,
    commit: String,
    task: TaskId,
    session: SessionId,
    part: u32,
    /// The number of the last entry that was read.
    reached: u64,
}

impl RecordedLog {
    fn new(repository: &Repository, commit: &str, task: &TaskId, session: &SessionId) -> Self {
        Self {
            repository: repository.clone(),
            commit: commit.to_owned(),
            task: task.clone(),
            session: session.clone(),
            part: 0,
            reached: 0,
        }
    }

    /// Returns the entries of the next file; `None` after the last one.
    async fn next(&mut self) -> Result<Option<Vec<LogRow>>, String> {
        self.part += 1;
        let path = paths::conversation(&self.task, &self.session, self.part);
        let (repository, commit, after) = (self.repository.clone(), self.commit.clone(), self.reached);
        let read = move || -> Result<Option<Vec<LogRow>>, String> {
            let Some(bytes) = repository.read(&commit, &path).map_err(|error| error.to_string())? else {
                return Ok(None);
            };
            let text = String::from_utf8(bytes).map_err(|error| format!("{path}: {error}"))?;
            let entries = conversation::parse(&text, after)
                .map_err(|error| format!("{path}, line {}: {}", error.line, error.reason))?;
            let row =
                |entry: conversation::Entry| LogRow { seq: entry.seq, at: entry.at, entry: entry.entry };
            Ok(Some(entries.into_iter().map(row).collect()))
        };
        let rows = crate::spawn_blocking(read).await.map_err(|error| error.to_string())??;
        if let Some(last) = rows.as_ref().and_then(|rows| rows.last()) {
            self.reached = last.seq;
        }
        Ok(rows)
    }
}
