//! Copies files and folders from one folder into another, without ever leaving either.
//!
//! Each part of a path is opened from the one before it, and no link is followed. Files share their blocks with the original
//! where the file system can (copy on write), and are copied elsewhere. They are never hard links: a program that changes such
//! a file in place would change the original.

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;
use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// How deep folders may be nested.
const MAX_DEPTH: usize = 64;
/// How many things that were left out are named.
const MAX_NAMED: usize = 20;
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// How much may be copied.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// In bytes.
    pub(super) size: u64,
    pub(super) time: Duration,
}

/// The files that were copied, and those that were not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) files: u64,
    pub(super) bytes: u64,
    /// The files that were left out, with the reason.
    pub(super) left_out: Vec<(String, String)>,
    /// How many more were left out.
    pub(super) more_left_out: u64,
    /// The bound that was reached, as a clause.
    pub(super) exceeded: Option<String>,
}

impl Report {
    pub(super) fn leave_out(&mut self, path: &str, reason: impl Into<String>) {
        if self.left_out.len() < MAX_NAMED {
            self.left_out.push((path.to_owned(), reason.into()));
        } else {
            self.more_left_out += 1;
        }
    }

    /// Returns whether everything was copied.
    pub(super) fn is_complete(&self) -> bool {
        self.left_out.is_empty() && self.exceeded.is_none()
    }
}

/// Copies from one folder into another.
pub(super) struct Copier<'a> {
    from: OwnedFd,
    to: OwnedFd,
    /// Whether a path is to be copied, relative to both folders.
    wanted: &'a dyn Fn(&str, bool) -> bool,
    /// Whether what is at a path already may be replaced.
    may_replace: &'a dyn Fn(&str) -> bool,
    /// Whether folders of which nothing is wanted are left out.
    prunes: bool,
    /// A folder that is never entered, by device and inode.
    forbidden: Option<(u64, u64)>,
    bounds: Bounds,
    deadline: Instant,
    pub(super) report: Report,
}

impl<'a> Copier<'a> {
    /// Copies between two folders, whose own paths are trusted.
    pub(super) fn new(from: &Path, to: &Path, bounds: Bounds) -> io::Result<Self> {
        Ok(Self {
            from: rustix::fs::open(from, FOLDER, Mode::empty())?,
            to: rustix::fs::open(to, FOLDER, Mode::empty())?,
            wanted: &|_, _| true,
            may_replace: &|_| false,
            prunes: false,
            forbidden: None,
            bounds,
            deadline: Instant::now() + bounds.time,
            report: Report::default(),
        })
    }

    /// Copies only what is wanted of folders.
    pub(super) fn wanted(self, wanted: &'a dyn Fn(&str, bool) -> bool) -> Self {
        Self { wanted, prunes: true, ..self }
    }

    pub(super) fn may_replace(self, may_replace: &'a dyn Fn(&str) -> bool) -> Self {
        Self { may_replace, ..self }
    }

