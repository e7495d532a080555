//! Statements that read the same on both databases.

use crate::StoreError;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A statement with `?` for its values; PostgreSQL gets them numbered.
pub(crate) fn statement(backend: DbBackend, sql: &str, values: Vec<Value>) -> Statement {
    if backend != DbBackend::Postgres {
        return Statement::from_sql_and_values(backend, sql, values);
    }
    let mut numbered = String::with_capacity(sql.len() + 8);
    let mut count = 0;
    for c in sql.chars() {
        if c == '?' {
            count += 1;
            numbered.push('$');
            numbered.push_str(&count.to_string());
        } else {
            numbered.push(c);
        }
    }
    Statement::from_sql_and_values(backend, numbered, values)
}

/// Executes a statement and returns how many rows it touched.
pub(crate) async fn execute(
    on: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<u64, StoreError> {
    let done = on.execute_raw(statement(on.get_database_backend(), sql, values)).await?;
    Ok(done.rows_affected())
}

/// The rows of a query.
pub(crate) async fn rows(
    on: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Vec<QueryResult>, StoreError> {
    Ok(on.query_all_raw(statement(on.get_database_backend(), sql, values)).await?)
}

/// The first row of a query.
pub(crate) async fn row(
    on: &impl ConnectionTrait,
    sql: &str,
    values: Vec<Value>,
) -> Result<Option<QueryResult>, StoreError> {
    Ok(on.query_one_raw(statement(on.get_database_backend(), sql, values)).await?)
}

/// Takes the next `count` numbers of a gap-free counter and returns the last; the row stays locked until the
/// transaction ends, so that numbers become visible in their order.
pub(crate) async fn count(on: &impl ConnectionTrait, name: &str, count: usize) -> Result<i64, StoreError> {
    let add = i64::try_from(count).unwrap_or(i64::MAX);
    let sql = "INSERT INTO counters (name, value) VALUES (?, ?) \
               ON CONFLICT (name) DO UPDATE SET value = counters.value + excluded.value RETURNING value";
    let row = row(on, sql, vec![name.into(), add.into()]).await?;
    Ok(row.map_or(Ok(add), |row| row.try_get("", "value"))?)
}

/// The last number a counter gave.
pub(crate) async fn counted(on: &impl ConnectionTrait, name: &str) -> Result<i64, StoreError> {
    let row = row(on, "SELECT value FROM counters WHERE name = ?", vec![name.into()]).await?;
    Ok(row.map_or(Ok(0), |row| row.try_get("", "value"))?)
}

/// Text for a JSON column.
pub(crate) fn json(value: &impl Serialize) -> Value {
    // What is stored are plain data types, whose serialization cannot fail.
    serde_json::to_string(value).unwrap_or_default().into()
}

/// A JSON column's value.
pub(crate) fn from_json<T: DeserializeOwned>(
    row: &QueryResult,
    column: &str,
    what: &'static str,
) -> Result<T, StoreError> {
    let text: String = row.try_get("", column)?;
    serde_json::from_str(&text).map_err(|source| StoreError::Unreadable { what, source })
}

/// A text column's value.
pub(crate) fn text(row: &QueryResult, column: &str) -> Result<String, StoreError> {
    Ok(row.try_get("", column)?)
}

/// A number column's value.
pub(crate) fn number(row: &QueryResult, column: &str) -> Result<i64, StoreError> {
    Ok(row.try_get("", column)?)
}

/// A count or sequence number, which is never negative.
pub(crate) fn unsigned(row: &QueryResult, column: &str) -> Result<u64, StoreError> {
    Ok(u64::try_from(number(row, column)?).unwrap_or(0))
}

/// A number as the databases keep it.
pub(crate) fn signed(number: u64) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}
