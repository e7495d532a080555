//! Merges branches in process.

use crate::commits::commit::Contents;
use crate::objects::ancestry::is_ancestor;
use crate::objects::merge::{ConflictFile, Trial, try_merge};
use crate::{Commit, CommitId, Error, Identity, Repository};
use gix::ObjectId;
use serde::{Deserialize, Serialize};

/// A merge of one branch into another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merge {
    pub into: String,
    pub from: String,
    pub message: String,
    pub author: Identity,
    pub time_ms: i64,
    pub effect: Option<String>,
}

/// The result of a merge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Merged {
    /// The merge commit, made now or by an earlier call of the same effect.
    Merged(CommitId),
    /// Everything was contained already in this tip.
    UpToDate(CommitId),
    /// Nothing was changed.
    Conflict(Vec<ConflictFile>),
}

impl Repository {
    /// Merges one branch into another with a merge commit. Worktrees that have the branch checked out are
    /// fast-forwarded, except for files that differ from the branch.
    pub fn merge(&self, merge: &Merge) -> Result<Merged, Error> {
        let mut up_to_date = false;
        let mut conflict = None;
        let mut contents = |repository: &gix::Repository, tip: ObjectId| {
            let from = self.need(repository, &merge.from)?;
            if is_ancestor(repository, from, tip) {
                up_to_date = true;
                return Ok(Contents::Nothing);
            }
            match try_merge(repository, (tip, &merge.into), (from, &merge.from), true)? {
                Trial::Tree(tree) => Ok(Contents::Merge { tree, also: vec![from] }),
                Trial::Conflict(files) => {
                    conflict = Some(files);
                    Ok(Contents::Nothing)
                }
            }
        };
        let commit = Commit {
            branch: merge.into.clone(),
            changes: Vec::new(),
            message: merge.message.clone(),
            author: merge.author.clone(),
            time_ms: merge.time_ms,
            effect: merge.effect.clone(),
        };
        let committed = self.write(&commit, &mut contents)?;
        Ok(match conflict {
            Some(files) => Merged::Conflict(files),
            None if up_to_date => Merged::UpToDate(committed.id),
            None => Merged::Merged(committed.id),
        })
    }
}
