//! Follows worktrees of one repository and reports which of them collide.

use super::collision::Collision;
use super::followed::{Followed, Seen};
use super::known::{Bench, Known};
use super::pair::Pair;
use crate::{CommitId, Error, Repository};
use gix::bstr::BString;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The largest number of objects that are held in memory, in addition to those that are needed, before all are
/// released.
const IN_MEMORY: usize = 4096;

/// Follows worktrees of one repository and reports which of them collide.
///
/// When one file changes, only the pairs of worktrees that both touch it are tried again.
pub struct CollisionDetector {
    repository: Repository,
    known: Known,
    followed: BTreeMap<String, Followed>,
    pairs: BTreeMap<(String, String), Pair>,
    /// The largest number of objects in memory.
    room: usize,
}

impl Repository {
    /// Returns a detector that follows no worktree yet.
    pub fn collision_detector(&self) -> CollisionDetector {
        let known = Known::new(self.local().with_object_memory());
        CollisionDetector {
            repository: self.clone(),
            known,
            followed: BTreeMap::new(),
            pairs: BTreeMap::new(),
            room: IN_MEMORY,
        }
    }
}

impl CollisionDetector {
    /// Follows a worktree by a name, and scans all of it.
    pub fn follow(&mut self, name: &str, worktree: &Path) -> Result<Seen, Error> {
        let followed = Followed::open(&self.repository, &self.known.objects, worktree)?;
        self.followed.insert(name.to_owned(), followed);
        self.look(name)
    }

    /// Stops following a worktree; returns whether it was followed.
    pub fn leave(&mut self, name: &str) -> bool {
        self.pairs.retain(|(one, other), _| one != name && other != name);
        self.followed.remove(name).is_some()
    }

    /// Returns the names that worktrees are followed by.
    pub fn followed(&self) -> impl Iterator<Item = &str> {
        self.followed.keys().map(String::as_str)
    }

    /// Returns the folder in which git keeps what it knows of a followed worktree, such as its index.
    pub fn git_dir(&self, name: &str) -> Option<&Path> {
        self.followed.get(name).map(Followed::git_dir)
    }

    /// Returns the commit that a followed worktree has checked out.
    pub fn head(&self, name: &str) -> Option<CommitId> {
        self.followed.get(name).map(|followed| CommitId(followed.head))
    }

    /// Scans a whole worktree.
    pub fn look(&mut self, name: &str) -> Result<Seen, Error> {
        self.make_room()?;
        let Some(followed) = self.followed.get_mut(name) else { return Ok(Seen::default()) };
        let has_moved = followed.look_at_head(&self.known.objects)?;
        let (paths, folders) = followed.look(&self.known.objects)?;
        let is_first = !self.pairs.keys().any(|(one, other)| one == name || other == name);
        let changed = if has_moved || is_first {
            self.known.forget_old(&self.followed);
            self.compare(name, None)?
        } else {
            self.compare(name, Some(&paths))?
        };
        Ok(Seen { changed, folders })
    }

    /// Scans some files of a worktree, by their absolute paths, and its head.
    pub fn look_at(&mut self, name: &str, files: &[PathBuf]) -> Result<Seen, Error> {
        self.make_room()?;
        let Some(followed) = self.followed.get_mut(name) else { return Ok(Seen::default()) };
        if followed.look_at_head(&self.known.objects)? {
            // What differs from the head is another set now.
            followed.look(&self.known.objects)?;
            self.known.forget_old(&self.followed);
            return Ok(Seen { changed: self.compare(name, None)?, folders: BTreeSet::new() });
        }
        let paths: BTreeSet<BString> = files.iter().filter_map(|path| followed.own_path(path)).collect();
        let changed = followed.look_at(&self.known.objects, paths.iter())?;
        Ok(Seen { changed: self.compare(name, Some(&changed))?, folders: BTreeSet::new() })
    }

    /// Returns which worktrees collide, and in which files.
    pub fn collisions(&self) -> Vec<Collision> {
        let pairs = self.pairs.iter().filter(|(_, pair)| !pair.is_empty());
        pairs
            .map(|((one, other), pair)| Collision {
                between: [one.clone(), other.clone()],
                files: pair.told(),
            })
            .collect()
    }

    /// Compares a worktree with all others, in some paths or in all; returns whether any result changed.
    fn compare(&mut self, name: &str, paths: Option<&[BString]>) -> Result<bool, Error> {
        let Self { repository: _, known, followed, pairs, room: _ } = self;
        let Some(mine) = followed.get(name) else { return Ok(false) };
        let mut bench = Bench::default();
        let mut changed = false;
        for (other, theirs) in followed.iter().filter(|(other, _)| *other != name) {
            let is_first = name < other.as_str();
            let (key, sides) = if is_first {
                ((name.to_owned(), other.clone()), [mine, theirs])
            } else {
                ((other.clone(), name.to_owned()), [theirs, mine])
            };
            let pair = pairs.entry(key.clone()).or_default();
            let before = paths.is_none().then(|| pair.told());
            changed |=
                known.compare(&mut bench, pair, sides, paths, [&key.0, &key.1], usize::from(!is_first))?;
            if let Some(before) = before {
                changed |= before != pair.told();
            }
        }
        Ok(changed)
    }

    /// Releases objects in memory that nothing needs any more, by releasing all and reading them again.
    fn make_room(&mut self) -> Result<(), Error> {
        if self.known.in_memory() <= self.room {
            return Ok(());
        }
        self.known.release_unused();
        for followed in self.followed.values_mut() {
            followed.look(&self.known.objects)?;
        }
        self.room = IN_MEMORY + 2 * self.known.in_memory();
        Ok(())
    }
}
