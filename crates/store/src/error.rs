//! What can go wrong with the store.

use sea_orm::DbErr;

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the database URL {0:?} begins neither with sqlite:// nor with postgres://")]
    UnknownKind(String),
    #[error("could not connect to the database; is it running, and may this user use it?")]
    Connect(#[source] DbErr),
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
    #[error("the database refused")]
    Database(#[from] DbErr),
    #[error("a stored {what} cannot be read")]
    Unreadable {
        what: &'static str,
        #[source]
        source: serde_json::Error,
    },
    #[error("{0} was written by somebody else meanwhile")]
    Conflict(String),
    #[error("the transaction of several operations failed: {0}")]
    Group(String),
    #[error("the store is closed")]
    Closed,
}
