//! The data directory: one server at a time, and readable by its user alone.

use crate::Config;
use anyhow::Context as _;
use rustix::fs::Access;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const PRIVATE_DIRECTORY: u32 = 0o700;
const PRIVATE_FILE: u32 = 0o600;
/// Held by the server that runs on the directory; the kernel releases it when the process ends, however it ends.
const LOCK: &str = "lock";
const SERVER: &str = "server.json";
/// Name of the file that [`DataDir::try_write`] creates and removes.
const PROBE: &str = ".write-probe";
/// Names the database whose tasks the directory's worktrees, agents and drafts belong to.
const DATABASE: &str = "database";
/// Directories in which every file is the server's own.
const DIRECTORIES: [&str; 12] = [
    "worktrees",
    "trash",
    "repositories",
    "scenarios",
    "instances",
    "layers",
    "checks",
    "held",
    "staging",
    "setup",
    "setup-cache",
    "terminals",
];
/// How long the lock of a server that was killed may outlive it: a process which it was just starting lets go of it a moment
/// later.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// A data directory that this process alone works on.
#[derive(Debug)]
pub(crate) struct DataDir {
    path: PathBuf,
    /// The directory itself: its device and inode.
    identity: (u64, u64),
    _lock: File,
}

/// The address of a running server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerFile {
    pub url: String,
    pub pid: u32,
}

