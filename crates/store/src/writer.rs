//! Writing: on SQLite one task in front of one connection, which groups what waits into one durable commit; on
//! PostgreSQL the pool.
//!
//! An operation succeeds only after the commit that it is part of. After a failed statement SQLite may have rolled the
//! whole transaction back by itself, while the driver still counts it as open. So whenever a `BEGIN`, `COMMIT`,
//! `ROLLBACK` or savepoint fails, every operation of the group fails and the connection is replaced.

use crate::connection::{Executor as _, Transaction};
use crate::error::is_refusal;
use crate::file::DatabaseFile;
use crate::metrics::{WRITE_DURATION, WRITE_GROUP_SIZE, WRITE_WAIT};
use crate::{Fault, StoreError};
use futures::FutureExt as _;
use metrics::histogram;
use parking_lot::Mutex;
use sqlx::Connection as _;
use sqlx::postgres::PgPool;
use sqlx::sqlite::SqliteConnection;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot};

/// How many operations wait for the writer before their callers do.
pub(crate) const QUEUE: usize = 4096;
/// How many operations share one commit at most.
const GROUP: usize = 256;
/// How long a server on the network may take for a whole transaction, or for one statement outside of one.
pub(crate) const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// How long a connection that is given up may take to close.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// A future tied to the transaction it works in.
pub(crate) type InTransaction<'t, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 't>>;

/// Where operations are written.
#[derive(Clone)]
pub(crate) enum Writer {
    /// One task in front of one connection.
    Grouped(mpsc::Sender<Message>),
    /// The database's own concurrency.
    Pooled(PgPool, Arc<Health>),
}

/// How writing went last.
#[derive(Default)]
pub(crate) struct Health(Mutex<Option<Arc<StoreError>>>);

impl Health {
    /// Returns why the last write failed, where the database itself was the reason.
    pub(crate) fn failure(&self) -> Option<Arc<StoreError>> {
        self.lock().clone()
    }

    fn note(&self, error: &Arc<StoreError>) {
        if error.fault().is_some() && self.lock().replace(error.clone()).is_none() {
            tracing::error!(error = describe(error), "the database cannot be written");
        }
    }

    fn note_commit(&self) {
        if self.lock().take().is_some() {
            tracing::info!("the database can be written again");
        }
    }

    fn lock(&self) -> parking_lot::MutexGuard<'_, Option<Arc<StoreError>>> {
        // Each change is a single assignment, so the content is valid after any panic.
        self.0.lock()
    }
}

