//! Commits what is uncommitted in a worktree.

use crate::beneath::{self, Standing};
use crate::branches::{Mover, Swap};
use crate::checkouts::Checkout;
use crate::error::Context as _;
use crate::locks::found;
use crate::registration::Mark;
use crate::repository::lock;
use crate::{CommitId, Committed, Error, Identity, Repository, branches, message, names, objects};
use gix::ObjectId;
use std::fs;
use std::path::Path;

/// What git keeps beside the index while a merge is under way.
const MERGE_FILES: [&str; 6] =
    ["MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "AUTO_MERGE", "CHERRY_PICK_HEAD", "REVERT_HEAD"];
/// How large a file is looked through for conflict markers.
const MARKED: u64 = 16 * 1024 * 1024;

impl Repository {
    /// Commits everything in a worktree that is not ignored, to the branch it has checked out. `None` when
    /// there is nothing to commit. A merge under way is concluded once no file has conflict markers any more.
    pub fn commit_worktree(
        &self,
        path: &Path,
        message: &str,
        author: &Identity,
        time_ms: i64,
        effect: Option<&str>,
    ) -> Result<Option<Committed>, Error> {
        let checkout = self.checkout(path)?;
        let full = on_its_branch(&checkout)?;
        let branch = names::branch(&full)?;
        let queue = self.queue(&full);
        let _turn = lock(&queue);
        let repository = self.local();
        // Taking and releasing the lock waits for a git at work and removes what a dead one left.
        drop(self.finish_move(&repository, &checkout, self.lock_index(&checkout.git_dir)?)?);
        let tip = branches::tip_of(&repository, &branch)?.ok_or_else(|| self.unknown(&full))?;
        if let Some(known) = self.done(&repository, &branch, tip, effect)? {
            return Ok(Some(known));
        }
        self.refuse_markers(&checkout)?;
        let place = self.place_at(&checkout);
        self.0.git.command_on_files("add", &place)?.args(["--all", "--", "."]).run()?;
        // Writing the tree can look at files again whose times are as young as the index.
        let written = self.0.git.command_on_files("write-tree", &place)?.run()?.text();
        let tree =
            ObjectId::from_hex(written.trim().as_bytes()).context("read the tree of", path.display())?;
        let merged = merge_heads(&checkout)?;
        if merged.is_empty() && tree == objects::tree_of(&repository, tip)? {
            return Ok(None);
        }
        let parents: Vec<_> = std::iter::once(tip).chain(merged).collect();
        let text = message::with_effect(message, effect);
        let new = objects::write_commit(&repository, tree, &parents, &text, author, time_ms)?;
        let reason = format!("commit: {message}");
        let mover = Mover { by: author, time_ms, reason: &reason };
        self.sync_objects()?;
        match self.swap(&repository, &branch, Some(tip), new, &mover)? {
            Swap::Done => {}
            // What was added was added on top of the tip; on another one it would undo what came between.
            Swap::Lost => return Err(Error::Contended { branch: full, attempts: 1 }),
        }
        for file in MERGE_FILES.map(|file| checkout.git_dir.join(file)) {
            found(fs::remove_file(&file)).context("remove", file.display())?;
        }
        Ok(Some(Committed { id: CommitId(new), fresh: true }))
    }

    /// Refuses to commit files in which conflicts are still marked.
    fn refuse_markers(&self, checkout: &Checkout) -> Result<(), Error> {
        let mut marked = Vec::new();
        for file in self.unmerged_files(checkout)? {
            let standing = beneath::look(&checkout.root, file.as_bytes(), MARKED).context("read", &file)?;
            if let Standing::File { content, .. } = standing
                && has_markers(&content)
            {
                marked.push(file);
            }
        }
        if marked.is_empty() {
            Ok(())
        } else {
            Err(Error::Unmerged { path: checkout.root.clone(), files: marked })
        }
    }
}

/// The full name of the branch a worktree has checked out, which must be the one it was made for.
fn on_its_branch(checkout: &Checkout) -> Result<String, Error> {
    let head = crate::open::read_text(&checkout.git_dir.join("HEAD"))?.unwrap_or_default();
    let found = head.strip_prefix("ref: ").map(str::trim);
    let wanted = match &checkout.mark {
        Some(Mark::Branch(name)) => Some(format!("refs/heads/{name}")),
        Some(Mark::Detached) | None => None,
    };
    match (found, wanted) {
        (Some(found), None) => Ok(found.to_owned()),
        (Some(found), Some(wanted)) if found == wanted => Ok(wanted),
        (found, wanted) => Err(Error::OtherBranch {
            path: checkout.root.clone(),
            wanted: wanted.unwrap_or_else(|| "a branch".to_owned()),
            found: found.unwrap_or("no branch").to_owned(),
        }),
    }
}

/// The commits that are being merged.
fn merge_heads(checkout: &Checkout) -> Result<Vec<ObjectId>, Error> {
    let text = crate::open::read_text(&checkout.git_dir.join("MERGE_HEAD"))?.unwrap_or_default();
    text.lines()
        .map(|line| {
            ObjectId::from_hex(line.trim().as_bytes()).context("read MERGE_HEAD of", checkout.root.display())
        })
        .collect()
}

fn has_markers(content: &[u8]) -> bool {
    let begins = |marker: &[u8]| content.split(|byte| *byte == b'\n').any(|line| line.starts_with(marker));
    begins(b"<<<<<<< ") && begins(b">>>>>>> ")
}
