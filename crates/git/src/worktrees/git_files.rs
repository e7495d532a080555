//! Files that git keeps of a worktree and that others replaced: removed, and made again where git needs them.

use crate::error::Context as _;
use crate::files::lock_files::found;
use crate::worktrees::registration::{Mark, Registration};
use crate::{Dir, Error, Repository};
use std::fs;
use std::path::{Path, PathBuf};

/// Refuses a git directory of a worktree in which something else stands where git keeps files.
pub(crate) fn refuse_others_in(git_dir: &Path) -> Result<(), Error> {
    match others_in(git_dir)?.into_iter().next() {
        Some(path) => Err(Error::NotPlain { path }),
        None => Ok(()),
    }
}

/// Returns what stands in a worktree's git directory and is neither a file nor a folder.
fn others_in(git_dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut others = Vec::new();
    for folder in [git_dir.to_owned(), git_dir.join("logs")] {
        let entries = found(fs::read_dir(&folder)).context("list", folder.display())?;
        for entry in entries.into_iter().flatten() {
            let entry = entry.context("list", folder.display())?;
            // One that went away meanwhile is nothing any more.
            if entry.file_type().is_ok_and(|kind| !kind.is_file() && !kind.is_dir()) {
                others.push(entry.path());
            }
        }
    }
    Ok(others)
}

impl Repository {
    /// Removes links, pipes and devices that stand in the place of a worktree's git files, writes `HEAD` and the index again
    /// where they are missing, and returns the names of all that were removed.
    pub(crate) fn restore_files_of(&self, worktree: &Registration) -> Result<Vec<String>, Error> {
        let Some(Mark::Branch(branch)) = &worktree.mark else { return Ok(Vec::new()) };
        let git_dir = &worktree.git_dir;
        let others = others_in(git_dir)?;
        for path in &others {
            found(fs::remove_file(path)).context("remove", path.display())?;
        }
        let is_gone = |name: &str| others.contains(&git_dir.join(name));
        let branch = crate::names::branch(branch)?;
        if is_gone("HEAD") {
            let head = format!("ref: {}\n", branch.as_bstr());
            Dir::at(git_dir).write("HEAD", head.as_bytes()).context("write HEAD of", git_dir.display())?;
        }
        if is_gone("index")
            && let Some(tip) = crate::refs::branches::tip_of(&self.local(), &branch)?
        {
            let repository = self.local();
            let tree = crate::objects::tree_of(&repository, tip)?;
            let mut index = repository.index_from_tree(&tree).context("list the files of", tip)?;
            index.set_path(git_dir.join("index"));
            index
                .write(gix::index::write::Options::default())
                .context("write the index of", git_dir.display())?;
        }
        let name = |path: &PathBuf| path.strip_prefix(git_dir).unwrap_or(path).display().to_string();
        Ok(others.iter().map(name).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_in_a_git_directory_is_refused() {
        let place = tempfile::tempdir().expect("a folder");
        refuse_others_in(place.path()).expect("nothing is there");
        let pipe = place.path().join("MERGE_HEAD");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
            .expect("a pipe");
        assert!(matches!(refuse_others_in(place.path()), Err(Error::NotPlain { .. })));
    }
}
