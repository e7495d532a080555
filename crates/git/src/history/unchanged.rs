//! Compares files and folders of two revisions without reading them.

use crate::error::Context as _;
use crate::{Error, Repository, names, objects, refs::resolve};
use gix::ObjectId;
use gix::objs::tree::EntryKind;
use std::collections::{BTreeMap, BTreeSet};

/// The entry of a tree at a path, if there is one.
pub(crate) type Entry = Option<(EntryKind, ObjectId)>;

impl Repository {
    /// Returns whether some files and folders are the same at two revisions; `None` when one of these is not there.
    pub fn is_unchanged(&self, old: &str, new: &str, paths: &[&str]) -> Result<Option<bool>, Error> {
        let repository = self.local();
        let find = |rev: &str| resolve::find_commit(&repository, rev);
        let (Some(old), Some(new)) = (find(old)?, find(new)?) else { return Ok(None) };
        Ok(Some(old == new || entries(&repository, old, paths)? == entries(&repository, new, paths)?))
    }

    /// Returns what lies directly in a folder and is not the same at two revisions, by name; `None` when one of these
    /// is not there.
    pub fn changed_in(&self, old: &str, new: &str, folder: &str) -> Result<Option<BTreeSet<String>>, Error> {
        let repository = self.local();
        let find = |rev: &str| resolve::find_commit(&repository, rev);
        let (Some(old), Some(new)) = (find(old)?, find(new)?) else { return Ok(None) };
        let before = inside(&repository, old, folder)?;
        let after = inside(&repository, new, folder)?;
        let names = before.keys().chain(after.keys()).filter(|name| before.get(*name) != after.get(*name));
        Ok(Some(names.cloned().collect()))
    }
}

/// Returns what paths stand for at a commit.
pub(crate) fn entries(
    repository: &gix::Repository,
    commit: ObjectId,
    paths: &[&str],
) -> Result<Vec<Entry>, Error> {
    let tree =
        repository.find_tree(objects::tree_of(repository, commit)?).context("read the tree of", commit)?;
    paths
        .iter()
        .map(|path| {
            let entry = tree.lookup_entry_by_path(names::path(path)?).context("look up", path)?;
            Ok(entry.map(|entry| (entry.mode().kind(), entry.object_id())))
        })
        .collect()
}

/// Returns what lies directly in a folder at a commit.
fn inside(
    repository: &gix::Repository,
    commit: ObjectId,
    folder: &str,
) -> Result<BTreeMap<String, (EntryKind, ObjectId)>, Error> {
    let found = entries(repository, commit, &[folder])?.into_iter().flatten().next();
    let Some((EntryKind::Tree, id)) = found else { return Ok(BTreeMap::new()) };
    let tree = repository.find_tree(id).context("read the folder", folder)?;
    tree.iter()
        .map(|entry| {
            let entry = entry.context("read the folder", folder)?;
            Ok((entry.filename().to_string(), (entry.mode().kind(), entry.object_id())))
        })
        .collect()
}
