//! Lands a branch on another that people may have checked out, without overwriting their work.

use crate::error::Context as _;
use crate::files::safe_path;
use crate::objects::ancestry::is_ancestor;
use crate::objects::convert::Converter;
use crate::objects::differences::differences;
use crate::objects::merge::{ConflictFile, Trial, try_merge};
use crate::objects::verify::verify_change;
use crate::refs::branches::{Mover, Swap};
use crate::shared::lock;
use crate::worktrees::branch_files;
use crate::worktrees::checkouts::Checkout;
use crate::{
    CommitId, Error, Identity, Repository, files::lock_files, names, objects, objects::message,
    refs::branches,
};
use gix::ObjectId;
use serde::{Deserialize, Serialize};

/// The number of attempts to land when the branch moves meanwhile.
const ATTEMPTS: usize = 20;
/// The number of files that a sentence names.
const NAMED: usize = 3;

/// A branch to land on another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Land {
    pub branch: String,
    /// The commit of it that lands; the branch's tip when there is none.
    pub at: Option<CommitId>,
    pub onto: String,
    pub message: String,
    pub author: Identity,
    pub time_ms: i64,
    pub effect: Option<String>,
    /// Moves the branch without a merge commit where its tip is part of what lands.
    pub fast_forward: bool,
}

/// The result of landing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Landed {
    Landed(CommitId),
    /// It had landed before: the effect's commit, or the tip that contains the branch.
    Already(CommitId),
    /// A worktree that has the branch checked out cannot be fast-forwarded; a sentence that says what to do.
    Waiting {
        reason: String,
    },
    /// Nothing was changed.
    Conflict(Vec<ConflictFile>),
}

/// The result that landing would have now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Planned {
    /// Nothing more is to be done, or nothing can be done now.
    Ended(Landed),
    Ready(Landing),
}

/// A landing that is built and has not happened: the commit is there, and no branch has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Landing {
    /// The tip of the branch that is landed on.
    pub tip: CommitId,
    /// The commit that lands.
    pub head: CommitId,
    /// The commit that the branch moves to.
    pub merged: CommitId,
    /// Whether the files will be those of the commit that lands, so that results for one are valid for the other.
    pub has_same_files: bool,
}

impl Repository {
    /// Merges a branch into another. Worktrees that have the other checked out are fast-forwarded when they are clean;
    /// otherwise nothing happens, and the answer says what it waits for.
    pub fn land(&self, land: &Land) -> Result<Landed, Error> {
        for _ in 0..ATTEMPTS {
            match self.plan_landing(land)? {
                Planned::Ended(landed) => return Ok(landed),
                Planned::Ready(landing) => {
                    if let Some(landed) = self.carry_out_landing(land, &landing)? {
                        return Ok(landed);
                    }
                }
            }
        }
        Err(Error::Contended { branch: land.onto.clone(), attempts: ATTEMPTS })
    }

    /// Builds the result of landing, and moves nothing.
    pub fn plan_landing(&self, land: &Land) -> Result<Planned, Error> {
        let onto = names::branch(&land.onto)?;
        let full = onto.as_bstr().to_string();
        let queue = self.queue(&full);
        let _turn = lock(&queue);
        let repository = self.local();
        let tip = branches::tip_of(&repository, &onto)?.ok_or_else(|| self.unknown(&land.onto))?;
        self.catch_up(&repository, &full)?;
        if let Some(known) = self.done(&repository, &onto, tip, land.effect.as_deref())? {
            return Ok(Planned::Ended(Landed::Already(known.id)));
        }
        let head = match land.at {
            Some(CommitId(at)) => at,
            None => self.need(&repository, &land.branch)?,
        };
        if is_ancestor(&repository, head, tip) {
            return Ok(Planned::Ended(Landed::Already(CommitId(tip))));
        }
        let merged = if land.fast_forward && is_ancestor(&repository, tip, head) {
            head
        } else {
            match try_merge(&repository, (tip, &land.onto), (head, &land.branch), true)? {
                Trial::Conflict(files) => return Ok(Planned::Ended(Landed::Conflict(files))),
                Trial::Tree(tree) => {
                    let text = message::with_effect(&land.message, land.effect.as_deref());
                    objects::write_commit(&repository, tree, &[tip, head], &text, &land.author, land.time_ms)?
                }
            }
        };
        if let Some(reason) = self.obstacles(land, &self.checkouts_of(&full)?, tip, merged)? {
            return Ok(Planned::Ended(Landed::Waiting { reason }));
        }
        let has_same_files = objects::tree_of(&repository, merged)? == objects::tree_of(&repository, head)?;
        let (tip, head, merged) = (CommitId(tip), CommitId(head), CommitId(merged));
        Ok(Planned::Ready(Landing { tip, head, merged, has_same_files }))
    }

