//! Pipes in the place of files that git reads in every folder of a worktree: it would wait until another process writes into them.

use crate::Error;
use crate::process::command::{Command, Output};
use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Time limit of a git command that reads files which may have been replaced by named pipes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
/// The files.
const READ: [&str; 3] = [".gitignore", ".gitattributes", ".gitmodules"];

/// Runs a command on the files of a worktree, again with all its time unless a pipe is what it waits for.
pub(crate) fn run(worktree: &Path, command: impl Fn() -> Result<Command, Error>) -> Result<Output, Error> {
    match command()?.limit(PATIENCE).run_unchecked() {
        Err(Error::TooSlow { .. }) => match find(worktree) {
            Some(path) => Err(Error::Pipe { path }),
            None => command()?.run_unchecked(),
        },
        output => output,
    }
}

fn find(worktree: &Path) -> Option<PathBuf> {
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