/// Returns an error and its causes, in one line.
pub(crate) fn describe(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

impl Writer {
    /// Runs an operation in a transaction and returns when it is committed.
    ///
    /// On SQLite it shares its commit with what else waits; one that fails is rolled back alone.
    pub(crate) async fn write<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'t> FnOnce(&'t Transaction<'_>) -> InTransaction<'t, T> + Send + 'static,
    {
        match self {
            Self::Pooled(pool, health) => {
                let error = match write_pooled(pool, operation).await {
                    Ok(value) => {
                        health.note_commit();
                        return Ok(value);
                    }
                    Err(error) if error.fault().is_none() => return Err(error),
                    Err(error) => error,
                };
                if let StoreError::Unconfirmed(cause) = error {
                    health.note(&cause);
                    return Err(StoreError::Unconfirmed(cause));
                }
                let cause = Arc::new(error.at("on PostgreSQL"));
                health.note(&cause);
                Err(StoreError::NotCommitted(cause))
            }
            Self::Grouped(messages) => {
                let (answer, answered) = oneshot::channel();
                let queued_at = Instant::now();
                let waiting = Waiting { operation: Some(operation), queued_at, result: None, answer };
                messages.send(Message::Run(Box::new(waiting))).await.map_err(|_| StoreError::Closed)?;
                answered.await.map_err(|_| StoreError::Closed)?
            }
        }
    }

    /// Ends the writer after what waits is written: its last commits are brought into the database's one file.
    pub(crate) async fn close(&self) {
        match self {
            Self::Pooled(..) => {}
            Self::Grouped(messages) => {
                let (closed, done) = oneshot::channel();
                if messages.send(Message::Close(closed)).await.is_ok() {
                    // One that has ended has nothing to close.
                    let _ = done.await;
                }
            }
        }
    }

    /// Waits until nothing can be written any more.
    pub(crate) async fn ended(&self) {
        match self {
            Self::Pooled(..) => std::future::pending().await,
            Self::Grouped(messages) => messages.closed().await,
        }
    }
}

async fn write_pooled<T, F>(pool: &PgPool, operation: F) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t Transaction<'_>) -> InTransaction<'t, T> + Send + 'static,
{
    let asked_at = Instant::now();
    let work = async {
        let mut transaction = pool.begin().await?;
        histogram!(WRITE_WAIT).record(asked_at.elapsed());
        let begun_at = Instant::now();
        let worked = operation(&Transaction::on_postgres(&mut transaction)).await;
        match worked {
            Ok(value) => Ok((transaction, begun_at, value)),
            Err(error) => {
                // The error says more than a rollback that fails because of it.
                if let Err(error) = transaction.rollback().await {
                    tracing::debug!(%error, "could not roll a transaction back; the database does");
                }
                Err(error)
            }
        }
    };
    let too_slow = || StoreError::TooSlow { seconds: ANSWER_WITHIN.as_secs() };
    let (transaction, begun_at, value) =
        tokio::time::timeout(ANSWER_WITHIN, work).await.map_err(|_| too_slow())??;
    let committed = tokio::time::timeout(ANSWER_WITHIN, transaction.commit()).await;
    histogram!(WRITE_DURATION).record(begun_at.elapsed());
    match committed {
        Ok(Ok(())) => Ok(value),
        Ok(Err(error)) if is_refusal(&error) => Err(StoreError::NotCommitted(Arc::new(error.into()))),
        Ok(Err(error)) => Err(StoreError::Unconfirmed(Arc::new(error.into()))),
        Err(_) => Err(StoreError::Unconfirmed(Arc::new(too_slow()))),
    }
}

/// A request to the writer.
pub(crate) enum Message {
    Run(Box<dyn Operation>),
    Close(oneshot::Sender<()>),
}

/// An operation on its way through a group.
pub(crate) trait Operation: Send {
    /// Runs it in a transaction; false when it is to be rolled back.
    fn run<'t>(
        &'t mut self,
        transaction: &'t Transaction<'_>,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + 't>>;

    /// Answers the caller, when the commit succeeded or failed.
    fn answer(self: Box<Self>, committed: Result<(), Arc<StoreError>>);

    /// Returns what the operation itself failed for, where that is the database's own fault.
    fn take_fault(&mut self) -> Option<StoreError>;
}

struct Waiting<T, F> {
    operation: Option<F>,
    queued_at: Instant,
    result: Option<Result<T, StoreError>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Operation for Waiting<T, F>
where
    T: Send + 'static,
    F: for<'t> FnOnce(&'t Transaction<'_>) -> InTransaction<'t, T> + Send + 'static,
{
    fn run<'t>(
        &'t mut self,
        transaction: &'t Transaction<'_>,
    ) -> Pin<Box<dyn Future<Output = bool> + Send + 't>> {
        histogram!(WRITE_WAIT).record(self.queued_at.elapsed());
        let operation = self.operation.take();
        let result = &mut self.result;
        Box::pin(async move {
            let Some(operation) = operation else { return false };
            // An operation that panics fails alone: the others of its group are rolled back to where it began.
            let work = AssertUnwindSafe(async { operation(transaction).await });
            let ended = work.catch_unwind().await.unwrap_or(Err(StoreError::Panicked));
            let is_good = ended.is_ok();
            *result = Some(ended);
            is_good
        })
    }

    fn answer(self: Box<Self>, committed: Result<(), Arc<StoreError>>) {
        let result = match committed {
            Ok(()) => self.result.unwrap_or(Err(StoreError::Closed)),
            // What an operation found in a transaction that is gone is not true, not even a refusal.
            Err(cause) => Err(StoreError::NotCommitted(cause)),
        };
        // A caller that went away does not need the answer.
        let _ = self.answer.send(result);
    }

    fn take_fault(&mut self) -> Option<StoreError> {
        let has_fault = matches!(&self.result, Some(Err(error)) if error.fault().is_some());
        if has_fault { self.result.take().and_then(Result::err) } else { None }
    }
}

