//! Commits files that were composed from what a branch had at a commit.

use crate::commit::Contents;
use crate::error::Context as _;
use crate::{Change, Commit, CommitId, Committed, Error, Repository, names, objects};
use gix::ObjectId;
use gix::objs::tree::EntryKind;

impl Repository {
    /// Makes a commit of files that were composed from what `base` had. Other files may have changed since; when
    /// one of these did, no commit is made and the answer is `None`: the caller composes them anew.
    pub fn commit_on(&self, base: CommitId, commit: &Commit) -> Result<Option<Committed>, Error> {
        let mut is_overtaken = false;
        let mut contents = |repository: &gix::Repository, tip: ObjectId| {
            let tree = objects::tree_of(repository, tip)?;
            is_overtaken = tip != base.0 && {
                let before = objects::tree_of(repository, base.0)?;
                differ(repository, before, tree, &commit.changes)?
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

/// Whether one of the files is another one in the second tree.
fn differ(
    repository: &gix::Repository,
    before: ObjectId,
    after: ObjectId,
    changes: &[Change],
) -> Result<bool, Error> {
    let entry = |tree: ObjectId, path: &str| -> Result<Option<(EntryKind, ObjectId)>, Error> {
        let tree = repository.find_tree(tree).context("read the tree", tree)?;
        let entry = tree.lookup_entry_by_path(names::path(path)?).context("look up", path)?;
        Ok(entry.map(|entry| (entry.mode().kind(), entry.object_id())))
    };
    for change in changes {
        if entry(before, &change.path)? != entry(after, &change.path)? {
            return Ok(true);
        }
    }
    Ok(false)
}
