//! Reverts the change of a merge by a commit on another branch.

use crate::commits::commit::Contents;
use crate::error::Context as _;
use crate::objects::merge::{Trial, resolve_trees};
use crate::{Commit, CommitId, ConflictFile, Error, Identity, Repository, objects};
use gix::ObjectId;
use serde::{Deserialize, Serialize};

/// The commit to revert, and the branch for the revert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revert {
    /// The commit whose difference from its first parent is reverted.
    pub commit: CommitId,
    /// The branch from which the other one is cut.
    pub from: String,
    /// The branch that gets the commit; made when it is not there.
    pub branch: String,
    pub message: String,
    pub author: Identity,
    pub time_ms: i64,
    pub effect: Option<String>,
}

/// The result of a revert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reverted {
    Reverted(CommitId),
    /// Nothing of the change is left; no branch was made.
    Nothing,
    /// Later changes touch the same lines; no branch was made.
    Conflict(Vec<ConflictFile>),
}

impl Repository {
    /// Returns the message of a commit.
    pub fn message_of(&self, commit: CommitId) -> Result<String, Error> {
        let repository = self.local();
        let found = repository.find_commit(commit.0).context("read the commit", commit.to_string())?;
        Ok(found.message_raw().context("read the message of", commit.to_string())?.to_string())
    }

    /// Makes a commit that reverts another one, on a branch cut from the tip of `from`.
    pub fn revert(&self, revert: &Revert) -> Result<Reverted, Error> {
        let repository = self.local();
        let tip = self.need(&repository, &revert.from)?;
        match undone(&repository, revert.commit, tip)? {
            Trial::Conflict(files) => return Ok(Reverted::Conflict(files)),
            Trial::Tree(tree) if tree == objects::tree_of(&repository, tip)? => return Ok(Reverted::Nothing),
            Trial::Tree(_) => {}
        }
        if self.resolve(&revert.branch)?.is_none() {
            self.create_branch(&revert.branch, &revert.from)?;
        }
        let mut conflict = None;
        let mut contents =
            |repository: &gix::Repository, tip: ObjectId| match undone(repository, revert.commit, tip)? {
                Trial::Tree(tree) => Ok(Contents::Tree(tree)),
                Trial::Conflict(files) => {
                    conflict = Some(files);
                    Ok(Contents::Nothing)
                }
            };
        let commit = Commit {
            branch: revert.branch.clone(),
            changes: Vec::new(),
            message: revert.message.clone(),
            author: revert.author.clone(),
            time_ms: revert.time_ms,
            effect: revert.effect.clone(),
        };
        let committed = self.write(&commit, &mut contents)?;
        Ok(match conflict {
            Some(files) => Reverted::Conflict(files),
            None => Reverted::Reverted(committed.id),
        })
    }
}

/// Returns the files of a tip without what a commit brought: the commit is the base, and its first parent the other
/// side.
fn undone(repository: &gix::Repository, commit: CommitId, tip: ObjectId) -> Result<Trial, Error> {
    let name = commit.to_string();
    let found = repository.find_commit(commit.0).context("read the commit", &name)?;
    let before = match found.parent_ids().next() {
        Some(parent) => objects::tree_of(repository, parent.detach())?,
        None => repository.empty_tree().id,
    };
    let after = objects::tree_of(repository, commit.0)?;
    resolve_trees(
        repository,
        after,
        (objects::tree_of(repository, tip)?, "present"),
        (before, "before the change"),
    )
}
