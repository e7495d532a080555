//! Session logs: append-only, numbered without gaps.

use crate::sql::{self, execute, from_json, number, rows, unsigned};
use crate::{Store, StoreError};
use sea_orm::DatabaseTransaction;
use serde_json::Value;
use std::collections::BTreeMap;
use workflow::{Millis, SessionId};

/// An entry for a session's log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogEntry {
    pub session: SessionId,
    pub entry: Value,
}

/// An entry in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRow {
    pub seq: u64,
    pub at: Millis,
    pub entry: Value,
}

impl Store {
    /// Appends to a session's log.
    pub async fn append_log(
        &self,
        session: &SessionId,
        at: Millis,
        entries: Vec<Value>,
    ) -> Result<Vec<LogRow>, StoreError> {
        let session = session.clone();
        self.write(move |on| Box::pin(async move { append(on, &session, at, entries).await })).await
    }

    /// A session's entries after a number, in their order.
    pub async fn read_log(
        &self,
        session: &SessionId,
        after: u64,
        limit: u64,
    ) -> Result<Vec<LogRow>, StoreError> {
        let sql = "SELECT seq, at, entry FROM session_log WHERE session = ? AND seq > ? ORDER BY seq LIMIT ?";
        let values = vec![session.as_str().into(), sql::signed(after), sql::signed(limit)];
        let found = rows(&self.readers, sql, values).await?;
        found
            .iter()
            .map(|row| {
                Ok(LogRow {
                    seq: unsigned(row, "seq")?,
                    at: Millis(number(row, "at")?),
                    entry: from_json(row, "entry", "log entry")?,
                })
            })
            .collect()
    }

    /// The number of a session's last entry; 0 when it has none.
    pub async fn log_tail(&self, session: &SessionId) -> Result<u64, StoreError> {
        let last = sql::counted(&self.readers, &counter(session)).await?;
        Ok(u64::try_from(last).unwrap_or(0))
    }
}

pub(crate) async fn append_all(
    on: &DatabaseTransaction,
    at: Millis,
    entries: Vec<LogEntry>,
) -> Result<Vec<(SessionId, Vec<LogRow>)>, StoreError> {
    let mut by_session: BTreeMap<SessionId, Vec<Value>> = BTreeMap::new();
    for LogEntry { session, entry } in entries {
        by_session.entry(session).or_default().push(entry);
    }
    let mut appended = Vec::new();
    for (session, entries) in by_session {
        let rows = append(on, &session, at, entries).await?;
        appended.push((session, rows));
    }
    Ok(appended)
}

async fn append(
    on: &DatabaseTransaction,
    session: &SessionId,
    at: Millis,
    entries: Vec<Value>,
) -> Result<Vec<LogRow>, StoreError> {
    if entries.is_empty() {
        return Ok(Vec::new());
    }
    let last = sql::count(on, &counter(session), entries.len()).await?;
    let first = last - i64::try_from(entries.len()).unwrap_or(0) + 1;
    let mut appended = Vec::with_capacity(entries.len());
    for (seq, entry) in (first..).zip(entries) {
        let sql = "INSERT INTO session_log (session, seq, at, entry) VALUES (?, ?, ?, ?)";
        execute(on, sql, vec![session.as_str().into(), seq.into(), at.0.into(), sql::json(&entry)]).await?;
        appended.push(LogRow { seq: u64::try_from(seq).unwrap_or(0), at, entry });
    }
    Ok(appended)
}

fn counter(session: &SessionId) -> String {
    format!("log/{session}")
}
