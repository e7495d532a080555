//! The connections: on SQLite a pool of readers and one writer that groups commits, on PostgreSQL a pool.

use crate::connection::{Pool, Transaction};
use crate::file::DatabaseFile;
use crate::logs::{self, Append};
use crate::search::Changes;
use crate::tasks::TaskLocks;
use crate::writer::{GroupWriter, Health, InTransaction, QUEUE, Writer};
use crate::{OpenError, StoreError, migrations, sql};
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool,
    SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a connection waits for a file that another one has locked.
const LOCKED_FOR: Duration = Duration::from_secs(10);
/// How soon a locked file is asked for again where SQLite does not wait by itself.
const ASK_AGAIN: Duration = Duration::from_millis(5);
/// How long a caller waits for a connection to a server.
const CONNECT_WITHIN: Duration = Duration::from_secs(8);

/// The store; clones share its connections.
#[derive(Clone)]
pub struct Store {
    pub(crate) readers: Pool,
    writer: Writer,
    health: Arc<Health>,
    /// The files of a SQLite database.
    file: Option<Arc<DatabaseFile>>,
    /// Where a PostgreSQL database is.
    server: Option<Arc<str>>,
    /// The entries that wait to be appended to sessions' logs.
    pub(crate) appends: mpsc::Sender<Append>,
    /// Rows that were written and are to be indexed.
    pub(crate) changes: Changes,
    pub(crate) locks: TaskLocks,
}

impl Store {
    /// Opens the database at `sqlite://PATH` (made when it is not there) or `postgres://…` and brings its tables up to
    /// date.
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        Self::open_in_schema(url, None).await
    }

    /// Opens a PostgreSQL database in a schema of its own, made when it is not there.
    pub async fn open_in_schema(url: &str, schema: Option<&str>) -> Result<Self, OpenError> {
        if url.starts_with("sqlite:") {
            return Self::open_sqlite(url).await;
        }
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(OpenError::UnknownKind(url.split(':').next().unwrap_or_default().to_owned()));
        }
        let pool = connect(url, schema).await?;
        let health = Arc::new(Health::default());
        let store =
            Self::of(Pool::Postgres(pool.clone()), Writer::Pooled(pool, health.clone()), health, None);
        let store = Self { server: Some(url.into()), ..store };
        migrations::run(&store).await?;
        store.assign_short_ids().await.map_err(OpenError::Migrate)?;
        Ok(store)
    }

    fn of(readers: Pool, writer: Writer, health: Arc<Health>, file: Option<Arc<DatabaseFile>>) -> Self {
        let (appends, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(logs::append_together(writer.clone(), waiting));
        Self {
            readers,
            writer,
            health,
            file,
            server: None,
            appends,
            changes: Changes::default(),
            locks: TaskLocks::default(),
        }
    }

    async fn open_sqlite(url: &str) -> Result<Self, OpenError> {
        let path = url.trim_start_matches("sqlite://").trim_start_matches("sqlite:").to_owned();
        let of_file = |source| OpenError::File { path: path.clone().into(), source };
        DatabaseFile::prepare(Path::new(&path)).map_err(of_file)?;
        if std::fs::metadata(&path).is_ok_and(|found| found.len() == 0) {
            enable_shrinking(&path).await;
        }
        let connection = sqlite_writer(&path).await?;
        let file = Arc::new(DatabaseFile::opened(Path::new(&path)).map_err(of_file)?);
        let readers = Pool::Sqlite(sqlite_readers(&path).await.map_err(OpenError::Connect)?);
        let (messages, receiver) = mpsc::channel(QUEUE);
        let health = Arc::new(Health::default());
        let connect = move || {
            let path = path.clone();
            async move { sqlite_writing(&path).connect().await }
        };
        let writer = GroupWriter { file: file.clone(), health: health.clone(), connect };
        tokio::spawn(writer.run(connection, receiver));
        let store = Self::of(readers, Writer::Grouped(messages), health, Some(file));
        migrations::run(&store).await?;
        store.assign_short_ids().await.map_err(OpenError::Migrate)?;
        Ok(store)
    }

    /// Runs an operation in a transaction and returns when it is committed.
    pub(crate) async fn write<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Transaction<'_>) -> InTransaction<'t, T> + Send + 'static,
    {
        self.writer.write(operation).await
    }

    #[cfg(test)]
    pub(crate) fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Writes what waits, brings it into the one file of a SQLite database, and closes the connections.
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Whether the database can be read and written; after a write that failed, this writes to find out.
    pub async fn check(&self) -> Result<(), Arc<StoreError>> {
        if let Some(file) = &self.file {
            file.check()?;
        }
        let read = sql::row(&self.readers, "SELECT version FROM schema_version LIMIT 1", Vec::new()).await;
        if let (Err(StoreError::Database(sqlx::Error::PoolTimedOut)), Some(url)) = (&read, &self.server)
            && let Some(refused) = refusal(url).await
        {
            return Err(Arc::new(refused.into()));
        }
        read?;
        if self.health.failure().is_some() {
            self.write(|on| Box::pin(sql::count_one(on, "write_probe", 1))).await?;
        }
        Ok(())
    }

    /// Returns why the last write failed, where the database itself was the reason and none has succeeded since.
    pub fn write_failure(&self) -> Option<Arc<StoreError>> {
        self.health.failure()
    }

    /// Saves what a SQLite database held whose file was deleted under it, and returns where. It blocks.
    pub fn rescue(&self) -> std::io::Result<Option<PathBuf>> {
        self.file.as_ref().map_or(Ok(None), |file| file.rescue())
    }

    /// Returns the file of a SQLite database.
    pub fn path(&self) -> Option<&Path> {
        self.file.as_deref().map(DatabaseFile::path)
    }

    /// Returns whether triggers of the database count the tasks of each status; they do on SQLite.
    pub(crate) fn keeps_totals(&self) -> bool {
        self.server.is_none()
    }

    /// Waits until nothing can be written any more because a writing task ended: the process has to.
    pub async fn writer_ended(&self) {
        tokio::select! {
            () = self.writer.ended() => {}
            () = self.appends.closed() => {}
        }
    }
}