    /// Never enters a folder.
    pub(super) fn except(self, folder: &Path) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let found = std::fs::metadata(folder).ok();
        Self { forbidden: found.map(|found| (found.dev(), found.ino())), ..self }
    }

    /// Copies a file, a link or a folder with all that is wanted in it. Fails where the target cannot be written; what cannot be
    /// read is left out.
    pub(super) fn copy(&mut self, path: &str) -> io::Result<()> {
        let parts: Vec<&str> = path.split('/').collect();
        let Some((name, folders)) = parts.split_last() else { return Ok(()) };
        if parts.iter().any(|part| part.is_empty() || matches!(*part, "." | "..")) {
            self.report.leave_out(path, "it is no path in the folder");
            return Ok(());
        }
        let (mut from, mut to) = (self.from.try_clone()?, self.to.try_clone()?);
        for folder in folders {
            let name = CString::new(*folder)?;
            let Some(inner) = self.source(path, enter(&from, &name)) else { return Ok(()) };
            let Some(target) = self.target_folder(path, &to, &name)? else { return Ok(()) };
            (from, to) = (inner, target);
        }
        self.entry(&from, &to, &CString::new(*name)?, path, 0)
    }

    /// Makes a symbolic link to a path of the folder that is copied from.
    pub(super) fn link(&mut self, path: &str, source: &Path) -> io::Result<()> {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let (mut from, mut to) = (self.from.try_clone()?, self.to.try_clone()?);
        for folder in folders.split('/').filter(|part| !part.is_empty()) {
            let name = CString::new(folder)?;
            let Some(inner) = self.source(path, enter(&from, &name)) else { return Ok(()) };
            let Some(target) = self.target_folder(path, &to, &name)? else { return Ok(()) };
            (from, to) = (inner, target);
        }
        let name = CString::new(name)?;
        let stat = rustix::fs::statat(&from, &name, AtFlags::SYMLINK_NOFOLLOW);
        let Some(stat) = self.source(path, stat) else { return Ok(()) };
        if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink {
            self.report.leave_out(path, "it is a symbolic link itself");
            return Ok(());
        }
        self.place_link(&to, &name, source.join(path).as_os_str())
    }

    fn entry(
        &mut self,
        from: &OwnedFd,
        to: &OwnedFd,
        name: &CStr,
        path: &str,
        depth: usize,
    ) -> io::Result<()> {
        if self.report.exceeded.is_some() || super::rules::is_reserved(path) {
            return Ok(());
        }
        if Instant::now() > self.deadline {
            self.report.exceeded =
                Some(format!("copying took longer than {} seconds", self.bounds.time.as_secs()));
            return Ok(());
        }
        let stat = rustix::fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW);
        let Some(stat) = self.source(path, stat) else { return Ok(()) };
        let kind = FileType::from_raw_mode(stat.st_mode);
        if !(self.wanted)(path, kind == FileType::Directory) {
            return Ok(());
        }
        match kind {
            FileType::RegularFile => self.file(from, to, name, path),
            FileType::Directory => self.folder(from, to, name, path, depth),
            FileType::Symlink => {
                let Some(target) = self.source(path, rustix::fs::readlinkat(from, name, Vec::new())) else {
                    return Ok(());
                };
                let target = OsStr::from_bytes(target.as_bytes());
                if !stays_inside(path, target) {
                    self.report.leave_out(path, "it is a symbolic link that leads out of the folder");
                    return Ok(());
                }
                self.place_link(to, name, target)
            }
            _ => {
                self.report.leave_out(path, "it is no file or folder, but a socket, a pipe or a device");
                Ok(())
            }
        }
    }

    fn folder(
        &mut self,
        from: &OwnedFd,
        to: &OwnedFd,
        name: &CStr,
        path: &str,
        depth: usize,
    ) -> io::Result<()> {
        if depth >= MAX_DEPTH {
            self.report.leave_out(path, format!("folders are nested more than {MAX_DEPTH} deep"));
            return Ok(());
        }
        let Some(inner) = self.source(path, enter(from, name)) else { return Ok(()) };
        let identity = rustix::fs::fstat(&inner)?;
        if self.forbidden == Some((identity.st_dev, identity.st_ino)) {
            return Ok(());
        }
        let Some(entries) = self.source(path, rustix::fs::Dir::read_from(&inner)) else { return Ok(()) };
        let Some(target) = self.target_folder(path, to, name)? else { return Ok(()) };
        let before = self.report.files;
        for entry in entries {
            let Some(entry) = self.source(path, entry) else { break };
            let entry_name = entry.file_name();
            if matches!(entry_name.to_bytes(), b"." | b"..") {
                continue;
            }
            let Ok(text) = entry_name.to_str() else {
                let shown = format!("{path}/{}", entry_name.to_string_lossy());
                self.report.leave_out(&shown, "its name is not UTF-8");
                continue;
            };
            self.entry(&inner, &target, entry_name, &format!("{path}/{text}"), depth + 1)?;
        }
        if self.prunes && self.report.files == before {
            // One that is not empty stays.
            let _ = rustix::fs::unlinkat(to, name, AtFlags::REMOVEDIR);
        }
        Ok(())
    }

    fn file(&mut self, from: &OwnedFd, to: &OwnedFd, name: &CStr, path: &str) -> io::Result<()> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let Some(source) = self.source(path, rustix::fs::openat(from, name, flags, Mode::empty())) else {
            return Ok(());
        };
        // What is opened may be another file than what was looked at.
        let stat = rustix::fs::fstat(&source)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            self.report.leave_out(path, "it was replaced while it was read");
            return Ok(());
        }
        let size = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
        if self.report.bytes.saturating_add(size) > self.bounds.size {
            self.report.exceeded = Some(format!("it is more than {} MiB", self.bounds.size >> 20));
            return Ok(());
        }
        let mode = Mode::from_raw_mode(stat.st_mode & 0o777);
        let Some(target) = self.new_file(to, name, mode, path)? else { return Ok(()) };
        if rustix::fs::ioctl_ficlone(&target, &source).is_err() {
            let mut target = File::from(target.try_clone()?);
            // A file that grows meanwhile does not go beyond the bound.
            let copied = io::copy(&mut io::Read::take(File::from(source), size), &mut target)?;
            self.report.bytes += copied;
        } else {
            self.report.bytes += size;
        }
        let time = |seconds: i64, nanoseconds: u64| Timespec {
            tv_sec: seconds,
            tv_nsec: i64::try_from(nanoseconds).unwrap_or_default(),
        };
        // Build tools compare times.
        let times = Timestamps {
            last_access: time(stat.st_atime, stat.st_atime_nsec),
            last_modification: time(stat.st_mtime, stat.st_mtime_nsec),
        };
        rustix::fs::futimens(&target, &times)?;
        self.report.files += 1;
        Ok(())
    }

    /// Makes a file; none where something is there that stays.
    fn new_file(&mut self, to: &OwnedFd, name: &CStr, mode: Mode, path: &str) -> io::Result<Option<OwnedFd>> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match rustix::fs::openat(to, name, flags, mode) {
            Err(Errno::EXIST) if (self.may_replace)(path) => {}
            Err(Errno::EXIST) => return Ok(None),
            made => return Ok(Some(made?)),
        }
        match rustix::fs::unlinkat(to, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(Some(rustix::fs::openat(to, name, flags, mode)?)),
            Err(Errno::ISDIR | Errno::PERM) => {
                self.report.leave_out(path, "a folder is in its place");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn place_link(&mut self, to: &OwnedFd, name: &CStr, target: &OsStr) -> io::Result<()> {
        match rustix::fs::symlinkat(target, to, name) {
            Ok(()) => self.report.files += 1,
            // The same link is there, or something that stays.
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Opens a folder of the target, and makes it where it is missing; none where something else is in its place.
    fn target_folder(&mut self, path: &str, to: &OwnedFd, name: &CStr) -> io::Result<Option<OwnedFd>> {
        match rustix::fs::mkdirat(to, name, Mode::from_raw_mode(0o777)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        match enter(to, name) {
            Ok(folder) => Ok(Some(folder)),
            Err(Errno::LOOP | Errno::NOTDIR) => {
                self.report.leave_out(path, "a file or a symbolic link is in the place of a folder");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns what was read of the source; what cannot be read is left out.
    fn source<T>(&mut self, path: &str, read: Result<T, Errno>) -> Option<T> {
        match read {
            Ok(found) => Some(found),
            // It went away meanwhile.
            Err(Errno::NOENT) => None,
            Err(Errno::LOOP | Errno::NOTDIR) => {
                self.report.leave_out(path, "a symbolic link leads to it");
                None
            }
            Err(error) => {
                self.report.leave_out(path, io::Error::from(error).to_string());
                None
            }
        }
    }
}

/// Opens a folder in a folder, and not through a link.
fn enter(folder: &OwnedFd, name: &CStr) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(folder, name, FOLDER, Mode::empty())
}

/// Returns whether a link at a path leads to a place in the same folder.
fn stays_inside(path: &str, target: &OsStr) -> bool {
    let Some(target) = target.to_str().filter(|target| !target.starts_with('/')) else { return false };
    let mut depth = path.split('/').count() - 1;
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => match depth.checked_sub(1) {
                Some(above) => depth = above,
                None => return false,
            },
            _ => depth += 1,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::os::unix::net::UnixListener;

    const BOUNDS: Bounds = Bounds { size: 1 << 20, time: Duration::from_secs(60) };

    #[test]
    fn a_folder_is_copied_with_its_links_and_modes_and_nothing_outside_it() {
        let place = tempfile::tempdir().expect("a folder");
        let (from, to, outside) =
            (place.path().join("from"), place.path().join("to"), place.path().join("outside"));
        for folder in
            [from.join("node_modules/.bin"), from.join("node_modules/a"), to.clone(), outside.clone()]
        {
            fs::create_dir_all(folder).expect("made");
        }
        fs::write(from.join("node_modules/a/cli.js"), "x").expect("written");
        fs::set_permissions(from.join("node_modules/a/cli.js"), fs::Permissions::from_mode(0o755))
            .expect("set");
        fs::write(outside.join("secret"), "s").expect("written");
        symlink("../a/cli.js", from.join("node_modules/.bin/cli")).expect("a link");
        symlink(&outside, from.join("node_modules/out")).expect("a link");
        symlink("../../outside", from.join("node_modules/up")).expect("a link");
        let _socket = UnixListener::bind(from.join("node_modules/socket")).expect("a socket");
        fs::create_dir(from.join("node_modules/.git")).expect("made");
        let mut copier = Copier::new(&from, &to, BOUNDS).expect("opened");
        copier.copy("node_modules").expect("copied");
        for path in ["../outside", "/etc/passwd", "node_modules/../../outside", "out/secret", "missing"] {
            copier.copy(path).expect("nothing fails");
        }
        copier.copy("node_modules/out/secret").expect("nothing fails");
        let left_out: Vec<&str> = copier.report.left_out.iter().map(|(path, _)| path.as_str()).collect();
        for path in [
            "node_modules/out",
            "node_modules/up",
            "node_modules/socket",
            "../outside",
            "node_modules/out/secret",
        ] {
            assert!(left_out.contains(&path), "{path} of {left_out:?}");
        }
        assert_eq!(copier.report.files, 2);
        assert_eq!(
            fs::read_link(to.join("node_modules/.bin/cli")).expect("a link"),
            Path::new("../a/cli.js")
        );
        let copied = fs::metadata(to.join("node_modules/a/cli.js")).expect("there");
        assert_eq!(copied.permissions().mode() & 0o111, 0o111);
        assert!(!to.join("node_modules/.git").exists() && !to.join("node_modules/out").exists());
        // A change of the copy is none of the original.
        fs::write(to.join("node_modules/a/cli.js"), "changed").expect("written");
        assert_eq!(fs::read_to_string(from.join("node_modules/a/cli.js")).expect("there"), "x");
    }

    #[test]
    fn a_link_in_the_target_is_not_written_through() {
        let place = tempfile::tempdir().expect("a folder");
        let (from, to, outside) =
            (place.path().join("from"), place.path().join("to"), place.path().join("outside"));
        for folder in [from.join("config"), to.clone(), outside.clone()] {
            fs::create_dir_all(folder).expect("made");
        }
        fs::write(from.join("config/local.json"), "x").expect("written");
        fs::write(from.join(".env"), "x").expect("written");
        symlink(&outside, to.join("config")).expect("a link");
        symlink(outside.join("env"), to.join(".env")).expect("a link");
        let mut copier = Copier::new(&from, &to, BOUNDS).expect("opened");
        copier.copy("config/local.json").expect("nothing fails");
        copier.copy(".env").expect("nothing fails");
        assert_eq!(fs::read_dir(&outside).expect("there").count(), 0);
        assert_eq!(copier.report.files, 0);
    }

    #[test]
    fn bounds_hold_and_what_is_there_stays() {
        let place = tempfile::tempdir().expect("a folder");
        let (from, to) = (place.path().join("from"), place.path().join("to"));
        fs::create_dir_all(&from).expect("made");
        fs::create_dir_all(&to).expect("made");
        fs::write(from.join("large"), vec![0; 2 << 20]).expect("written");
        fs::write(from.join("small"), "new").expect("written");
        fs::write(to.join("small"), "old").expect("written");
        let mut copier = Copier::new(&from, &to, BOUNDS).expect("opened");
        copier.copy("small").expect("nothing fails");
        assert_eq!(fs::read_to_string(to.join("small")).expect("there"), "old");
        copier.copy("large").expect("nothing fails");
        assert_eq!(copier.report.exceeded.as_deref(), Some("it is more than 1 MiB"));
        assert!(!to.join("large").exists());
        let mut copier = Copier::new(&from, &to, BOUNDS).expect("opened").may_replace(&|_| true);
        copier.copy("small").expect("nothing fails");
        assert_eq!(fs::read_to_string(to.join("small")).expect("there"), "new");
        let mut copier = Copier::new(&from, &to, Bounds { time: Duration::ZERO, ..BOUNDS }).expect("opened");
        copier.copy("small").expect("nothing fails");
        assert!(copier.report.exceeded.is_some());
    }
}
