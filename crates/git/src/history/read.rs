//! Reads files out of commits.

use crate::error::Context as _;
use crate::{Error, Repository, names, objects, refs::resolve};
use gix::objs::tree::EntryKind;

impl Repository {
    /// Returns the content of a file at a revision; `None` when there is no such revision or no such plain file.
    pub fn read(&self, rev: &str, path: &str) -> Result<Option<Vec<u8>>, Error> {
        let repository = self.local();
        let Some(commit) = resolve::find_commit(&repository, rev)? else { return Ok(None) };
        read_at(&repository, commit, path)
    }

    /// Returns how large a file is at a revision, in bytes; `None` when there is no such revision or no such plain
    /// file.
    pub fn size(&self, rev: &str, path: &str) -> Result<Option<u64>, Error> {
        let repository = self.local();
        let Some(commit) = resolve::find_commit(&repository, rev)? else { return Ok(None) };
        let Some(id) = file_at(&repository, commit, path)? else { return Ok(None) };
        Ok(Some(repository.find_header(id).context("read the size of", path)?.size()))
    }

    /// Returns the paths of all files beneath a folder at a revision, sorted; an empty folder name means all files. A
    /// revision or folder that does not exist has none.
    pub fn list(&self, rev: &str, folder: &str) -> Result<Vec<String>, Error> {
        let repository = self.local();
        let Some(commit) = resolve::find_commit(&repository, rev)? else { return Ok(Vec::new()) };
        let folder = folder.trim_end_matches('/');
        let root = objects::tree_of(&repository, commit)?;
        let mut tree = repository.find_tree(root).context("read the tree of", commit)?;
        if !folder.is_empty() {
            let entry = tree.lookup_entry_by_path(names::path(folder)?).context("look up", folder)?;
            let Some(entry) = entry.filter(|entry| entry.mode().is_tree()) else { return Ok(Vec::new()) };
            let id = entry.object_id();
            tree = repository.find_tree(id).context("read the folder", folder)?;
        }
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let entries = tree.traverse().breadthfirst.files().context("list the folder", folder)?;
        let mut paths: Vec<String> = entries
            .into_iter()
            .filter(|entry| !entry.mode.is_tree())
            .map(|entry| format!("{prefix}{}", entry.filepath))
            .collect();
        paths.sort();
        Ok(paths)
    }
}

/// Returns the content of a plain file at a commit.
pub(crate) fn read_at(
    repository: &gix::Repository,
    commit: gix::ObjectId,
    path: &str,
) -> Result<Option<Vec<u8>>, Error> {
    let found = file_at(repository, commit, path)?;
    found.map(|id| objects::blob(repository, id)).transpose()
}

/// Returns the blob of a plain file at a commit.
fn file_at(
    repository: &gix::Repository,
    commit: gix::ObjectId,
    path: &str,
) -> Result<Option<gix::ObjectId>, Error> {
    let tree =
        repository.find_tree(objects::tree_of(repository, commit)?).context("read the tree of", commit)?;
    let entry = tree.lookup_entry_by_path(names::path(path)?).context("look up", path)?;
    let is_file = |kind| matches!(kind, EntryKind::Blob | EntryKind::BlobExecutable);
    Ok(entry.filter(|entry| is_file(entry.mode().kind())).map(|entry| entry.object_id()))
}
