//! What every opened handle of one repository shares: queues, and what is remembered of it.

use crate::CommitId;
use gix::ObjectId;
use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// What every opened handle of one repository shares.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) queues: Mutex<HashMap<String, Arc<Mutex<()>>>>,
    pub(crate) effects: Mutex<HashMap<String, Seen>>,
    pub(crate) worktrees: Mutex<()>,
    pub(crate) last_changes: Mutex<Known>,
    /// What was last seen of the parts of the git folder that others may use against people.
    pub(crate) state: Mutex<Option<State>>,
}

/// What was read of a branch's history.
pub(crate) struct Seen {
    pub(crate) tip: ObjectId,
    pub(crate) commits: HashSet<ObjectId>,
    pub(crate) effects: HashMap<String, ObjectId>,
}

/// A commit and its date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastChange {
    pub id: CommitId,
    pub time_ms: i64,
}

/// What was found for sets of paths, each at the commit at which it was asked for.
#[derive(Default)]
pub(crate) struct Known(pub(crate) HashMap<Vec<String>, (ObjectId, Option<LastChange>)>);

/// By name, something that can be compared.
pub(crate) type State = BTreeMap<String, u64>;

/// Locks a mutex; what a panicking holder left is as good as what a killed process leaves.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}