    /// Makes a planned landing happen; `None` when the branch has moved since, so that it has to be planned again.
    pub fn carry_out_landing(&self, land: &Land, landing: &Landing) -> Result<Option<Landed>, Error> {
        let onto = names::branch(&land.onto)?;
        let full = onto.as_bstr().to_string();
        let (CommitId(tip), CommitId(merged)) = (landing.tip, landing.merged);
        let queue = self.queue(&full);
        let _turn = lock(&queue);
        let repository = self.local();
        if branches::tip_of(&repository, &onto)? != Some(tip) {
            return Ok(None);
        }
        let checkouts = self.checkouts_of(&full)?;
        if let Some(reason) = self.obstacles(land, &checkouts, tip, merged)? {
            return Ok(Some(Landed::Waiting { reason }));
        }
        verify_change(&repository, tip, merged)?;
        self.sync_objects()?;
        Ok(match self.advance(&repository, land, &checkouts, (tip, merged))? {
            Advance::Done => Some(Landed::Landed(landing.merged)),
            Advance::Lost => None,
            Advance::Stopped { reason } => Some(Landed::Waiting { reason }),
        })
    }

    /// Returns the first reason why a worktree cannot be brought along.
    fn obstacles(
        &self,
        land: &Land,
        checkouts: &[Checkout],
        old: ObjectId,
        new: ObjectId,
    ) -> Result<Option<String>, Error> {
        for checkout in checkouts {
            if let Some(reason) = self.obstacle(checkout, &land.onto, old, new)? {
                return Ok(Some(reason));
            }
        }
        Ok(None)
    }

    /// Moves the branch and then the worktrees; when one of them cannot follow, moves back.
    fn advance(
        &self,
        repository: &gix::Repository,
        land: &Land,
        checkouts: &[Checkout],
        (old, new): (ObjectId, ObjectId),
    ) -> Result<Advance, Error> {
        let onto = names::branch(&land.onto)?;
        let full = onto.as_bstr().to_string();
        for checkout in checkouts {
            checkout.write_note(&full, old, new)?;
        }
        let reason = format!("land: {}", land.message);
        let mover = Mover { by: &land.author, time_ms: land.time_ms, reason: &reason };
        let swapped = self.try_swap(repository, &onto, Some(old), new, &mover);
        if !matches!(swapped, Ok(Swap::Done)) {
            checkouts.iter().try_for_each(Checkout::remove_note)?;
            return match swapped {
                Ok(_) => Ok(Advance::Lost),
                Err(Error::Locked { lock }) => {
                    let reason =
                        format!("{} is held by another process; end it, or remove the file.", lock.display());
                    Ok(Advance::Stopped { reason })
                }
                Err(error) => Err(error),
            };
        }
        for (at, checkout) in checkouts.iter().enumerate() {
            let Err(error) = self.read_tree(checkout, old, new, false) else {
                checkout.remove_note()?;
                continue;
            };
            let worktree = checkout.root.display();
            tracing::warn!(%error, %worktree, "a worktree changed while a branch landed on it");
            let mover = Mover { reason: "land: taken back", ..mover };
            if self.swap(repository, &onto, Some(new), old, &mover)? == Swap::Lost {
                // The branch has commits on top of it already. The note stays, so the files follow later.
                return Ok(Advance::Done);
            }
            for followed in &checkouts[..at] {
                self.read_tree(followed, new, old, false)?;
            }
            checkouts.iter().try_for_each(Checkout::remove_note)?;
            let reason = format!("{worktree} changed while {} landed; landing is retried.", land.branch);
            return Ok(Advance::Stopped { reason });
        }
        Ok(Advance::Done)
    }

