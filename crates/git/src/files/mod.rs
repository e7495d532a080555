//! Files that git keeps, where others may write: read and written without following links, waiting for pipes or reading
//! without end.

pub(crate) mod dir;
pub(crate) mod durable;
pub(crate) mod lock_files;
pub(crate) mod plain;
pub(crate) mod safe_path;
