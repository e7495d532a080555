//! What is uncommitted in a worktree.

use crate::error::Context as _;
use crate::process::command::Place;
use crate::worktrees::checkouts::{self, Checkout};
use crate::{Error, Repository, worktrees::git_files};
use gix::bstr::BString;
use gix::worktree::stack::state::ignore::Source;
use std::path::{Path, PathBuf};

impl Repository {
    pub(crate) fn place_at(&self, checkout: &Checkout) -> Result<Place, Error> {
        if checkout.git_dir != self.0.common_dir {
            git_files::refuse_others_in(&checkout.git_dir)?;
        }
        Ok(self.place_of(&checkout.git_dir, &checkout.root))
    }

    /// Returns the tracked files that differ from the commit that is checked out.
    pub(crate) fn changed_files(&self, checkout: &Checkout) -> Result<Vec<String>, Error> {
        self.status(checkout, "no")
    }

    /// Returns the files that differ from the commit that is checked out, also those that git does not know yet.
    pub(crate) fn changed_and_unknown_files(&self, checkout: &Checkout) -> Result<Vec<String>, Error> {
        self.status(checkout, "normal")
    }

    fn status(&self, checkout: &Checkout, untracked: &str) -> Result<Vec<String>, Error> {
        let untracked = format!("--untracked-files={untracked}");
        let arguments = ["--porcelain=v1", "-z", "--no-renames", "--ignore-submodules=dirty", &untracked];
        let place = self.place_at(checkout)?;
        let status = self.0.git.command_on_files("status", &place)?.args(arguments);
        let output = status.reads(&checkout.root).run()?;
        let entries = output.stdout.split(|byte| *byte == 0).filter_map(|entry| entry.get(3..));
        Ok(entries.map(|path| String::from_utf8_lossy(path).into_owned()).collect())
    }

    /// Returns those of some files of a worktree, named relative to it, that are there and that no commit takes in because
    /// ignore rules match them.
    pub fn ignored_files(&self, worktree: &Path, files: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
        let Some(checkout) = self.whole_checkout(worktree)? else { return Ok(Vec::new()) };
        let opened = checkouts::open(&checkout)?;
        let shown = checkout.root.display();
        let index = opened.index_or_empty().context("read the index of", &shown)?;
        let mut rules = opened
            .excludes(&index, None, Source::WorktreeThenIdMappingIfNotSkipped)
            .context("read the ignore rules of", &shown)?;
        let mut ignored = Vec::new();
        for file in files {
            let name = BString::from(file.as_os_str().as_encoded_bytes());
            let is_file = checkout.root.join(file).symlink_metadata().is_ok_and(|found| found.is_file());
            if !is_file || index.entry_by_path(name.as_ref()).is_some() {
                continue;
            }
            let mode = Some(gix::index::entry::Mode::FILE);
            // A name that cannot be in a commit needs no rule to be left out.
            if rules.at_entry(&name, mode).is_ok_and(|found| found.is_excluded()) {
                ignored.push(file.clone());
            }
        }
        Ok(ignored)
    }

    /// Returns the files with unresolved conflicts.
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
