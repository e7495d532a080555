//! The lock for landing on a branch: one landing at a time in each repository, whichever process lands.

use crate::error::Context as _;
use crate::{Dir, Error, Repository, names};
use rustix::fs::{FlockOperation, OFlags, flock};
use rustix::io::Errno;
use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;

/// The folder of the lock files, in the git folder.
const FOLDER: &str = "spectask-landing";

/// Holds the lock until it is dropped; the end of the process releases it, too.
#[derive(Debug)]
pub struct LandingTurn {
    /// The kernel's lock is released with the file.
    _file: fs::File,
}

impl Repository {
    /// Takes the lock for landing on a branch; `None` while another task holds it.
    pub fn landing_turn(&self, onto: &str) -> Result<Option<LandingTurn>, Error> {
        let name = names::short(&names::branch(onto)?).replace('%', "%25").replace('/', "%2f");
        let folder = self.0.common_dir.join(FOLDER);
        let made = Dir::at(&self.0.common_dir).create_dir_all(FOLDER);
        made.context("make the folder", folder.display())?;
        let path = folder.join(name);
        let mut options = fs::OpenOptions::new();
        options.create(true).append(true).custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
        let file = options.open(&path).context("open", path.display())?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(LandingTurn { _file: file })),
            Err(Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error).context("lock", path.display()),
        }
    }
}
