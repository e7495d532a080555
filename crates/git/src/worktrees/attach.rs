//! Brings a worktree back onto its branch.

use crate::error::Context as _;
use crate::files::lock_files::found;
use crate::worktrees::checkouts::Checkout;
use crate::worktrees::registration::Registration;
use crate::worktrees::worktree::free_name;
use crate::{Dir, Error, Repository, WorktreeAnomaly, objects};
use gix::ObjectId;
use std::fs;
use std::path::Path;

/// The files that git keeps beside the index while a merge is under way.
const MERGE_FILES: [&str; 6] =
    ["MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "AUTO_MERGE", "CHERRY_PICK_HEAD", "REVERT_HEAD"];

impl Checkout {
    /// Returns the full name of the branch that is checked out; `None` when there is none.
    pub(crate) fn on_branch(&self) -> Result<Option<String>, Error> {
        let head = crate::files::plain::read_text(&self.git_dir.join("HEAD"))?.unwrap_or_default();
        Ok(head.strip_prefix("ref: ").map(|name| name.trim().to_owned()))
    }

    /// Returns the commits that are being merged.
    pub(crate) fn merge_heads(&self) -> Result<Vec<ObjectId>, Error> {
        let text = crate::files::plain::read_text(&self.git_dir.join("MERGE_HEAD"))?.unwrap_or_default();
        let shown = self.root.display();
        text.lines()
            .map(|line| ObjectId::from_hex(line.trim().as_bytes()).context("read MERGE_HEAD of", &shown))
            .collect()
    }

    /// Returns the newest commit in the worktree's log.
    pub(crate) fn last_in_log(&self, repository: &gix::Repository) -> Result<Option<ObjectId>, Error> {
        crate::refs::reflog::newest(repository, &self.git_dir.join("logs/HEAD"))
    }
}

impl Repository {
    /// Returns the worktree of a folder, or `None` when the folder or git's list of it is gone.
    pub(crate) fn whole_checkout(&self, path: &Path) -> Result<Option<Checkout>, Error> {
        match self.checkout(path) {
            Ok(checkout) => Ok(Some(checkout)),
            Err(Error::NotAWorktree { .. }) if !path.exists() || self.registration(path)?.is_some() => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns the worktree of a folder whose `.git` was removed or replaced: it leads to the repository again, and
    /// what stood in its place is beside the folder.
    pub(crate) fn repointed(
        &self,
        path: &Path,
        anomalies: &mut Vec<WorktreeAnomaly>,
    ) -> Result<Option<Checkout>, Error> {
        let is_known = |found: &Registration| !found.is_half_made && found.git_dir.join("HEAD").is_file();
        let Some(registration) = self.registration(path)?.filter(is_known).filter(|_| path.is_dir()) else {
            return Ok(None);
        };
        let pointer = path.join(".git");
        let mut kept = None;
        if fs::symlink_metadata(&pointer).is_ok() {
            let to = free_name(path.parent().unwrap_or(path), path, "git");
            fs::rename(&pointer, &to).context("move aside", pointer.display())?;
            kept = Some(to);
        }
        let text = format!("gitdir: {}\n", registration.git_dir.display());
        Dir::at(path).write(".git", text.as_bytes()).context("write", pointer.display())?;
        anomalies.push(WorktreeAnomaly::Repointed { kept });
        self.checkout(path).map(Some)
    }

    /// Attaches a worktree whose index has a tree to a branch, at a commit. A repetition finds the work done.
    pub(crate) fn attach(
        &self,
        repository: &gix::Repository,
        checkout: &Checkout,
        branch: &str,
        staged: ObjectId,
        head: ObjectId,
    ) -> Result<(), Error> {
        let wanted = objects::tree_of(repository, head)?;
        let place = self.place_at(checkout)?;
        if staged != wanted {
            let (old, new) = (staged.to_string(), wanted.to_string());
            self.0.git.command_on_files("read-tree", &place)?.args(["-m", "-u", &old, &new]).run()?;
        }
        for folder in ["rebase-merge", "rebase-apply"] {
            found(fs::remove_dir_all(checkout.git_dir.join(folder)))
                .context("end the rebase in", checkout.root.display())?;
        }
        for file in MERGE_FILES.map(|file| checkout.git_dir.join(file)) {
            found(fs::remove_file(&file)).context("remove", file.display())?;
        }
        if checkout.on_branch()?.as_deref() != Some(branch) {
            // Without a reason git writes no log, in the place of which there may be a link by now.
            self.0.git.command("symbolic-ref", &place).args(["HEAD", branch]).run()?;
        }
        Ok(())
    }
}
