//! The results of setup commands, by the hash of their inputs: folders that git ignores, such as `node_modules`.
//!
//! An entry is made from a worktree in which no agent worked, and only where the folders are all that the command left and can
//! be used in another place.

use super::copy::{Bounds, Copier};
use crate::settings::data_dir::write_private;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The folder of the data directory with the entries.
pub(crate) const CACHE: &str = "setup-cache";
/// The file that describes an entry; its time is when the entry was used last.
const DESCRIPTION: &str = "entry.json";
/// The folder of an entry with what the command made.
const FILES: &str = "files";
/// The suffix of an entry that is being made.
const PARTIAL: &str = "partial";
/// Files that name the folder they were made in.
const BOUND_TO_PLACE: [&str; 2] = ["CMakeCache.txt", "pyvenv.cfg"];
/// How deep folders are looked through for such files.
const MAX_DEPTH: usize = 64;
/// The size of the blocks that the file system counts.
const BLOCK: u64 = 512;

#[derive(Debug, Serialize, Deserialize)]
struct Description {
    folders: Vec<String>,
    bytes: u64,
}

/// An entry, for maintenance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CacheEntry {
    pub(crate) path: PathBuf,
    /// The size on disk.
    pub(crate) bytes: u64,
    pub(crate) used_at: SystemTime,
}

/// Copies what the entry of a hash has into a worktree. Returns whether there is such an entry and all of it was copied.
pub(super) fn restore(data_dir: &Path, hash: &str, worktree: &Path, bounds: Bounds) -> io::Result<bool> {
    let entry = data_dir.join(CACHE).join(hash);
    let Ok(text) = fs::read(entry.join(DESCRIPTION)) else { return Ok(false) };
    let Ok(Description { folders, .. }) = serde_json::from_slice(&text) else { return Ok(false) };
    if folders.iter().any(|folder| worktree.join(folder).symlink_metadata().is_ok()) {
        return Ok(false);
    }
    // It is used from here on, so that maintenance leaves it.
    fs::File::open(entry.join(DESCRIPTION))?.set_modified(SystemTime::now())?;
    let mut copier = Copier::new(&entry.join(FILES), worktree, bounds)?;
    for folder in &folders {
        copier.copy(folder)?;
    }
    let is_complete =
        copier.report.is_complete() && folders.iter().all(|folder| worktree.join(folder).is_dir());
    if !is_complete {
        discard(worktree, &folders);
    }
    Ok(is_complete)
}

/// Removes what was copied in part.
fn discard(worktree: &Path, folders: &[String]) {
    for folder in folders {
        // The command runs in its place, and says what is in its way.
        let _ = fs::remove_dir_all(worktree.join(folder));
    }
}

/// Keeps folders of a worktree as the entry of a hash. Returns why not, where they cannot be used elsewhere.
pub(super) fn keep(
    data_dir: &Path,
    hash: &str,
    worktree: &Path,
    folders: Vec<String>,
    bounds: Bounds,
) -> io::Result<Option<String>> {
    if folders.is_empty() {
        return Ok(Some("the command left no folder that git ignores".to_owned()));
    }
    for folder in &folders {
        if let Some(obstacle) = obstacle(&worktree.join(folder), worktree, 0)? {
            return Ok(Some(obstacle));
        }
    }
    let cache = data_dir.join(CACHE);
    let partial = cache.join(format!("{hash}-{}.{PARTIAL}", ulid::Ulid::generate()));
    fs::create_dir_all(partial.join(FILES))?;
    let kept = fill(&partial, worktree, folders, bounds);
    match kept {
        // Another session may have been quicker.
        Ok(None) if fs::rename(&partial, cache.join(hash)).is_ok() => return Ok(None),
        Ok(None) => {}
        Ok(Some(obstacle)) => {
            let _ = fs::remove_dir_all(&partial);
            return Ok(Some(obstacle));
        }
        Err(error) => {
            let _ = fs::remove_dir_all(&partial);
            return Err(error);
        }
    }
    fs::remove_dir_all(&partial)?;
    Ok(None)
}

fn fill(partial: &Path, worktree: &Path, folders: Vec<String>, bounds: Bounds) -> io::Result<Option<String>> {
    let mut copier = Copier::new(worktree, &partial.join(FILES), bounds)?;
    for folder in &folders {
        copier.copy(folder)?;
    }
    if let Some(exceeded) = &copier.report.exceeded {
        return Ok(Some(exceeded.clone()));
    }
    if let Some((path, reason)) = copier.report.left_out.first() {
        return Ok(Some(format!("{path} cannot be copied: {reason}")));
    }
    let description = Description { folders, bytes: copier.report.bytes };
    write_private(&partial.join(DESCRIPTION), &serde_json::to_vec(&description).unwrap_or_default())?;
    Ok(None)
}

