//! Linked worktrees as the repository has them on its list, and the mark on those that were made here.
//!
//! A worktree's own `.git` file can be rewritten by the agent that works in it, so it is never followed: what belongs
//! to a folder is found from the repository's side.

use crate::error::Context as _;
use crate::files::lock_files::found;
use crate::files::plain::read_text;
use crate::{Dir, Error, Repository, files::durable, files::lock_files, files::plain};
use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

/// Interval at which an incomplete registration by another process is checked again.
const STEP: Duration = Duration::from_millis(50);
/// The file in a worktree's git folder that marks it as made here.
const MARK: &str = "spectask";

/// An entry of the repository's list of linked worktrees.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    /// `worktrees/<id>` in the repository.
    pub(crate) git_dir: PathBuf,
    pub(crate) root: PathBuf,
    pub(crate) mark: Option<Mark>,
    /// Whether `git worktree add` has not finished with it.
    pub(crate) is_half_made: bool,
}

/// The request with which a worktree was made here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    Branch(String),
    Detached,
}

impl Registration {
    fn read(git_dir: PathBuf, root: PathBuf) -> Result<Self, Error> {
        let locked = plain::unless_replaced(read_text(&git_dir.join("locked")))?;
        let is_initializing = locked.is_some_and(|reason| reason.trim() == "initializing");
        let is_half_made = is_initializing || !git_dir.join("index").exists();
        let mark = read_text(&git_dir.join(MARK))?.map(|text| match text.trim().strip_prefix("branch ") {
            Some(name) => Mark::Branch(name.to_owned()),
            None => Mark::Detached,
        });
        Ok(Self { git_dir, root, mark, is_half_made })
    }

    /// Returns whether its folder is there and points back.
    pub(crate) fn is_whole(&self) -> bool {
        !self.is_half_made && self.root.join(".git").is_file() && self.git_dir.join("HEAD").is_file()
    }

    /// Takes it off the repository's list.
    pub(crate) fn unregister(&self) -> Result<(), Error> {
        found(fs::remove_dir_all(&self.git_dir)).context("remove", self.git_dir.display())?;
        Ok(())
    }

    pub(crate) fn write_mark(&self, mark: &Mark) -> Result<(), Error> {
        let text = match mark {
            Mark::Branch(name) => format!("branch {name}\n"),
            Mark::Detached => "detached\n".to_owned(),
        };
        let file = self.git_dir.join(MARK);
        Dir::at(&self.git_dir).write(MARK, text.as_bytes()).context("write", file.display())?;
        durable::file(&file, &self.git_dir).context("bring to the disk", file.display())
    }
}

impl Repository {
    /// Returns every linked worktree on the repository's list, also those whose folder is gone.
    pub(crate) fn registrations(&self) -> Result<Vec<Registration>, Error> {
        let folder = self.0.common_dir.join("worktrees");
        let mut registrations = Vec::new();
        for git_dir in entries(&folder)? {
            let Some(root) = root_of(&git_dir)? else { continue };
            registrations.push(Registration::read(git_dir, root)?);
        }
        registrations.sort_by(|one, other| one.git_dir.cmp(&other.git_dir));
        Ok(registrations)
    }

    /// Returns the registration of a folder. Of others only their place is read: there may be hundreds.
    pub(crate) fn registration(&self, path: &Path) -> Result<Option<Registration>, Error> {
        let path = resolved(path);
        for git_dir in entries(&self.0.common_dir.join("worktrees"))? {
            let Some(root) = root_of(&git_dir)? else { continue };
            let may_be = root.file_name() == path.file_name() || root.is_symlink();
            if may_be && resolved(&root) == path {
                return Registration::read(git_dir, root).map(Some);
            }
        }
        Ok(None)
    }
}

impl Repository {
    /// Removes incomplete entries of killed processes from the repository's list of worktrees: git cannot read the list with
    /// them. Waits for a registration that is in progress.
    pub(crate) fn remove_unfinished_registrations(&self) -> Result<(), Error> {
        for git_dir in entries(&self.0.common_dir.join("worktrees"))? {
            while is_unfinished(&git_dir) {
                let Some(metadata) = found(fs::metadata(&git_dir)).context("look at", git_dir.display())?
                else {
                    break;
                };
                let made = metadata.modified().context("look at", git_dir.display())?;
                if lock_files::is_left_behind(made) {
                    found(fs::remove_dir_all(&git_dir)).context("remove", git_dir.display())?;
                    break;
                }
                std::thread::sleep(STEP);
            }
        }
        Ok(())
    }
}

/// Returns whether it does not say yet where the worktree is.
fn is_unfinished(git_dir: &Path) -> bool {
    git_dir.is_dir() && fs::metadata(git_dir.join("gitdir")).map_or(true, |pointer| pointer.len() == 0)
}

/// Returns the folders in the repository's list of linked worktrees.
fn entries(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let Some(entries) = found(fs::read_dir(folder)).context("list", folder.display())? else {
        return Ok(Vec::new());
    };
    entries.map(|entry| Ok(entry.context("list", folder.display())?.path())).collect()
}

/// Returns the folder that an entry of the list is for.
fn root_of(git_dir: &Path) -> Result<Option<PathBuf>, Error> {
    let pointer = read_text(&git_dir.join("gitdir"))?.filter(|pointer| !pointer.trim().is_empty());
    let dot_git = pointer.map(|pointer| normal(&git_dir.join(pointer.trim_end())));
    Ok(dot_git.and_then(|dot_git| dot_git.parent().map(Path::to_owned)))
}

/// Returns an absolute path without links, also for what does not exist.
pub(crate) fn resolved(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let existing = path.ancestors().find_map(|parent| Some((parent, fs::canonicalize(parent).ok()?)));
    match existing {
        Some((parent, real)) => match path.strip_prefix(parent) {
            Ok(rest) if !rest.as_os_str().is_empty() => normal(&real.join(rest)),
            _ => real,
        },
        None => normal(&path),
    }
}

/// Returns a path with its `.` and `..` taken out by name.
fn normal(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                parts.pop();
            }
            Component::CurDir => {}
            part => parts.push(part),
        }
    }
    parts
}
