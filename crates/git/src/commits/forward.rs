//! Keeps a branch from losing commits: a branch that only moves forward.
//!
//! A hidden ref remembers the branch's tip. A deleted branch is created again at that tip; a branch that was moved so
//! that it lost commits gets them back by a merge, in which the present files of the branch win on conflicts. Worktrees
//! under which others moved the branch are fast-forwarded.

use crate::commits::commit::Contents;
use crate::error::Context as _;
use crate::objects::ancestry::is_ancestor;
use crate::objects::differences::differences;
use crate::refs::branches::{Mover, Swap, now_ms, tip_of};
use crate::refs::find::find_ref;
use crate::{Commit, CommitId, Error, Repository, names, objects};
use gix::ObjectId;
use gix::merge::tree::{FileFavor, TreatAsUnresolved, TreeFavor};
use gix::refs::FullName;
use serde::{Deserialize, Serialize};

/// The number of attempts to compare the branch with the remembered tip while both move.
const ATTEMPTS: usize = 10;

/// The number of earlier tips that are checked for one with all of its objects.
const KNOWN: usize = 1_000;

/// The state of a branch that only moves forward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Forward {
    /// It has all of its commits.
    Whole,
    /// It was deleted, and is created again.
    MadeAgain(CommitId),
    /// Its commit, or a part of that, is gone from the object store; it stands at the last one that is whole.
    Restored { lost: CommitId, now: CommitId },
    /// It had lost commits, and has them again.
    Joined {
        merge: CommitId,
        /// The newest of what was lost.
        lost: CommitId,
        /// The files in which what was lost conflicts with what the branch had instead; they are as the
        /// branch had them, and as they were in the lost commits' own history.
        contested: Vec<String>,
    },
}

impl Repository {
    /// Ensures that a branch has every commit that it was ever seen with. A branch that never existed is left so.
    pub fn restore_rewound(&self, branch: &str) -> Result<Forward, Error> {
        let name = names::branch(branch)?;
        let memory = memory_of(&name)?;
        let repository = self.local();
        if let Some(restored) = self.restore_lost(&repository, &name, &memory)? {
            return Ok(restored);
        }
        for _ in 0..ATTEMPTS {
            let (remembered, tip) = (tip_of(&repository, &memory)?, tip_of(&repository, &name)?);
            let (found, now) = match (remembered, tip) {
                (None, None) => return Ok(Forward::Whole),
                (None, Some(tip)) => (Forward::Whole, tip),
                (Some(remembered), None) => {
                    if !self.move_ref(&repository, &name, None, remembered, "forward: made again")? {
                        continue;
                    }
                    (Forward::MadeAgain(CommitId(remembered)), remembered)
                }
                (Some(remembered), Some(tip)) if is_ancestor(&repository, remembered, tip) => {
                    self.fast_forward_checkouts(&repository, &name, remembered, tip)?;
                    (Forward::Whole, tip)
                }
                (Some(remembered), Some(_)) => {
                    let (merge, contested) = self.join_lost(&name, remembered)?;
                    self.fast_forward_checkouts(&repository, &name, remembered, merge)?;
                    let (lost, merge_id) = (CommitId(remembered), CommitId(merge));
                    (Forward::Joined { merge: merge_id, lost, contested }, merge)
                }
            };
            if remembered == Some(now)
                || self.move_ref(&repository, &memory, remembered, now, "forward: seen")?
            {
                return Ok(found);
            }
            if found != Forward::Whole {
                // Another process remembers a later state, in which the finding is repaired already.
                return Ok(found);
            }
        }
        Err(Error::Contended { branch: branch.to_owned(), attempts: ATTEMPTS })
    }

    /// Restores what a branch lost where an effect's commit is among that: made once more, it would be there twice.
    pub(crate) fn restore_effect(&self, branch: &FullName, effect: &str) -> Result<(), Error> {
        let repository = self.local();
        let memory = memory_of(branch)?;
        let Some(remembered) = tip_of(&repository, &memory)? else { return Ok(()) };
        let tip = tip_of(&repository, branch)?;
        let is_whole = tip.is_some_and(|tip| is_ancestor(&repository, remembered, tip));
        if !is_whole && self.find_effect(&repository, &memory, remembered, effect)?.is_some() {
            self.restore_rewound(&names::short(branch))?;
        }
        Ok(())
    }

