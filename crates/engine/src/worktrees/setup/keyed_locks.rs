//! Locks by name, there for as long as one is held or waited for.

use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};

/// How many names are noted at most.
const MAX_NOTED: usize = 1000;

/// One lock for each name: the path of a worktree, or the hash of a setup command's inputs.
#[derive(Debug, Default)]
pub(crate) struct KeyedLocks {
    locks: Mutex<HashMap<String, Weak<tokio::sync::Mutex<()>>>>,
    /// The hashes whose result could not be kept: it is of no use to wait for one.
    not_kept: Mutex<HashSet<String>>,
}

impl KeyedLocks {
    /// Notes that the result of these inputs cannot be kept.
    pub(crate) fn note_not_kept(&self, hash: &str) {
        let mut noted = self.not_kept.lock();
        if noted.len() >= MAX_NOTED {
            noted.clear();
        }
        noted.insert(hash.to_owned());
    }

    /// Returns whether the result of these inputs could not be kept since the server started.
    pub(crate) fn is_not_kept(&self, hash: &str) -> bool {
        self.not_kept.lock().contains(hash)
    }

    /// Waits for a name's lock and holds it until the answer is dropped.
    pub(crate) async fn lock(&self, name: &str) -> tokio::sync::OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.locks.lock();
            locks.retain(|_, lock| lock.strong_count() > 0);
            match locks.get(name).and_then(Weak::upgrade) {
                Some(lock) => lock,
                None => {
                    let lock = Arc::new(tokio::sync::Mutex::new(()));
                    locks.insert(name.to_owned(), Arc::downgrade(&lock));
                    lock
                }
            }
        };
        lock.lock_owned().await
    }
}
