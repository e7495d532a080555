//! Takes worktrees away that were made here.

use crate::error::Context as _;
use crate::{Error, Repository, worktrees::worktree};
use std::fs;
use std::path::Path;

impl Repository {
    /// Moves a worktree's folder into the trash and takes the worktree off the repository's list. One that is
    /// gone already is fine; a folder that was not made here is refused.
    pub fn remove_worktree(&self, path: &Path, trash: &Path) -> Result<(), Error> {
        let _turn = self.worktree_queue();
        let is_there = fs::symlink_metadata(path).is_ok();
        let Some(registration) = self.registration(path)? else {
            return if is_there { Err(Error::NotOurs { path: path.to_owned() }) } else { Ok(()) };
        };
        if registration.mark.is_none() {
            return Err(Error::NotOurs { path: path.to_owned() });
        }
        if is_there {
            fs::create_dir_all(trash).context("make the folder", trash.display())?;
            let to = worktree::free_name(trash, &registration.root, "removed");
            fs::rename(&registration.root, &to).context("move to the trash", path.display())?;
        }
        registration.unregister()
    }
}
