//! What is uncommitted in a worktree.

use crate::process::command::Place;
use crate::worktrees::checkouts::Checkout;
use crate::{Error, Repository, worktrees::git_files};

impl Repository {
    pub(crate) fn place_at(&self, checkout: &Checkout) -> Result<Place, Error> {
        if checkout.git_dir != self.0.common_dir {
            git_files::refuse_others_in(&checkout.git_dir)?;
        }
        Ok(self.place_of(&checkout.git_dir, &checkout.root))
    }

    /// The tracked files that differ from the commit that is checked out.
    pub(crate) fn changed_files(&self, checkout: &Checkout) -> Result<Vec<String>, Error> {
        self.status(checkout, "no")
    }

    /// The files that differ from the commit that is checked out, also those that git does not know yet.
    pub(crate) fn changed_and_unknown_files(&self, checkout: &Checkout) -> Result<Vec<String>, Error> {
        self.status(checkout, "normal")
    }

    fn status(&self, checkout: &Checkout, untracked: &str) -> Result<Vec<String>, Error> {
        let untracked = format!("--untracked-files={untracked}");
        let arguments = ["--porcelain=v1", "-z", "--no-renames", "--ignore-submodules=dirty", &untracked];
        let place = self.place_at(checkout)?;
        let output = crate::process::pipes::run(&checkout.root, || {
            Ok(self.0.git.command_on_files("status", &place)?.args(arguments))
        })?;
        let output = output.unless_failed("status", &checkout.root)?;
        let entries = output.stdout.split(|byte| *byte == 0).filter_map(|entry| entry.get(3..));
        Ok(entries.map(|path| String::from_utf8_lossy(path).into_owned()).collect())
    }

    /// The files with unresolved conflicts.
    pub(crate) fn unmerged_files(&self, checkout: &Checkout) -> Result<Vec<String>, Error> {
        let list = self.0.git.command_on_files("ls-files", &self.place_at(checkout)?)?;
        let output = list.args(["--unmerged", "-z"]).run()?;
        let entries = output.stdout.split(|byte| *byte == 0);
        let paths = entries.filter_map(|entry| entry.splitn(2, |byte| *byte == b'\t').nth(1));
        let mut paths: Vec<_> = paths.map(|path| String::from_utf8_lossy(path).into_owned()).collect();
        paths.dedup();
        Ok(paths)
    }
}
