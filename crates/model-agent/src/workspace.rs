//! The folders that file tools reach, and files in them. A path is resolved first, and has to be in one of the folders; then
//! it is opened folder by folder without following links, so that a link that is put in its place meanwhile leads nowhere.

use rustix::fs::{AtFlags, FileType, Mode, OFlags};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

/// The largest file that tools read, in bytes.
const MAX_FILE: u64 = 32 << 20;

/// The folders of a session.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    /// Without links; the first is the working directory.
    roots: Vec<PathBuf>,
}

/// A path in one of the folders.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    root: PathBuf,
    /// Below the root, of plain names only.
    names: Vec<OsString>,
}

impl Workspace {
    /// Takes the folders that are there. Git's own folders among the additional ones are for its commands, not for tools.
    pub(crate) fn new(cwd: &Path, additional: &[PathBuf]) -> io::Result<Workspace> {
        let mut roots = vec![cwd.canonicalize()?];
        let additional = additional.iter().filter_map(|folder| folder.canonicalize().ok());
        roots.extend(additional.filter(|folder| folder.is_dir() && !folder.iter().any(is_git)));
        Ok(Workspace { roots })
    }

    pub(crate) fn cwd(&self) -> &Path {
        &self.roots[0]
    }

    pub(crate) fn roots(&self) -> &[PathBuf] {
        &self.roots
    }

    /// Returns what a path of the model means; relative ones are below the working directory.
    pub(crate) fn resolve(&self, path: &str) -> Result<Place, String> {
        if path.contains('\0') {
            return Err("The path contains a NUL character.".to_owned());
        }
        let whole = self.cwd().join(path);
        // What exists is resolved by the system; what does not is a tail of plain names.
        let mut existing = whole.as_path();
        let mut tail: Vec<OsString> = Vec::new();
        while existing.symlink_metadata().is_err() {
            let Some(Component::Normal(name)) = existing.components().next_back() else {
                return Err(self.outside(path));
            };
            tail.push(name.to_owned());
            existing = existing.parent().ok_or_else(|| self.outside(path))?;
        }
        let real = existing.canonicalize().map_err(|error| format!("{path} cannot be resolved: {error}."))?;
        let root =
            self.roots.iter().filter(|root| real.starts_with(root)).max_by_key(|root| root.as_os_str().len());
        let root = root.ok_or_else(|| self.outside(path))?;
        let below = real.strip_prefix(root).unwrap_or(Path::new(""));
        let names = below.iter().map(OsString::from).chain(tail.into_iter().rev()).collect();
        Ok(Place { root: root.clone(), names })
    }

    /// The same for a path that is going to be changed: git's own files are changed by git alone.
    pub(crate) fn resolve_for_change(&self, path: &str) -> Result<Place, String> {
        let place = self.resolve(path)?;
        if place.names.iter().any(|name| is_git(name)) {
            return Err(format!("{path} belongs to git. Use git commands to change it."));
        }
        if place.names.is_empty() {
            return Err(format!("{path} is a folder."));
        }
        Ok(place)
    }

    fn outside(&self, path: &str) -> String {
        let roots: Vec<_> = self.roots.iter().map(|root| root.display().to_string()).collect();
        format!("{path} is outside the folders of this session. Use paths below {}.", roots.join(" or "))
    }
}

impl Place {
    pub(crate) fn path(&self) -> PathBuf {
        self.root.iter().map(OsString::from).chain(self.names.iter().cloned()).collect()
    }

