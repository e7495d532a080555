//! Session logs: append-only, numbered without gaps.

use crate::connection::{Executor, Row, Transaction, Value};
use crate::sql::{self, Taken, Wanted, from_json, number, rows, unsigned};
use crate::writer::Writer;
use crate::{Store, StoreError};
use protocol::LogEntry;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use workflow::{Millis, SessionId};

/// How many sessions' entries are written together at most.
const TOGETHER: usize = 256;
/// The size of the entries in bytes at which one reading of a log ends, so that its memory does not depend on how
/// much an agent says.
const PAGE_BYTES: u64 = 2 * 1024 * 1024;

/// Whether an entry is a permission request that a person has to answer, or the answer. It is the condition of an index. In the
/// text of an entry quotation marks are escaped.
const IS_FOR_PERSON: &str = "entry LIKE '%\"for_person\":true%'";
/// The opposite of [`IS_FOR_PERSON`].
pub(crate) const IS_NOT_FOR_PERSON: &str = "entry NOT LIKE '%\"for_person\":true%'";

/// An entry for a session's log.
#[derive(Clone, Debug, PartialEq)]
pub struct LogAppend {
    pub session: SessionId,
    pub entry: LogEntry,
}

/// An entry in its place.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRow {
    pub seq: u64,
    pub at: Millis,
    pub entry: LogEntry,
}

impl Store {
    /// Appends to a session's log. What several sessions append at the same time is written together.
    pub async fn append_log(
        &self,
        session: &SessionId,
        at: Millis,
        entries: Vec<LogEntry>,
    ) -> Result<Vec<LogRow>, StoreError> {
        let (answer, answered) = oneshot::channel();
        let append = Append { session: session.clone(), at, entries, answer };
        self.appends.send(append).await.map_err(|_| StoreError::Closed)?;
        let rows = answered.await.map_err(|_| StoreError::Closed)??;
        self.changes.log(session);
        Ok(rows)
    }

    /// Returns a session's entries after a number, in their order: at least one where there is one, at most `limit`, and no
    /// further one from about 2 MiB on. Fewer than `limit` are not the end of the log; none are.
    pub async fn read_log(
        &self,
        session: &SessionId,
        after: u64,
        limit: u64,
    ) -> Result<Vec<LogRow>, StoreError> {
        self.read_log_page(session, LogPage { after, limit, bytes: PAGE_BYTES }).await
    }

    /// Returns a page of a session's entries; fewer than its limit are not the end of the log, none are.
    pub(crate) async fn read_log_page(
        &self,
        session: &SessionId,
        page: LogPage,
    ) -> Result<Vec<LogRow>, StoreError> {
        // The sizes are known without reading the entries.
        let sql = "SELECT seq, at, entry FROM session_log WHERE session = ? AND seq > ? AND seq <= (\
                   SELECT MAX(seq) FROM (SELECT seq, size, SUM(size) OVER (ORDER BY seq) AS total FROM (\
                   SELECT seq, OCTET_LENGTH(entry) AS size FROM session_log WHERE session = ? AND seq > ? \
                   ORDER BY seq LIMIT ?) AS entries) AS page WHERE total - size < ?) ORDER BY seq";
        let (name, after) = (session.as_str(), sql::signed(page.after));
        let (limit, bytes) = (sql::signed(page.limit), sql::signed(page.bytes));
        let values = vec![name.into(), after.clone(), name.into(), after, limit, bytes];
        rows(&self.readers, sql, values).await?.iter().map(read).collect()
    }

    /// Returns a session's last entries, in their order: at most `limit`, and about 2 MiB.
    pub async fn read_log_end(&self, session: &SessionId, limit: u64) -> Result<Vec<LogRow>, StoreError> {
        let sql = "SELECT seq, at, entry FROM session_log WHERE session = ? AND seq >= (\
                   SELECT MIN(seq) FROM (SELECT seq, size, SUM(size) OVER (ORDER BY seq DESC) AS total FROM (\
                   SELECT seq, OCTET_LENGTH(entry) AS size FROM session_log WHERE session = ? \
                   ORDER BY seq DESC LIMIT ?) AS entries) AS page WHERE total - size < ?) ORDER BY seq";
        let name = session.as_str();
        let values = vec![name.into(), name.into(), sql::signed(limit), sql::signed(PAGE_BYTES)];
        rows(&self.readers, sql, values).await?.iter().map(read).collect()
    }

    /// Returns the permission requests of a session's log that a person has to answer, and their answers, in their order.
    /// The rest of the log is not read.
    pub async fn read_permission_requests(&self, session: &SessionId) -> Result<Vec<LogRow>, StoreError> {
        let sql = format!(
            "SELECT seq, at, entry FROM session_log WHERE session = ? AND {IS_FOR_PERSON} ORDER BY seq"
        );
        let found = rows(&self.readers, &sql, vec![session.as_str().into()]).await?;
        let mut found = found.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        found.retain(|row| match &row.entry {
            LogEntry::PermissionRequested(request) => request.for_person.as_ref() == Some(&true),
            LogEntry::PermissionResolved(answer) => answer.for_person.as_ref() == Some(&true),
            _ => false,
        });
        Ok(found)
    }

    /// Returns the number of a session's last entry; 0 when it has none.
    pub async fn log_tail(&self, session: &SessionId) -> Result<u64, StoreError> {
        let last = sql::counted(&self.readers, &counter(session)).await?;
        Ok(u64::try_from(last).unwrap_or(0))
    }
}

