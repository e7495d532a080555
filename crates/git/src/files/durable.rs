//! Syncs written data to the disk.
//!
//! Nothing here makes a write durable by itself: objects are written, then `objects` is called once for all of
//! them, then the ref is moved, then `file` is called for the ref. A power loss at any point leaves either the
//! old or the new state, never a ref to objects that are not there.

use std::fs::File;
use std::io;
use std::path::Path;

/// Waits until everything written so far to the repository's file system is on the disk.
pub(crate) fn objects(common_dir: &Path) -> io::Result<()> {
    let folder = File::open(common_dir.join("objects"))?;
    rustix::fs::syncfs(&folder).map_err(io::Error::from)
}

/// Waits until a file and the folders that lead to it, up to `root`, are on the disk.
pub(crate) fn file(path: &Path, root: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    for folder in path.ancestors().skip(1) {
        File::open(folder)?.sync_all()?;
        if folder == root {
            break;
        }
    }
    Ok(())
}