    /// Opens the file; what is no plain file is refused.
    pub(crate) fn open(&self) -> io::Result<File> {
        let Some((name, folders)) = self.names.split_last() else {
            return Err(io::ErrorKind::IsADirectory.into());
        };
        let folder = self.folder(folders, false)?;
        // A named pipe would wait for its other end.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&folder, name, flags, Mode::empty())?;
        match FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) {
            FileType::RegularFile => Ok(file.into()),
            FileType::Directory => Err(io::ErrorKind::IsADirectory.into()),
            _ => Err(io::Error::other("it is no regular file")),
        }
    }

    /// Reads the file whole, as text.
    pub(crate) fn read(&self) -> io::Result<String> {
        let file = self.open()?;
        let mut bytes = Vec::new();
        file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_FILE {
            return Err(io::Error::other(format!("it is larger than {} MiB", MAX_FILE >> 20)));
        }
        String::from_utf8(bytes).map_err(|_| io::Error::other("it is no text in UTF-8"))
    }

    /// Replaces the file, or makes it and the folders that it is in.
    pub(crate) fn write(&self, content: &str) -> io::Result<()> {
        let Some((name, folders)) = self.names.split_last() else {
            return Err(io::ErrorKind::IsADirectory.into());
        };
        let folder = self.folder(folders, true)?;
        let before = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW);
        let mode = match before {
            Ok(before) => match FileType::from_raw_mode(before.st_mode) {
                FileType::RegularFile => Some(Mode::from_raw_mode(before.st_mode)),
                FileType::Directory => return Err(io::ErrorKind::IsADirectory.into()),
                _ => return Err(io::Error::other("it is no regular file")),
            },
            Err(rustix::io::Errno::NOENT) => None,
            Err(error) => return Err(error.into()),
        };
        let draft = format!(".spectask-{}.tmp", ulid::Ulid::generate());
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&folder, &draft, flags, Mode::from_raw_mode(0o666))?;
        let written = (|| {
            let mut file = File::from(file);
            file.write_all(content.as_bytes())?;
            if let Some(mode) = mode {
                rustix::fs::fchmod(&file, mode)?;
            }
            rustix::fs::renameat(&folder, &draft, &folder, name)?;
            Ok(())
        })();
        if written.is_err() {
            // The error counts; what is left is a small file beside the one that was to be written.
            let _ = rustix::fs::unlinkat(&folder, &draft, AtFlags::empty());
        }
        written
    }

    fn folder(&self, names: &[OsString], create: bool) -> io::Result<OwnedFd> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mut folder = rustix::fs::open(&self.root, flags, Mode::empty())?;
        for name in names {
            let next = rustix::fs::openat(&folder, name, flags, Mode::empty());
            folder = match next {
                Err(rustix::io::Errno::NOENT) if create => {
                    match rustix::fs::mkdirat(&folder, name, Mode::from_raw_mode(0o777)) {
                        Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                        Err(error) => return Err(error.into()),
                    }
                    rustix::fs::openat(&folder, name, flags, Mode::empty())?
                }
                next => next?,
            };
        }
        Ok(folder)
    }
}

