//! Finds refs whose files others may have replaced.

use crate::Error;
use crate::error::Context as _;
use crate::files::safe_path;
use gix::refs::FullNameRef;
use std::fs;

/// The largest file of a loose ref.
const LARGEST_REF: u64 = 4096;

/// Finds a ref whose file, where it has one, is a file as git writes it.
pub(crate) fn find_ref<'repository>(
    repository: &'repository gix::Repository,
    name: &FullNameRef,
) -> Result<Option<gix::Reference<'repository>>, Error> {
    let path = repository.common_dir().join(safe_path::name(name.as_bstr()));
    if let Ok(metadata) = fs::symlink_metadata(&path)
        && !metadata.is_dir()
        && (!metadata.is_file() || metadata.len() > LARGEST_REF)
    {
        return Err(Error::NotPlain { path });
    }
    let find = || repository.try_find_reference(name).context("read the ref", name.as_bstr());
    // Packed refs are read before the ref's own file, so one that was packed in between is found the second time.
    Ok(match find()? {
        None => find()?,
        found => found,
    })
}
