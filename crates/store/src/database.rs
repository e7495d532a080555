//! The connections: on SQLite a pool of readers and one writer that groups commits, on PostgreSQL a pool.

use crate::logs::{self, Append};
use crate::search::Changes;
use crate::{OpenError, StoreError, migrations};
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DatabaseTransaction, DbErr,
    RuntimeErr, SqliteTransactionMode, TransactionOptions, TransactionTrait as _,
};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// How many operations wait for the writer before their callers do.
const QUEUE: usize = 4096;
/// How many operations share one commit at most.
const GROUP: usize = 256;
/// How long a connection waits for a file that another one has locked.
const LOCKED_FOR: Duration = Duration::from_secs(10);
/// How soon a locked file is asked for again where SQLite does not wait by itself.
const ASK_AGAIN: Duration = Duration::from_millis(5);

/// A future tied to the transaction it works in.
pub(crate) type InTransaction<'t, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 't>>;

/// Tells an operation's caller how the commit went.
type Answer = Box<dyn FnOnce(Result<(), String>) + Send>;
type Job = Box<
    dyn for<'t> FnOnce(&'t DatabaseTransaction) -> Pin<Box<dyn Future<Output = (bool, Answer)> + Send + 't>>
        + Send,
>;

/// The store; clones share its connections.
#[derive(Clone)]
pub struct Store {
    pub(crate) readers: DatabaseConnection,
    writer: Writer,
    /// What waits to be appended to sessions' logs.
    pub(crate) appends: mpsc::Sender<Append>,
    /// What was written and is to be indexed.
    pub(crate) changes: Changes,
}

#[derive(Clone)]
pub(crate) enum Writer {
    /// One task in front of one connection.
    Grouped(mpsc::Sender<Job>),
    /// The database's own concurrency.
    Pooled(DatabaseConnection),
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
        let mut options = ConnectOptions::new(url);
        options.max_connections(32).min_connections(1).sqlx_logging(false);
        if let Some(schema) = schema {
            let mut single = options.clone();
            single.max_connections(1);
            let admin = Database::connect(single).await.map_err(OpenError::Connect)?;
            // Servers that start together make it one after the other; the lock ends with the connection.
            let sql = format!(
                "SELECT pg_advisory_lock(7236); CREATE SCHEMA IF NOT EXISTS \"{}\"",
                schema.replace('"', "")
            );
            admin.execute_unprepared(&sql).await.map_err(|error| OpenError::Migrate(error.into()))?;
            admin.close().await.map_err(OpenError::Connect)?;
            options.set_schema_search_path(schema);
        }
        let pool = Database::connect(options).await.map_err(OpenError::Connect)?;
        let store = Self::of(pool.clone(), Writer::Pooled(pool));
        migrations::run(&store).await?;
        Ok(store)
    }

    fn of(readers: DatabaseConnection, writer: Writer) -> Self {
        let (appends, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(logs::append_together(writer.clone(), waiting));
        Self { readers, writer, appends, changes: Changes::default() }
    }

    async fn open_sqlite(url: &str) -> Result<Self, OpenError> {
        let path = url.trim_start_matches("sqlite://").trim_start_matches("sqlite:");
        let writer = sqlite_writer(path).await?;
        let (jobs, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(write(writer, receiver));
        // The writer has made the file, so that readers may be read-only.
        let readers = sqlite(path, false).await.map_err(OpenError::Connect)?;
        let store = Self::of(readers, Writer::Grouped(jobs));
        migrations::run(&store).await?;
        Ok(store)
    }

    /// Runs an operation in a transaction and returns when it is committed.
    pub(crate) async fn write<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t DatabaseTransaction) -> InTransaction<'t, T> + Send + 'static,
    {
        self.writer.write(operation).await
    }

    /// Closes the readers; what was answered is durable already.
    pub async fn close(&self) {
        if let Err(error) = self.readers.clone().close().await {
            tracing::warn!(%error, "the database did not close well");
        }
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        Ok(self.readers.ping().await?)
    }
}

