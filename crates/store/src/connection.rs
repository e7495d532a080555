//! Connections to either database behind one set of types, so that a statement is written once for both.

use futures::future::BoxFuture;
use sqlx::postgres::{PgArguments, PgConnection, PgPool, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqlitePool, SqliteRow};
use sqlx::{AssertSqlSafe, Decode, Error, Postgres, Row as _, Sqlite, Type};
use tokio::sync::Mutex;

/// The kind of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    Sqlite,
    Postgres,
}

/// A value that a statement is executed with.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(Option<String>),
    Integer(Option<i64>),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(text.to_owned()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Some(text))
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(Some(number))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Integer(number)
    }
}

/// A row that a query returned.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// Returns the value of a column.
    pub(crate) fn get<'r, T>(&'r self, column: &str) -> Result<T, Error>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
    }
}

/// The result of a statement. It is boxed: otherwise every caller's future would contain those of the drivers, which
/// takes the compiler most of its time.
type Answer<'a, T> = BoxFuture<'a, Result<T, Error>>;

/// The executor of statements: the pool, or a transaction.
pub(crate) trait Executor: Sync {
    fn backend(&self) -> Backend;

    /// Executes a statement, which stays prepared, and returns how many rows it changed.
    fn execute<'a>(&'a self, sql: &'a str, values: Vec<Value>) -> Answer<'a, u64>;

    /// Executes a query, which stays prepared, and returns its rows.
    fn fetch<'a>(&'a self, sql: &'a str, values: Vec<Value>) -> Answer<'a, Vec<Row>>;

    /// Executes statements that have no values and are not prepared, and returns how many rows they changed.
    fn execute_batch<'a>(&'a self, sql: &'a str) -> Answer<'a, u64>;
}

/// Connections that callers take turns with; clones share them.
#[derive(Clone)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

impl Executor for Pool {
    fn backend(&self) -> Backend {
        match self {
            Self::Sqlite(_) => Backend::Sqlite,
            Self::Postgres(_) => Backend::Postgres,
        }
    }

    fn execute<'a>(&'a self, sql: &'a str, values: Vec<Value>) -> Answer<'a, u64> {
        Box::pin(async move {
            match self {
                Self::Sqlite(pool) => Ok(sqlite(sql, values).execute(pool).await?.rows_affected()),
                Self::Postgres(pool) => Ok(postgres(sql, values).execute(pool).await?.rows_affected()),
            }
        })
    }

    fn fetch<'a>(&'a self, sql: &'a str, values: Vec<Value>) -> Answer<'a, Vec<Row>> {
        Box::pin(async move {
            match self {
                Self::Sqlite(pool) => Ok(of_sqlite(sqlite(sql, values).fetch_all(pool).await?)),
                Self::Postgres(pool) => Ok(of_postgres(postgres(sql, values).fetch_all(pool).await?)),
            }
        })
    }

    fn execute_batch<'a>(&'a self, sql: &'a str) -> Answer<'a, u64> {
        Box::pin(async move {
            let batch = sqlx::raw_sql(AssertSqlSafe(sql));
            match self {
                Self::Sqlite(pool) => Ok(batch.execute(pool).await?.rows_affected()),
                Self::Postgres(pool) => Ok(batch.execute(pool).await?.rows_affected()),
            }
        })
    }
}

/// A transaction that somebody else began and ends. It is shared by reference, like a pool, so that what only reads can be
/// given either; its statements take turns.
pub(crate) enum Transaction<'c> {
    Sqlite(Mutex<&'c mut SqliteConnection>),
    Postgres(Mutex<&'c mut PgConnection>),
}

impl<'c> Transaction<'c> {
    pub(crate) fn on_sqlite(connection: &'c mut SqliteConnection) -> Self {
        Self::Sqlite(Mutex::new(connection))
    }

    pub(crate) fn on_postgres(connection: &'c mut PgConnection) -> Self {
        Self::Postgres(Mutex::new(connection))
    }
}

impl Executor for Transaction<'_> {
    fn backend(&self) -> Backend {
        match self {
            Self::Sqlite(_) => Backend::Sqlite,
            Self::Postgres(_) => Backend::Postgres,
        }
    }

    fn execute<'a>(&'a self, sql: &'a str, values: Vec<Value>) -> Answer<'a, u64> {
        Box::pin(async move {
            match self {
                Self::Sqlite(connection) => {
                    let mut connection = connection.lock().await;
                    Ok(sqlite(sql, values).execute(&mut **connection).await?.rows_affected())
                }
                Self::Postgres(connection) => {
                    let mut connection = connection.lock().await;
                    Ok(postgres(sql, values).execute(&mut **connection).await?.rows_affected())
                }
            }
        })
    }

    fn fetch<'a>(&'a self, sql: &'a str, values: Vec<Value>) -> Answer<'a, Vec<Row>> {
        Box::pin(async move {
            match self {
                Self::Sqlite(connection) => {
                    let mut connection = connection.lock().await;
                    Ok(of_sqlite(sqlite(sql, values).fetch_all(&mut **connection).await?))
                }
                Self::Postgres(connection) => {
                    let mut connection = connection.lock().await;
                    Ok(of_postgres(postgres(sql, values).fetch_all(&mut **connection).await?))
                }
            }
        })
    }

    fn execute_batch<'a>(&'a self, sql: &'a str) -> Answer<'a, u64> {
        Box::pin(async move {
            let batch = sqlx::raw_sql(AssertSqlSafe(sql));
            match self {
                Self::Sqlite(connection) => {
                    Ok(batch.execute(&mut **connection.lock().await).await?.rows_affected())
                }
                Self::Postgres(connection) => {
                    Ok(batch.execute(&mut **connection.lock().await).await?.rows_affected())
                }
            }
        })
    }
}

/// Returns a statement for SQLite. Its text is the store's own: what comes from outside is in the values.
fn sqlite(sql: &str, values: Vec<Value>) -> Query<'static, Sqlite, SqliteArguments> {
    let query = sqlx::query(AssertSqlSafe(sql));
    values.into_iter().fold(query, |query, value| match value {
        Value::Text(text) => query.bind(text),
        Value::Integer(number) => query.bind(number),
    })
}

/// Returns a statement for PostgreSQL, whose values are numbered: `$1` for the first `?`.
fn postgres(sql: &str, values: Vec<Value>) -> Query<'static, Postgres, PgArguments> {
    let query = sqlx::query(AssertSqlSafe(numbered(sql)));
    values.into_iter().fold(query, |query, value| match value {
        Value::Text(text) => query.bind(text),
        Value::Integer(number) => query.bind(number),
    })
}

fn numbered(sql: &str) -> String {
    let mut numbered = String::with_capacity(sql.len() + 8);
    for (at, part) in sql.split('?').enumerate() {
        if at > 0 {
            numbered.push('$');
            numbered.push_str(&at.to_string());
        }
        numbered.push_str(part);
    }
    numbered
}

fn of_sqlite(rows: Vec<SqliteRow>) -> Vec<Row> {
    rows.into_iter().map(Row::Sqlite).collect()
}

fn of_postgres(rows: Vec<PgRow>) -> Vec<Row> {
    rows.into_iter().map(Row::Postgres).collect()
}
