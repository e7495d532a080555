//! The `git` command: the only place that starts a process.

pub(crate) mod command;
pub(crate) mod installed;
pub(crate) mod pipes;