impl Writer {
    /// Runs an operation in a transaction and returns when it is committed.
    ///
    /// On SQLite it shares its commit with what else waits; one that fails is rolled back alone.
    pub(crate) async fn write<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t DatabaseTransaction) -> InTransaction<'t, T> + Send + 'static,
    {
        match self {
            Self::Pooled(pool) => {
                let transaction = pool.begin().await?;
                match operation(&transaction).await {
                    Ok(value) => {
                        transaction.commit().await?;
                        Ok(value)
                    }
                    Err(error) => {
                        transaction.rollback().await?;
                        Err(error)
                    }
                }
            }
            Self::Grouped(jobs) => {
                let (answer, answered) = oneshot::channel();
                let job: Job = Box::new(move |transaction| {
                    Box::pin(async move {
                        let result = operation(transaction).await;
                        let good = result.is_ok();
                        let tell: Answer = Box::new(move |committed| {
                            let result = match committed {
                                Ok(()) => result,
                                Err(message) => Err(StoreError::Group(message)),
                            };
                            // A caller that went away does not need the answer.
                            let _ = answer.send(result);
                        });
                        (good, tell)
                    })
                });
                jobs.send(job).await.map_err(|_| StoreError::Closed)?;
                answered.await.map_err(|_| StoreError::Closed)?
            }
        }
    }
}

/// Opens the writer. Where several open a file that is just being made, SQLite answers "locked" at once to those that
/// come while its journal changes, whatever the timeout is; they ask again.
async fn sqlite_writer(path: &str) -> Result<DatabaseConnection, OpenError> {
    let asked = tokio::time::Instant::now();
    loop {
        match sqlite(path, true).await.map_err(OpenError::Connect) {
            Err(OpenError::Connect(error)) if is_locked(&error) && asked.elapsed() < LOCKED_FOR => {
                tokio::time::sleep(ASK_AGAIN).await;
            }
            opened => return opened,
        }
    }
}

/// Whether the file is locked by another connection: SQLite's primary result codes 5 and 6.
fn is_locked(error: &DbErr) -> bool {
    let (DbErr::Conn(RuntimeErr::SqlxError(cause)) | DbErr::Exec(RuntimeErr::SqlxError(cause))) = error
    else {
        return false;
    };
    let code = cause.as_database_error().and_then(sea_orm::sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

async fn sqlite(path: &str, writes: bool) -> Result<DatabaseConnection, DbErr> {
    let mut options =
        ConnectOptions::new(format!("sqlite://{path}?mode={}", if writes { "rwc" } else { "rw" }));
    options.sqlx_logging(false).max_connections(if writes { 1 } else { 8 }).min_connections(1);
    options.map_sqlx_sqlite_opts(move |options| {
        let options = options
            .pragma("synchronous", "FULL")
            .pragma("foreign_keys", "ON")
            // Pages as they were before a savepoint, and what is sorted, need no file.
            .pragma("temp_store", "MEMORY")
            .pragma("busy_timeout", LOCKED_FOR.as_millis().to_string());
        if writes { options.pragma("journal_mode", "WAL") } else { options.pragma("query_only", "ON") }
    });
    Database::connect(options).await
}

/// The writer: takes what waits, runs each operation in a savepoint of its own, commits once, answers all.
async fn write(connection: DatabaseConnection, mut jobs: mpsc::Receiver<Job>) {
    while let Some(first) = jobs.recv().await {
        let mut group = vec![first];
        while group.len() < GROUP
            && let Ok(job) = jobs.try_recv()
        {
            group.push(job);
        }
        let mut answers = Vec::with_capacity(group.len());
        let committed = run(&connection, group, &mut answers).await.map_err(|error| error.to_string());
        for answer in answers {
            answer(committed.clone());
        }
    }
}

async fn run(
    connection: &DatabaseConnection,
    group: Vec<Job>,
    answers: &mut Vec<Answer>,
) -> Result<(), StoreError> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let transaction = connection.begin_with_options(options).await?;
    let group = match <[Job; 1]>::try_from(group) {
        // One alone needs no savepoint, for which SQLite keeps every page as it was before.
        Ok([job]) => {
            let (good, answer) = job(&transaction).await;
            answers.push(answer);
            if good {
                transaction.commit().await?;
            } else {
                transaction.rollback().await?;
            }
            return Ok(());
        }
        Err(group) => group,
    };
    for job in group {
        let savepoint = transaction.begin().await?;
        let (good, answer) = job(&savepoint).await;
        answers.push(answer);
        if good {
            savepoint.commit().await?;
        } else {
            savepoint.rollback().await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}
