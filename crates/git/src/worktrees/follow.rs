//! Brings worktrees along when a branch that they have checked out is moved in process.
//!
//! A worktree's index lock is held from before the branch moves until its files and index have followed, so
//! that a `git commit` in the worktree happens wholly before or wholly after. A note of the move is left beside
//! the index meanwhile; when the process dies in between, the next caller finds the note and finishes.
//!
//! Files that differ from what the branch had are uncommitted work and are left as they are; only the index
//! follows, so they show as changes to the branch's present state.

use crate::error::Context as _;
use crate::objects::ancestry::is_ancestor;
use crate::objects::convert::Converter;
use crate::objects::differences::{Difference, Side, differences};
use crate::worktrees::checkouts::Checkout;
use crate::{Error, Repository, files::safe_path, objects, refs::branches, worktrees::branch_files};
use gix::ObjectId;
use gix::bstr::BStr;
use gix::index::entry::{Flags, Mode, Stage, Stat};
use gix::objs::tree::{EntryKind, EntryMode};
use std::io::Write as _;

/// Worktrees that are held still while their branch moves.
pub(crate) struct Held(Vec<(Checkout, gix::lock::File)>);

impl Repository {
    /// Holds the given worktrees still. One whose index stays locked is not brought along: what it holds is
    /// kept, and shows as changes.
    pub(crate) fn hold(&self, repository: &gix::Repository, checkouts: Vec<Checkout>) -> Result<Held, Error> {
        let mut held = Vec::new();
        for checkout in checkouts {
            match self.lock_index(&checkout.git_dir) {
                Ok(lock) => {
                    let lock = self.finish_move(repository, &checkout, lock)?;
                    held.push((checkout, lock));
                }
                Err(error @ Error::Locked { .. }) => {
                    tracing::warn!(%error, worktree = %checkout.root.display(), "a worktree stays behind its branch");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(Held(held))
    }

    /// Finishes a move that a dead process left half done in a worktree.
    pub(crate) fn finish_move(
        &self,
        repository: &gix::Repository,
        checkout: &Checkout,
        lock: gix::lock::File,
    ) -> Result<gix::lock::File, Error> {
        let Some((branch, old, new)) = checkout.note()? else { return Ok(lock) };
        let reached = match gix::refs::FullName::try_from(branch.as_str()) {
            Ok(name) => branches::tip_of(repository, &name)?,
            Err(_) => None,
        };
        let has_moved = checkout.branch.as_ref() == Some(&branch)
            && reached.is_some_and(|tip| tip == new || is_ancestor(repository, new, tip));
        if !has_moved {
            checkout.remove_note()?;
            return Ok(lock);
        }
        follow(repository, checkout, lock, old, new)?;
        checkout.keep_note()?;
        self.lock_index(&checkout.git_dir)
    }
}

impl Held {
    /// Notes that the branch is about to move.
    pub(crate) fn note(&self, branch: &str, old: ObjectId, new: ObjectId) -> Result<(), Error> {
        self.0.iter().try_for_each(|(checkout, _)| checkout.write_note(branch, old, new))
    }

    /// Lets the worktrees go as they are.
    pub(crate) fn release(self) -> Result<(), Error> {
        self.0.iter().try_for_each(|(checkout, _)| checkout.remove_note())
    }

    /// Brings the worktrees along. The branch has moved, so a failure is logged and the note stays.
    pub(crate) fn follow(self, repository: &gix::Repository, old: ObjectId, new: ObjectId) {
        for (checkout, lock) in self.0 {
            let followed = follow(repository, &checkout, lock, old, new).and_then(|()| checkout.keep_note());
            if let Err(error) = followed {
                let worktree = checkout.root.display();
                tracing::warn!(%error, %worktree, "a worktree could not be brought along");
            }
        }
    }
}

/// Returns whether a worktree's index still has what a branch had before it changed.
pub(crate) fn is_behind(
    repository: &gix::Repository,
    checkout: &Checkout,
    changed: &[Difference],
) -> Result<bool, Error> {
    if changed.is_empty() {
        return Ok(false);
    }
    let path = checkout.git_dir.join("index");
    let (hash, options) = (repository.object_hash(), gix::index::decode::Options::default());
    let index =
        gix::index::File::at_or_default(&path, hash, false, options).context("read", path.display())?;
    Ok(changed.iter().any(|difference| {
        let staged = staged(&index, difference.path.as_ref());
        staged == as_in_index(difference.old) && staged != as_in_index(difference.new)
    }))
}

fn follow(
    repository: &gix::Repository,
    checkout: &Checkout,
    mut lock: gix::lock::File,
    old: ObjectId,
    new: ObjectId,
) -> Result<(), Error> {
    let changes = |from| {
        differences(repository, objects::tree_of(repository, from)?, objects::tree_of(repository, new)?)
    };
    let mut changed = changes(old)?;
    // Another program moved the branch: entries that are as the server last wrote them are not changes of a person.
    let last = brought_to(repository, checkout)?.filter(|last| !is_ancestor(repository, *last, old));
    if let Some(last) = last {
        changed.extend(changes(last)?);
    }
    if changed.is_empty() {
        return Ok(());
    }
    let hash = repository.object_hash();
    let path = checkout.git_dir.join("index");
    let mut index =
        gix::index::File::at_or_default(&path, hash, false, gix::index::decode::Options::default())
            .context("read", path.display())?;
    if index.is_sparse() {
        tracing::warn!(worktree = %checkout.root.display(), "a sparse index is not brought along");
        return Ok(());
    }
    distrust_racy(&mut index);
    let mut converter = Converter::of(repository, &index)?;
    reset_stale_entries(repository, checkout, &mut index, old, &mut converter)?;
    for difference in &changed {
        bring(repository, checkout, &mut index, difference, &mut converter)?;
    }
    index.sort_entries();
    index.remove_tree();
    index.remove_resolve_undo();
    let options =
        gix::index::write::Options { extensions: gix::index::write::Extensions::None, ..Default::default() };
    let mut bytes = Vec::new();
    index.write_to(&mut bytes, options).context("write", path.display())?;
    lock.write_all(&bytes).and_then(|()| lock.flush()).context("write", path.display())?;
    lock.commit().map_err(|error| error.error).context("write", path.display())?;
    Ok(())
}

/// Takes the times from entries of files that may have changed in the moment in which they were last looked at.
///
/// Git compares the content of a file whose time is not older than its index. The index that is written here is
/// younger than the one that was read, so that sign would be lost.
fn distrust_racy(index: &mut gix::index::File) {
    let (read_at, options) = (index.timestamp(), gix::index::entry::stat::Options::default());
    for entry in index.entries_mut().iter_mut().filter(|entry| entry.stat.is_racy(read_at, options)) {
        entry.stat = Stat::default();
    }
}

/// Returns the commit whose files the server last wrote into a worktree, if the repository still has it.
pub(crate) fn brought_to(
    repository: &gix::Repository,
    checkout: &Checkout,
) -> Result<Option<ObjectId>, Error> {
    let last = checkout.last_moves()?.filter(|last| checkout.branch.as_ref() == Some(&last.branch));
    Ok(last.map(|last| last.new).filter(|last| repository.has_object(last)))
}

/// Updates one path of the index, and the file in the worktree unless it has uncommitted changes.
fn bring(
    repository: &gix::Repository,
    checkout: &Checkout,
    index: &mut gix::index::File,
    difference: &Difference,
    converter: &mut Converter<'_>,
) -> Result<(), Error> {
    let path: &BStr = difference.path.as_ref();
    let is_in_conflict = [Stage::Base, Stage::Ours, Stage::Theirs]
        .into_iter()
        .any(|stage| index.entry_by_path_and_stage(path, stage).is_some());
    let staged = staged(index, path);
    if is_in_conflict || (staged != as_in_index(difference.old) && staged != as_in_index(difference.new)) {
        return Ok(());
    }
    let is_clean = branch_files::write(repository, checkout, difference, converter)?;
    let at = index.entry_index_by_path_and_stage(path, Stage::Unconflicted);
    match (difference.new, at) {
        (None, Some(at)) => {
            index.remove_entry_at_index(at);
        }
        (None, None) => {}
        (Some(new), at) => set_entry(checkout, index, path, at, new, is_clean),
    }
    Ok(())
}

/// Puts right what a git in the worktree undid in the index after the last moves.
///
/// `git commit -- FILE` reads the index, then locks it, and writes what it read. A move in between is lost from
/// the index, and its files look as if their removal or return to what they were had been staged.
fn reset_stale_entries(
    repository: &gix::Repository,
    checkout: &Checkout,
    index: &mut gix::index::File,
    at: ObjectId,
    converter: &mut Converter<'_>,
) -> Result<(), Error> {
    let Some(last) = checkout.last_moves()?.filter(|last| checkout.branch.as_ref() == Some(&last.branch))
    else {
        return Ok(());
    };
    let tree = repository.find_tree(objects::tree_of(repository, at)?).context("read the tree of", at)?;
    // A rewritten branch may have lost these commits.
    for old in
        last.olds.into_iter().filter(|old| repository.has_object(old) && repository.has_object(last.new))
    {
        let (old, new) = (objects::tree_of(repository, old)?, objects::tree_of(repository, last.new)?);
        for difference in differences(repository, old, new)? {
            let path: &BStr = difference.path.as_ref();
            let entry = tree.lookup_entry_by_path(safe_path::name(path)).context("look up", path)?;
            let committed = entry.map(|entry| (entry.mode(), entry.object_id()));
            if staged(index, path) != as_in_index(difference.old)
                || committed != difference.new
                || !branch_files::is_as_new(repository, checkout, &difference, converter)?
            {
                continue;
            }
            let at = index.entry_index_by_path_and_stage(path, Stage::Unconflicted);
            match (difference.new, at) {
                (None, Some(at)) => drop(index.remove_entry_at_index(at)),
                (None, None) => {}
                (Some(new), at) => set_entry(checkout, index, path, at, new, true),
            }
        }
    }
    Ok(())
}

fn set_entry(
    checkout: &Checkout,
    index: &mut gix::index::File,
    path: &BStr,
    at: Option<usize>,
    (mode, id): (EntryMode, ObjectId),
    is_clean: bool,
) {
    let file = checkout.root.join(safe_path::name(path));
    // Without the file's times git compares its content.
    let stat = gix::index::fs::Metadata::from_path_no_follow(&file)
        .ok()
        .filter(|_| is_clean)
        .and_then(|metadata| Stat::from_fs(&metadata).ok())
        .unwrap_or_default();
    if let Some(at) = at {
        let entry = &mut index.entries_mut()[at];
        (entry.stat, entry.id, entry.mode) = (stat, id, index_mode(mode));
    } else {
        index.dangerously_push_entry(stat, id, Flags::empty(), index_mode(mode), path);
        index.sort_entries();
    }
}

fn staged(index: &gix::index::File, path: &BStr) -> Option<(Mode, ObjectId)> {
    index.entry_by_path_and_stage(path, Stage::Unconflicted).map(|entry| (entry.mode, entry.id))
}

fn as_in_index(side: Side) -> Option<(Mode, ObjectId)> {
    side.map(|(mode, id)| (index_mode(mode), id))
}

fn index_mode(mode: EntryMode) -> Mode {
    match mode.kind() {
        EntryKind::BlobExecutable => Mode::FILE_EXECUTABLE,
        EntryKind::Link => Mode::SYMLINK,
        EntryKind::Commit => Mode::COMMIT,
        EntryKind::Blob | EntryKind::Tree => Mode::FILE,
    }
}