/// Which entries of a log are read.
pub(crate) struct LogPage {
    pub(crate) after: u64,
    /// How many at most.
    pub(crate) limit: u64,
    /// The size of the entries from which on no further one is read.
    pub(crate) bytes: u64,
}

fn read(row: &Row) -> Result<LogRow, StoreError> {
    Ok(LogRow {
        seq: unsigned(row, "seq")?,
        at: Millis(number(row, "at")?),
        entry: from_json(row, "entry", "log entry")?,
    })
}

/// Entries that wait to be appended.
pub(crate) struct Append {
    session: SessionId,
    at: Millis,
    entries: Vec<LogEntry>,
    answer: oneshot::Sender<Result<Vec<LogRow>, StoreError>>,
}

/// Takes the waiting entries of all sessions and writes them in one transaction, until every sender is gone.
pub(crate) async fn append_together(writer: Writer, mut waiting: mpsc::Receiver<Append>) {
    let mut together = Vec::new();
    while waiting.recv_many(&mut together, TOGETHER).await > 0 {
        let (mut answers, mut batches) = (Vec::new(), Vec::new());
        for Append { session, at, entries, answer } in together.drain(..) {
            answers.push((session.clone(), entries.len(), answer));
            batches.push((session, at, entries));
        }
        match writer.write(move |on| Box::pin(async move { append_batches(on, batches).await })).await {
            Ok(mut appended) => {
                for (session, many, answer) in answers {
                    let rows = appended.get_mut(&session).map(|rows| rows.drain(..many).collect());
                    // A caller that went away finds the entries in the log.
                    let _ = answer.send(Ok(rows.unwrap_or_default()));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for (_, _, answer) in answers {
                    let _ = answer.send(Err(StoreError::NotCommitted(error.clone())));
                }
            }
        }
    }
}

/// Appends batches in their order and returns each session's rows.
async fn append_batches(
    on: &Transaction<'_>,
    batches: Vec<(SessionId, Millis, Vec<LogEntry>)>,
) -> Result<BTreeMap<SessionId, Vec<LogRow>>, StoreError> {
    let mut wanted = Wanted::new();
    for (session, _, entries) in &batches {
        *wanted.entry(counter(session)).or_default() += entries.len();
    }
    let taken = sql::count(on, &wanted).await?;
    let mut numbered: BTreeMap<SessionId, Vec<LogRow>> = BTreeMap::new();
    for (session, at, entries) in batches {
        let first = taken.get(&counter(&session)).copied().unwrap_or(1);
        let rows = numbered.entry(session).or_default();
        let next = first + rows.len() as u64;
        rows.extend((next..).zip(entries).map(|(seq, entry)| LogRow { seq, at, entry }));
    }
    put_all(on, &numbered).await?;
    Ok(numbered)
}

/// Adds the numbers that entries need to what is taken of the counters.
pub(crate) fn want(wanted: &mut Wanted, entries: &[LogAppend]) {
    for entry in entries {
        *wanted.entry(counter(&entry.session)).or_default() += 1;
    }
}

/// Appends entries with the numbers that were taken for them.
pub(crate) async fn append(
    on: &Transaction<'_>,
    at: Millis,
    entries: Vec<LogAppend>,
    mut taken: Taken,
) -> Result<Vec<(SessionId, Vec<LogRow>)>, StoreError> {
    let mut numbered: BTreeMap<SessionId, Vec<LogRow>> = BTreeMap::new();
    for LogAppend { session, entry } in entries {
        let Some(next) = taken.get_mut(&counter(&session)) else { continue };
        numbered.entry(session).or_default().push(LogRow { seq: *next, at, entry });
        *next += 1;
    }
    put_all(on, &numbered).await?;
    Ok(numbered.into_iter().collect())
}

async fn put_all(on: &impl Executor, sessions: &BTreeMap<SessionId, Vec<LogRow>>) -> Result<(), StoreError> {
    let of = |(session, rows): (&SessionId, &Vec<LogRow>)| {
        rows.iter().map(|row| values(session, row)).collect::<Vec<_>>()
    };
    sql::insert(on, TABLE, sessions.iter().flat_map(of).collect(), "").await.map(|_| ())
}

/// Puts rows of a session's log where they belong.
pub(crate) async fn put(on: &impl Executor, session: &SessionId, rows: &[LogRow]) -> Result<(), StoreError> {
    sql::insert(on, TABLE, rows.iter().map(|row| values(session, row)).collect(), "").await.map(|_| ())
}

/// Puts rows of a session's log where they belong, unless they are there.
pub(crate) async fn put_missing(
    on: &impl Executor,
    session: &SessionId,
    rows: &[LogRow],
) -> Result<(), StoreError> {
    let rows = rows.iter().map(|row| values(session, row)).collect();
    sql::insert(on, TABLE, rows, "ON CONFLICT (session, seq) DO NOTHING").await.map(|_| ())
}

/// The table of the logs, with the columns that [`values`] gives.
const TABLE: &str = "session_log (session, seq, at, entry)";

fn values(session: &SessionId, row: &LogRow) -> Vec<Value> {
    vec![session.as_str().into(), sql::signed(row.seq), row.at.0.into(), sql::json(&row.entry)]
}

/// Returns the counter of a session's entries.
pub(crate) fn counter(session: &SessionId) -> String {
    format!("log/{session}")
}
