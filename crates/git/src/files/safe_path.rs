//! Files of a worktree, reached without ever leaving it.
//!
//! An agent that works in a worktree may put a link where a folder was. Each part of a path is opened from the one
//! before it without following links, so that nothing outside the worktree is read or written.

use gix::objs::tree::EntryKind;
use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

/// The entry at a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Nothing,
    File {
        content: Vec<u8>,
        is_executable: bool,
    },
    Link(Vec<u8>),
    /// A file that is too large to be what is looked for.
    Large,
    /// A folder, a device, or a path through a link.
    Other,
}

/// Returns a path of a tree as one of the file system.
pub(crate) fn name(path: &[u8]) -> &Path {
    Path::new(OsStr::from_bytes(path))
}

/// Returns what is at a path of a worktree; files larger than `bound` are not read.
pub(crate) fn look(root: &Path, path: &[u8], bound: u64) -> io::Result<Standing> {
    let (folder, name) = match parent(root, path, false) {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(Standing::Nothing),
        Err(Errno::LOOP | Errno::NOTDIR) => return Ok(Standing::Other),
        Err(error) => return Err(error.into()),
    };
    let stat = match rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(Standing::Nothing),
        Err(error) => return Err(error.into()),
    };
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::Symlink => {
            let target = rustix::fs::readlinkat(&folder, name, Vec::new())?;
            Ok(Standing::Link(target.into_bytes()))
        }
        FileType::RegularFile if u64::try_from(stat.st_size).is_ok_and(|size| size <= bound) => {
            let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
            let file = match rustix::fs::openat(&folder, name, flags, Mode::empty()) {
                Ok(file) => std::fs::File::from(file),
                Err(Errno::NOENT) => return Ok(Standing::Nothing),
                Err(Errno::LOOP) => return Ok(Standing::Other),
                Err(error) => return Err(error.into()),
            };
            let mut content = Vec::new();
            file.take(bound + 1).read_to_end(&mut content)?;
            Ok(Standing::File { content, is_executable: stat.st_mode & 0o100 != 0 })
        }
        FileType::RegularFile => Ok(Standing::Large),
        _ => Ok(Standing::Other),
    }
}

/// Puts a file or link at a path, whole or not at all. Missing folders are made.
pub(crate) fn put(root: &Path, path: &[u8], kind: EntryKind, content: &[u8]) -> io::Result<()> {
    let Some((folder, name)) = parent(root, path, true)? else {
        return Err(io::ErrorKind::NotFound.into());
    };
    if kind == EntryKind::Commit {
        return match rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(error.into()),
        };
    }
    let partial = format!(".spectask-{}.new", std::process::id());
    let partial = OsStr::new(&partial);
    match rustix::fs::unlinkat(&folder, partial, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    if kind == EntryKind::Link {
        rustix::fs::symlinkat(content, &folder, partial)?;
    } else {
        let mode = if kind == EntryKind::BlobExecutable { 0o777 } else { 0o666 };
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&folder, partial, flags, Mode::from_raw_mode(mode))?;
        let mut file = std::fs::File::from(file);
        file.write_all(content)?;
    }
    let renamed = rustix::fs::renameat(&folder, partial, &folder, name);
    if renamed.is_err() {
        // The rename's error is the one to tell.
        let _ = rustix::fs::unlinkat(&folder, partial, AtFlags::empty());
    }
    renamed.map_err(io::Error::from)
}

/// Makes a folder at a path, and those that lead to it.
pub(crate) fn make(root: &Path, path: &[u8]) -> io::Result<()> {
    let inside = [path, b"/."].concat();
    let mut parts = inside.split(|byte| *byte == b'/').map(OsStr::from_bytes).peekable();
    let mut folder = rustix::fs::open(root, FOLDER, Mode::empty())?;
    while let Some(part) = parts.next() {
        if parts.peek().is_some() {
            folder = enter(&folder, part, true)?.ok_or(io::ErrorKind::NotFound)?;
        }
    }
    Ok(())
}

/// Removes the file or link at a path, and the folders that it leaves empty.
pub(crate) fn remove(root: &Path, path: &[u8]) -> io::Result<()> {
    let mut path = path;
    let mut flags = AtFlags::empty();
    loop {
        let Some((folder, name)) = parent(root, path, false)? else { return Ok(()) };
        match rustix::fs::unlinkat(&folder, name, flags) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(Errno::NOTEMPTY | Errno::EXIST) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let Some(end) = path.iter().rposition(|byte| *byte == b'/') else { return Ok(()) };
        path = &path[..end];
        flags = AtFlags::REMOVEDIR;
    }
}

/// A folder that is opened, and not through a link.
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Opens the folder of a path; `None` when it does not exist and is not to be made.
fn parent<'a>(root: &Path, path: &'a [u8], make: bool) -> Result<Option<(OwnedFd, &'a OsStr)>, Errno> {
    let mut folder = rustix::fs::open(root, FOLDER, Mode::empty())?;
    let mut parts = path.split(|byte| *byte == b'/').map(OsStr::from_bytes).peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return if is_name(part) { Ok(Some((folder, part))) } else { Err(Errno::INVAL) };
        }
        let Some(entered) = enter(&folder, part, make)? else { return Ok(None) };
        folder = entered;
    }
    Err(Errno::INVAL)
}

/// Opens a folder in a folder; `None` when it does not exist and is not to be made.
fn enter(folder: &OwnedFd, part: &OsStr, make: bool) -> Result<Option<OwnedFd>, Errno> {
    if !is_name(part) {
        return Err(Errno::INVAL);
    }
    match rustix::fs::openat(folder, part, FOLDER, Mode::empty()) {
        Err(Errno::NOENT) if make => {
            match rustix::fs::mkdirat(folder, part, Mode::from_raw_mode(0o777)) {
                Ok(()) | Err(Errno::EXIST) => {}
                Err(error) => return Err(error),
            }
            rustix::fs::openat(folder, part, FOLDER, Mode::empty()).map(Some)
        }
        Err(Errno::NOENT) => Ok(None),
        opened => opened.map(Some),
    }
}

fn is_name(part: &OsStr) -> bool {
    !part.is_empty() && part != ".." && part != "."
}