/// Connects to a PostgreSQL server; the tables are in the schema, which is made when it is not there.
async fn connect(url: &str, schema: Option<&str>) -> Result<PgPool, OpenError> {
    let options = url.parse::<PgConnectOptions>().map_err(OpenError::Connect)?.disable_statement_logging();
    let mut pool =
        PgPoolOptions::new().max_connections(32).min_connections(1).acquire_timeout(CONNECT_WITHIN);
    if let Some(schema) = schema {
        let schema = format!("\"{}\"", schema.replace('"', ""));
        create_schema(&options, &schema).await?;
        // Not among the parameters that a connection starts with, which connection poolers refuse.
        let set: Arc<str> = format!("SET search_path = {schema}").into();
        pool = pool.after_connect(move |connection, _| {
            let set = sqlx::raw_sql(AssertSqlSafe(set.clone()));
            Box::pin(async move { set.execute(connection).await.map(|_| ()) })
        });
    }
    match pool.connect_with(options).await {
        Ok(pool) => Ok(pool),
        Err(error) => Err(OpenError::Connect(refusal(url).await.unwrap_or(error))),
    }
}

async fn create_schema(options: &PgConnectOptions, schema: &str) -> Result<(), OpenError> {
    let connecting = tokio::time::timeout(CONNECT_WITHIN, options.connect()).await;
    let mut connection = connecting.unwrap_or(Err(sqlx::Error::PoolTimedOut)).map_err(OpenError::Connect)?;
    // Servers that start together make it one after the other; the lock ends with the connection.
    let sql = format!("SELECT pg_advisory_lock(7236); CREATE SCHEMA IF NOT EXISTS {schema}");
    let created = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await;
    created.map_err(|error| OpenError::Migrate(error.into()))?;
    connection.close().await.map_err(OpenError::Connect)
}

/// Returns why a PostgreSQL server takes no connection, as when it has too many or does not run; `None` where it takes one
/// or says nothing. A pool tries again until its time is up, and reports the time-out alone.
async fn refusal(url: &str) -> Option<sqlx::Error> {
    match tokio::time::timeout(CONNECT_WITHIN, PgConnection::connect(url)).await {
        Ok(Err(error)) => Some(error),
        Ok(Ok(connection)) => {
            // It was there to be refused.
            let _ = connection.close().await;
            None
        }
        Err(_) => None,
    }
}

/// Lets an empty file return free pages to the file system, which SQLite only takes before the first table. Where that
/// fails, as when several open the file at once, the file reuses free pages alone.
async fn enable_shrinking(path: &str) {
    let options = sqlite(path).auto_vacuum(SqliteAutoVacuum::Incremental);
    let made = async {
        let mut connection = options.connect().await?;
        let made =
            sqlx::raw_sql("BEGIN IMMEDIATE; CREATE TABLE first_table (a); DROP TABLE first_table; COMMIT")
                .execute(&mut connection)
                .await;
        connection.close().await?;
        made
    };
    if let Err(error) = made.await {
        tracing::debug!(%error, path, "the database file will not shrink");
    }
}

/// Opens the writer. Where several open a file that is just being made, SQLite answers "locked" at once to those that
/// come while its journal changes, whatever the timeout is; they ask again.
async fn sqlite_writer(path: &str) -> Result<SqliteConnection, OpenError> {
    let asked = tokio::time::Instant::now();
    loop {
        match sqlite_writing(path).connect().await.map_err(OpenError::Connect) {
            Err(OpenError::Connect(error)) if is_locked(&error) && asked.elapsed() < LOCKED_FOR => {
                tokio::time::sleep(ASK_AGAIN).await;
            }
            opened => return opened,
        }
    }
}

/// Returns whether the file is locked by another connection: SQLite's primary result codes 5 and 6.
fn is_locked(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

/// Returns how a file is opened; one that was deleted is not made again.
fn sqlite(path: &str) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .foreign_keys(true)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(LOCKED_FOR)
        // Pages as they were before a savepoint, and what is sorted, need no file.
        .pragma("temp_store", "MEMORY")
        .disable_statement_logging()
}

fn sqlite_writing(path: &str) -> SqliteConnectOptions {
    sqlite(path).journal_mode(SqliteJournalMode::Wal)
}

async fn sqlite_readers(path: &str) -> Result<SqlitePool, sqlx::Error> {
    let pool = SqlitePoolOptions::new().max_connections(8).min_connections(1);
    pool.connect_with(sqlite(path).pragma("query_only", "ON")).await
}
