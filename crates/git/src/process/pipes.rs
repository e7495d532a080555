//! Pipes in the place of files that git reads in every folder of a worktree: it would wait until another process writes into them.

use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Time limit of a git command that only reads or writes a small file, which may have been replaced by a named pipe.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(10);
/// The files.
const READ: [&str; 3] = [".gitignore", ".gitattributes", ".gitmodules"];

/// Returns the pipe in a worktree that git waits for.
pub(crate) fn find(worktree: &Path) -> Option<PathBuf> {
    let mut open = vec![worktree.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_fifo() && READ.iter().any(|name| entry.file_name() == *name) {
                return Some(entry.path());
            }
        }
    }
    None
}
