//! The state that every opened handle of one repository shares: queues and caches.

use crate::CommitId;
use gix::ObjectId;
use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

/// The state that every opened handle of one repository shares.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) queues: Mutex<HashMap<String, Arc<Mutex<()>>>>,
    pub(crate) effects: Mutex<HashMap<String, Seen>>,
    pub(crate) worktrees: Mutex<()>,
    pub(crate) last_changes: Mutex<Known>,
    /// The last seen state of those parts of the git folder that others may use against people.
    pub(crate) state: Mutex<Option<State>>,
}

/// The commits of a branch's history that were read.
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

/// The last changes of sets of paths, each at the commit at which it was looked up.
#[derive(Default)]
pub(crate) struct Known(pub(crate) HashMap<Vec<String>, (ObjectId, Option<LastChange>)>);

/// Comparable values, by name.
pub(crate) type State = BTreeMap<String, u64>;

/// Locks a mutex; what a panicking holder left is as good as what a killed process leaves.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}
