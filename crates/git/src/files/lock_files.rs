//! Lock files: held while an index or ref is written, and removed when the process that held them is dead.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

/// A lock file younger than this may belong to a process that is not visible yet or any more.
pub(crate) const FRESH: Duration = Duration::from_secs(10);
/// The same for a lock that was there before this process locked anything: it is not this process's own.
const FRESH_OF_OTHERS: Duration = Duration::from_secs(1);

/// Returns the lock file of a file.
pub(crate) fn of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}

/// Notes that this process locks nothing before now.
pub(crate) fn note_start() {
    STARTED.get_or_init(SystemTime::now);
}

static STARTED: OnceLock<SystemTime> = OnceLock::new();

/// Returns whether a lock is too old to belong to a process that does not show it.
fn is_settled(made: SystemTime, now: SystemTime, started: Option<SystemTime>) -> bool {
    let is_of_others = started.is_some_and(|started| made < started);
    let least = if is_of_others { FRESH_OF_OTHERS } else { FRESH };
    now.duration_since(made).is_ok_and(|age| age >= least)
}

/// Returns whether a file created at this time is too old to belong to an operation that is still in progress.
pub(crate) fn is_left_behind(made: SystemTime) -> bool {
    is_settled(made, SystemTime::now(), STARTED.get().copied())
}

/// Removes a lock file if no live process can own it, and returns whether it did.
///
/// Git closes some of its lock files while it still holds them, so an open file is not the only sign of life: a
/// process called git at work in one of the `places` counts, too.
pub(crate) fn remove_if_dead(lock: &Path, places: &[PathBuf]) -> io::Result<bool> {
    let Some(metadata) = found(fs::symlink_metadata(lock))? else { return Ok(false) };
    let is_ours = metadata.uid() == rustix::process::geteuid().as_raw();
    let is_settled = is_settled(metadata.modified()?, SystemTime::now(), STARTED.get().copied());
    if !is_ours || !is_settled || is_alive(lock, places)? {
        return Ok(false);
    }
    found(fs::remove_file(lock)).map(|removed| removed.is_some())
}

/// Returns whether a live process has the lock open, or is a git at work in one of the places.
pub(crate) fn is_alive(lock: &Path, places: &[PathBuf]) -> io::Result<bool> {
    for process in fs::read_dir("/proc")? {
        let process = process?.path();
        let is_process =
            process.file_name().is_some_and(|name| name.as_encoded_bytes().iter().all(u8::is_ascii_digit));
        // A process may end while it is looked at, and others' processes are closed to us.
        if !is_process {
            continue;
        }
        let has_it_open = fs::read_dir(process.join("fd")).is_ok_and(|files| {
            files.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|path| path == lock))
        });
        if has_it_open {
            return Ok(true);
        }
        let is_git = fs::read_to_string(process.join("comm")).is_ok_and(|name| name.starts_with("git"));
        let is_there = || {
            fs::read_link(process.join("cwd"))
                .is_ok_and(|cwd| places.iter().any(|place| cwd.starts_with(place)))
        };
        if is_git && is_there() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Returns a result in which "not there" is not an error.
pub(crate) fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::is_settled;
    use std::time::{Duration, SystemTime};

    #[test]
    fn a_lock_from_before_this_process_settles_sooner_than_one_it_may_hold() {
        let start = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        assert!(is_settled(at(99), at(101), Some(start)));
        assert!(!is_settled(at(100), at(100), Some(start)));
        assert!(!is_settled(at(101), at(110), Some(start)));
        assert!(is_settled(at(101), at(111), Some(start)));
        assert!(!is_settled(at(99), at(101), None));
        assert!(!is_settled(at(200), at(101), Some(start)), "from the future, it may be held");
    }
}
