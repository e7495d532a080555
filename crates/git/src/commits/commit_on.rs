//! Commits files that were composed from what a branch had at a commit.

use crate::commits::commit::Contents;
use crate::history::unchanged::entries;
use crate::{Commit, CommitId, Committed, Error, Repository, objects};
use gix::ObjectId;

impl Repository {
    /// Makes a commit of files that were composed from what `base` had in them and in the `read` files and folders.
    /// Others may have changed since; when one of these did, no commit is made and the answer is `None`: the caller
    /// composes them again.
    pub fn commit_on(
        &self,
        base: CommitId,
        read: &[String],
        commit: &Commit,
    ) -> Result<Option<Committed>, Error> {
        let composed = commit.changes.iter().map(|change| change.path.as_str());
        let paths: Vec<&str> = composed.chain(read.iter().map(String::as_str)).collect();
        let mut is_overtaken = false;
        let mut contents = |repository: &gix::Repository, tip: ObjectId| {
            let tree = objects::tree_of(repository, tip)?;
            is_overtaken = tip != base.0 && {
                entries(repository, base.0, &paths)? != entries(repository, tip, &paths)?
            };
            if is_overtaken {
                return Ok(Contents::Nothing);
            }
            Ok(Contents::Tree(objects::edited_tree(repository, tree, &commit.changes)?))
        };
        let committed = self.write(commit, &mut contents)?;
        Ok((!is_overtaken).then_some(committed))
    }
}
