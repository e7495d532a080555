//! Detects partial clones: `git clone --filter` leaves out objects, which git fetches from the remote on demand.

use crate::{OpenError, Repository};

/// The number of the newest commits that are checked.
const RECENT: usize = 100;

impl Repository {
    /// Rejects a partial clone that lacks a file of the commit checked out, or the tree of a recent commit: objects are
    /// read in process, where nothing is fetched.
    pub fn refuse_partial(&self) -> Result<(), OpenError> {
        let is_lacking = self.is_partial() && self.lacks_objects().unwrap_or(true);
        if is_lacking { Err(OpenError::Partial { path: self.path().to_owned() }) } else { Ok(()) }
    }

    /// Returns whether the configuration names a remote that objects are fetched from later.
    fn is_partial(&self) -> bool {
        let repository = self.local();
        let config = repository.config_snapshot();
        let promisors = config.plumbing().sections_by_name("remote").into_iter().flatten();
        let is_promisor = promisors.into_iter().any(|remote| remote.body().value("promisor").is_some());
        is_promisor || config.string("extensions.partialClone").is_some()
    }

    /// `None` where an object on the way is missing.
    fn lacks_objects(&self) -> Option<bool> {
        let repository = self.local();
        let head = repository.head_id().ok()?;
        let mut open = vec![repository.head_tree_id().ok()?.detach()];
        while let Some(tree) = open.pop() {
            for entry in repository.find_tree(tree).ok()?.iter() {
                let entry = entry.ok()?;
                if entry.mode().is_tree() {
                    open.push(entry.object_id());
                } else if !entry.mode().is_commit() && !repository.has_object(entry.object_id()) {
                    return Some(true);
                }
            }
        }
        for commit in head.ancestors().all().ok()?.take(RECENT) {
            let commit = repository.find_commit(commit.ok()?.id).ok()?;
            if !repository.has_object(commit.tree_id().ok()?.detach()) {
                return Some(true);
            }
        }
        Some(false)
    }
}
