//! Branches and other refs: found, moved by compare-and-set, and watched.

pub(crate) mod branches;
pub(crate) mod find;
pub(crate) mod reflog;
pub(crate) mod resolve;
pub(crate) mod retire;
pub(crate) mod save_tip;
pub(crate) mod watch;
