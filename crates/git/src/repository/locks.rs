//! Waits for locks that other processes hold.

use crate::error::Context as _;
use crate::files::lock_files::{of, remove_if_dead};
use crate::{Error, Repository};
use gix::lock::acquire::Fail;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The number of attempts on a held lock, a second each: enough for a recent lock to become an old one.
const TRIES: usize = 15;

impl Repository {
    /// Takes the lock of a worktree's index; one that a dead process left is removed.
    pub(crate) fn lock_index(&self, git_dir: &Path) -> Result<gix::lock::File, Error> {
        let index = git_dir.join("index");
        let wait = Fail::AfterDurationWithBackoff(Duration::from_secs(1));
        self.acquire(&index, || gix::lock::File::acquire_to_update_resource(&index, wait, None, 0))
    }

    /// Waits until the lock of a file is free, and removes a lock that a dead process left.
    pub(crate) fn wait_for_lock(&self, file: &Path) -> Result<(), Error> {
        let wait = Fail::AfterDurationWithBackoff(Duration::from_secs(1));
        let boundary = Some(self.0.common_dir.clone());
        self.acquire(file, || gix::lock::Marker::acquire_to_hold_resource(file, wait, boundary.clone(), 0))
            .map(drop)
    }

    fn acquire<T, E: std::fmt::Display>(
        &self,
        file: &Path,
        acquire: impl Fn() -> Result<T, E>,
    ) -> Result<T, Error> {
        let lock = of(file);
        for _ in 0..TRIES {
            match acquire() {
                Ok(taken) => return Ok(taken),
                Err(error) if !lock.exists() => {
                    tracing::debug!(%error, lock = %lock.display(), "the lock was released meanwhile");
                }
                Err(_) => {
                    remove_if_dead(&lock, &self.places()?).context("remove", lock.display())?;
                }
            }
        }
        Err(Error::Locked { lock })
    }

    /// Returns where a process at work on this repository may be.
    pub(crate) fn places(&self) -> Result<Vec<PathBuf>, Error> {
        let worktrees = self.registrations()?.into_iter().map(|registration| registration.root);
        let own = [Some(self.0.common_dir.clone()), self.0.main_root.clone()];
        Ok(own.into_iter().flatten().chain(worktrees).collect())
    }
}