impl DataDir {
    /// Creates the directory where there is none, takes others' rights away, and locks it.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let mut builder = DirBuilder::new();
        builder.recursive(true).mode(PRIVATE_DIRECTORY);
        builder.create(path).with_context(|| {
            format!("cannot create the data directory {}; choose another with --data-dir", path.display())
        })?;
        let path = path.canonicalize().context("cannot resolve the data directory")?;
        let lock = lock(&path)?;
        make_private(&path)
            .with_context(|| format!("cannot make the data directory {} private", path.display()))?;
        let found = std::fs::metadata(&path).context("cannot read the data directory")?;
        Ok(Self { identity: (found.dev(), found.ino()), path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the directory is still the one that was opened, and can be written.
    pub(crate) fn check(&self) -> Result<(), String> {
        let shown = self.path.display();
        let found =
            std::fs::metadata(&self.path).map_err(|error| format!("{shown} cannot be read: {error}"))?;
        if (found.dev(), found.ino()) != self.identity {
            return Err(format!(
                "{shown} was replaced while the server runs; put it back, or restart the server"
            ));
        }
        // A file system that was mounted read-only refuses as well.
        rustix::fs::access(&self.path, Access::WRITE_OK | Access::EXEC_OK)
            .map_err(|error| format!("{shown} cannot be written: {error}"))
    }

    /// Creates and removes a file in the directory. A full disk is no error here: another check reports it.
    pub(crate) fn try_write(&self) -> Result<(), String> {
        let probe = self.path.join(PROBE);
        let made = std::fs::write(&probe, b"").and_then(|()| std::fs::remove_file(&probe));
        match made {
            Err(error) if error.kind() != io::ErrorKind::StorageFull => {
                Err(format!("{} cannot be written: {error}", self.path.display()))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Notes in which database the tasks are kept: a file by its path, a server's by its address without credentials.
    pub(crate) fn note_database(&self, database: &Database) -> anyhow::Result<()> {
        let note = self.path.join(DATABASE);
        write_private(&note, database.name().as_encoded_bytes())
            .with_context(|| format!("cannot write {}", note.display()))
    }

    /// Refuses an empty database when a server has already used this directory: the directory's worktrees would have no
    /// tasks.
    pub(crate) fn refuse_new_database(&self, database: &Database) -> anyhow::Result<()> {
        let note = self.path.join(DATABASE);
        let Ok(noted) = std::fs::read(&note) else { return Ok(()) };
        let noted = String::from_utf8_lossy(&noted);
        let present = database.name();
        anyhow::ensure!(
            present.as_encoded_bytes() != noted.as_bytes(),
            "the database {noted} is empty, and the tasks of the data directory {} were kept in it. Restore it from a backup, \
             or restore the tasks from the record in git with `spectask rebuild`; to start without those tasks, remove {}",
            self.path.display(),
            note.display()
        );
        anyhow::bail!(
            "the database {} is empty, and the tasks of the data directory {} are kept in {noted}. Set DATABASE_URL (or \
             database_url) to that one, restore the tasks from the record in git with `spectask rebuild`, or choose another \
             --data-dir; to start without those tasks, remove {}",
            present.display(),
            self.path.display(),
            note.display()
        );
    }

    /// Writes where command-line clients find the server.
    pub(crate) fn write_server(&self, server: &ServerFile) -> anyhow::Result<()> {
        let path = self.path.join(SERVER);
        let text = serde_json::to_vec(server).context("cannot describe the server")?;
        write_private(&path, &text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Removes what [`DataDir::write_server`] wrote, unless another server wrote it meanwhile.
    pub(crate) fn remove_server(&self) {
        if running_server(&self.path).is_some_and(|server| server.pid == std::process::id()) {
            // A missing file is as good.
            let _ = std::fs::remove_file(self.path.join(SERVER));
        }
    }
}

/// The place of the tasks' database.
pub(crate) enum Database {
    File(PathBuf),
    /// The URL of a PostgreSQL server's database.
    Server(String),
}

impl Database {
    pub(crate) fn of(config: &Config) -> Self {
        config.database_file().map_or_else(|| Self::Server(config.database()), Self::File)
    }

    /// Returns what names it in the data directory and in messages.
    fn name(&self) -> OsString {
        match self {
            Self::File(file) => resolved(file).into_os_string(),
            Self::Server(url) => {
                let address = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
                let address = address.split(['?', '#']).next().unwrap_or_default();
                let address = address.rsplit_once('@').map_or(address, |(_, address)| address);
                format!("postgres://{address}").into()
            }
        }
    }
}

/// Refuses a database file that is missing or empty although a server kept tasks of this data directory in it: a new one in its
/// place would look as if there had never been any.
pub fn require_database(data_dir: &Path, file: &Path) -> anyhow::Result<()> {
    let note = data_dir.join(DATABASE);
    let was_used =
        std::fs::read(&note).is_ok_and(|noted| noted == resolved(file).as_os_str().as_encoded_bytes());
    let is_there = std::fs::metadata(file).is_ok_and(|found| found.len() > 0);
    if let Some(copy) = store::saved_copy(file).filter(|_| was_used && !is_there) {
        let log = PathBuf::from(format!("{}-wal", copy.display()));
        let (file, copy) = (file.display(), copy.display());
        let log = if log.exists() { format!(" && mv {copy}-wal {file}-wal") } else { String::new() };
        anyhow::bail!(
            "the database {file} is missing or empty, and tasks were kept in it. A server saved its content when it was deleted. \
             To continue with that: mv {copy} {file}{log}"
        );
    }
    anyhow::ensure!(
        is_there || !was_used,
        "the database {0} is missing or empty, and tasks were kept in it. Put it back with its {0}-wal, or restore the tasks from \
         the record in git with `spectask rebuild`; to start without those tasks, remove {1}",
        file.display(),
        note.display()
    );
    let log = PathBuf::from(format!("{}-wal", file.display()));
    if was_used && is_left_over(data_dir) && !log.exists() {
        tracing::warn!(
            log = %log.display(),
            "the previous server was killed, and the write-ahead log of its database is missing: its last changes may be lost; \
             `spectask rebuild` restores tasks from the record in git"
        );
    }
    Ok(())
}

/// Returns a file by the real path of its folder, whether the file is there or not.
fn resolved(file: &Path) -> PathBuf {
    let folder = file.parent().and_then(|folder| folder.canonicalize().ok());
    match (folder, file.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => file.to_owned(),
    }
}

/// Returns the server that a data directory's file names; it runs only while the directory is locked.
pub fn running_server(data_dir: &Path) -> Option<ServerFile> {
    serde_json::from_slice(&std::fs::read(data_dir.join(SERVER)).ok()?).ok()
}

/// Returns whether a process works on a data directory.
pub fn is_in_use(data_dir: &Path) -> bool {
    let file = OpenOptions::new().read(true).write(true).open(data_dir.join(LOCK));
    file.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

/// Returns whether the server that a data directory's file names has ended without removing it.
fn is_left_over(data_dir: &Path) -> bool {
    running_server(data_dir).is_some_and(|server| !Path::new(&format!("/proc/{}", server.pid)).exists())
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(PRIVATE_FILE);
    let file = path.join(LOCK);
    let file = options.open(&file).with_context(|| format!("cannot write {}", file.display()))?;
    let deadline = Instant::now() + LOCK_TIMEOUT;
    let locked = loop {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) if is_left_over(path) && Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            locked => break locked,
        }
    };
    match locked {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let server = running_server(path).map_or_else(String::new, |server| {
                format!(": the server at {} (process {})", server.url, server.pid)
            });
            anyhow::bail!(
                "the data directory {} is in use by another SpecTask{server}; end that one, or choose another directory with --data-dir",
                path.display()
            )
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock the data directory {}", path.display()))
        }
    }
}

/// Takes others' rights to the directory, its files and the server's own folders away.
fn make_private(path: &Path) -> io::Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(PRIVATE_DIRECTORY))?;
    for name in DIRECTORIES {
        private_directory(&path.join(name))?;
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        // Links lead elsewhere, and sockets have rights of their own.
        let kind = entry.file_type()?;
        let mode = if kind.is_dir() {
            PRIVATE_DIRECTORY
        } else if kind.is_file() {
            PRIVATE_FILE
        } else {
            continue;
        };
        if entry.metadata()?.permissions().mode() & 0o777 != mode {
            std::fs::set_permissions(entry.path(), Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}

/// Creates a directory that its user alone may enter, or makes it one.
pub(crate) fn private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(PRIVATE_DIRECTORY).create(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(PRIVATE_DIRECTORY))
}

/// Writes a file that its user alone may read.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(PRIVATE_FILE);
    options.open(path)?.write_all(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_one_servers_and_private() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("data");
        std::fs::create_dir(&path).expect("a folder");
        std::fs::create_dir(path.join("old")).expect("a folder");
        std::fs::write(path.join("token"), "t").expect("a file");
        std::fs::set_permissions(path.join("token"), Permissions::from_mode(0o644)).expect("readable");
        let first = DataDir::open(&path).expect("opens");
        first.write_server(&ServerFile { url: "http://127.0.0.1:1".to_owned(), pid: 1 }).expect("written");
        let refused = format!("{:#}", DataDir::open(&path).expect_err("in use"));
        assert!(refused.contains("http://127.0.0.1:1 (process 1)"), "{refused}");
        assert!(is_in_use(&path));
        first.remove_server();
        assert!(running_server(&path).is_some(), "another server's file stays");
        first.check().expect("in order");
        for (name, mode) in
            [("", 0o700), ("old", 0o700), ("worktrees", 0o700), ("token", 0o600), (LOCK, 0o600)]
        {
            let found = std::fs::metadata(path.join(name)).expect("there").permissions().mode();
            assert_eq!(found & 0o777, mode, "{name}");
        }
        drop(first);
        assert!(!is_in_use(&path));
        let second = DataDir::open(&path).expect("opens again");
        std::fs::rename(&path, folder.path().join("away")).expect("moved");
        assert!(second.check().is_err(), "moved away");
        std::fs::create_dir(&path).expect("a folder");
        assert!(second.check().expect_err("replaced").contains("replaced"));
    }

    #[test]
    fn a_database_that_is_gone_is_not_replaced_by_an_empty_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let directory = DataDir::open(&folder.path().join("data")).expect("opens");
        let (file, other) = (directory.path().join("a.db"), directory.path().join("b.db"));
        let require = |file: &Path| require_database(directory.path(), file);
        require(&file).expect("there never was one");
        directory.note_database(&Database::File(file.clone())).expect("noted");
        let refused = format!("{:#}", require(&file).expect_err("missing"));
        assert!(refused.contains("a.db is missing") && refused.contains("spectask rebuild"), "{refused}");
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(directory.path(), &link).expect("a link");
        require(&link.join("a.db")).expect_err("the same file by another way");
        std::fs::write(&file, "").expect("a file");
        require(&file).expect_err("empty");
        for copy in ["a.db.saved", "a.db.saved-2"] {
            std::fs::write(directory.path().join(copy), "SQLite").expect("a file");
        }
        let refused = format!("{:#}", require(&file).expect_err("empty"));
        assert!(refused.contains("mv ") && refused.contains("a.db.saved-2 "), "{refused}");
        require(&other).expect("another database");
        let url = "postgres://ann:secret@db.example.org:5432/spectask?sslmode=require".to_owned();
        let server = Database::Server(url);
        let refused =
            format!("{:#}", directory.refuse_new_database(&server).expect_err("tasks are elsewhere"));
        assert!(refused.contains("postgres://db.example.org:5432/spectask is empty"), "{refused}");
        assert!(refused.contains("a.db") && !refused.contains("secret"), "{refused}");
        directory.note_database(&server).expect("noted");
        let refused = directory.refuse_new_database(&server).expect_err("it had tasks").to_string();
        assert!(refused.contains("spectask is empty") && refused.contains("a backup"), "{refused}");
        let refused = directory.refuse_new_database(&Database::File(other)).expect_err("tasks are elsewhere");
        assert!(refused.to_string().contains("kept in postgres://db.example.org"), "{refused}");
        directory.note_database(&Database::File(file.clone())).expect("noted");
        std::fs::write(&file, "SQLite").expect("a file");
        require(&file).expect("there");
    }
}
