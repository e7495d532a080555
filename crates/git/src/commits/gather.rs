//! Gathers what a session did in its worktree onto the session's branch, whatever it did with git there.
//!
//! An agent in a worktree may rewrite its branch, delete it, leave it for another or for none, stop in the
//! middle of a rebase, or remove the worktree. What counts is what the worktree has checked out, with what is
//! uncommitted in it; the branch is brought there, and the worktree back onto the branch. Commits that are part of
//! nothing any more are kept on a hidden ref.

use crate::objects::ancestry::is_ancestor;
use crate::objects::merge::{Trial, try_merge};
use crate::refs::branches::{Mover, Swap};
use crate::shared::lock;
use crate::worktrees::checkouts::Checkout;
use crate::{
    CommitId, Error, Identity, Repository, WorktreeAnomaly, names, objects, objects::message, refs::branches,
};
use gix::ObjectId;
use gix::refs::FullName;
use std::path::PathBuf;

/// The number of attempts to gather when others move the branch meanwhile.
const ATTEMPTS: usize = 20;

/// The worktree to gather, and the branch that gets its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gather {
    pub worktree: PathBuf,
    /// The session's branch.
    pub branch: String,
    /// Where the session may have begun, and whose commits are not its own; names without a commit are passed over.
    pub upstream: Vec<String>,
    /// The hidden ref that keeps what the branch lost.
    pub saved: String,
    pub message: String,
    pub author: Identity,
    pub time_ms: i64,
    pub effect: Option<String>,
    /// Files and folders that stay out of the commit, relative to the worktree, unless git tracks them.
    pub left_out: Vec<String>,
}

/// The result of gathering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathered {
    /// Where the session's branch stands.
    pub head: CommitId,
    /// The anomalies that were found.
    pub anomalies: Vec<WorktreeAnomaly>,
}

impl Repository {
    /// Updates a session's branch to the state of its worktree, uncommitted work included. A merge under way is
    /// concluded once no file has conflict markers any more.
    pub fn gather(&self, gather: &Gather) -> Result<Gathered, Error> {
        let branch = names::branch(&gather.branch)?;
        let full = branch.as_bstr().to_string();
        let saved = names::hidden_ref(&gather.saved)?;
        let queue = self.queue(&full);
        let _turn = lock(&queue);
        let repository = self.local();
        let mut anomalies = Vec::new();
        let what = self.state_changes()?;
        if !what.is_empty() {
            anomalies.push(WorktreeAnomaly::Planted { what });
        }
        if let Some(registration) = self.registration(&gather.worktree)? {
            let files = self.restore_files_of(&registration)?;
            if !files.is_empty() {
                anomalies.push(WorktreeAnomaly::Replaced { files });
            }
        }
        let planted = anomalies.len();
        let checkout = match self.whole_checkout(&gather.worktree)? {
            None => self.repointed(&gather.worktree, &mut anomalies)?,
            checkout => checkout,
        };
        let Some(checkout) = checkout else {
            anomalies.push(WorktreeAnomaly::WorktreeGone);
            let head = self.without_worktree(&repository, gather, &branch, &mut anomalies)?;
            self.keep(&repository, gather, &saved, head, &mut anomalies)?;
            return Ok(Gathered { head: CommitId(head), anomalies });
        };
        // Taking and releasing the lock waits for a git at work and removes what a dead one left.
        drop(self.finish_move(&repository, &checkout, self.lock_index(&checkout.git_dir)?)?);
        for _ in 0..ATTEMPTS {
            let Some(head) = self.gather_once(&repository, gather, &branch, &checkout, &mut anomalies)?
            else {
                anomalies.truncate(planted);
                continue;
            };
            self.keep(&repository, gather, &saved, head, &mut anomalies)?;
            return Ok(Gathered { head: CommitId(head), anomalies });
        }
        Err(Error::Contended { branch: full, attempts: ATTEMPTS })
    }

    /// Gathers onto the branch at its present tip; `None` when it moved meanwhile.
    fn gather_once(
        &self,
        repository: &gix::Repository,
        gather: &Gather,
        branch: &FullName,
        checkout: &Checkout,
        anomalies: &mut Vec<WorktreeAnomaly>,
    ) -> Result<Option<ObjectId>, Error> {
        let full = branch.as_bstr().to_string();
        let on = checkout.on_branch()?;
        let is_on_it = on.as_ref() == Some(&full);
        let tip = branches::tip_of(repository, branch)?;
        if tip.is_none() {
            anomalies.push(WorktreeAnomaly::BranchGone { branch: gather.branch.clone() });
        }
        // A worktree whose branch was deleted still has the commit that it had checked out in its log.
        let begun = checkout.head(repository)?.or(tip).or(checkout.last_in_log(repository)?);
        let begun = match begun {
            Some(begun) => begun,
            None => upstream(repository, gather)?.first().copied().ok_or_else(|| self.unknown(&full))?,
        };
        let done = match tip {
            Some(tip) => self.done(repository, branch, tip, gather.effect.as_deref())?,
            None => None,
        };
        let tree = match done {
            Some(_) => self.staged_tree(checkout, None)?,
            None => self.stage_everything(repository, checkout, begun, &gather.left_out, anomalies)?,
        };
        let head = match (done, tip) {
            (Some(_), Some(tip)) => tip,
            (Some(_) | None, _) => {
                let work = as_commit(repository, gather, checkout, begun, tree)?;
                let work = rooted(repository, gather, checkout, work)?;
                let joined = join(repository, gather, tip, work, anomalies)?;
                // The branch may have begun another history while the worktree has another branch checked out.
                rooted(repository, gather, checkout, joined)?
            }
        };
        if !is_on_it {
            anomalies
                .push(WorktreeAnomaly::Elsewhere { found: on.unwrap_or_else(|| "no branch".to_owned()) });
        }
        if tip != Some(head) {
            self.sync_objects()?;
            let reason = format!("gather: {}", gather.message);
            let mover = Mover { by: &gather.author, time_ms: gather.time_ms, reason: &reason };
            if self.swap(repository, branch, tip, head, &mover)? == Swap::Lost {
                return Ok(None);
            }
        }
        self.attach(repository, checkout, &full, tree, head)?;
        Ok(Some(head))
    }

