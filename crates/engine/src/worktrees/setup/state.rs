//! The completed setup steps of a worktree, stored beside the worktrees in the data directory.

use crate::settings::data_dir::write_private;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use workflow::TaskId;

/// The folder of the data directory with the states, by task, and with the files of setup commands that run.
const FOLDER: &str = "setup";

/// The state of a worktree's setup.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct SetupState {
    /// The worktree's folder, by device and inode: a worktree that was made again is another one.
    folder: (u64, u64),
    /// Whether everything that `.worktreeinclude` names is copied.
    pub(super) is_included: bool,
    /// The files and folders that were copied or linked.
    pub(super) included: Vec<String>,
    /// Those of them that hold variables.
    pub(super) env_files: Vec<String>,
    /// Files that the setup command made and that git neither tracks nor ignores.
    pub(super) made: Vec<String>,
    /// The hash of the inputs of the setup command that succeeded.
    pub(super) inputs: Option<String>,
}

impl SetupState {
    /// Reads the state of a worktree; none where there is none of this very folder.
    pub(crate) fn read(data_dir: &Path, task: &TaskId, worktree: &Path) -> Option<Self> {
        let text = fs::read(file(data_dir, task, worktree)).ok()?;
        let state: Self = serde_json::from_slice(&text).ok()?;
        (state.folder == identity(worktree).ok()?).then_some(state)
    }

    /// Returns the state of a worktree in which nothing is done.
    pub(super) fn of(worktree: &Path) -> io::Result<Self> {
        Ok(Self { folder: identity(worktree)?, ..Self::default() })
    }

    /// Keeps the state, whole or not at all.
    pub(super) fn write(&self, data_dir: &Path, task: &TaskId, worktree: &Path) -> io::Result<()> {
        let file = file(data_dir, task, worktree);
        fs::create_dir_all(folder(data_dir, task))?;
        let partial = file.with_extension("partial");
        write_private(&partial, &serde_json::to_vec(self).unwrap_or_default())?;
        fs::rename(&partial, &file)
    }

    /// Returns what stays out of the commits of the worktree.
    pub(crate) fn left_out(&self) -> Vec<String> {
        self.included.iter().chain(&self.made).cloned().collect()
    }
}

/// Deletes the states of a task's worktrees.
pub(crate) fn forget(data_dir: &Path, task: &TaskId) {
    // Leftovers cause no harm.
    let _ = fs::remove_dir_all(folder(data_dir, task));
}

/// Deletes the state of a worktree that is created again.
pub(super) fn forget_worktree(data_dir: &Path, task: &TaskId, worktree: &Path) {
    // There may be none.
    let _ = fs::remove_file(file(data_dir, task, worktree));
}

fn identity(worktree: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(worktree)?;
    Ok((found.dev(), found.ino()))
}

fn folder(data_dir: &Path, task: &TaskId) -> PathBuf {
    data_dir.join(FOLDER).join(task.as_str())
}

fn file(data_dir: &Path, task: &TaskId, worktree: &Path) -> PathBuf {
    let name = worktree.file_name().unwrap_or_default().to_string_lossy();
    folder(data_dir, task).join(format!("{name}.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worktree_that_was_made_again_has_no_state() {
        let place = tempfile::tempdir().expect("a folder");
        let (task, worktree) = (TaskId::from("spt_1"), place.path().join("stws_1"));
        fs::create_dir(&worktree).expect("made");
        let state = SetupState { is_included: true, ..SetupState::of(&worktree).expect("it is there") };
        state.write(place.path(), &task, &worktree).expect("written");
        assert_eq!(SetupState::read(place.path(), &task, &worktree), Some(state));
        // Beside it, so that the new folder has another inode.
        fs::rename(&worktree, place.path().join("lost")).expect("moved");
        fs::create_dir(&worktree).expect("made again");
        assert_eq!(SetupState::read(place.path(), &task, &worktree), None);
        forget(place.path(), &task);
    }
}
