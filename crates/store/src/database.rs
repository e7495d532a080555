//! The connections: on SQLite a pool of readers and one writer that groups commits, on PostgreSQL a pool.

use crate::{OpenError, StoreError, migrations};
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    SqliteTransactionMode, TransactionOptions, TransactionTrait as _,
};
use std::future::Future;
use std::pin::Pin;
use tokio::sync::{mpsc, oneshot};

/// How many operations wait for the writer before their callers do.
const QUEUE: usize = 4096;
/// How many operations share one commit at most.
const GROUP: usize = 256;

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
}

#[derive(Clone)]
enum Writer {
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
        let store = Self { readers: pool.clone(), writer: Writer::Pooled(pool) };
        migrations::run(&store).await?;
        Ok(store)
    }

    async fn open_sqlite(url: &str) -> Result<Self, OpenError> {
        let path = url.trim_start_matches("sqlite://").trim_start_matches("sqlite:");
        let writer = sqlite(path, true).await?;
        let (jobs, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(write(writer, receiver));
        // The writer has made the file, so that readers may be read-only.
        let readers = sqlite(path, false).await?;
        let store = Self { readers, writer: Writer::Grouped(jobs) };
        migrations::run(&store).await?;
        Ok(store)
    }

    /// The database's kind.
    pub(crate) fn backend(&self) -> DbBackend {
        self.readers.get_database_backend()
    }

    /// Runs an operation in a transaction and returns when it is committed.
    ///
    /// On SQLite it shares its commit with what else waits; one that fails is rolled back alone.
    pub(crate) async fn write<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t DatabaseTransaction) -> InTransaction<'t, T> + Send + 'static,
    {
        match &self.writer {
            Writer::Pooled(pool) => {
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
            Writer::Grouped(jobs) => {
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

async fn sqlite(path: &str, writes: bool) -> Result<DatabaseConnection, OpenError> {
    let mut options =
        ConnectOptions::new(format!("sqlite://{path}?mode={}", if writes { "rwc" } else { "rw" }));
    options.sqlx_logging(false).max_connections(if writes { 1 } else { 8 }).min_connections(1);
    options.map_sqlx_sqlite_opts(move |options| {
        let options = options
            .pragma("journal_mode", "WAL")
            .pragma("synchronous", "FULL")
            .pragma("foreign_keys", "ON")
            .pragma("busy_timeout", "10000");
        if writes { options } else { options.pragma("query_only", "ON") }
    });
    Database::connect(options).await.map_err(OpenError::Connect)
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