    /// Returns where the branch stands, or is made again, when there is no worktree to look into.
    fn without_worktree(
        &self,
        repository: &gix::Repository,
        gather: &Gather,
        branch: &FullName,
        anomalies: &mut Vec<WorktreeAnomaly>,
    ) -> Result<ObjectId, Error> {
        if let Some(tip) = branches::tip_of(repository, branch)? {
            return Ok(tip);
        }
        anomalies.push(WorktreeAnomaly::BranchGone { branch: gather.branch.clone() });
        let last = match self.registration(&gather.worktree)? {
            Some(registration) => {
                crate::refs::reflog::newest(repository, &registration.git_dir.join("logs/HEAD"))?
            }
            None => None,
        };
        let known = last.or(branches::tip_of(repository, &names::full_ref(&tips_ref(&gather.saved))?)?);
        let head = match known {
            Some(known) => known,
            None => {
                let upstream = upstream(repository, gather)?;
                upstream.first().copied().ok_or_else(|| self.unknown(&gather.branch))?
            }
        };
        let mover = Mover { by: &gather.author, time_ms: gather.time_ms, reason: "gather: made again" };
        self.sync_objects()?;
        match self.swap(repository, branch, None, head, &mover)? {
            Swap::Done => Ok(head),
            Swap::Lost => branches::tip_of(repository, branch)?.ok_or_else(|| self.unknown(&gather.branch)),
        }
    }
}

/// Returns the commits that are not the session's own.
pub(crate) fn upstream(repository: &gix::Repository, gather: &Gather) -> Result<Vec<ObjectId>, Error> {
    let mut found = Vec::new();
    for name in &gather.upstream {
        found.extend(crate::refs::resolve::find_commit(repository, name)?);
    }
    Ok(found)
}

/// Returns the staged work as a commit on what is checked out, or that commit when there is none.
fn as_commit(
    repository: &gix::Repository,
    gather: &Gather,
    checkout: &Checkout,
    begun: ObjectId,
    tree: ObjectId,
) -> Result<ObjectId, Error> {
    let merged = checkout.merge_heads()?;
    if merged.is_empty() && tree == objects::tree_of(repository, begun)? {
        return Ok(begun);
    }
    let parents: Vec<_> = std::iter::once(begun).chain(merged).collect();
    let text = message::with_effect(&gather.message, gather.effect.as_deref());
    objects::write_commit(repository, tree, &parents, &text, &gather.author, gather.time_ms)
}

/// Returns the work as part of the history that the session began in; a branch without a commit begins another one.
fn rooted(
    repository: &gix::Repository,
    gather: &Gather,
    checkout: &Checkout,
    work: ObjectId,
) -> Result<ObjectId, Error> {
    let upstream = upstream(repository, gather)?.first().copied();
    let is_of_it =
        |begun: &ObjectId| upstream.is_none_or(|upstream| has_common(repository, *begun, upstream));
    let begun =
        crate::refs::reflog::oldest(repository, &checkout.git_dir.join("logs/HEAD"))?.filter(is_of_it);
    let Some(begun) = begun.or(upstream) else {
        return Ok(work);
    };
    if has_common(repository, begun, work) {
        return Ok(work);
    }
    let text = format!("Join a history of its own with {}\n", gather.branch);
    let tree = objects::tree_of(repository, work)?;
    objects::write_commit(repository, tree, &[begun, work], &text, &gather.author, gather.time_ms)
}

/// Merges the worktree's commit with the branch; on conflicts, the worktree counts.
fn join(
    repository: &gix::Repository,
    gather: &Gather,
    tip: Option<ObjectId>,
    work: ObjectId,
    anomalies: &mut Vec<WorktreeAnomaly>,
) -> Result<ObjectId, Error> {
    let Some(tip) = tip else { return Ok(work) };
    if is_ancestor(repository, tip, work) {
        return Ok(work);
    }
    // A checkout of older commits, or of others, does not mean that the branch was left for good.
    let mut looked_at = upstream(repository, gather)?;
    looked_at.push(tip);
    if looked_at.into_iter().any(|known| is_ancestor(repository, work, known)) {
        return Ok(tip);
    }
    match try_merge(repository, (tip, &gather.branch), (work, "the worktree"), true)? {
        Trial::Tree(tree) => {
            let text = format!("Join what the worktree has with {}\n", gather.branch);
            let text = message::with_effect(&text, gather.effect.as_deref());
            objects::write_commit(repository, tree, &[tip, work], &text, &gather.author, gather.time_ms)
        }
        Trial::Conflict(files) => {
            let files = files.into_iter().map(|file| file.path).collect();
            anomalies.push(WorktreeAnomaly::LeftBranch { branch: gather.branch.clone(), files });
            Ok(work)
        }
    }
}

/// Returns whether two commits have history in common.
fn has_common(repository: &gix::Repository, one: ObjectId, other: ObjectId) -> bool {
    repository.merge_base(one, other).is_ok_and(|base| base.is_some())
}

/// Returns the ref that remembers where a session's branch stood, beside the ref that keeps what it lost.
pub(crate) fn tips_ref(saved: &str) -> String {
    match saved.strip_prefix("refs/spectask/saved/") {
        Some(rest) => format!("refs/spectask/tips/{rest}"),
        None => format!("{saved}-tip"),
    }
}
