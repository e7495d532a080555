//! Inspects a repository before work in it.

use crate::error::Context as _;
use crate::{Error, Git, OpenError, transport::clone};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The properties of a repository.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is an answer of its own, shown as such")]
pub struct Inspection {
    /// The worktree's root, or the bare repository's folder.
    pub root: PathBuf,
    pub is_bare: bool,
    pub default_branch: Option<String>,
    pub branches: Vec<String>,
    /// Whether it has no commits.
    pub is_empty: bool,
    /// Whether files are changed, or unknown to git.
    pub is_dirty: bool,
    /// Whether no branch is checked out.
    pub is_detached: bool,
    /// Where it was cloned from, without a password.
    pub origin_url: Option<String>,
}

impl Git {
    /// Inspects a repository and changes nothing.
    pub fn inspect(&self, path: &Path) -> Result<Inspection, OpenError> {
        let repository = self.open_any(path)?;
        let damaged = |source: Error| OpenError::Damaged { path: path.to_owned(), source: source.into() };
        let look = || {
            let local = repository.local();
            let checkout = repository.checkout(repository.path()).ok();
            let is_dirty = match &checkout {
                Some(checkout) => !repository.changed_and_unknown_files(checkout)?.is_empty(),
                None => false,
            };
            let head = local.head().context("read HEAD of", path.display())?;
            let origin = local.config_snapshot().string("remote.origin.url");
            Ok(Inspection {
                root: repository.path().to_owned(),
                is_bare: local.workdir().is_none(),
                default_branch: repository.default_branch()?,
                branches: repository.branches()?,
                is_empty: repository.is_empty()?,
                is_dirty,
                is_detached: head.is_detached(),
                origin_url: origin.map(|url| clone::without_password(&url.to_string())),
            })
        };
        look().map_err(damaged)
    }
}
