//! The files of a SQLite database: who may read them, and whether they are still those that were opened.

use crate::StoreError;
use parking_lot::Mutex;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Read and written by the server's user alone.
const PRIVATE: u32 = 0o600;

/// Which file a path leads to: its device and inode.
type Identity = (u64, u64);

/// A database's files as they were when it was opened.
///
/// A deleted file lives on for the processes that have it open: SQLite keeps writing to it without an error, and
/// everything written is gone with the process.
pub(crate) struct DatabaseFile {
    path: PathBuf,
    database: Identity,
    /// The write-ahead log; `None` until the first commit.
    log: Mutex<Option<Identity>>,
    /// Where what the deleted files held was saved.
    saved: Mutex<Option<PathBuf>>,
}

impl DatabaseFile {
    /// Creates the database's file where there is none, and takes the rights of others to its files away. SQLite gives
    /// the write-ahead log and its index the mode of the database.
    pub(crate) fn prepare(path: &Path) -> io::Result<()> {
        drop(OpenOptions::new().create(true).append(true).mode(PRIVATE).open(path)?);
        for file in [path.to_owned(), beside(path, "-wal"), beside(path, "-shm")] {
            match std::fs::metadata(&file) {
                Ok(found) if found.permissions().mode() & 0o777 != PRIVATE && found.is_file() => {
                    File::open(&file)?.set_permissions(std::fs::Permissions::from_mode(PRIVATE))?;
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Notes which files were opened.
    pub(crate) fn opened(path: &Path) -> io::Result<Self> {
        let database = identity(path)?;
        Ok(Self { path: path.to_owned(), database, log: Mutex::default(), saved: Mutex::default() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Saves what deleted files hold beside their place, once, and returns where: while a process has them open they live on,
    /// and nothing is written to them any more. None where no file was deleted.
    pub(crate) fn rescue(&self) -> io::Result<Option<PathBuf>> {
        // Each change is a single assignment, so the content is valid after any panic.
        let mut saved = self.saved.lock();
        if saved.is_some() {
            return Ok(saved.clone());
        }
        let log = beside(&self.path, "-wal");
        let (of_database, of_log) = (open_although_deleted(&self.path)?, open_although_deleted(&log)?);
        if of_database.is_none() && of_log.is_none() {
            return Ok(None);
        }
        let place = copy_paths(&self.path).find(|path| !path.exists());
        // The numbers do not end.
        let place = place.unwrap_or_else(|| beside(&self.path, ".saved"));
        let log = Some(of_log.unwrap_or(log)).filter(|log| log.exists());
        let copied = copy_privately(&of_database.unwrap_or_else(|| self.path.clone()), &place)
            .and_then(|()| log.map_or(Ok(()), |log| copy_privately(&log, &beside(&place, "-wal"))));
        if let Err(error) = copied {
            // A part of a copy would be taken for the whole. What is not there need not go.
            let _ = std::fs::remove_file(&place);
            let _ = std::fs::remove_file(beside(&place, "-wal"));
            return Err(error);
        }
        Ok(saved.insert(place).clone().into())
    }

    /// Whether the paths still lead to the files that were opened.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        let gone = |path: &Path| StoreError::FileGone { path: path.to_owned() };
        if identity(&self.path).ok() != Some(self.database) {
            return Err(gone(&self.path));
        }
        let path = beside(&self.path, "-wal");
        let found = identity(&path).ok();
        // Each change is a single assignment, so the content is valid after any panic.
        let mut known = self.log.lock();
        match (*known, found) {
            (None, found) => *known = found,
            (Some(known), Some(found)) if known == found => {}
            (Some(_), Some(_) | None) => return Err(gone(&path)),
        }
        Ok(())
    }
}

/// Returns the way to a deleted file that this process has open.
fn open_although_deleted(path: &Path) -> io::Result<Option<PathBuf>> {
    let mut deleted = path.as_os_str().to_owned();
    deleted.push(" (deleted)");
    for open in std::fs::read_dir("/proc/self/fd")? {
        let open = open?.path();
        if std::fs::read_link(&open).is_ok_and(|link| link == Path::new(&deleted)) {
            return Ok(Some(open));
        }
    }
    Ok(None)
}

fn copy_privately(from: &Path, to: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut copy = options.write(true).create_new(true).mode(PRIVATE).open(to)?;
    io::copy(&mut File::open(from)?, &mut copy)?;
    copy.sync_all()
}

fn identity(path: &Path) -> io::Result<Identity> {
    let found = std::fs::metadata(path)?;
    Ok((found.dev(), found.ino()))
}

/// Returns a file that SQLite keeps beside the database.
/// Returns the newest copy of a deleted database's content that a server saved, if there is one.
pub fn saved_copy(database: &Path) -> Option<PathBuf> {
    copy_paths(database).take_while(|path| path.exists()).last()
}

/// Returns the paths at which copies of a deleted database are saved, oldest first; copies from before stay.
fn copy_paths(database: &Path) -> impl Iterator<Item = PathBuf> {
    let numbered = (2..).map(|number: u32| format!(".saved-{number}"));
    std::iter::once(".saved".to_owned()).chain(numbered).map(|suffix| beside(database, &suffix))
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_deleted_replaced_or_put_back_is_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db");
        DatabaseFile::prepare(&path).expect("made");
        let file = DatabaseFile::opened(&path).expect("opened");
        file.check().expect("the same");
        let aside = folder.path().join("aside");
        std::fs::rename(&path, &aside).expect("moved");
        assert!(matches!(file.check(), Err(StoreError::FileGone { .. })), "deleted");
        std::fs::write(&path, "").expect("another file");
        assert!(matches!(file.check(), Err(StoreError::FileGone { .. })), "replaced");
        std::fs::rename(&aside, &path).expect("put back");
        file.check().expect("the same again");
        std::fs::write(beside(&path, "-wal"), "").expect("a log");
        file.check().expect("the log is known from here on");
        std::fs::remove_file(beside(&path, "-wal")).expect("removed");
        assert!(matches!(file.check(), Err(StoreError::FileGone { .. })), "the log was deleted");
    }

    #[test]
    fn what_a_deleted_file_held_is_saved_beside_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().canonicalize().expect("a path").join("a.db");
        DatabaseFile::prepare(&path).expect("made");
        std::fs::write(&path, "pages").expect("content");
        std::fs::write(beside(&path, "-wal"), "frames").expect("a log");
        let file = DatabaseFile::opened(&path).expect("opened");
        assert_eq!(file.rescue().expect("looked"), None, "nothing was deleted");
        let _open = [File::open(&path).expect("open"), File::open(beside(&path, "-wal")).expect("open")];
        std::fs::remove_file(&path).expect("deleted");
        std::fs::remove_file(beside(&path, "-wal")).expect("deleted");
        let saved = file.rescue().expect("saved").expect("a place");
        assert_eq!(std::fs::read_to_string(&saved).expect("a copy"), "pages");
        assert_eq!(std::fs::read_to_string(beside(&saved, "-wal")).expect("a copy"), "frames");
        let mode = std::fs::metadata(&saved).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, PRIVATE);
        assert_eq!(file.rescue().expect("known"), Some(saved.clone()), "it is saved once");
        assert_eq!(saved_copy(&path).as_deref(), Some(saved.as_path()));
    }

    #[test]
    fn others_cannot_read_the_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.db");
        let log = beside(&path, "-wal");
        std::fs::write(&path, "").expect("a file");
        std::fs::write(&log, "").expect("a file");
        std::fs::set_permissions(&log, std::fs::Permissions::from_mode(0o644)).expect("readable");
        DatabaseFile::prepare(&path).expect("prepared");
        for file in [&path, &log] {
            let mode = std::fs::metadata(file).expect("there").permissions().mode();
            assert_eq!(mode & 0o777, PRIVATE, "{}", file.display());
        }
    }
}
