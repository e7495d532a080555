//! Makes a session's worktree ready before its first turn: files of the user's checkout that `.worktreeinclude` names, the
//! session's environment with its ports, and the project's setup command, whose result is used again for the same inputs.

mod cache;
mod copy;
mod dotenv;
pub(crate) mod environment;
mod include;
mod inputs;
mod keyed_locks;
mod prepare;
mod rules;
mod secrets;
mod state;
mod teardown;

pub(crate) use cache::{CACHE, CacheEntry, entries as cache_entries};
pub(crate) use keyed_locks::KeyedLocks;
pub(crate) use prepare::{Preparation, prepare};
pub(crate) use rules::{INCLUDE_FILE, Rules};
pub(crate) use secrets::relearn;
pub(crate) use state::{SetupState, forget};
pub(crate) use teardown::tear_down;
