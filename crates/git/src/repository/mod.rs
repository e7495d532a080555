//! An opened repository.

pub(crate) mod locks;
pub(crate) mod open;
pub(crate) mod owner;
pub(crate) mod pack;
pub(crate) mod partial;
pub(crate) mod state;

use crate::error::Context as _;
use crate::process::command::{Command, Place};
use crate::shared::{Known, Seen, Shared, State, lock};
use crate::{Error, Git, Identity, OpenError};
use parking_lot::{Mutex, MutexGuard};
use std::collections::HashMap;
use std::fmt;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A repository; cheap to clone.
#[derive(Clone)]
pub struct Repository(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) git: Git,
    pub(crate) gix: gix::ThreadSafeRepository,
    /// The worktree's root, or the bare repository itself.
    pub(crate) root: PathBuf,
    /// The folder that every worktree shares.
    pub(crate) common_dir: PathBuf,
    /// Which folder that was when it was opened.
    pub(crate) identity: Option<FolderIdentity>,
    /// The worktree that is not linked; a bare repository has none.
    pub(crate) main_root: Option<PathBuf>,
    pub(crate) empty_tree: String,
    pub(crate) shared: Arc<Shared>,
}

/// A folder's device and inode: another folder at the same path has others.
type FolderIdentity = (u64, u64);

/// Returns which folder is at a path; none where there is none.
pub(crate) fn identity(folder: &Path) -> Option<FolderIdentity> {
    std::fs::metadata(folder).ok().map(|found| (found.dev(), found.ino()))
}

impl Repository {
    /// Returns the root of the worktree, or the bare repository's folder.
    pub fn path(&self) -> &Path {
        &self.0.root
    }

    /// Returns whether it is still where it was opened, and not another one at the same path. What was being written as
    /// it was moved away may have left folders.
    pub fn is_there(&self) -> bool {
        self.0.common_dir.join("HEAD").is_file() && identity(&self.0.common_dir) == self.0.identity
    }

    /// Refuses to write after the repository was moved away: git would create folders at the old path.
    pub(crate) fn refuse_moved(&self) -> Result<(), Error> {
        if self.is_there() { Ok(()) } else { Err(OpenError::Missing { path: self.path().to_owned() }.into()) }
    }

    /// Returns whether it is the repository that work was done in before: it has a ref that only SpecTask creates, the
    /// branch of the documents, or one of the commits that base branches stood at.
    pub fn was_worked_in(&self, docs_branch: &str, base_commits: &[String]) -> Result<bool, Error> {
        let repository = self.local();
        let platform = repository.references().context("list refs of", self.path().display())?;
        let mut kept = platform.prefixed("refs/spectask/").context("list refs of", self.path().display())?;
        if kept.next().is_some() || self.resolve(&format!("refs/heads/{docs_branch}"))?.is_some() {
            return Ok(true);
        }
        for commit in base_commits {
            if self.resolve(commit)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Returns a handle for this thread.
    pub(crate) fn local(&self) -> gix::Repository {
        let mut repository = self.0.gix.to_thread_local();
        repository.object_cache_size_if_unset(4 * 1024 * 1024);
        repository
    }

    /// Returns the queue of writes to one branch.
    pub(crate) fn queue(&self, branch: &str) -> Arc<Mutex<()>> {
        let mut queues = lock(&self.0.shared.queues);
        Arc::clone(queues.entry(branch.to_owned()).or_default())
    }

    /// Returns what is known about the effects on each branch.
    pub(crate) fn seen(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        lock(&self.0.shared.effects)
    }

    /// Returns what is known of the last changes of files.
    pub(crate) fn last_changes(&self) -> &Mutex<Known> {
        &self.0.shared.last_changes
    }

    /// Returns what was last seen of the git folder.
    pub(crate) fn known_state(&self) -> MutexGuard<'_, Option<State>> {
        lock(&self.0.shared.state)
    }

    /// Returns the queue of changes to the list of worktrees.
    pub(crate) fn worktree_queue(&self) -> MutexGuard<'_, ()> {
        lock(&self.0.shared.worktrees)
    }

    pub(crate) fn identity(&self) -> &Identity {
        self.0.git.identity()
    }

    /// Returns the repository without any worktree, for commands.
    pub(crate) fn place(&self) -> Place {
        Place {
            git_dir: self.0.common_dir.clone(),
            common_dir: self.0.common_dir.clone(),
            work_tree: None,
            empty_tree: self.0.empty_tree.clone(),
        }
    }

    /// Returns one worktree of the repository, for commands.
    pub(crate) fn place_of(&self, git_dir: &Path, work_tree: &Path) -> Place {
        Place { git_dir: git_dir.to_owned(), work_tree: Some(work_tree.to_owned()), ..self.place() }
    }

    pub(crate) fn command(&self, name: &str) -> Command {
        self.0.git.command(name, &self.place())
    }

    pub(crate) fn unknown(&self, rev: &str) -> Error {
        Error::UnknownRevision { repository: self.0.root.clone(), rev: rev.to_owned() }
    }
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository").field("root", &self.0.root).finish_non_exhaustive()
    }
}
