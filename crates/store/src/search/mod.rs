//! Full-text search over tasks, documents and session logs.
//!
//! What is written is indexed by [`Store::index_log`](crate::Store::index_log) and
//! [`Store::index_task`](crate::Store::index_task), in steps that each remember how far they came in the same transaction;
//! so the index catches up after any end, and fills itself in a database from before it. The index has words only: SQLite's
//! FTS5 without content, PostgreSQL's GIN over `tsvector`. Snippets are made from the texts where they are.

mod changes;
mod find;
mod index;
mod markdown;
mod passage;
mod query;
mod snippet;
mod words;

pub(crate) use changes::Changes;
pub use changes::Unindexed;
pub use find::{Hit, SearchFilter, SearchPlace, Searched, Source};
pub use query::Query;
pub use snippet::Segment;