    /// Ensures that a branch which was seen once exists: a deleted one is created again at its last tip, and the answer
    /// is true. The branch may be rewritten.
    pub fn ensure_exists(&self, branch: &str) -> Result<bool, Error> {
        let name = names::branch(branch)?;
        let memory = names::full_ref(&format!("refs/spectask/there/{}", names::short(&name)))?;
        let repository = self.local();
        let (remembered, tip) = (tip_of(&repository, &memory)?, tip_of(&repository, &name)?);
        match (remembered, tip) {
            (None, None) => Ok(false),
            (Some(remembered), None) => {
                self.move_ref(&repository, &name, None, remembered, "there: made again")
            }
            (_, Some(tip)) => {
                // A process that remembers another tip meanwhile has seen the branch later.
                if remembered != Some(tip) {
                    self.move_ref(&repository, &memory, remembered, tip, "there: seen")?;
                }
                Ok(false)
            }
        }
    }

    /// Returns whether a branch stands at a commit that is gone from the object store, or a part of what it changed.
    pub fn is_lost(&self, branch: &str) -> Result<bool, Error> {
        let repository = self.local();
        let target = target_of(&repository, &names::branch(branch)?)?;
        Ok(target.is_some_and(|target| !is_whole(&repository, target)))
    }

    /// Resets a branch whose commit is gone to the last tip with all of its objects, or begins it again.
    fn restore_lost(
        &self,
        repository: &gix::Repository,
        name: &FullName,
        memory: &FullName,
    ) -> Result<Option<Forward>, Error> {
        let Some(lost) = target_of(repository, name)?.filter(|tip| !is_whole(repository, *tip)) else {
            return Ok(None);
        };
        let remembered = target_of(repository, memory)?;
        let log = self.0.common_dir.join("logs").join(crate::files::safe_path::name(name.as_bstr()));
        let mut known: Vec<ObjectId> = crate::refs::reflog::recent(&log, KNOWN)?;
        known.extend(remembered);
        let whole = known.into_iter().find(|commit| is_whole(repository, *commit));
        let now = match whole {
            Some(whole) => whole,
            None => self.first_docs_commit(repository)?,
        };
        let queue = self.queue(&name.as_bstr().to_string());
        let _turn = crate::shared::lock(&queue);
        if !self.move_ref(repository, name, Some(lost), now, "forward: restored")? {
            return Ok(None);
        }
        if remembered.is_some_and(|remembered| remembered != now) {
            // Lost to another process, that one remembers as well.
            self.move_ref(repository, memory, remembered, now, "forward: restored")?;
        }
        for checkout in self.movable(&name.as_bstr().to_string())? {
            // The files stay as they are: they may be all that is left of what was lost.
            drop(self.lock_index(&checkout.git_dir)?);
            let call = self.0.git.command_on_files("read-tree", &self.place_at(&checkout)?)?;
            call.args(["--reset", &now.to_string()]).run()?;
        }
        Ok(Some(Forward::Restored { lost: CommitId(lost), now: CommitId(now) }))
    }

    /// Merges what a branch lost back into it.
    fn join_lost(&self, name: &FullName, lost: ObjectId) -> Result<(ObjectId, Vec<String>), Error> {
        let mut contested = Vec::new();
        let mut contents = |repository: &gix::Repository, tip: ObjectId| {
            contested.clear();
            if is_ancestor(repository, lost, tip) {
                return Ok(Contents::Nothing);
            }
            let (tree, files) = join(repository, tip, lost)?;
            contested = files;
            Ok(Contents::Merge { tree, also: vec![lost] })
        };
        let commit = Commit {
            branch: names::short(name),
            changes: Vec::new(),
            message: format!("Join the commits that {} had lost\n", names::short(name)),
            author: self.identity().clone(),
            time_ms: now_ms(),
            effect: None,
        };
        let joined = self.write(&commit, &mut contents)?;
        Ok((joined.id.0, contested))
    }

