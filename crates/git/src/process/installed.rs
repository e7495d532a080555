//! The installed git, with which repositories are opened.

use crate::process::command::Command;
use crate::shared::Shared;
use crate::{Error, Identity};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The oldest version of git that has the required features.
const OLDEST: (u32, u32) = (2, 30);

/// The settings for git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The `git` program; `None` takes the one on the `PATH`.
    pub git_binary: Option<PathBuf>,
    /// The author of commits for which no author is given.
    pub identity: Identity,
}

/// Opens, makes and clones repositories.
#[derive(Clone)]
pub struct Git(Arc<Inner>);

struct Inner {
    binary: PathBuf,
    version: String,
    release: (u32, u32),
    identity: Identity,
    /// The state that every opened handle of one repository shares, by its git folder.
    shared: Mutex<HashMap<PathBuf, Arc<Shared>>>,
}

impl Git {
    /// Checks that git runs and is new enough.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        crate::files::lock_files::note_start();
        let binary = settings.git_binary.unwrap_or_else(|| PathBuf::from("git"));
        let version = ask(&binary)?;
        let release = release(&version).unwrap_or_default();
        if release < OLDEST {
            return Err(Error::TooOld { found: version, needed: "2.30" });
        }
        let identity = settings.identity;
        Ok(Self(Arc::new(Inner { binary, version, release, identity, shared: Mutex::default() })))
    }

    /// Returns the version of the `git` program, which is run to say it.
    pub fn version(&self) -> Result<String, Error> {
        ask(&self.0.binary)
    }

    pub(crate) fn binary(&self) -> &Path {
        &self.0.binary
    }

    /// Returns whether attributes can be read from a tree of our choosing instead of the repository's files.
    pub(crate) fn has_attr_source(&self) -> bool {
        self.0.release >= (2, 41)
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.0.identity
    }

    pub(crate) fn shared(&self, common: &Path) -> Arc<Shared> {
        let mut shared = self.0.shared.lock();
        Arc::clone(shared.entry(common.to_owned()).or_default())
    }
}

impl fmt::Debug for Git {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Git").field("binary", &self.0.binary).field("version", &self.0.version).finish()
    }
}

fn ask(binary: &Path) -> Result<String, Error> {
    let text = Command::bare(binary, "--version", Path::new("/")).run()?.text();
    Ok(text.trim().strip_prefix("git version ").unwrap_or(text.trim()).to_owned())
}

fn release(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(['.', ' ', '-']);
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::release;

    #[test]
    fn versions_are_read_as_distributions_write_them() {
        assert_eq!(release("2.47.3"), Some((2, 47)));
        assert_eq!(release("2.39.5 (Apple Git-154)"), Some((2, 39)));
        assert_eq!(release("2.45-rc1"), Some((2, 45)));
        assert_eq!(release("nonsense"), None);
    }
}
