//! A worktree that the detector follows: the commit it has checked out and what is uncommitted in it.
//!
//! All of it is found through the stat cache of the worktree's index, and then file by file. Nothing is written.

use crate::error::Context as _;
use crate::files::safe_path::{self, Standing};
use crate::objects::differences::Side;
use crate::worktrees::checkouts::{self, Checkout};
use crate::{Error, Repository};
use gix::ObjectId;
use gix::bstr::{BStr, BString, ByteSlice as _};
use gix::objs::tree::EntryKind;
use gix::status::UntrackedFiles;
use gix::status::tree_index::TrackRenames;
use gix::worktree::stack::state::ignore::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Larger files are known to be touched and are not read.
const BYTES: u64 = 1024 * 1024;

/// The content of a worktree at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Has {
    Entry(Side),
    /// A file that is too large to be read again and again.
    Unread,
}

/// The result of a scan of a worktree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Whether what collides may be different now.
    pub changed: bool,
    /// The worktree's folders that hold files of interest, when everything was looked at.
    pub folders: BTreeSet<PathBuf>,
}

/// A followed worktree and its state.
pub(super) struct Followed {
    checkout: Checkout,
    worktree: gix::Repository,
    pub(super) head: ObjectId,
    /// The tree of the head.
    tree: ObjectId,
    /// The paths that differ from the head.
    pub(super) dirty: BTreeMap<BString, Has>,
}

impl Followed {
    pub(super) fn open(
        repository: &Repository,
        objects: &gix::Repository,
        path: &Path,
    ) -> Result<Self, Error> {
        let checkout = repository.checkout(path)?;
        let worktree = checkouts::open(&checkout)?;
        let head = checkout.head(objects)?.ok_or_else(|| repository.unknown("HEAD"))?;
        let tree = crate::objects::tree_of(objects, head)?;
        Ok(Self { checkout, worktree, head, tree, dirty: BTreeMap::new() })
    }

    pub(super) fn root(&self) -> &Path {
        &self.checkout.root
    }

    pub(super) fn git_dir(&self) -> &Path {
        &self.checkout.git_dir
    }

    /// Updates the head. A branch that was deleted leaves the head where it was.
    pub(super) fn look_at_head(&mut self, objects: &gix::Repository) -> Result<bool, Error> {
        let Some(head) = self.checkout.head(objects)?.filter(|head| *head != self.head) else {
            return Ok(false);
        };
        self.tree = crate::objects::tree_of(objects, head)?;
        self.head = head;
        Ok(true)
    }

    /// Finds all uncommitted changes; returns the paths that changed since the last scan.
    pub(super) fn look(
        &mut self,
        objects: &gix::Repository,
    ) -> Result<(Vec<BString>, BTreeSet<PathBuf>), Error> {
        let shown = self.checkout.root.display().to_string();
        let status = self
            .worktree
            .status(gix::progress::Discard)
            .context("look through", &shown)?
            .head_tree(self.tree)
            .untracked_files(UntrackedFiles::Files)
            .dirwalk_options(|options| options.emit_empty_directories(true))
            .index_worktree_rewrites(None)
            .index_worktree_submodules(None)
            .tree_index_track_renames(TrackRenames::Disabled)
            .into_iter(None::<BString>)
            .context("look through", &shown)?;
        let mut paths = BTreeSet::new();
        for item in status {
            paths.insert(item.context("look through", &shown)?.location().to_owned());
        }
        let mut folders = self.folders()?;
        folders.extend(paths.iter().flat_map(|path| self.leading(path.as_ref())));
        // A folder without files may get some.
        let empty = paths.iter().map(|path| self.checkout.root.join(safe_path::name(path)));
        folders.extend(empty.filter(|path| path.symlink_metadata().is_ok_and(|found| found.is_dir())));
        let before = std::mem::take(&mut self.dirty);
        self.take_in(objects, paths.iter())?;
        let changed = before
            .iter()
            .filter(|(path, has)| self.dirty.get(*path) != Some(has))
            .map(|(path, _)| path)
            .chain(self.dirty.keys().filter(|path| !before.contains_key(*path)))
            .cloned()
            .collect();
        Ok((changed, folders))
    }