fn is_git(name: &std::ffi::OsStr) -> bool {
    name.eq_ignore_ascii_case(".git")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    struct Folders {
        _keep: tempfile::TempDir,
        outside: PathBuf,
        cwd: PathBuf,
        documents: PathBuf,
        workspace: Workspace,
    }

    fn folders() -> Folders {
        let keep = tempfile::tempdir().unwrap();
        let base = keep.path().canonicalize().unwrap();
        let [outside, cwd, documents] = ["outside", "cwd", "documents"].map(|name| base.join(name));
        for folder in [&outside, &cwd, &documents] {
            std::fs::create_dir(folder).unwrap();
        }
        std::fs::write(outside.join("secret"), "secret").unwrap();
        let workspace = Workspace::new(&cwd, std::slice::from_ref(&documents)).unwrap();
        Folders { _keep: keep, outside, cwd, documents, workspace }
    }

    #[test]
    fn paths_outside_the_folders_are_refused() {
        let all = folders();
        symlink(&all.outside, all.cwd.join("link")).unwrap();
        symlink(all.outside.join("secret"), all.cwd.join("file")).unwrap();
        symlink(all.outside.join("absent"), all.cwd.join("dangling")).unwrap();
        let absolute = all.outside.join("secret");
        for path in [
            "../outside/secret",
            absolute.to_str().unwrap(),
            "/etc/passwd",
            "link/secret",
            "link/absent",
            "link/../outside/secret",
            "file",
            "dangling",
            "absent/../../outside/secret",
            "..",
            "/",
            "a\0b",
        ] {
            assert!(all.workspace.resolve(path).is_err(), "{path}");
        }
    }

    #[test]
    fn paths_in_the_folders_are_read_and_written() {
        let all = folders();
        let document = all.documents.join("a/design.md");
        for path in ["new/folder/file.txt", "./b.txt", document.to_str().unwrap()] {
            let place = all.workspace.resolve_for_change(path).unwrap();
            place.write("one").unwrap();
            place.write("two").unwrap();
            assert_eq!(all.workspace.resolve(path).unwrap().read().unwrap(), "two", "{path}");
        }
        // A link that stays inside is followed once, when the path is resolved.
        symlink(all.cwd.join("b.txt"), all.cwd.join("inner")).unwrap();
        assert_eq!(all.workspace.resolve("inner").unwrap().path(), all.cwd.join("b.txt"));
        assert_eq!(all.workspace.resolve("new/../b.txt").unwrap().path(), all.cwd.join("b.txt"));
        let left: Vec<_> =
            std::fs::read_dir(&all.cwd).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| !name.to_string_lossy().contains("spectask")), "{left:?}");
    }

    #[test]
    fn a_link_that_is_swapped_in_leads_nowhere() {
        let all = folders();
        std::fs::create_dir(all.cwd.join("folder")).unwrap();
        std::fs::write(all.cwd.join("folder/secret"), "own").unwrap();
        std::fs::write(all.cwd.join("plain"), "own").unwrap();
        let inner = all.workspace.resolve("folder/secret").unwrap();
        let new = all.workspace.resolve_for_change("folder/new").unwrap();
        let plain = all.workspace.resolve("plain").unwrap();
        std::fs::rename(all.cwd.join("folder"), all.cwd.join("moved")).unwrap();
        symlink(&all.outside, all.cwd.join("folder")).unwrap();
        std::fs::remove_file(all.cwd.join("plain")).unwrap();
        symlink(all.outside.join("secret"), all.cwd.join("plain")).unwrap();
        assert!(inner.read().is_err());
        assert!(inner.write("changed").is_err());
        assert!(new.write("changed").is_err());
        assert!(plain.read().is_err());
        assert!(plain.write("changed").is_err());
        assert_eq!(std::fs::read_to_string(all.outside.join("secret")).unwrap(), "secret");
        assert!(!all.outside.join("new").exists());
    }

    #[test]
    fn what_is_no_plain_file_is_refused() {
        let all = folders();
        std::fs::create_dir(all.cwd.join("folder")).unwrap();
        let status = std::process::Command::new("mkfifo").arg(all.cwd.join("pipe")).status().unwrap();
        assert!(status.success());
        std::fs::write(all.cwd.join("binary"), [0xff, 0xfe]).unwrap();
        for name in ["folder", "pipe", "binary", "."] {
            assert!(all.workspace.resolve(name).unwrap().read().is_err(), "{name}");
        }
        assert!(all.workspace.resolve("folder").unwrap().write("").is_err());
    }

    #[test]
    fn the_files_of_git_are_not_changed_and_modes_stay() {
        let all = folders();
        std::fs::create_dir_all(all.cwd.join(".git/hooks")).unwrap();
        assert!(all.workspace.resolve_for_change(".git/hooks/post-commit").is_err());
        assert!(all.workspace.resolve_for_change(".GIT/config").is_err());
        assert!(all.workspace.resolve_for_change(".gitignore").is_ok());
        let git = all.cwd.join(".git/hooks");
        let with_git = Workspace::new(&all.cwd, &[git, all.outside.join("absent")]).unwrap();
        assert_eq!(with_git.roots(), std::slice::from_ref(&all.cwd));
        let script = all.cwd.join("run.sh");
        std::fs::write(&script, "one").unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        all.workspace.resolve_for_change("run.sh").unwrap().write("two").unwrap();
        assert_eq!(script.metadata().unwrap().permissions().mode() & 0o777, 0o755);
    }
}