/// The writer of a SQLite database.
pub(crate) struct GroupWriter<C> {
    pub(crate) file: Arc<DatabaseFile>,
    pub(crate) health: Arc<Health>,
    /// Opens the connection again.
    pub(crate) connect: C,
}

impl<C, F> GroupWriter<C>
where
    C: Fn() -> F,
    F: Future<Output = Result<SqliteConnection, sqlx::Error>>,
{
    /// Takes what waits, runs each operation in a savepoint of its own, commits once and answers all, until it is closed.
    pub(crate) async fn run(self, connection: SqliteConnection, mut messages: mpsc::Receiver<Message>) {
        let mut connection = Some(connection);
        let mut closed = None;
        while closed.is_none()
            && let Some(first) = messages.recv().await
        {
            let mut group = Vec::new();
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    Message::Run(operation) => group.push(operation),
                    Message::Close(done) => {
                        closed = Some(done);
                        break;
                    }
                }
                next = if group.len() < GROUP { messages.try_recv().ok() } else { None };
            }
            if group.is_empty() {
                continue;
            }
            let place = self.file.path().display().to_string();
            let begun_at = Instant::now();
            let committed = self.commit(&mut connection, &mut group).await;
            histogram!(WRITE_DURATION).record(begun_at.elapsed());
            // A group has at most `GROUP` operations, which a float holds exactly.
            histogram!(WRITE_GROUP_SIZE).record(u32::try_from(group.len()).unwrap_or(u32::MAX));
            let committed = committed.map_err(|error| Arc::new(error.at(&place)));
            match &committed {
                Ok(()) => self.health.note_commit(),
                Err(error) => {
                    self.health.note(error);
                    if error.fault().is_none() {
                        tracing::error!(error = describe(error), "a transaction failed");
                    }
                }
            }
            for operation in group {
                operation.answer(committed.clone());
            }
        }
        messages.close();
        if let Some(mut connection) = connection {
            checkpoint(&mut connection).await;
            close(connection).await;
        }
        if let Some(done) = closed {
            // The caller may have stopped waiting.
            let _ = done.send(());
        }
    }

    async fn commit(
        &self,
        connection: &mut Option<SqliteConnection>,
        group: &mut [Box<dyn Operation>],
    ) -> Result<(), StoreError> {
        self.file.check()?;
        let mut current = match connection.take() {
            Some(current) => current,
            None => (self.connect)().await?,
        };
        match run_group(&mut current, group).await {
            Ok(()) => {
                *connection = Some(current);
                // What went into a deleted file is not saved.
                self.file.check()
            }
            Err(error) => {
                close(current).await;
                // The statement that failed first says more than the rollback that failed because of it.
                Err(group.iter_mut().find_map(|operation| operation.take_fault()).unwrap_or(error))
            }
        }
    }
}

async fn run_group(
    connection: &mut SqliteConnection,
    group: &mut [Box<dyn Operation>],
) -> Result<(), StoreError> {
    let transaction = Transaction::on_sqlite(connection);
    transaction.execute_batch("BEGIN IMMEDIATE").await?;
    // One alone needs no savepoint, for which SQLite keeps every page as it was before.
    if let [alone] = group {
        let is_good = alone.run(&transaction).await;
        transaction.execute_batch(if is_good { "COMMIT" } else { "ROLLBACK" }).await?;
        return Ok(());
    }
    for operation in group {
        transaction.execute_batch("SAVEPOINT operation").await?;
        if !operation.run(&transaction).await {
            transaction.execute_batch("ROLLBACK TO operation").await?;
        }
        transaction.execute_batch("RELEASE operation").await?;
    }
    transaction.execute_batch("COMMIT").await?;
    Ok(())
}

