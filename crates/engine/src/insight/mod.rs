//! Data derived from the record for readers: search index, analytics, reports, traceability, views.

pub mod analytics;
pub(crate) mod indexer;
pub mod report;
pub mod traceability;
pub mod views;
