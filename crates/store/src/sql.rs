//! Statements that read the same on both databases.

use crate::StoreError;
use crate::connection::{Backend, Executor, Row, Value};
use crate::writer::ANSWER_WITHIN;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::future::Future;

/// How many rows one statement inserts at most.
const MOST_ROWS: usize = 64;

/// Executes a statement and returns how many rows it touched.
pub(crate) async fn execute(on: &impl Executor, sql: &str, values: Vec<Value>) -> Result<u64, StoreError> {
    answered(on.backend(), on.execute(sql, values)).await
}

/// Returns the rows of a query.
pub(crate) async fn rows(on: &impl Executor, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, StoreError> {
    answered(on.backend(), on.fetch(sql, values)).await
}

/// Returns the first row of a query.
pub(crate) async fn row(
    on: &impl Executor,
    sql: &str,
    values: Vec<Value>,
) -> Result<Option<Row>, StoreError> {
    Ok(rows(on, sql, values).await?.into_iter().next())
}

/// Waits for the answer to a statement. One that comes over the network may never come: a connection that is cut off
/// without a word looks like one whose server is slow.
async fn answered<T>(
    backend: Backend,
    statement: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, StoreError> {
    if backend != Backend::Postgres {
        return Ok(statement.await?);
    }
    match tokio::time::timeout(ANSWER_WITHIN, statement).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(StoreError::TooSlow { seconds: ANSWER_WITHIN.as_secs() }),
    }
}

/// Inserts rows into a table, given with its columns, by as few statements as may be; `then` is what follows the
/// values. Returns what the statements return.
///
/// Every statement costs a way to the database's thread and back. Rows go by powers of two, so that there are few
/// different statements to prepare.
pub(crate) async fn insert(
    on: &impl Executor,
    table: &str,
    mut rows_left: Vec<Vec<Value>>,
    then: &str,
) -> Result<Vec<Row>, StoreError> {
    let mut returned = Vec::new();
    while let Some(first) = rows_left.first() {
        let many = MOST_ROWS.min(1 << rows_left.len().ilog2());
        let row = format!("({})", vec!["?"; first.len()].join(", "));
        let sql = format!("INSERT INTO {table} VALUES {} {then}", vec![row; many].join(", "));
        let values = rows_left.drain(..many).flatten().collect();
        if then.contains("RETURNING") {
            returned.extend(rows(on, &sql, values).await?);
        } else {
            execute(on, &sql, values).await?;
        }
    }
    Ok(returned)
}

/// How many numbers are taken of each counter.
pub(crate) type Wanted = BTreeMap<String, usize>;

/// The first of the numbers that were taken of each counter.
pub(crate) type Taken = BTreeMap<String, u64>;

/// Takes the next numbers of gap-free counters. Their rows stay locked until the transaction ends, so that numbers become
/// visible in their order; they are locked in the order of their names, so that two transactions never wait for each other.
pub(crate) async fn count(on: &impl Executor, wanted: &Wanted) -> Result<Taken, StoreError> {
    let wanted: Vec<(&String, i64)> =
        wanted.iter().filter_map(|(name, many)| Some((name, i64::try_from(*many).ok()?))).collect();
    let added = wanted.iter().filter(|(_, many)| *many > 0);
    let rows = added.clone().map(|(name, many)| vec![name.as_str().into(), (*many).into()]).collect();
    let then =
        "ON CONFLICT (name) DO UPDATE SET value = counters.value + excluded.value RETURNING name, value";
    let lasts = insert(on, "counters (name, value)", rows, then).await?;
    let lasts: BTreeMap<String, i64> = lasts
        .iter()
        .map(|row| Ok((text(row, "name")?, number(row, "value")?)))
        .collect::<Result<_, StoreError>>()?;
    Ok(added
        .filter_map(|(name, many)| {
            let last = lasts.get(*name)?;
            Some(((*name).clone(), u64::try_from(last - many + 1).unwrap_or(0)))
        })
        .collect())
}

/// Takes the next numbers of one counter.
pub(crate) async fn count_one(on: &impl Executor, name: &str, many: usize) -> Result<(), StoreError> {
    count(on, &Wanted::from([(name.to_owned(), many)])).await.map(|_| ())
}

/// Returns the last number a counter gave.
pub(crate) async fn counted(on: &impl Executor, name: &str) -> Result<i64, StoreError> {
    let row = row(on, "SELECT value FROM counters WHERE name = ?", vec![name.into()]).await?;
    Ok(row.map_or(Ok(0), |row| row.get("value"))?)
}

/// Text for a JSON column.
pub(crate) fn json(value: &impl Serialize) -> Value {
    // What is stored are plain data types, whose serialization cannot fail.
    serde_json::to_string(value).unwrap_or_default().into()
}

/// Returns a JSON column's value.
pub(crate) fn from_json<T: DeserializeOwned>(
    row: &Row,
    column: &str,
    what: &'static str,
) -> Result<T, StoreError> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text).map_err(|source| StoreError::Unreadable { what, source })
}

/// Returns a text column's value.
pub(crate) fn text(row: &Row, column: &str) -> Result<String, StoreError> {
    Ok(row.get(column)?)
}

/// Returns a number column's value.
pub(crate) fn number(row: &Row, column: &str) -> Result<i64, StoreError> {
    Ok(row.get(column)?)
}

/// Returns a count or sequence number, which is never negative.
pub(crate) fn unsigned(row: &Row, column: &str) -> Result<u64, StoreError> {
    Ok(u64::try_from(number(row, column)?).unwrap_or(0))
}

/// Returns a number as the databases keep it.
pub(crate) fn signed(number: u64) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}
