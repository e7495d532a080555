//! Lock files: held while an index or ref is written, and removed when whoever held them is dead.

use crate::error::Context as _;
use crate::{Error, Repository};
use gix::lock::acquire::Fail;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A lock file younger than this may belong to a process that is not visible yet or any more.
pub(crate) const FRESH: Duration = Duration::from_secs(10);
/// How often a held lock is tried, a second each: long enough for a lock left just now to become an old one.
const TRIES: usize = 15;

/// The lock file of a file.
pub(crate) fn of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

/// Removes a lock file if no live process can own it, and says whether it did.
///
/// Git closes some of its lock files while it still holds them, so an open file is not the only sign of life: a
/// process called git at work in one of the `places` counts, too.
pub(crate) fn remove_if_dead(lock: &Path, places: &[PathBuf]) -> io::Result<bool> {
    let Some(metadata) = found(fs::symlink_metadata(lock))? else { return Ok(false) };
    let is_ours = metadata.uid() == rustix::process::geteuid().as_raw();
    let is_old = metadata.modified()?.elapsed().is_ok_and(|age| age >= FRESH);
    if !is_ours || !is_old || is_alive(lock, places)? {
        return Ok(false);
    }
    found(fs::remove_file(lock)).map(|removed| removed.is_some())
}

/// Whether a live process has the lock open, or is a git at work in one of the places.
pub(crate) fn is_alive(lock: &Path, places: &[PathBuf]) -> io::Result<bool> {
    for process in fs::read_dir("/proc")? {
        let process = process?.path();
        let is_process =
            process.file_name().is_some_and(|name| name.as_encoded_bytes().iter().all(u8::is_ascii_digit));
        // A process may end while it is looked at, and others' processes are closed to us.
        if !is_process {
            continue;
        }
        let has_it_open = fs::read_dir(process.join("fd")).is_ok_and(|files| {
            files.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|path| path == lock))
        });
        if has_it_open {
            return Ok(true);
        }
        let is_git = fs::read_to_string(process.join("comm")).is_ok_and(|name| name.starts_with("git"));
        let is_there = || {
            fs::read_link(process.join("cwd"))
                .is_ok_and(|cwd| places.iter().any(|place| cwd.starts_with(place)))
        };
        if is_git && is_there() {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Repository {
    /// Takes the lock of a worktree's index; one that a dead process left is removed.
    pub(crate) fn lock_index(&self, git_dir: &Path) -> Result<gix::lock::File, Error> {
        let index = git_dir.join("index");
        let wait = Fail::AfterDurationWithBackoff(Duration::from_secs(1));
        for _ in 0..TRIES {
            match gix::lock::File::acquire_to_update_resource(&index, wait, None, 0) {
                Ok(lock) => return Ok(lock),
                Err(error) => {
                    let lock = of(&index);
                    if !lock.exists() {
                        tracing::debug!(%error, lock = %lock.display(), "an index lock was let go of meanwhile");
                        continue;
                    }
                    remove_if_dead(&lock, &self.places()?).context("remove", lock.display())?;
                }
            }
        }
        Err(Error::Locked { lock: of(&index) })
    }

    /// Where a process at work on this repository may be.
    pub(crate) fn places(&self) -> Result<Vec<PathBuf>, Error> {
        let worktrees = self.registrations()?.into_iter().map(|registration| registration.root);
        let own = [Some(self.0.common_dir.clone()), self.0.main_root.clone()];
        Ok(own.into_iter().flatten().chain(worktrees).collect())
    }
}

/// A result in which "not there" is not an error.
pub(crate) fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
