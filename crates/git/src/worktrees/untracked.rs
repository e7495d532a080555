//! The files and folders of a worktree that no commit has.

use crate::{Error, Repository};
use std::path::Path;

/// A file or folder that git does not track.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Untracked {
    /// Its path relative to the worktree, without a slash at its end.
    pub path: String,
    /// Whether it is a folder in which git tracks nothing.
    pub is_folder: bool,
    /// Whether an ignore rule matches it.
    pub is_ignored: bool,
}

/// The files of a worktree beside those of its commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorktreeState {
    pub untracked: Vec<Untracked>,
    /// Whether tracked files differ from the commit.
    pub is_changed: bool,
}

impl Repository {
    /// Returns what a worktree of the repository, or its main checkout, has beside the files of its commit. A folder in which
    /// nothing is tracked is one entry. Names that are not UTF-8 are left out.
    pub fn worktree_state(&self, worktree: &Path) -> Result<WorktreeState, Error> {
        let checkout = self.checkout(worktree)?;
        let arguments = [
            "--porcelain=v1",
            "-z",
            "--no-renames",
            "--ignore-submodules=all",
            "--untracked-files=normal",
            "--ignored=traditional",
        ];
        let status = self.0.git.command_on_files("status", &self.place_at(&checkout)?)?.args(arguments);
        let output = status.reads(&checkout.root).run()?;
        let mut state = WorktreeState::default();
        for entry in output.stdout.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
            let (Some(kind), Some(path)) = (entry.get(..2), entry.get(3..)) else { continue };
            let is_ignored = kind == b"!!";
            if !is_ignored && kind != b"??" {
                state.is_changed = true;
                continue;
            }
            let Ok(path) = std::str::from_utf8(path) else { continue };
            let (path, is_folder) = path.strip_suffix('/').map_or((path, false), |path| (path, true));
            state.untracked.push(Untracked { path: path.to_owned(), is_folder, is_ignored });
        }
        state.untracked.sort();
        Ok(state)
    }
}
