//! Removes branches whose commits other refs have, and the hidden refs that kept these commits for a while.

use crate::error::Context as _;
use crate::objects::ancestry::is_ancestor;
use crate::refs::branches::{Mover, Swap, now_ms, tip_of};
use crate::{CommitId, Error, Repository, names, refs::reflog};
use gix::ObjectId;
use gix::refs::transaction::{Change, PreviousValue, RefEdit, RefLog};
use gix::refs::{FullName, Target};

/// A branch to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retire {
    /// The name of the branch.
    pub branch: String,
    /// Its tip when it was found; a branch that moved since stays.
    pub tip: CommitId,
    /// The branch that has to have its commits.
    pub into: String,
    /// The prefix of refs that may have commits which the branch had and lost.
    pub saved: String,
    /// The hidden ref that keeps its commits; made when it is not there.
    pub keep: String,
}

/// Whether a branch can be removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Retired {
    /// It was removed, or would be.
    Removed,
    /// It stays, for a reason that a person can read.
    Kept(String),
}

impl Repository {
    /// Returns the refs beneath a prefix such as `refs/heads/session/`, with the commits that they name, sorted by name.
    pub fn refs_beneath(&self, prefix: &str) -> Result<Vec<(String, CommitId)>, Error> {
        let repository = self.local();
        let shown = self.path().display();
        let platform = repository.references().context("list the refs of", &shown)?;
        let mut found = Vec::new();
        for reference in platform.prefixed(prefix).context("list the refs of", &shown)? {
            // A broken ref stays, and so does a symbolic one.
            let Ok(reference) = reference else { continue };
            if let Some(id) = reference.try_id() {
                found.push((reference.name().as_bstr().to_string(), CommitId(id.detach())));
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    /// Returns whether [`Repository::retire_branch`] would remove a branch.
    pub fn can_retire(&self, retire: &Retire) -> Result<Retired, Error> {
        let repository = self.local();
        let name = names::branch(&retire.branch)?;
        let kept = |reason: &str| Ok(Retired::Kept(reason.to_owned()));
        if tip_of(&repository, &name)? != Some(retire.tip.0) {
            return kept("it moved meanwhile");
        }
        let Some(into) = tip_of(&repository, &names::branch(&retire.into)?)? else {
            return Ok(Retired::Kept(format!("the branch {} is not there", retire.into)));
        };
        if name == names::branch(&retire.into)? {
            return kept("it is the base branch");
        }
        if !is_ancestor(&repository, retire.tip.0, into) {
            return Ok(Retired::Kept(format!("{} does not have all of its commits", retire.into)));
        }
        let full = name.as_bstr().to_string();
        if self.checkouts()?.iter().any(|checkout| checkout.branch.as_ref() == Some(&full)) {
            return kept("a worktree has it checked out");
        }
        // The log goes with the branch, and it may be all that names commits which were rewritten.
        let log = self.0.common_dir.join("logs").join(crate::files::safe_path::name(name.as_bstr()));
        let mut having = vec![into];
        having.extend(self.refs_beneath(&retire.saved)?.into_iter().map(|(_, commit)| commit.0));
        for commit in reflog::commits(&repository, &log)? {
            if !having.iter().any(|tip| is_ancestor(&repository, commit, *tip)) {
                return kept("its log has commits that are nowhere else");
            }
        }
        Ok(Retired::Removed)
    }

    /// Removes a branch when its commits are in another, after a hidden ref keeps them too.
    pub fn retire_branch(&self, retire: &Retire) -> Result<Retired, Error> {
        let name = names::branch(&retire.branch)?;
        let queue = self.queue(&name.as_bstr().to_string());
        let _turn = crate::shared::lock(&queue);
        if let Retired::Kept(reason) = self.can_retire(retire)? {
            return Ok(Retired::Kept(reason));
        }
        let repository = self.local();
        let keep = names::hidden_ref(&retire.keep)?;
        let kept = tip_of(&repository, &keep)?;
        let covers = |kept: ObjectId| is_ancestor(&repository, retire.tip.0, kept);
        if !kept.is_some_and(covers) {
            if kept.is_some_and(|kept| !is_ancestor(&repository, kept, retire.tip.0)) {
                return Ok(Retired::Kept(
                    "its commits and those of the task's other branches differ".to_owned(),
                ));
            }
            let mover =
                Mover { by: self.identity(), time_ms: now_ms(), reason: "retire: commits of a branch" };
            self.sync_objects()?;
            if self.swap(&repository, &keep, kept, retire.tip.0, &mover)? == Swap::Lost {
                return Ok(Retired::Kept("another process keeps its commits".to_owned()));
            }
        }
        delete_ref(&repository, name, retire.tip.0)
    }

    /// Removes a hidden ref whose commit a branch has.
    pub fn release_ref(&self, name: &str, commit: CommitId, into: &str) -> Result<Retired, Error> {
        let repository = self.local();
        let name = names::hidden_ref(name)?;
        let into = tip_of(&repository, &names::branch(into)?)?;
        if !into.is_some_and(|into| is_ancestor(&repository, commit.0, into)) {
            return Ok(Retired::Kept("the base branch does not have all of its commits".to_owned()));
        }
        delete_ref(&repository, name, commit.0)
    }
}

/// Deletes a ref that still names a commit.
fn delete_ref(repository: &gix::Repository, name: FullName, commit: ObjectId) -> Result<Retired, Error> {
    let expected = PreviousValue::MustExistAndMatch(Target::Object(commit));
    let change = Change::Delete { expected, log: RefLog::AndReference };
    let shown = name.as_bstr().to_string();
    repository.edit_reference(RefEdit { change, name, deref: false }).context("delete the ref", shown)?;
    Ok(Retired::Removed)
}