/// Returns why a folder cannot be used in another place, if so: a file in it names the place.
fn obstacle(path: &Path, worktree: &Path, depth: usize) -> io::Result<Option<String>> {
    let shown = || path.strip_prefix(worktree).unwrap_or(path).display().to_string();
    let found = fs::symlink_metadata(path)?;
    if found.is_symlink() {
        let leads_away = fs::read_link(path)?.is_absolute();
        return Ok(leads_away.then(|| format!("{} is a symbolic link with an absolute path", shown())));
    }
    if found.is_dir() {
        if depth >= MAX_DEPTH {
            return Ok(Some(format!("{} is nested too deep", shown())));
        }
        for entry in fs::read_dir(path)? {
            if let Some(obstacle) = obstacle(&entry?.path(), worktree, depth + 1)? {
                return Ok(Some(obstacle));
            }
        }
        return Ok(None);
    }
    let name = path.file_name().unwrap_or_default();
    if BOUND_TO_PLACE.iter().any(|bound| name == *bound) {
        return Ok(Some(format!("{} names the folder that it was made in", shown())));
    }
    if found.is_file() && found.permissions().mode() & 0o111 != 0 && first_line_names(path, worktree)? {
        return Ok(Some(format!("{} begins with the path of the worktree", shown())));
    }
    Ok(None)
}

/// Returns whether a script's first line names the interpreter of a worktree.
fn first_line_names(path: &Path, worktree: &Path) -> io::Result<bool> {
    let mut line = Vec::new();
    BufReader::with_capacity(1024, fs::File::open(path)?).take(1024).read_until(b'\n', &mut line)?;
    let place = worktree.as_os_str().as_encoded_bytes();
    Ok(line.starts_with(b"#!") && line.windows(place.len()).any(|part| part == place))
}

/// Returns the entries of a cache, those that were used least recently first. One that is half made counts as never used once
/// it is a day old.
pub(crate) fn entries(folder: &Path) -> io::Result<Vec<CacheEntry>> {
    let found = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        found => found?,
    };
    let mut entries = Vec::new();
    for path in found.flatten().map(|entry| entry.path()) {
        let used_at = match fs::metadata(path.join(DESCRIPTION)).and_then(|found| found.modified()) {
            Ok(used_at) if path.extension().is_none() => used_at,
            _ => {
                let made = fs::symlink_metadata(&path).and_then(|found| found.modified());
                let is_left = made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age.as_secs() > 86_400));
                if !is_left {
                    continue;
                }
                SystemTime::UNIX_EPOCH
            }
        };
        entries.push(CacheEntry { bytes: size(&path), path, used_at });
    }
    entries.sort_by_key(|entry| entry.used_at);
    Ok(entries)
}

/// Returns the size of a folder on disk; links are not followed.
fn size(path: &Path) -> u64 {
    let Ok(found) = fs::symlink_metadata(path) else { return 0 };
    let inside = if found.is_dir() {
        fs::read_dir(path).into_iter().flatten().flatten().map(|entry| size(&entry.path())).sum()
    } else {
        0
    };
    found.blocks() * BLOCK + inside
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const BOUNDS: Bounds = Bounds { size: 1 << 20, time: Duration::from_secs(60) };

    #[test]
    fn a_folder_is_kept_and_used_again_unless_it_names_its_place() {
        let place = tempfile::tempdir().expect("a folder");
        let (data, one, other) =
            (place.path().join("data"), place.path().join("one"), place.path().join("other"));
        fs::create_dir_all(one.join("node_modules/a")).expect("made");
        fs::create_dir_all(&other).expect("made");
        fs::write(one.join("node_modules/a/index.js"), "x").expect("written");
        let folders = || vec!["node_modules".to_owned()];
        assert_eq!(keep(&data, "h", &one, folders(), BOUNDS).expect("kept"), None);
        assert!(!restore(&data, "another", &other, BOUNDS).expect("looked up"));
        assert!(restore(&data, "h", &other, BOUNDS).expect("copied"));
        assert_eq!(fs::read_to_string(other.join("node_modules/a/index.js")).expect("there"), "x");
        assert!(!restore(&data, "h", &other, BOUNDS).expect("looked up"), "what is there stays");
        assert_eq!(entries(&data.join(CACHE)).expect("read").len(), 1);
        // Kept twice is kept once.
        assert_eq!(keep(&data, "h", &one, folders(), BOUNDS).expect("kept"), None);
        assert_eq!(fs::read_dir(data.join(CACHE)).expect("there").count(), 1);

        let script = one.join("node_modules/run");
        fs::write(&script, format!("#!{}/bin/python\n", one.display())).expect("written");
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("set");
        let obstacle = keep(&data, "i", &one, folders(), BOUNDS).expect("looked at").expect("an obstacle");
        assert!(obstacle.starts_with("node_modules/run begins with"), "{obstacle}");
        fs::remove_file(script).expect("removed");
        fs::write(one.join("node_modules/a/pyvenv.cfg"), "home = /usr\n").expect("written");
        let obstacle = keep(&data, "i", &one, folders(), BOUNDS).expect("looked at").expect("an obstacle");
        assert!(obstacle.contains("pyvenv.cfg"), "{obstacle}");
        assert_eq!(fs::read_dir(data.join(CACHE)).expect("there").count(), 1);
    }
}
