//! Files of git's own that others may have replaced: whoever works in a worktree can put a pipe, a device or a link where git
//! keeps a file. Those are neither waited for, nor read without end, nor written through.

use crate::error::Context as _;
use crate::locks::found;
use crate::registration::{Mark, Registration};
use crate::{Dir, Error, Repository, beneath};
use gix::refs::FullNameRef;
use rustix::fs::{Mode, OFlags};
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// How large a file of git's own is that is read whole.
const LARGEST: u64 = 64 * 1024 * 1024;
/// How large the file of a loose ref is.
const LARGEST_REF: u64 = 4096;

/// The content of a file, or `None` when there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let opened = rustix::fs::open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty());
    let file = match opened.map_err(io::Error::from) {
        Ok(file) => fs::File::from(file),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error).context("read", path.display()),
    };
    let is_file = file.metadata().context("look at", path.display())?.is_file();
    let mut bytes = Vec::new();
    if is_file {
        file.take(LARGEST + 1).read_to_end(&mut bytes).context("read", path.display())?;
    }
    if !is_file || bytes.len() as u64 > LARGEST {
        return Err(Error::NotPlain { path: path.to_owned() });
    }
    Ok(Some(bytes))
}

/// What was read, or nothing where something else stands in the place of the file.
pub(crate) fn unless_replaced<T>(read: Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    match read {
        Err(Error::NotPlain { .. }) => Ok(None),
        read => read,
    }
}

/// Refuses a git directory of a worktree in which something else stands where git keeps files.
pub(crate) fn refuse_others_in(git_dir: &Path) -> Result<(), Error> {
    match others_in(git_dir)?.into_iter().next() {
        Some(path) => Err(Error::NotPlain { path }),
        None => Ok(()),
    }
}

/// What stands in a worktree's git directory and is neither a file nor a folder.
fn others_in(git_dir: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut others = Vec::new();
    for folder in [git_dir.to_owned(), git_dir.join("logs")] {
        let entries = found(fs::read_dir(&folder)).context("list", folder.display())?;
        for entry in entries.into_iter().flatten() {
            let entry = entry.context("list", folder.display())?;
            // One that went away meanwhile is nothing any more.
            if entry.file_type().is_ok_and(|kind| !kind.is_file() && !kind.is_dir()) {
                others.push(entry.path());
            }
        }
    }
    Ok(others)
}

impl Repository {
    /// Removes what somebody put in the place of files that git keeps of a worktree, makes again those that it cannot do
    /// without, and returns the names of all.
    pub(crate) fn restore_files_of(&self, worktree: &Registration) -> Result<Vec<String>, Error> {
        let Some(Mark::Branch(branch)) = &worktree.mark else { return Ok(Vec::new()) };
        let git_dir = &worktree.git_dir;
        let others = others_in(git_dir)?;
        for path in &others {
            found(fs::remove_file(path)).context("remove", path.display())?;
        }
        let is_gone = |name: &str| others.contains(&git_dir.join(name));
        let branch = crate::names::branch(branch)?;
        if is_gone("HEAD") {
            let head = format!("ref: {}\n", branch.as_bstr());
            Dir::at(git_dir).write("HEAD", head.as_bytes()).context("write HEAD of", git_dir.display())?;
        }
        if is_gone("index")
            && let Some(tip) = crate::branches::tip_of(&self.local(), &branch)?
        {
            let repository = self.local();
            let tree = crate::objects::tree_of(&repository, tip)?;
            let mut index = repository.index_from_tree(&tree).context("list the files of", tip)?;
            index.set_path(git_dir.join("index"));
            index
                .write(gix::index::write::Options::default())
                .context("write the index of", git_dir.display())?;
        }
        let name = |path: &PathBuf| path.strip_prefix(git_dir).unwrap_or(path).display().to_string();
        Ok(others.iter().map(name).collect())
    }
}

/// Finds a ref whose file, where it has one, is a file as git writes it.
pub(crate) fn find_ref<'repository>(
    repository: &'repository gix::Repository,
    name: &FullNameRef,
) -> Result<Option<gix::Reference<'repository>>, Error> {
    let path = repository.common_dir().join(beneath::name(name.as_bstr()));
    if let Ok(metadata) = fs::symlink_metadata(&path)
        && !metadata.is_dir()
        && (!metadata.is_file() || metadata.len() > LARGEST_REF)
    {
        return Err(Error::NotPlain { path });
    }
    repository.try_find_reference(name).context("read the ref", name.as_bstr())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn what_is_no_plain_file_is_neither_waited_for_nor_read_without_end() {
        let place = tempfile::tempdir().expect("a folder");
        let path = |name: &str| place.path().join(name);
        fs::write(path("HEAD"), "ref: refs/heads/main\n").expect("a file");
        symlink("/dev/zero", path("endless")).expect("a link");
        rustix::fs::mknodat(rustix::fs::CWD, path("pipe"), rustix::fs::FileType::Fifo, Mode::RWXU, 0)
            .expect("a pipe");
        assert_eq!(read(&path("HEAD")).expect("readable"), Some(b"ref: refs/heads/main\n".to_vec()));
        assert_eq!(read(&path("missing")).expect("nothing"), None);
        for name in ["endless", "pipe"] {
            assert!(matches!(read(&path(name)), Err(Error::NotPlain { .. })), "{name}");
        }
        assert!(matches!(refuse_others_in(place.path()), Err(Error::NotPlain { .. })));
    }
}
