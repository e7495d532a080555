//! The state of two worktrees that may collide.

use super::collision::{CollisionFile, CollisionState};
use crate::Place;
use gix::bstr::BString;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The result of merging a file of two worktrees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trial {
    Clean,
    Conflict { reason: String, places: Vec<Place> },
}

/// The files that two worktrees both touch.
#[derive(Default)]
pub(super) struct Pair {
    pub(super) files: BTreeMap<BString, Arc<Trial>>,
    /// Paths where one side lacks what the other changes, or has a file where the other has a folder: whether these
    /// go together shows only when the whole trees are merged, which finds renames. With each, whether both sides
    /// touch this very path.
    pub(super) whole: BTreeMap<BString, bool>,
    /// The files that conflict when the whole trees are merged.
    pub(super) conflicts: BTreeMap<BString, Arc<Trial>>,
}

impl Pair {
    pub(super) fn is_empty(&self) -> bool {
        self.told().is_empty()
    }

    pub(super) fn forget(&mut self, path: &BString) {
        self.files.remove(path);
        self.whole.remove(path);
    }

    pub(super) fn told(&self) -> Vec<CollisionFile> {
        let mut files: BTreeMap<&BString, CollisionFile> = BTreeMap::new();
        for (path, _) in self.whole.iter().filter(|(_, is_touched_by_both)| **is_touched_by_both) {
            files.insert(path, file(path, &Trial::Clean));
        }
        for (path, trial) in self.files.iter().chain(&self.conflicts) {
            files.insert(path, file(path, trial));
        }
        files.into_values().collect()
    }
}

fn file(path: &BString, trial: &Trial) -> CollisionFile {
    let (state, reason, places) = match trial {
        Trial::Clean => (CollisionState::BothTouch, None, Vec::new()),
        Trial::Conflict { reason, places } => {
            (CollisionState::Conflict, Some(reason.clone()), places.clone())
        }
    };
    CollisionFile { path: path.to_string(), state, reason, places }
}