/// Brings what the write-ahead log has into the database's file, so that the one file is the whole database.
async fn checkpoint(connection: &mut SqliteConnection) {
    // One that still reads is not waited for long: the next start has the log.
    let sql = "PRAGMA busy_timeout = 2000; PRAGMA wal_checkpoint(TRUNCATE)";
    if let Err(error) = sqlx::raw_sql(sql).execute(connection).await {
        tracing::warn!(%error, "could not bring the write-ahead log into the database's file");
    }
}

/// Closes a connection, which rolls back what it has not committed.
async fn close(connection: SqliteConnection) {
    match tokio::time::timeout(CLOSE_WITHIN, connection.close()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "a connection of the database did not close well"),
        Err(_) => tracing::warn!("a connection of the database did not close in time"),
    }
}

impl Fault {
    /// Returns the word for it in answers and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OutOfSpace => "out_of_space",
            Self::Io => "io_error",
            Self::Unavailable => "unavailable",
            Self::FileGone => "file_gone",
            Self::OutOfMemory => "out_of_memory",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Store, sql};
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    struct Place {
        folder: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().expect("a folder") }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        async fn open(&self) -> Store {
            Store::open(&format!("sqlite://{}", self.path("a.db").display())).await.expect("opens")
        }
    }

    /// How an operation of a test goes.
    #[derive(Clone, Copy)]
    enum Way {
        Good,
        /// Fails after SQLite has rolled the whole transaction back, as it does when the disk is full.
        RolledBack,
        /// The same, but the operation does not notice.
        Unnoticed,
        Panics,
    }

    async fn write(store: &Store, name: &'static str, way: Way) -> Result<(), StoreError> {
        store
            .write(move |on| {
                Box::pin(async move {
                    sql::count_one(on, name, 1).await?;
                    match way {
                        Way::Good => Ok(()),
                        Way::Panics => panic!("as the test wants"),
                        Way::RolledBack => {
                            on.execute_batch("ROLLBACK").await?;
                            Err(StoreError::Conflict("rolled back".to_owned()))
                        }
                        Way::Unnoticed => {
                            on.execute_batch("ROLLBACK").await?;
                            Ok(())
                        }
                    }
                })
            })
            .await
    }

    async fn saved(store: &Store, name: &str) -> i64 {
        sql::counted(&store.readers, name).await.expect("read")
    }

    /// Runs operations in one group: they gather while the writer is held by another one.
    async fn write_together(store: &Store, ways: Vec<(&'static str, Way)>) -> Vec<Result<(), StoreError>> {
        let (begun, has_begun) = oneshot::channel::<()>();
        let (release, released) = oneshot::channel::<()>();
        let holding = tokio::spawn({
            let store = store.clone();
            async move {
                let hold = store.write(move |_| {
                    Box::pin(async move {
                        let _ = begun.send(());
                        let _ = released.await;
                        Ok(())
                    })
                });
                hold.await
            }
        });
        has_begun.await.expect("the writer is held");
        let Writer::Grouped(messages) = store.writer() else { panic!("SQLite has one writer") };
        let waiting = ways.len();
        let work = ways.into_iter().map(|(name, way)| write(store, name, way));
        let release = async {
            // Each operation is queued when the writer's channel has it.
            while messages.capacity() > QUEUE - waiting {
                tokio::task::yield_now().await;
            }
            let _ = release.send(());
        };
        let (answers, ()) = tokio::join!(futures::future::join_all(work), release);
        holding.await.expect("no panic").expect("saved");
        answers
    }

    #[tokio::test]
    async fn an_operation_without_a_commit_fails_and_the_next_one_is_saved() {
        let place = Place::new();
        let store = place.open().await;
        for (name, way) in [("a", Way::Unnoticed), ("b", Way::RolledBack), ("c", Way::Unnoticed)] {
            let answer = write(&store, name, way).await;
            assert!(matches!(answer, Err(StoreError::NotCommitted(_))), "{name}: {answer:?}");
            assert_eq!(saved(&store, name).await, 0);
        }
        write(&store, "d", Way::Good).await.expect("the connection is replaced");
        let other = place.open().await;
        assert_eq!(saved(&other, "d").await, 1, "what was acknowledged is there for everyone");
    }

    #[tokio::test]
    async fn a_group_whose_transaction_is_gone_fails_as_a_whole() {
        let place = Place::new();
        let store = place.open().await;
        for way in [Way::RolledBack, Way::Unnoticed] {
            let ways = vec![("before", Way::Good), ("lost", way), ("after", Way::Good)];
            for answer in write_together(&store, ways).await {
                assert!(matches!(answer, Err(StoreError::NotCommitted(_))), "{answer:?}");
            }
            for name in ["before", "lost", "after"] {
                assert_eq!(saved(&store, name).await, 0, "{name}");
            }
        }
        for answer in write_together(&store, vec![("x", Way::Good), ("y", Way::Good)]).await {
            answer.expect("saved");
        }
        let other = place.open().await;
        assert_eq!((saved(&other, "x").await, saved(&other, "y").await), (1, 1));
    }

    #[tokio::test]
    async fn an_operation_that_panics_fails_alone() {
        let place = Place::new();
        let store = place.open().await;
        assert!(matches!(write(&store, "alone", Way::Panics).await, Err(StoreError::Panicked)));
        let ways = vec![("before", Way::Good), ("bad", Way::Panics), ("after", Way::Good)];
        let answers = write_together(&store, ways).await;
        assert!(matches!(answers.as_slice(), [Ok(()), Err(StoreError::Panicked), Ok(())]), "{answers:?}");
        assert_eq!(
            (saved(&store, "before").await, saved(&store, "bad").await, saved(&store, "after").await),
            (1, 0, 1)
        );
    }

    #[tokio::test]
    async fn a_writer_that_ends_is_noticed() {
        struct Bad;
        impl Operation for Bad {
            fn run<'t>(
                &'t mut self,
                _: &'t Transaction<'_>,
            ) -> Pin<Box<dyn Future<Output = bool> + Send + 't>> {
                Box::pin(async { true })
            }

            fn answer(self: Box<Self>, _: Result<(), Arc<StoreError>>) {
                panic!("as the test wants")
            }

            fn take_fault(&mut self) -> Option<StoreError> {
                None
            }
        }
        let place = Place::new();
        let store = place.open().await;
        let Writer::Grouped(messages) = store.writer() else { panic!("SQLite has one writer") };
        assert!(messages.send(Message::Run(Box::new(Bad))).await.is_ok());
        store.writer_ended().await;
        assert!(matches!(write(&store, "late", Way::Good).await, Err(StoreError::Closed)));
    }

    #[tokio::test]
    async fn nothing_is_acknowledged_that_went_into_a_deleted_file() {
        let place = Place::new();
        let store = place.open().await;
        write(&store, "kept", Way::Good).await.expect("saved");
        for name in ["a.db", "a.db-wal"] {
            std::fs::rename(place.path(name), place.path("aside")).expect("moved away");
            let answer = write(&store, "lost", Way::Good).await;
            assert_eq!(answer.expect_err("refused").fault(), Some(Fault::FileGone), "{name}");
            assert_eq!(store.check().await.expect_err("not in order").fault(), Some(Fault::FileGone));
            std::fs::rename(place.path("aside"), place.path(name)).expect("put back");
            store.check().await.expect("in order again");
            write(&store, "kept", Way::Good).await.expect("saved");
        }
        assert_eq!((saved(&store, "kept").await, saved(&store, "lost").await), (3, 0));
    }

    #[tokio::test]
    async fn after_a_close_the_one_file_is_the_whole_database() {
        let place = Place::new();
        let store = place.open().await;
        for _ in 0..50 {
            write(&store, "counted", Way::Good).await.expect("saved");
        }
        for name in ["a.db", "a.db-wal", "a.db-shm"] {
            let mode = std::fs::metadata(place.path(name)).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        store.close().await;
        assert!(std::fs::metadata(place.path("a.db-wal")).map_or(true, |log| log.len() == 0));
        let copy = Place::new();
        std::fs::copy(place.path("a.db"), copy.path("a.db")).expect("copied");
        assert_eq!(saved(&copy.open().await, "counted").await, 50);
        assert!(matches!(write(&store, "late", Way::Good).await, Err(StoreError::Closed)));
    }
}
