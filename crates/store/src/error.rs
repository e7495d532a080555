//! What can go wrong with the store.

use std::path::PathBuf;
use std::sync::Arc;

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the database URL {0:?} begins neither with sqlite:// nor with postgres://")]
    UnknownKind(String),
    #[error("could not connect to the database ({}); is it running, and may this user use it?", reason(.0))]
    Connect(sqlx::Error),
    #[error("could not open the database file {path}")]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("could not bring the database's tables up to date")]
    Migrate(#[source] StoreError),
    #[error(
        "the database was written by a newer SpecTask (its version is {found}, this one knows {known}); start that one, or restore a backup"
    )]
    Newer { found: i64, known: i64 },
}

/// Why something was not read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database refused: {}", reason(.0))]
    Database(sqlx::Error),
    #[error("a stored {what} cannot be read")]
    Unreadable {
        what: &'static str,
        #[source]
        source: serde_json::Error,
    },
    #[error("{0} was changed by another request meanwhile")]
    Conflict(String),
    #[error("another project of the owner has or had the key {key}")]
    KeyTaken { key: String },
    /// A decision was made on a version that is not the last one.
    #[error("the task was changed while it was decided about")]
    Overtaken,
    /// The commit that several operations share failed: none of them is saved.
    #[error("the transaction was not committed")]
    NotCommitted(#[source] Arc<StoreError>),
    /// The connection was lost between asking for the commit and its answer.
    #[error("the database did not confirm the commit, so it may be saved or not")]
    Unconfirmed(#[source] Arc<StoreError>),
    #[error("the disk of the database {place} is full")]
    OutOfSpace {
        /// The database's file, or its server.
        place: String,
        #[source]
        source: Box<StoreError>,
    },
    #[error("the database file {path} was deleted, moved or replaced; put it back")]
    FileGone { path: PathBuf },
    #[error("the database did not answer within {seconds} seconds")]
    TooSlow { seconds: u64 },
    #[error("the operation panicked; this is a bug")]
    Panicked,
    #[error("the store is closed")]
    Closed,
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl OpenError {
    /// Returns whether the database server cannot be reached or takes no connections for now, so that waiting for it
    /// may help.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Connect(error) => fault(error) == Some(Fault::Unavailable),
            Self::Migrate(error) => error.fault() == Some(Fault::Unavailable),
            Self::UnknownKind(_) | Self::File { .. } | Self::Newer { .. } => false,
        }
    }
}

/// Returns the innermost reason of a database error: the libraries repeat the words of their causes.
fn reason(error: &sqlx::Error) -> String {
    match error {
        sqlx::Error::Database(error) => match error.code() {
            Some(code) => format!("{} (code {code})", error.message()),
            None => error.message().to_owned(),
        },
        sqlx::Error::PoolTimedOut => "no connection in time".to_owned(),
        sqlx::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    }
}

/// A fault of the database itself, as opposed to an error of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The disk or the quota is full.
    OutOfSpace,
    /// Reading or writing the files fails.
    Io,
    /// There is no connection, or no answer in time.
    Unavailable,
    /// The files are not those that were opened.
    FileGone,
    /// The process or the database is out of memory.
    OutOfMemory,
}

impl StoreError {
    /// Returns what is wrong with the database itself; `None` when the error is about what was asked.
    pub fn fault(&self) -> Option<Fault> {
        match self {
            Self::Database(error) => fault(error),
            Self::NotCommitted(cause) | Self::Unconfirmed(cause) => cause.fault(),
            Self::OutOfSpace { .. } => Some(Fault::OutOfSpace),
            Self::FileGone { .. } => Some(Fault::FileGone),
            Self::TooSlow { .. } | Self::Closed => Some(Fault::Unavailable),
            Self::Unreadable { .. }
            | Self::Conflict(_)
            | Self::KeyTaken { .. }
            | Self::Overtaken
            | Self::Panicked => None,
        }
    }
}

