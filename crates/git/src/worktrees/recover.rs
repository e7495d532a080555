//! Repairs what killed processes left behind.

use crate::error::Context as _;
use crate::files::lock_files::{found, is_alive, remove_if_dead};
use crate::worktrees::checkouts::Checkout;
use crate::worktrees::registration::Registration;
use crate::{Error, Repository, files::lock_files};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// A repair by the recovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// A lock file whose holder is dead was removed.
    DeadLock(PathBuf),
    /// A worktree that was being made when its maker died was removed; it is made again when it is needed.
    HalfMadeWorktree(PathBuf),
    /// A worktree was brought along that had stayed behind its branch.
    FinishedMove(PathBuf),
    /// A pointer between the repository and a worktree was put right, in git's words.
    Repaired(String),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeadLock(path) => write!(f, "removed {}, whose holder is dead", path.display()),
            Self::HalfMadeWorktree(path) => write!(f, "removed the half-made worktree {}", path.display()),
            Self::FinishedMove(path) => {
                write!(f, "brought the worktree {} along with its branch", path.display())
            }
            Self::Repaired(text) => write!(f, "repaired the pointer of a worktree ({text})"),
        }
    }
}

impl Repository {
    /// Removes dead locks and half-made worktrees, finishes interrupted moves, and repairs pointers of
    /// worktrees. What a live process may be at work on is left alone.
    pub fn recover(&self) -> Result<Vec<Finding>, Error> {
        let _turn = self.worktree_queue();
        let mut findings: Vec<Finding> =
            self.remove_dead_locks()?.into_iter().map(Finding::DeadLock).collect();
        for registration in self.registrations()?.into_iter().filter(|registration| registration.is_half_made)
        {
            if self.drop_half_made(&registration)? {
                findings.push(Finding::HalfMadeWorktree(registration.root));
            }
        }
        findings.extend(self.repair()?);
        let repository = self.local();
        for checkout in self.checkouts()?.into_iter().filter(Checkout::has_unfinished_move) {
            drop(self.finish_move(&repository, &checkout, self.lock_index(&checkout.git_dir)?)?);
            findings.push(Finding::FinishedMove(checkout.root));
        }
        Ok(findings)
    }

    /// Removes the lock files that no living process holds, and returns them.
    pub fn remove_dead_locks(&self) -> Result<Vec<PathBuf>, Error> {
        let mut locks = self.lock_files()?;
        if locks.is_empty() {
            return Ok(locks);
        }
        let places = self.places()?;
        let mut removed = Vec::new();
        for lock in locks.drain(..) {
            if remove_if_dead(&lock, &places).context("remove", lock.display())? {
                removed.push(lock);
            }
        }
        Ok(removed)
    }

    /// Returns every lock file that git or this crate may have left.
    fn lock_files(&self) -> Result<Vec<PathBuf>, Error> {
        let common = &self.0.common_dir;
        let mut all = Vec::new();
        collect(common, false, &mut all)?;
        collect(&common.join("refs"), true, &mut all)?;
        collect(&common.join("worktrees"), true, &mut all)?;
        collect(&common.join("objects/info"), true, &mut all)?;
        all.sort();
        Ok(all)
    }

    fn drop_half_made(&self, registration: &Registration) -> Result<bool, Error> {
        let (root, git_dir) = (&registration.root, &registration.git_dir);
        // The repository's lock on the worktree is as old as the attempt to make it.
        let attempt = git_dir.join("gitdir");
        let is_old = fs::metadata(&attempt)
            .and_then(|metadata| metadata.modified())
            .is_ok_and(|time| time.elapsed().is_ok_and(|age| age >= lock_files::FRESH));
        let places = self.places()?;
        if !is_old || is_alive(&attempt, &places).context("look at", root.display())? {
            return Ok(false);
        }
        found(fs::remove_dir_all(root)).context("remove", root.display())?;
        registration.unregister()?;
        Ok(true)
    }

    /// Puts pointers right after the repository or a worktree was moved.
    fn repair(&self) -> Result<Vec<Finding>, Error> {
        let registrations = self.registrations()?;
        let roots = registrations
            .into_iter()
            .filter(|registration| registration.root.is_dir() && registration.mark.is_some())
            // The worktrees of the repository that this one was copied from stay its own.
            .filter(|registration| !self.is_anothers(&registration.root));
        let roots: Vec<_> = roots.map(|registration| registration.root).collect();
        if roots.is_empty() {
            return Ok(Vec::new());
        }
        let output = self.command("worktree").args(["repair", "--"]).args(&roots).run_unchecked()?;
        let text = format!("{}\n{}", output.text(), output.complaint);
        let lines = text.lines().flat_map(|line| line.split("; ")).map(str::trim);
        Ok(lines
            .filter(|line| line.starts_with("repair:"))
            .map(|line| Finding::Repaired(line.to_owned()))
            .collect())
    }
}

fn collect(folder: &Path, into_folders: bool, all: &mut Vec<PathBuf>) -> Result<(), Error> {
    let Some(entries) = found(fs::read_dir(folder)).context("list", folder.display())? else { return Ok(()) };
    for entry in entries {
        let entry = entry.context("list", folder.display())?;
        let kind = entry.file_type().context("look at", entry.path().display())?;
        if kind.is_dir() && into_folders {
            collect(&entry.path(), true, all)?;
        } else if kind.is_file() && entry.path().extension().is_some_and(|ending| ending == "lock") {
            all.push(entry.path());
        }
    }
    Ok(())
}
