//! The record in git: written as work happens, read back by `rebuild` and for finished tasks.

pub mod history;
pub mod log_archive;
pub mod rebuild;