impl StoreError {
    /// Returns the words in which a database server refused; `None` where it did not answer at all.
    pub fn refusal(&self) -> Option<String> {
        match self {
            Self::Database(cause) => cause.as_database_error().map(|error| error.message().to_owned()),
            Self::NotCommitted(cause) | Self::Unconfirmed(cause) => cause.refusal(),
            Self::OutOfSpace { source, .. } => source.refusal(),
            _ => None,
        }
    }

    /// Returns the database's file or server whose disk is full.
    pub fn full_place(&self) -> Option<&str> {
        match self {
            Self::OutOfSpace { place, .. } => Some(place),
            Self::NotCommitted(cause) | Self::Unconfirmed(cause) => cause.full_place(),
            _ => None,
        }
    }

    /// Names the place whose disk is full, where that is the error.
    pub(crate) fn at(self, place: &str) -> Self {
        if self.fault() == Some(Fault::OutOfSpace) && self.full_place().is_none() {
            Self::OutOfSpace { place: place.to_owned(), source: Box::new(self) }
        } else {
            self
        }
    }
}

fn fault(error: &sqlx::Error) -> Option<Fault> {
    match error {
        sqlx::Error::Database(error) if error.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some() => {
            error.code().and_then(|code| code.parse().ok()).and_then(of_sqlite)
        }
        sqlx::Error::Database(error) => error.code().and_then(|code| of_postgres(&code)),
        sqlx::Error::Io(error) => Some(of_io(error)),
        sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::BeginFailed => Some(Fault::Unavailable),
        _ => None,
    }
}

/// SQLite's result codes (<https://sqlite.org/rescode.html>).
fn of_sqlite(code: u32) -> Option<Fault> {
    /// The index of the write-ahead log could not grow.
    const SHM_SIZE: u32 = 10 + 256 * 19;
    // The lowest byte is the primary code.
    match (code, code % 256) {
        (SHM_SIZE, _) | (_, 13) => Some(Fault::OutOfSpace),
        // Locked by another connection, or the schema changed under it.
        (_, 5 | 6 | 15 | 17) => Some(Fault::Unavailable),
        (_, 7) => Some(Fault::OutOfMemory),
        // Read-only, I/O, damaged, cannot open, no database.
        (_, 8 | 10 | 11 | 14 | 26) => Some(Fault::Io),
        _ => None,
    }
}

/// PostgreSQL's SQLSTATE classes (<https://www.postgresql.org/docs/current/errcodes-appendix.html>).
fn of_postgres(state: &str) -> Option<Fault> {
    match state {
        "53100" => Some(Fault::OutOfSpace),
        "53200" => Some(Fault::OutOfMemory),
        "25006" => Some(Fault::Unavailable),
        _ if state.starts_with("58") => Some(Fault::Io),
        _ if ["08", "53", "57"].iter().any(|class| state.starts_with(class)) => Some(Fault::Unavailable),
        _ => None,
    }
}

fn of_io(error: &std::io::Error) -> Fault {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Fault::OutOfSpace,
        _ => Fault::Unavailable,
    }
}

/// Returns whether the server itself refused, so that nothing can have been committed.
pub(crate) fn is_refusal(error: &sqlx::Error) -> bool {
    // A server that goes down says so whatever was asked.
    error.as_database_error().is_some_and(|error| error.code().is_none_or(|code| !code.starts_with("57P")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_databases_are_classed() {
        for (code, expected) in [
            (13, Some(Fault::OutOfSpace)),
            (4874, Some(Fault::OutOfSpace)),
            (778, Some(Fault::Io)),
            (1034, Some(Fault::Io)),
            (517, Some(Fault::Unavailable)),
            (2067, None),
        ] {
            assert_eq!(of_sqlite(code), expected, "{code}");
        }
        for (state, expected) in [
            ("53100", Some(Fault::OutOfSpace)),
            ("57P01", Some(Fault::Unavailable)),
            ("08006", Some(Fault::Unavailable)),
            ("58030", Some(Fault::Io)),
            ("23505", None),
        ] {
            assert_eq!(of_postgres(state), expected, "{state}");
        }
    }
}
