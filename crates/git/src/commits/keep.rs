//! Keeps the commits that a session's branch lost.
//!
//! Git's logs of the worktree and of the branch name every commit that either of them ever stood at. Those that are
//! part of nothing any more become parents of a commit on a hidden ref, together with what the ref had before.

use crate::commits::gather::{Gather, tips_ref, upstream};
use crate::error::Context as _;
use crate::objects::ancestry::is_ancestor;
use crate::refs::branches::{Mover, Swap, tip_of};
use crate::{CommitId, Error, Repository, WorktreeAnomaly, names, objects, refs::reflog};
use gix::ObjectId;
use gix::refs::FullName;
use std::collections::BTreeSet;

/// The number of attempts to set the hidden ref while others set it.
const ATTEMPTS: usize = 10;

impl Repository {
    /// Keeps what the session committed and its branch does not have, and remembers where the branch stands.
    pub(crate) fn keep(
        &self,
        repository: &gix::Repository,
        gather: &Gather,
        saved: &FullName,
        head: ObjectId,
        anomalies: &mut Vec<WorktreeAnomaly>,
    ) -> Result<(), Error> {
        let tips = names::full_ref(&tips_ref(&gather.saved))?;
        let branch = names::branch(&gather.branch)?;
        let mut logs =
            vec![self.0.common_dir.join("logs").join(crate::files::safe_path::name(branch.as_bstr()))];
        if let Some(registration) = self.registration(&gather.worktree)? {
            logs.push(registration.git_dir.join("logs/HEAD"));
        }
        let mut candidates = BTreeSet::new();
        for log in logs {
            candidates.extend(reflog::commits(repository, &log)?);
        }
        let remembered = tip_of(repository, &tips)?;
        candidates.extend(remembered);
        let mut known = upstream(repository, gather)?;
        known.push(head);
        let mover = Mover { by: &gather.author, time_ms: gather.time_ms, reason: "gather: kept" };
        for _ in 0..ATTEMPTS {
            let old = tip_of(repository, saved)?;
            let hidden: Vec<_> = known.iter().copied().chain(old).collect();
            let lost = lost(repository, &candidates, &hidden)?;
            if lost.is_empty() {
                break;
            }
            let parents: Vec<_> = old.into_iter().chain(lost.iter().copied()).collect();
            let tree = objects::tree_of(repository, lost[0])?;
            let text = format!("Commits that {} had and has not any more\n", gather.branch);
            let kept =
                objects::write_commit(repository, tree, &parents, &text, &gather.author, gather.time_ms)?;
            self.sync_objects()?;
            if self.swap(repository, saved, old, kept, &mover)? == Swap::Done {
                let commits = lost.into_iter().map(CommitId).collect();
                anomalies.push(WorktreeAnomaly::Rewritten { commits, kept: gather.saved.clone() });
                break;
            }
        }
        if remembered != Some(head) {
            // Another gathering that sets the ref first remembers the tip as well.
            self.swap(repository, &tips, remembered, head, &mover)?;
        }
        Ok(())
    }
}

/// Returns the candidates that are part of nothing known and of no other candidate.
fn lost(
    repository: &gix::Repository,
    candidates: &BTreeSet<ObjectId>,
    known: &[ObjectId],
) -> Result<Vec<ObjectId>, Error> {
    if candidates.iter().all(|candidate| known.contains(candidate)) {
        return Ok(Vec::new());
    }
    let walk = repository
        .rev_walk(candidates.iter().copied())
        .with_hidden(known.iter().copied())
        .all()
        .context("walk the commits of", repository.path().display())?;
    let (mut lost, mut parents) = (BTreeSet::new(), BTreeSet::new());
    for info in walk {
        let info = info.context("walk the commits of", repository.path().display())?;
        parents.extend(info.parent_ids.iter().copied());
        if candidates.contains(&info.id) {
            lost.insert(info.id);
        }
    }
    // Where dates are out of order, the walk comes upon commits before it comes upon what hides them.
    let is_known = |commit: ObjectId| known.iter().any(|known| is_ancestor(repository, commit, *known));
    Ok(lost.difference(&parents).copied().filter(|commit| !is_known(*commit)).collect())
}
