//! What retention removes from the database, in batches of bounded size, and how much the tables hold.

use crate::connection::{Executor as _, Row, Value};
use crate::sql::{self, number, row, rows, text, unsigned};
use crate::{Store, StoreError};
use workflow::{Millis, TaskId};

/// How many rows one transaction removes at most, so that other writes do not wait long.
pub const BATCH_ROWS: u64 = 500;
/// How many of the newest rows of a table give the average size of its rows.
const SAMPLE_ROWS: u64 = 1_000;

/// Rows that were removed or would be, and the size of their contents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowTotal {
    pub rows: u64,
    pub bytes: u64,
}

impl std::ops::AddAssign for RowTotal {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        self.bytes += other.bytes;
    }
}

/// Rows that each have an expiry time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiring {
    /// Finished effects. The lease under which an effect was finished says when that was.
    FinishedEffects,
    /// Answers to requests with an idempotency key.
    IdempotencyAnswers,
}

impl Expiring {
    fn table(self) -> &'static str {
        match self {
            Self::FinishedEffects => "effects",
            Self::IdempotencyAnswers => "idempotency",
        }
    }

    fn content(self) -> &'static str {
        match self {
            Self::FinishedEffects => "effect",
            Self::IdempotencyAnswers => "response",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::FinishedEffects => "id",
            Self::IdempotencyAnswers => "user_id, route, name",
        }
    }

    /// Returns the condition of the table's index by time.
    fn is_expired(self) -> &'static str {
        match self {
            Self::FinishedEffects => "state = 'done' AND lease_until < ?",
            Self::IdempotencyAnswers => "at < ?",
        }
    }
}

/// The oldest messages of a topic of the feed, which can go. The last message of a topic always stays: it tells a
/// client that comes back that it missed the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedSpan {
    pub topic: String,
    /// The number of the first message.
    pub first: u64,
    /// The number of the first message that stays.
    pub end: u64,
    pub total: RowTotal,
}

/// How much the database holds. The sizes of tables are estimates from their newest rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DatabaseSize {
    /// All files of the database, or all its tables on a server.
    pub bytes: u64,
    /// The part of it that is free for reuse.
    pub free_bytes: u64,
    pub feed: RowTotal,
    pub logs: RowTotal,
    pub effects: RowTotal,
    pub idempotency: RowTotal,
}

impl Store {
    /// Counts the rows that expired before a time.
    pub async fn count_expired(&self, what: Expiring, before: Millis) -> Result<RowTotal, StoreError> {
        let sql = format!(
            "SELECT COUNT(*) AS many, COALESCE(SUM(OCTET_LENGTH({})), 0) AS bytes FROM {} WHERE {}",
            what.content(),
            what.table(),
            what.is_expired()
        );
        let found = row(&self.readers, &sql, vec![before.0.into()]).await?;
        found.map_or(Ok(RowTotal::default()), |row| read_total(&row))
    }

    /// Removes up to [`BATCH_ROWS`] rows that expired before a time, oldest first, and returns what was removed.
    pub async fn remove_expired(&self, what: Expiring, before: Millis) -> Result<RowTotal, StoreError> {
        let time = if what == Expiring::FinishedEffects { "lease_until" } else { "at" };
        let (table, key, content) = (what.table(), what.key(), what.content());
        let sql = format!(
            "DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} WHERE {} ORDER BY {time} LIMIT ?) \
             RETURNING CAST(OCTET_LENGTH({content}) AS BIGINT) AS bytes",
            what.is_expired()
        );
        self.remove(sql, vec![before.0.into(), sql::signed(BATCH_ROWS)]).await
    }