    /// Fast-forwards the worktrees whose index still matches the branch as it was before another process moved it. A move
    /// that was made from inside a worktree has updated that worktree already.
    fn fast_forward_checkouts(
        &self,
        repository: &gix::Repository,
        name: &FullName,
        old: ObjectId,
        new: ObjectId,
    ) -> Result<(), Error> {
        if old == new {
            return Ok(());
        }
        let full = name.as_bstr().to_string();
        let tree = objects::tree_of(repository, new)?;
        let mut behind = Vec::new();
        for checkout in self.movable(&full)? {
            // It may have been brought further than the branch was last seen.
            let last = crate::worktrees::follow::brought_to(repository, &checkout)?;
            let last = last
                .filter(|last| is_ancestor(repository, old, *last) && is_ancestor(repository, *last, new));
            let from = last.unwrap_or(old);
            let changed = differences(repository, objects::tree_of(repository, from)?, tree)?;
            if crate::worktrees::follow::is_behind(repository, &checkout, &changed)? {
                behind.push((from, checkout));
            }
        }
        if behind.is_empty() {
            return Ok(());
        }
        let queue = self.queue(&full);
        let _turn = crate::shared::lock(&queue);
        if tip_of(repository, name)? != Some(new) {
            // The process that moved it since fast-forwards the worktrees.
            return Ok(());
        }
        for (from, checkout) in behind {
            let held = self.hold(repository, vec![checkout])?;
            held.note(&full, from, new)?;
            held.follow(repository, from, new);
        }
        Ok(())
    }

    fn move_ref(
        &self,
        repository: &gix::Repository,
        name: &FullName,
        old: Option<ObjectId>,
        new: ObjectId,
        reason: &str,
    ) -> Result<bool, Error> {
        let mover = Mover { by: self.identity(), time_ms: now_ms(), reason };
        self.sync_objects()?;
        Ok(self.swap(repository, name, old, new, &mover)? == Swap::Done)
    }
}

/// Returns the hidden ref that remembers where a branch stood.
fn memory_of(branch: &FullName) -> Result<FullName, Error> {
    names::full_ref(&format!("refs/spectask/forward/{}", names::short(branch)))
}

/// Returns what a ref names, whether that is there or not.
fn target_of(repository: &gix::Repository, name: &FullName) -> Result<Option<ObjectId>, Error> {
    let found = find_ref(repository, name.as_ref())?;
    let found = found.filter(|found| found.name() == name.as_ref());
    Ok(found.and_then(|found| found.try_id().map(gix::Id::detach)))
}

/// Returns whether a commit is there with all that it changed.
fn is_whole(repository: &gix::Repository, commit: ObjectId) -> bool {
    let Ok(found) = repository.find_commit(commit) else { return false };
    let empty = repository.empty_tree().id;
    let before =
        found.parent_ids().next().and_then(|parent| objects::tree_of(repository, parent.detach()).ok());
    let tree = objects::tree_of(repository, commit);
    let changed = tree.and_then(|tree| differences(repository, before.unwrap_or(empty), tree));
    changed.is_ok_and(|changed| {
        changed
            .iter()
            .filter_map(|one| one.new)
            .all(|(mode, id)| mode.is_commit() || repository.has_object(id))
    })
}

/// Returns the tree of two commits together, and the files in which only the first counts.
fn join(
    repository: &gix::Repository,
    now: ObjectId,
    lost: ObjectId,
) -> Result<(ObjectId, Vec<String>), Error> {
    // Commits without common history are joined from nothing.
    let base = repository.merge_base(now, lost).ok().flatten().map(gix::Id::detach);
    let base = base.map_or(Ok(repository.empty_tree().id), |base| objects::tree_of(repository, base))?;
    let trees = (objects::tree_of(repository, now)?, objects::tree_of(repository, lost)?);
    let options = repository.tree_merge_options().context("prepare to join", lost)?;
    let labels = gix::merge::blob::builtin_driver::text::Labels::default();
    let strict =
        repository.merge_trees(base, trees.0, trees.1, labels, options.clone()).context("join", lost)?;
    let how = TreatAsUnresolved::git();
    let mut contested: Vec<String> = strict
        .conflicts
        .iter()
        .filter(|conflict| conflict.is_unresolved(how))
        .map(|conflict| conflict.ours.location().to_string())
        .collect();
    contested.sort();
    contested.dedup();
    let options = options.with_file_favor(Some(FileFavor::Ours)).with_tree_favor(Some(TreeFavor::Ours));
    let mut joined = repository.merge_trees(base, trees.0, trees.1, labels, options).context("join", lost)?;
    Ok((joined.tree.write().context("write the tree of", lost)?.detach(), contested))
}
