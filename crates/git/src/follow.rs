//! Brings worktrees along when a branch that they have checked out is moved in process.
//!
//! A worktree's index lock is held from before the branch moves until its files and index have followed, so
//! that a `git commit` in the worktree happens wholly before or wholly after. A note of the move is left beside
//! the index meanwhile; when the process dies in between, whoever comes next finds it and finishes.
//!
//! Files that differ from what the branch had are somebody's work and are left as they are; only the index
//! follows, so they show as changes to the branch's present state.

use crate::beneath::{self, Standing};
use crate::checkouts::Checkout;
use crate::error::Context as _;
use crate::locks::found;
use crate::{Error, Repository, branches, objects};
use gix::ObjectId;
use gix::bstr::{BStr, BString};
use gix::index::entry::{Flags, Mode, Stage, Stat};
use gix::object::tree::diff::ChangeDetached;
use gix::objs::tree::{EntryKind, EntryMode};
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;

/// The note of a move under way.
const NOTE: &str = "spectask-move";

/// Worktrees that are held still while their branch moves.
pub(crate) struct Held(Vec<(Checkout, gix::lock::File)>);

/// One path that differs between two trees.
struct Difference {
    path: BString,
    old: Option<(EntryMode, ObjectId)>,
    new: Option<(EntryMode, ObjectId)>,
}

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
        let Some((branch, old, new)) = read_note(checkout)? else { return Ok(lock) };
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
        checkout.remove_note()?;
        self.lock_index(&checkout.git_dir)
    }

    /// Whether a worktree was left in the middle of a move.
    pub(crate) fn has_unfinished_move(checkout: &Checkout) -> bool {
        note_path(checkout).exists()
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

    /// Brings the worktrees along. The branch has moved, so a failure is told in the log and the note stays.
    pub(crate) fn follow(self, repository: &gix::Repository, old: ObjectId, new: ObjectId) {
        for (checkout, lock) in self.0 {
            let followed =
                follow(repository, &checkout, lock, old, new).and_then(|()| checkout.remove_note());
            if let Err(error) = followed {
                let worktree = checkout.root.display();
                tracing::warn!(%error, %worktree, "a worktree could not be brought along");
            }
        }
    }
}

impl Checkout {
    pub(crate) fn write_note(&self, branch: &str, old: ObjectId, new: ObjectId) -> Result<(), Error> {
        let file = note_path(self);
        fs::write(&file, format!("{branch}\n{old}\n{new}\n")).context("write", file.display())
    }

    pub(crate) fn remove_note(&self) -> Result<(), Error> {
        let file = note_path(self);
        found(fs::remove_file(&file)).context("remove", file.display())?;
        Ok(())
    }
}

/// Whether a commit is part of another's history.
pub(crate) fn is_ancestor(repository: &gix::Repository, ancestor: ObjectId, of: ObjectId) -> bool {
    ancestor == of
        || repository.merge_base(ancestor, of).is_ok_and(|base| base.is_some_and(|base| base == ancestor))
}

fn note_path(checkout: &Checkout) -> PathBuf {
    checkout.git_dir.join(NOTE)
}

fn read_note(checkout: &Checkout) -> Result<Option<(String, ObjectId, ObjectId)>, Error> {
    let text = crate::open::read_text(&note_path(checkout))?.unwrap_or_default();
    let mut lines = text.lines();
    let mut next = || lines.next().map(str::to_owned);
    let hash = |line: Option<String>| line.and_then(|line| ObjectId::from_hex(line.as_bytes()).ok());
    let branch = next();
    Ok(branch.zip(hash(next())).zip(hash(next())).map(|((branch, old), new)| (branch, old, new)))
}