    /// Returns the messages that are older than the last `keep` of their topic, at most `limit` topics.
    pub async fn feed_beyond(&self, keep: u64, limit: u64) -> Result<Vec<FeedSpan>, StoreError> {
        let keep = keep.max(1);
        // The names of counters are a range of their primary key; `0` comes after `/`.
        let sql = "SELECT SUBSTR(c.name, 6) AS topic, c.value - ? + 1 AS stop, \
                   (SELECT MIN(f.seq) FROM feed f WHERE f.topic = SUBSTR(c.name, 6)) AS start \
                   FROM counters c WHERE c.name >= 'feed/' AND c.name < 'feed0' AND c.value > ? ORDER BY c.name";
        let found = rows(&self.readers, sql, vec![sql::signed(keep), sql::signed(keep)]).await?;
        let mut spans = Vec::new();
        for row in &found {
            let Some(first) = row.get::<Option<i64>>("start")? else { continue };
            let (topic, first) = (text(row, "topic")?, u64::try_from(first).unwrap_or(0));
            let end = unsigned(row, "stop")?;
            if first >= end {
                continue;
            }
            let sql = "SELECT COUNT(*) AS many, COALESCE(SUM(OCTET_LENGTH(data)), 0) AS bytes FROM feed \
                       WHERE topic = ? AND seq >= ? AND seq < ?";
            let values = vec![topic.as_str().into(), sql::signed(first), sql::signed(end)];
            let total = self::row(&self.readers, sql, values).await?;
            let total = total.map_or(Ok(RowTotal::default()), |row| read_total(&row))?;
            spans.push(FeedSpan { topic, first, end, total });
            if u64::try_from(spans.len()).is_ok_and(|many| many >= limit) {
                break;
            }
        }
        Ok(spans)
    }

    /// Returns all messages but the last of the topics of tasks that are finished and have not changed since a time, at
    /// most `limit` topics after one. A task's topic is `prefix` and its id.
    pub async fn feed_of_finished(
        &self,
        prefix: &str,
        before: Millis,
        after: &str,
        limit: u64,
    ) -> Result<Vec<FeedSpan>, StoreError> {
        let sql = "SELECT f.topic AS topic, MIN(f.seq) AS start, MAX(f.seq) AS stop, COUNT(*) - 1 AS many, \
                   SUM(OCTET_LENGTH(f.data)) AS bytes FROM tasks t JOIN feed f ON f.topic = ? || t.id \
                   WHERE t.status IN ('done', 'cancelled') AND t.updated_at < ? AND f.topic > ? \
                   GROUP BY f.topic HAVING COUNT(*) > 1 ORDER BY f.topic LIMIT ?";
        let values = vec![prefix.into(), before.0.into(), after.into(), sql::signed(limit)];
        let found = rows(&self.readers, sql, values).await?;
        found
            .iter()
            .map(|row| {
                let (first, end) = (unsigned(row, "start")?, unsigned(row, "stop")?);
                Ok(FeedSpan { topic: text(row, "topic")?, first, end, total: read_total(row)? })
            })
            .collect()
    }

    /// Removes up to [`BATCH_ROWS`] of a span's messages, oldest first, and returns what was removed.
    pub async fn remove_feed(&self, span: &FeedSpan) -> Result<RowTotal, StoreError> {
        let sql = "SELECT MIN(seq) AS start FROM feed WHERE topic = ?";
        let found = row(&self.readers, sql, vec![span.topic.as_str().into()]).await?;
        let Some(first) = found.map(|row| row.get::<Option<i64>>("start")).transpose()?.flatten() else {
            return Ok(RowTotal::default());
        };
        let first = u64::try_from(first).unwrap_or(0);
        let end = span.end.min(first + BATCH_ROWS);
        let sql = "DELETE FROM feed WHERE topic = ? AND seq >= ? AND seq < ? \
                   RETURNING CAST(OCTET_LENGTH(data) AS BIGINT) AS bytes";
        let values = vec![span.topic.as_str().into(), sql::signed(first), sql::signed(end)];
        self.remove(sql.to_owned(), values).await
    }

    /// Returns when a finished task changed last; none for one that is not finished.
    pub async fn last_change_of(&self, task: &TaskId) -> Result<Option<Millis>, StoreError> {
        let sql = "SELECT updated_at FROM tasks WHERE id = ? AND status IN ('done', 'cancelled')";
        let found = row(&self.readers, sql, vec![task.as_str().into()]).await?;
        found.map(|row| Ok(Millis(number(&row, "updated_at")?))).transpose()
    }

