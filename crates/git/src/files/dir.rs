//! A folder that others write into, too, and in which files are opened without following links.

use crate::files::safe_path::{self, Standing};
use std::io;
use std::path::{Path, PathBuf};

/// A folder whose files are read and written beneath it only: no part of a path below it may be a symbolic link.
#[derive(Clone, Debug)]
pub struct Dir(PathBuf);

/// The entry at a path of a [`Dir`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    Nothing,
    File(Vec<u8>),
    /// A symbolic link; it is not followed.
    Link,
    /// A file larger than what was asked for.
    TooLarge,
    /// A folder, a pipe, a device, or a path through one of these or through a link.
    Other,
}

impl Dir {
    /// Returns a folder by its path, which is trusted.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Reads a regular file of at most `limit` bytes.
    pub fn read(&self, path: &str, limit: u64) -> io::Result<Entry> {
        Ok(match safe_path::look(&self.0, path.as_bytes(), limit)? {
            Standing::Nothing => Entry::Nothing,
            Standing::File { content, .. } => Entry::File(content),
            Standing::Link(_) => Entry::Link,
            Standing::Large => Entry::TooLarge,
            Standing::Other => Entry::Other,
        })
    }

    /// Puts a regular file at a path, whole or not at all; what was there is replaced and not written through. Missing
    /// folders are made.
    pub fn write(&self, path: &str, content: &[u8]) -> io::Result<()> {
        safe_path::put(&self.0, path.as_bytes(), gix::objs::tree::EntryKind::Blob, content)
    }

    /// Makes a folder and those that lead to it.
    pub fn create_dir_all(&self, path: &str) -> io::Result<()> {
        safe_path::make(&self.0, path.as_bytes())
    }
}