    /// Scans some paths alone; returns those that changed since the last scan.
    pub(super) fn look_at<'a>(
        &mut self,
        objects: &gix::Repository,
        paths: impl Iterator<Item = &'a BString>,
    ) -> Result<Vec<BString>, Error> {
        let paths: Vec<&BString> = paths.collect();
        let before: Vec<_> = paths.iter().map(|path| self.dirty.remove(*path)).collect();
        self.take_in(objects, paths.iter().copied())?;
        let changed =
            paths.into_iter().zip(before).filter(|(path, before)| self.dirty.get(*path) != before.as_ref());
        Ok(changed.map(|(path, _)| path.clone()).collect())
    }

    /// Adds the entries at paths that were not scanned yet.
    fn take_in<'a>(
        &mut self,
        objects: &gix::Repository,
        paths: impl Iterator<Item = &'a BString>,
    ) -> Result<(), Error> {
        let tree = objects.find_tree(self.tree).context("read the tree of", self.head)?;
        let index =
            self.worktree.index_or_empty().context("read the index of", self.checkout.root.display())?;
        let mut ignored = None;
        for path in paths {
            let committed = entry(&tree, path.as_ref())?;
            let has = self.has(objects, path.as_ref(), committed)?;
            if has == Has::Entry(committed) {
                continue;
            }
            if committed.is_none() && index.entry_by_path(path.as_ref()).is_none() {
                let stack = match &mut ignored {
                    Some(stack) => stack,
                    empty => empty.insert(
                        self.worktree
                            .excludes(&index, None, Source::WorktreeThenIdMappingIfNotSkipped)
                            .context("read the ignored files of", self.checkout.root.display())?,
                    ),
                };
                let mode = Some(gix::index::entry::Mode::FILE);
                let platform = stack.at_entry(path.as_bstr(), mode).context("look at", path)?;
                if platform.is_excluded() || self.is_in_nested_repository(path.as_ref()) {
                    continue;
                }
            }
            self.dirty.insert(path.clone(), has);
        }
        Ok(())
    }

    /// Returns what stands at a path. Its content is kept in memory beside the objects.
    fn has(&self, objects: &gix::Repository, path: &BStr, committed: Side) -> Result<Has, Error> {
        let shown = || self.checkout.root.join(safe_path::name(path)).display().to_string();
        let is_submodule = committed.is_some_and(|(mode, _)| mode.is_commit());
        let standing = safe_path::look(&self.checkout.root, path, BYTES).context("read", shown())?;
        let (kind, content) = match standing {
            // A submodule's files are its own.
            Standing::Nothing | Standing::Other if is_submodule => return Ok(Has::Entry(committed)),
            Standing::Nothing | Standing::Other => return Ok(Has::Entry(None)),
            Standing::Large => return Ok(Has::Unread),
            Standing::File { content, is_executable: true } => (EntryKind::BlobExecutable, content),
            Standing::File { content, is_executable: false } => (EntryKind::Blob, content),
            Standing::Link(target) => (EntryKind::Link, target),
        };
        let id = objects.write_blob(&content).context("keep the content of", shown())?.detach();
        Ok(Has::Entry(Some((kind.into(), id))))
    }

    /// Returns the folders of the files that the index knows.
    fn folders(&self) -> Result<BTreeSet<PathBuf>, Error> {
        let index =
            self.worktree.index_or_empty().context("read the index of", self.checkout.root.display())?;
        let mut folders = BTreeSet::from([self.checkout.root.clone()]);
        let mut last: &BStr = b"".into();
        for entry in index.entries() {
            let path = entry.path(&index);
            let folder = path.rfind_byte(b'/').map_or(&b""[..], |at| &path[..at]);
            if folder != *last {
                last = folder.into();
                folders.extend(self.leading(path));
            }
        }
        Ok(folders)
    }

    /// Returns the folders that lead to a path.
    fn leading<'a>(&'a self, path: &'a BStr) -> impl Iterator<Item = PathBuf> + 'a {
        path.find_iter(b"/").map(|at| self.checkout.root.join(safe_path::name(&path[..at])))
    }

    /// Returns whether a path belongs to another repository whose folder is inside this worktree.
    fn is_in_nested_repository(&self, path: &BStr) -> bool {
        self.leading(path).any(|folder| folder.join(".git").symlink_metadata().is_ok())
    }

    /// Returns a path that a watcher tells, as one of the tree; none outside the worktree's own files.
    pub(super) fn own_path(&self, path: &Path) -> Option<BString> {
        let relative = path.strip_prefix(&self.checkout.root).ok()?;
        let path: BString = relative.as_os_str().as_encoded_bytes().into();
        let is_ours = !path.is_empty() && !path.starts_with(b".git/") && path != ".git";
        is_ours.then_some(path)
    }
}

/// Returns what a tree has at a path.
pub(super) fn entry(tree: &gix::Tree<'_>, path: &BStr) -> Result<Side, Error> {
    let found = tree.lookup_entry_by_path(safe_path::name(path)).context("look up", path)?;
    Ok(plain(found.filter(|entry| !entry.mode().is_tree()).map(|entry| (entry.mode(), entry.object_id()))))
}

/// Returns the same with the mode that git writes for its kind, so that equal entries are equal.
pub(super) fn plain(side: Side) -> Side {
    side.map(|(mode, id)| (mode.kind().into(), id))
}
