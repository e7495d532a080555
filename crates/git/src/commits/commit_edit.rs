//! Edits one file of a branch as it is at the moment of the commit.

use crate::commits::commit::Contents;
use crate::{Change, Commit, Committed, Error, Repository, history::read, names, objects};

impl Repository {
    /// Reads a file at a branch's tip, has it edited, and commits it together with the commit's own changes.
    /// When another process commits in between, the file is read and edited again. An edit that changes nothing
    /// makes no commit. A file that does not exist is edited from nothing.
    pub fn commit_edit(
        &self,
        branch: &str,
        path: &str,
        edit: &mut dyn FnMut(&[u8]) -> Vec<u8>,
        commit: &Commit,
    ) -> Result<Committed, Error> {
        names::path(path)?;
        let mut contents = |repository: &gix::Repository, tip: gix::ObjectId| {
            let before = read::read_at(repository, tip, path)?.unwrap_or_default();
            let after = edit(&before);
            let changes = if after == before {
                commit.changes.clone()
            } else {
                with_change(&commit.changes, path, after)
            };
            let tree = objects::tree_of(repository, tip)?;
            Ok(Contents::Tree(objects::edited_tree(repository, tree, &changes)?))
        };
        let on_branch = Commit { branch: branch.to_owned(), ..commit.clone() };
        self.write(&on_branch, &mut contents)
    }
}

/// Returns the changes with one file's content among them.
fn with_change(changes: &[Change], path: &str, content: Vec<u8>) -> Vec<Change> {
    let others = changes.iter().filter(|change| change.path != path).cloned();
    others.chain([Change { path: path.to_owned(), content: Some(content) }]).collect()
}
