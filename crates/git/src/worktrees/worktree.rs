//! Makes and repairs worktrees.

use crate::error::Context as _;
use crate::files::lock_files::found;
use crate::shared::lock;
use crate::worktrees::registration::{Mark, Registration};
use crate::{CommitId, Error, Repository, files::lock_files, names};
use std::fs;
use std::path::{Path, PathBuf};

/// A worktree that shall be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorktreeSpec {
    pub path: PathBuf,
    /// The branch it has checked out; made at `start` when there is none of that name.
    pub branch: Option<String>,
    /// The revision that a missing branch, or a worktree without a branch, begins at.
    pub start: String,
    /// Whether it has no branch.
    pub detached: bool,
}

impl Repository {
    /// Sees to it that a worktree is there, and returns the commit it has checked out. One that is whole is left
    /// as it is; one that is half made or whose folder vanished is made again.
    pub fn ensure_worktree(&self, spec: &WorktreeSpec) -> Result<CommitId, Error> {
        let wanted = match &spec.branch {
            Some(name) if !spec.detached => Mark::Branch(names::short(&names::branch(name)?)),
            Some(_) | None => Mark::Detached,
        };
        let _turn = self.worktree_queue();
        self.refuse_moved()?;
        if let Some(registration) = self.registration(&spec.path)?
            && registration.is_whole()
        {
            if registration.mark.is_none() {
                self.adopt(&registration, &wanted)?;
            }
            return self.head_of(&registration);
        }
        // A commit to the branch meanwhile would leave it behind.
        let branch = match &wanted {
            Mark::Branch(name) => Some(names::branch(name)?),
            Mark::Detached => None,
        };
        let queue = branch.as_ref().map(|branch| self.queue(&branch.as_bstr().to_string()));
        let _still = queue.as_deref().map(lock);
        if let Some(registration) = self.registration(&spec.path)? {
            clear(&registration)?;
        }
        self.make_room(&spec.path)?;
        let start = match &branch {
            Some(branch) => self.begin_branch(branch, &spec.start)?.0,
            None => self.need(&self.local(), &spec.start)?,
        };
        if let Some(parent) = spec.path.parent() {
            fs::create_dir_all(parent).context("make the folder", parent.display())?;
        }
        self.add_worktree(&spec.path, &wanted, start)?;
        let made = self.registration(&spec.path)?;
        let made = made.ok_or_else(|| Error::NotAWorktree {
            path: spec.path.clone(),
            repository: self.path().to_owned(),
        })?;
        made.write_mark(&wanted)?;
        if let Some(branch) = &branch {
            self.checkout(&made.root)?.write_last_move(&branch.as_bstr().to_string(), start)?;
        }
        self.head_of(&made)
    }

    /// Sees to it that a worktree without a branch is there and has exactly a commit's files, and those that are
    /// ignored. Whatever else was in it is gone: it is for trying things out.
    pub fn ensure_trial_worktree(&self, path: &Path, commit: CommitId) -> Result<(), Error> {
        let spec =
            WorktreeSpec { path: path.to_owned(), branch: None, start: commit.to_string(), detached: true };
        self.ensure_worktree(&spec)?;
        let registration = self.registration(path)?.filter(|found| found.mark == Some(Mark::Detached));
        let registration = registration.ok_or_else(|| Error::NotOurs { path: path.to_owned() })?;
        drop(self.lock_index(&registration.git_dir)?);
        let place = self.place_of(&registration.git_dir, &registration.root);
        let commit = commit.to_string();
        let check_out = self.0.git.command_on_files("checkout", &place)?;
        check_out.args(["--quiet", "--force", "--detach", &commit, "--"]).run()?;
        self.0.git.command_on_files("clean", &place)?.args(["--quiet", "-ffd", "--", "."]).run()?;
        Ok(())
    }

    /// Marks a worktree as made here whose maker died between making and marking it.
    fn adopt(&self, registration: &Registration, wanted: &Mark) -> Result<(), Error> {
        let checkout = self.checkout(&registration.root)?;
        let found = checkout.branch.as_deref().map(|name| name.strip_prefix("refs/heads/").unwrap_or(name));
        let fits = match wanted {
            Mark::Branch(name) => found == Some(name),
            Mark::Detached => found.is_none(),
        };
        if !fits {
            return Err(Error::Occupied { path: registration.root.clone() });
        }
        registration.write_mark(wanted)
    }

    /// Makes sure nothing is where the worktree shall be.
    fn make_room(&self, path: &Path) -> Result<(), Error> {
        if path.is_symlink() {
            // It would be made where the link leads.
            return set_aside(path);
        }
        let Some(mut entries) = found(fs::read_dir(path)).context("list", path.display())? else {
            return Ok(());
        };
        if entries.next().is_none() {
            return Ok(());
        }
        // A worktree that fell off the list has a pointer into this repository.
        let pointer = crate::files::plain::read_text(&path.join(".git"))?.unwrap_or_default();
        let target = pointer
            .strip_prefix("gitdir: ")
            .map(|target| crate::worktrees::registration::resolved(Path::new(target.trim())));
        if target.is_some_and(|target| target.starts_with(self.0.common_dir.join("worktrees"))) {
            return set_aside(path);
        }
        Err(Error::Occupied { path: path.to_owned() })
    }

    fn head_of(&self, registration: &Registration) -> Result<CommitId, Error> {
        let head = crate::files::plain::read_text(&registration.git_dir.join("HEAD"))?.unwrap_or_default();
        let name = head.trim().strip_prefix("ref: ").unwrap_or(head.trim());
        self.need(&self.local(), name).map(CommitId)
    }
}

/// Takes what is left of a worktree away. A folder whose list entry is whole but which lost its pointer may
/// hold uncommitted work, so it is moved aside and not deleted.
fn clear(registration: &Registration) -> Result<(), Error> {
    let root = &registration.root;
    let index_lock = lock_files::of(&registration.git_dir.join("index"));
    let is_at_work = registration.is_half_made
        && lock_files::is_alive(&index_lock, std::slice::from_ref(root))
            .context("look at", root.display())?;
    if is_at_work {
        return Err(Error::Locked { lock: registration.git_dir.join("locked") });
    }
    // One that was made and lost its index may hold uncommitted work, too.
    if registration.is_half_made && registration.mark.is_none() {
        found(fs::remove_dir_all(root)).context("remove", root.display())?;
    } else if root.exists() {
        set_aside(root)?;
    }
    registration.unregister()
}

/// Moves a folder out of the way, beside where it was.
pub(crate) fn set_aside(path: &Path) -> Result<(), Error> {
    let to = free_name(path.parent().unwrap_or(path), path, "lost");
    fs::rename(path, &to).context("move aside", path.display())?;
    tracing::warn!(from = %path.display(), to = %to.display(), "set a folder aside that was in a worktree's place");
    Ok(())
}

/// Returns a name in a folder that nothing has yet, made from a path's last part.
pub(crate) fn free_name(folder: &Path, path: &Path, kind: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let names = (1u32..).map(|number| folder.join(format!("{name}.{kind}-{number}")));
    names.into_iter().find(|name| fs::symlink_metadata(name).is_err()).unwrap_or_else(|| folder.join(&*name))
}
