//! A database of a test's own.

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};
use std::sync::atomic::{AtomicU32, Ordering};
use store::Store;

/// Where PostgreSQL is when `SPECTASK_TEST_POSTGRES` does not say.
const POSTGRES: &str = "postgres://postgres@127.0.0.1:5432/test";

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// An empty database that is gone when the test ends.
pub(crate) struct Place {
    kind: Kind,
    folder: tempfile::TempDir,
    schema: String,
}

impl Place {
    pub(crate) fn new(kind: Kind) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let schema = format!("spectask_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self { kind, folder: tempfile::tempdir().expect("a folder"), schema }
    }

    pub(crate) fn kind(&self) -> Kind {
        self.kind
    }

    pub(crate) fn url(&self) -> String {
        match self.kind {
            Kind::Sqlite => format!("sqlite://{}", self.folder.path().join("test.db").display()),
            Kind::Postgres => std::env::var("SPECTASK_TEST_POSTGRES").unwrap_or_else(|_| POSTGRES.to_owned()),
        }
    }

    pub(crate) async fn open(&self) -> Store {
        self.try_open().await.unwrap_or_else(|error| {
            panic!(
                "{:?} cannot be opened: {error:?}; for PostgreSQL set SPECTASK_TEST_POSTGRES=postgres://USER@HOST/DATABASE",
                self.kind
            )
        })
    }

    pub(crate) async fn try_open(&self) -> Result<Store, store::OpenError> {
        let schema = (self.kind == Kind::Postgres).then_some(self.schema.as_str());
        Store::open_in_schema(&self.url(), schema).await
    }

    /// The same PostgreSQL database by another address.
    pub(crate) async fn open_at(&self, url: &str) -> Store {
        Store::open_in_schema(url, Some(&self.schema)).await.expect("the database answers")
    }

    /// Runs SQL behind the store's back.
    pub(crate) async fn sql(&self, text: &str) {
        sqlx::any::install_default_drivers();
        let mut database = AnyConnection::connect(&self.url()).await.expect("the database answers");
        let text = match self.kind {
            Kind::Postgres => format!("SET search_path TO \"{}\"; {text}", self.schema),
            Kind::Sqlite => text.to_owned(),
        };
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut database).await.expect("the statement is right");
        database.close().await.expect("closed");
    }

    pub(crate) async fn remove(self) {
        if self.kind == Kind::Postgres {
            self.sql(&format!("DROP SCHEMA IF EXISTS \"{}\" CASCADE", self.schema)).await;
        }
    }
}

/// Runs a test on both databases.
macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($place:ident: &Place) $body:block)*) => {$(
        $(#[$doc])*
        mod $name {
            use super::*;

            async fn run($place: &$crate::database::Place) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                let place = $crate::database::Place::new($crate::database::Kind::Sqlite);
                run(&place).await;
                place.remove().await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let place = $crate::database::Place::new($crate::database::Kind::Postgres);
                run(&place).await;
                place.remove().await;
            }
        }
    )*};
}

pub(crate) use on_both;
