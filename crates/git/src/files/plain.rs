//! Reads files that git keeps and that an agent may have replaced by a pipe, a device or a link. These are neither waited
//! for, nor read without end, nor written through.

use crate::Error;
use crate::error::Context as _;
use rustix::fs::{Mode, OFlags};
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

/// The largest file of git's own that is read whole.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Returns the content of a file, or `None` when there is none.
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

/// Returns what was read, or nothing where something else stands in the place of the file.
pub(crate) fn unless_replaced<T>(read: Result<Option<T>, Error>) -> Result<Option<T>, Error> {
    match read {
        Err(Error::NotPlain { .. }) => Ok(None),
        read => read,
    }
}

/// Returns the text of the file, or `None` when there is none.
pub(crate) fn read_text(path: &Path) -> Result<Option<String>, Error> {
    Ok(read(path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
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
    }
}