fn follow(
    repository: &gix::Repository,
    checkout: &Checkout,
    mut lock: gix::lock::File,
    old: ObjectId,
    new: ObjectId,
) -> Result<(), Error> {
    let differences =
        differences(repository, objects::tree_of(repository, old)?, objects::tree_of(repository, new)?)?;
    if differences.is_empty() {
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
    for difference in &differences {
        bring(repository, checkout, &mut index, difference)?;
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

/// Brings one path of the index along, and its file when nobody has changed it.
fn bring(
    repository: &gix::Repository,
    checkout: &Checkout,
    index: &mut gix::index::File,
    difference: &Difference,
) -> Result<(), Error> {
    let path: &BStr = difference.path.as_ref();
    let is_in_conflict = [Stage::Base, Stage::Ours, Stage::Theirs]
        .into_iter()
        .any(|stage| index.entry_by_path_and_stage(path, stage).is_some());
    let entry = index.entry_by_path_and_stage(path, Stage::Unconflicted);
    let staged = entry.map(|entry| (entry.mode, entry.id));
    let as_in_index = |side: Option<(EntryMode, ObjectId)>| side.map(|(mode, id)| (index_mode(mode), id));
    if is_in_conflict || (staged != as_in_index(difference.old) && staged != as_in_index(difference.new)) {
        return Ok(());
    }
    let is_clean = write_file(repository, checkout, difference)?;
    let at = index.entry_index_by_path_and_stage(path, Stage::Unconflicted);
    match (difference.new, at) {
        (None, Some(at)) => {
            index.remove_entry_at_index(at);
        }
        (None, None) => {}
        (Some((mode, id)), at) => {
            let file = checkout.root.join(beneath::name(path));
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
    }
    Ok(())
}

/// Writes or deletes the file of a path if it is as the branch had it; says whether it is as the branch has it.
fn write_file(
    repository: &gix::Repository,
    checkout: &Checkout,
    difference: &Difference,
) -> Result<bool, Error> {
    let path = difference.path.as_slice();
    let shown = || checkout.root.join(beneath::name(path)).display().to_string();
    let (old, new) = (expected(repository, difference.old)?, expected(repository, difference.new)?);
    let size = |standing: &Option<Standing>| match standing {
        Some(Standing::File { content, .. }) => content.len() as u64,
        _ => 0,
    };
    let present = beneath::look(&checkout.root, path, size(&old).max(size(&new))).context("read", shown())?;
    let Some(new_standing) = new else { return Ok(false) };
    if present == new_standing {
        return Ok(true);
    }
    if old != Some(present) {
        return Ok(false);
    }
    match (difference.new, new_standing) {
        (Some((mode, _)), Standing::File { content, .. } | Standing::Link(content)) => {
            beneath::put(&checkout.root, path, mode.kind(), &content).context("write", shown())?;
        }
        (Some(_), Standing::Nothing | Standing::Other) => return Ok(false),
        (None, _) => beneath::remove(&checkout.root, path).context("delete", shown())?,
    }
    Ok(true)
}

/// What stands in a worktree for an entry of a tree; `None` for a submodule, whose files are its own.
fn expected(
    repository: &gix::Repository,
    side: Option<(EntryMode, ObjectId)>,
) -> Result<Option<Standing>, Error> {
    let Some((mode, id)) = side else { return Ok(Some(Standing::Nothing)) };
    Ok(match mode.kind() {
        EntryKind::Commit | EntryKind::Tree => None,
        EntryKind::Link => Some(Standing::Link(objects::blob(repository, id)?)),
        kind @ (EntryKind::Blob | EntryKind::BlobExecutable) => Some(Standing::File {
            content: objects::blob(repository, id)?,
            is_executable: kind == EntryKind::BlobExecutable,
        }),
    })
}

fn index_mode(mode: EntryMode) -> Mode {
    match mode.kind() {
        EntryKind::BlobExecutable => Mode::FILE_EXECUTABLE,
        EntryKind::Link => Mode::SYMLINK,
        EntryKind::Commit => Mode::COMMIT,
        EntryKind::Blob | EntryKind::Tree => Mode::FILE,
    }
}

/// The files that differ between two trees; deletions first, so that a folder can take a file's place.
fn differences(repository: &gix::Repository, old: ObjectId, new: ObjectId) -> Result<Vec<Difference>, Error> {
    let old = repository.find_tree(old).context("read the tree", old)?;
    let new = repository.find_tree(new).context("read the tree", new)?;
    let options = gix::diff::Options::default();
    let changes = repository.diff_tree_to_tree(&old, &new, options).context("compare the tree", old.id)?;
    let mut differences: Vec<Difference> = changes
        .into_iter()
        .map(|change| match change {
            ChangeDetached::Addition { location, entry_mode, id, .. } => {
                Difference { path: location, old: None, new: Some((entry_mode, id)) }
            }
            ChangeDetached::Deletion { location, entry_mode, id, .. } => {
                Difference { path: location, old: Some((entry_mode, id)), new: None }
            }
            ChangeDetached::Modification { location, previous_entry_mode, previous_id, entry_mode, id } => {
                Difference {
                    path: location,
                    old: Some((previous_entry_mode, previous_id)),
                    new: Some((entry_mode, id)),
                }
            }
            ChangeDetached::Rewrite { location, entry_mode, id, .. } => {
                // Renames are not looked for.
                Difference { path: location, old: None, new: Some((entry_mode, id)) }
            }
        })
        .filter(|difference| !is_tree(difference.old) && !is_tree(difference.new))
        .collect();
    differences.sort_by_key(|difference| difference.new.is_some());
    Ok(differences)
}

fn is_tree(side: Option<(EntryMode, ObjectId)>) -> bool {
    side.is_some_and(|(mode, _)| mode.is_tree())
}
