//! Keeps what is uncommitted in a worktree, without touching the worktree.

use crate::error::Context as _;
use crate::files::lock_files::found;
use crate::objects::ancestry::is_ancestor;
use crate::refs::branches::{Mover, Swap, now_ms};
use crate::{CommitId, Dir, Error, Repository, names, objects, refs::branches};
use gix::ObjectId;
use std::fs;
use std::path::Path;

/// How often the hidden ref is tried to be set while others set it.
const ATTEMPTS: usize = 10;

impl Repository {
    /// Saves a worktree's uncommitted state, tracked and untracked files alike, as a commit on a hidden ref. The
    /// worktree and its index stay as they are. `None` when there is nothing uncommitted.
    pub fn save_dirty(&self, path: &Path, refname: &str) -> Result<Option<CommitId>, Error> {
        let name = names::hidden_ref(refname)?;
        let checkout = self.checkout(path)?;
        let repository = self.local();
        // A worktree whose branch was deleted still tells in its log what it had checked out.
        let head = checkout.head(&repository)?.or(checkout.last_in_log(&repository)?);
        let head = head.ok_or_else(|| self.unknown("HEAD"))?;
        let tree = self.tree_of_files(&checkout)?;
        if tree == objects::tree_of(&repository, head)? {
            return Ok(None);
        }
        let now = now_ms();
        let text = format!("Uncommitted work in {}\n", checkout.root.display());
        let mover = Mover { by: self.identity(), time_ms: now, reason: "save: uncommitted work" };
        for _ in 0..ATTEMPTS {
            let old = branches::tip_of(&repository, &name)?;
            if let Some(old) = old
                && tree == objects::tree_of(&repository, old)?
                && repository
                    .find_commit(old)
                    .context("read the commit", old)?
                    .parent_ids()
                    .any(|parent| parent == head)
            {
                return Ok(Some(CommitId(old)));
            }
            // What the ref kept before stays part of it.
            let kept = old.filter(|old| !is_ancestor(&repository, *old, head));
            let parents: Vec<_> = std::iter::once(head).chain(kept).collect();
            let saved = objects::write_commit(&repository, tree, &parents, &text, self.identity(), now)?;
            self.sync_objects()?;
            if self.swap(&repository, &name, old, saved, &mover)? == Swap::Done {
                return Ok(Some(CommitId(saved)));
            }
        }
        Err(Error::Contended { branch: refname.to_owned(), attempts: ATTEMPTS })
    }

    /// Returns the tree of a worktree's files as they are, made with an index of its own.
    pub(crate) fn tree_of_files(
        &self,
        checkout: &crate::worktrees::checkouts::Checkout,
    ) -> Result<ObjectId, Error> {
        let shown = checkout.root.display();
        let name = format!("spectask-index-{}-{}", std::process::id(), thread_number());
        let index = checkout.git_dir.join(&name);
        if let Some(present) = crate::files::plain::read(&checkout.git_dir.join("index"))? {
            Dir::at(&checkout.git_dir).write(&name, &present).context("copy the index of", &shown)?;
        }
        // What git cannot take in, such as a repository without a commit, must not keep the rest from being saved.
        let added = self.add_all(checkout, Some(&index), &[]);
        let written = added.and_then(|_| self.staged_tree(checkout, Some(&index)));
        for file in [crate::files::lock_files::of(&index), index] {
            found(fs::remove_file(&file)).context("remove", file.display())?;
        }
        written
    }
}

/// Returns a number no other thread of this process has.
fn thread_number() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
