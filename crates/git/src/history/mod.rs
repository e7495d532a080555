//! What revisions have: their files, their commits, and what changed between them.

pub(crate) mod added;
pub(crate) mod additions;
pub(crate) mod effects;
pub(crate) mod filtered;
pub(crate) mod last_change;
pub(crate) mod log;
pub(crate) mod read;
pub(crate) mod replaced;
pub(crate) mod rewritten;
pub(crate) mod unchanged;