    /// Returns how much the database holds.
    pub async fn database_size(&self) -> Result<DatabaseSize, StoreError> {
        let (bytes, free_bytes) = match self.path() {
            Some(path) => {
                let files = ["", "-wal", "-shm"].map(|suffix| {
                    let mut name = path.as_os_str().to_owned();
                    name.push(suffix);
                    std::fs::metadata(name).map_or(0, |found| found.len())
                });
                (files.iter().sum(), self.free_bytes().await?)
            }
            None => {
                let sql = "SELECT COALESCE(SUM(pg_total_relation_size(c.oid)), 0)::BIGINT AS bytes FROM pg_class c \
                           JOIN pg_namespace n ON n.oid = c.relnamespace \
                           WHERE n.nspname = current_schema() AND c.relkind = 'r'";
                let found = row(&self.readers, sql, Vec::new()).await?;
                (found.map_or(Ok(0), |row| unsigned(&row, "bytes"))?, 0)
            }
        };
        let logs = "SELECT CAST(COALESCE(SUM(value), 0) AS BIGINT) AS many FROM counters WHERE name >= 'log/' AND name < 'log0'";
        let count = |table: &str| format!("SELECT COUNT(*) AS many FROM {table}");
        Ok(DatabaseSize {
            bytes,
            free_bytes,
            feed: self.estimate(&count("feed"), "feed", "data").await?,
            // Counting rows would read a whole index; every log counts its own entries.
            logs: self.estimate(logs, "session_log", "entry").await?,
            effects: self.estimate(&count("effects"), "effects", "effect").await?,
            idempotency: self.estimate(&count("idempotency"), "idempotency", "response").await?,
        })
    }

    /// Returns up to 1,000 free pages of a SQLite file to the file system, and how many bytes these were. A file that was
    /// made without incremental vacuum keeps its size.
    pub async fn shrink(&self) -> Result<u64, StoreError> {
        if self.path().is_none() {
            return Ok(0);
        }
        let before = self.free_bytes().await?;
        self.write(|on| {
            Box::pin(async move { Ok(on.execute_batch("PRAGMA incremental_vacuum(1000)").await?) })
        })
        .await?;
        Ok(before.saturating_sub(self.free_bytes().await?))
    }

    /// Returns how much of a SQLite file incremental vacuum can return to the file system.
    pub async fn shrinkable(&self) -> Result<u64, StoreError> {
        if self.path().is_none() {
            return Ok(0);
        }
        let mode =
            row(&self.readers, "SELECT auto_vacuum AS mode FROM pragma_auto_vacuum", Vec::new()).await?;
        let is_incremental = mode.map_or(Ok(0), |row| number(&row, "mode"))? == 2;
        if is_incremental { self.free_bytes().await } else { Ok(0) }
    }

    /// Returns the size of the free pages of a SQLite file.
    async fn free_bytes(&self) -> Result<u64, StoreError> {
        let sql =
            "SELECT f.freelist_count * s.page_size AS free FROM pragma_freelist_count f, pragma_page_size s";
        let free = row(&self.readers, sql, Vec::new()).await?;
        free.map_or(Ok(0), |row| unsigned(&row, "free"))
    }

    /// Returns a table's rows by a query that counts them, and their size by the average of the newest.
    async fn estimate(&self, count: &str, table: &str, column: &str) -> Result<RowTotal, StoreError> {
        let counted = row(&self.readers, count, Vec::new()).await?;
        let many = counted.map_or(Ok(0), |row| unsigned(&row, "many"))?;
        let newest = if self.path().is_some() { "ORDER BY rowid DESC" } else { "" };
        let sql = format!(
            "SELECT COALESCE(SUM(size), 0) AS bytes, COUNT(*) AS many FROM \
             (SELECT OCTET_LENGTH({column}) AS size FROM {table} {newest} LIMIT ?) AS newest"
        );
        let sample = row(&self.readers, &sql, vec![sql::signed(SAMPLE_ROWS)]).await?;
        let sample = sample.map_or(Ok(RowTotal::default()), |row| read_total(&row))?;
        Ok(RowTotal { rows: many, bytes: sample.bytes * many / sample.rows.max(1) })
    }

    /// Runs a statement that removes rows and returns the size of each as `bytes`.
    async fn remove(&self, sql: String, values: Vec<Value>) -> Result<RowTotal, StoreError> {
        self.write(move |on| {
            Box::pin(async move {
                let removed = rows(on, &sql, values).await?;
                let mut total = RowTotal::default();
                for row in &removed {
                    total += RowTotal { rows: 1, bytes: unsigned(row, "bytes")? };
                }
                Ok(total)
            })
        })
        .await
    }
}

fn read_total(row: &Row) -> Result<RowTotal, StoreError> {
    Ok(RowTotal { rows: unsigned(row, "many")?, bytes: unsigned(row, "bytes")? })
}