    /// Returns why a worktree cannot be brought along, as a sentence.
    fn obstacle(
        &self,
        checkout: &Checkout,
        branch: &str,
        old: ObjectId,
        new: ObjectId,
    ) -> Result<Option<String>, Error> {
        let path = checkout.root.display();
        if let Some(operation) = checkout.operation() {
            return Ok(Some(format!(
                "{path} has {branch} checked out and {operation} under way; finish or abort it there."
            )));
        }
        let index_lock = lock_files::of(&checkout.git_dir.join("index"));
        if index_lock.exists()
            && !lock_files::remove_if_dead(&index_lock, &self.places()?)
                .context("remove", index_lock.display())?
        {
            return Ok(Some(format!(
                "{path} has {branch} checked out and git is at work there; if it is not, remove {}.",
                index_lock.display()
            )));
        }
        let changed = self.changed_files(checkout)?;
        if !changed.is_empty() {
            return Ok(Some(format!(
                "{path} has {branch} checked out with uncommitted changes ({}); commit or stash them there.",
                some(&changed)
            )));
        }
        let in_the_way = self.files_in_the_way(checkout, old, new)?;
        if !in_the_way.is_empty() {
            return Ok(Some(format!(
                "{path} has {branch} checked out and files in the way ({}); move them elsewhere.",
                some(&in_the_way)
            )));
        }
        // Files whose times differ from the index's, and whose content does not, would be refused below. Which
        // files differ was asked before, so the exit code says nothing more.
        let refresh = self.0.git.command_on_files("update-index", &self.place_at(checkout)?)?;
        refresh.args(["-q", "--refresh"]).run_unchecked()?;
        match self.read_tree(checkout, old, new, true) {
            Ok(()) => Ok(None),
            Err(Error::Command { message, .. }) => Ok(Some(format!(
                "{path} has {branch} checked out and files in the way; move them elsewhere. Git says: {message}."
            ))),
            Err(error) => Err(error),
        }
    }

    /// Returns the files of a worktree that stand where a commit adds others. Git overwrites those that it ignores.
    fn files_in_the_way(
        &self,
        checkout: &Checkout,
        old: ObjectId,
        new: ObjectId,
    ) -> Result<Vec<String>, Error> {
        let repository = self.local();
        let (before, after) = (objects::tree_of(&repository, old)?, objects::tree_of(&repository, new)?);
        let tracked = repository.find_tree(before).context("read the tree of", old)?;
        let index = repository.index_from_tree(&after).context("list the files of", new)?;
        let mut converter = Converter::of(&repository, &index)?;
        let mut in_the_way = Vec::new();
        for difference in differences(&repository, before, after)? {
            if difference.old.is_some() {
                continue;
            }
            let path = safe_path::name(difference.path.as_slice());
            let folders = path.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
            let mut taken = None;
            for folder in folders {
                let is_taken =
                    checkout.root.join(folder).symlink_metadata().is_ok_and(|found| !found.is_dir());
                if is_taken
                    && tracked.lookup_entry_by_path(folder).context("look up", folder.display())?.is_none()
                {
                    taken = Some(folder);
                }
            }
            let stands_there = checkout.root.join(path).symlink_metadata().is_ok();
            if let Some(folder) = taken {
                in_the_way.push(folder.display().to_string());
            } else if stands_there
                && tracked.lookup_entry_by_path(path).context("look up", path.display())?.is_none()
                && !branch_files::is_as_new(&repository, checkout, &difference, &mut converter)?
            {
                in_the_way.push(path.display().to_string());
            }
        }
        in_the_way.dedup();
        Ok(in_the_way)
    }

    /// Moves a worktree's files and index from one commit to another; refuses when that would lose anything.
    fn read_tree(
        &self,
        checkout: &Checkout,
        old: ObjectId,
        new: ObjectId,
        is_trial: bool,
    ) -> Result<(), Error> {
        let mut command =
            self.0.git.command_on_files("read-tree", &self.place_at(checkout)?)?.args(["-m", "-u"]);
        if is_trial {
            command = command.args(["-n"]);
        }
        command.args([old.to_string(), new.to_string()]).run().map(|_| ())
    }
}

enum Advance {
    Done,
    Lost,
    Stopped { reason: String },
}

fn some(files: &[String]) -> String {
    let named = files.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match files.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}
