//! Commits to branches in process, without a checkout.

use crate::refs::branches::{Mover, Swap};
use crate::shared::lock;
use crate::worktrees::checkouts::Checkout;
use crate::{
    Change, Commit, CommitId, Committed, Error, Repository, names, objects, objects::message, refs::branches,
};
use gix::ObjectId;
use gix::refs::FullName;

/// The number of attempts to commit when others move the branch meanwhile.
const ATTEMPTS: usize = 100;

/// Computes the contents for a branch's tip; called again for each tip that is tried.
pub(crate) type Compose<'a> = &'a mut dyn FnMut(&gix::Repository, ObjectId) -> Result<Contents, Error>;

/// The contents of a commit on a tip.
pub(crate) enum Contents {
    /// A commit of this tree, with further parents, also when the tree is the same.
    Merge { tree: ObjectId, also: Vec<ObjectId> },
    /// A commit of this tree, unless it is the same.
    Tree(ObjectId),
    /// No commit.
    Nothing,
}

impl Repository {
    /// Makes a commit on a branch. When the branch has the effect's commit already, or nothing would change, no commit
    /// is made. Worktrees that have the branch checked out are fast-forwarded.
    pub fn commit(&self, commit: &Commit) -> Result<Committed, Error> {
        let changes: &[Change] = &commit.changes;
        let mut contents = |repository: &gix::Repository, tip: ObjectId| {
            let tree = objects::tree_of(repository, tip)?;
            Ok(Contents::Tree(objects::edited_tree(repository, tree, changes)?))
        };
        self.write(commit, &mut contents)
    }

    /// Makes a commit on a branch, composed again for each tip that the branch moves to.
    pub(crate) fn write(&self, commit: &Commit, compose: Compose<'_>) -> Result<Committed, Error> {
        let branch = names::branch(&commit.branch)?;
        if let Some(effect) = &commit.effect {
            self.restore_effect(&branch, effect)?;
        }
        let full = branch.as_bstr().to_string();
        let queue = self.queue(&full);
        let _turn = lock(&queue);
        let repository = self.local();
        for _ in 0..ATTEMPTS {
            let tip = branches::tip_of(&repository, &branch)?.ok_or_else(|| self.unknown(&commit.branch))?;
            if let Some(known) = self.done(&repository, &branch, tip, commit.effect.as_deref())? {
                self.catch_up(&repository, &full)?;
                return Ok(known);
            }
            let (tree, mut parents) = match compose(&repository, tip)? {
                Contents::Tree(tree) if tree != objects::tree_of(&repository, tip)? => (tree, Vec::new()),
                Contents::Merge { tree, also } => (tree, also),
                Contents::Tree(_) | Contents::Nothing => {
                    return Ok(Committed { id: CommitId(tip), fresh: false });
                }
            };
            parents.insert(0, tip);
            let text = message::with_effect(&commit.message, commit.effect.as_deref());
            let new =
                objects::write_commit(&repository, tree, &parents, &text, &commit.author, commit.time_ms)?;
            // The disk is waited for before worktrees are held, so that a git in one of them hardly notices.
            self.sync_objects()?;
            let held = self.hold(&repository, self.movable(&full)?)?;
            held.note(&full, tip, new)?;
            let reason = format!("commit: {}", commit.message);
            let mover = Mover { by: &commit.author, time_ms: commit.time_ms, reason: &reason };
            match self.try_swap(&repository, &branch, Some(tip), new, &mover) {
                Ok(Swap::Done) => {
                    held.follow(&repository, tip, new);
                    return Ok(Committed { id: CommitId(new), fresh: true });
                }
                Ok(Swap::Lost) => held.release()?,
                Err(Error::Locked { .. }) => {
                    held.release()?;
                    self.wait_for_lock(&self.ref_file(&branch))?;
                }
                // The branch may have moved all the same, so the notes stay for the next caller.
                Err(error) => return Err(error),
            }
        }
        Err(Error::Contended { branch: commit.branch.clone(), attempts: ATTEMPTS })
    }

    /// Returns the worktrees that can follow a branch: the index of one in the middle of a merge or rebase is that
    /// operation's.
    pub(crate) fn movable(&self, branch: &str) -> Result<Vec<Checkout>, Error> {
        let mut checkouts = self.checkouts_of(branch)?;
        checkouts.retain(|checkout| checkout.operation().is_none());
        Ok(checkouts)
    }

    /// Fast-forwards worktrees that a process left behind when it died between the branch and them.
    pub(crate) fn catch_up(&self, repository: &gix::Repository, branch: &str) -> Result<(), Error> {
        let mut behind = self.movable(branch)?;
        behind.retain(Checkout::has_unfinished_move);
        self.hold(repository, behind)?.release()
    }

    /// Returns the commit that an effect has made already.
    pub(crate) fn done(
        &self,
        repository: &gix::Repository,
        branch: &FullName,
        tip: ObjectId,
        effect: Option<&str>,
    ) -> Result<Option<Committed>, Error> {
        let Some(effect) = effect else { return Ok(None) };
        let found = self.find_effect(repository, branch, tip, effect)?;
        Ok(found.map(|id| Committed { id: CommitId(id), fresh: false }))
    }
}
