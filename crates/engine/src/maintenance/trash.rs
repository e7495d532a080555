//! The trash: worktrees that were removed, whose uncommitted files were saved in git before.

use super::{Kept, Mode, Removal, Rules, Subject};
use crate::App;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use workflow::Millis;

/// The suffix of a folder whose removal has begun.
const BEGUN: &str = ".removing";
/// How long a worktree stays in the trash at least, whatever the size of the trash.
const MIN_AGE_MS: i64 = 60 * 60 * 1000;
/// The pause after each removed worktree.
const PAUSE: Duration = Duration::from_millis(50);
/// The size of the blocks that the file system counts.
const BLOCK: u64 = 512;

/// A removed worktree.
struct Item {
    path: PathBuf,
    /// When it came into the trash, or changed there.
    at: Millis,
    bytes: u64,
    /// A git repository inside the removed worktree; its commits may exist nowhere else.
    repository: Option<PathBuf>,
}

impl Item {
    fn is_begun(&self) -> bool {
        self.path.as_os_str().as_encoded_bytes().ends_with(BEGUN.as_bytes())
    }
}

pub(super) async fn apply(
    app: &App,
    rules: &Rules<'_>,
    mode: Mode,
    kept: &mut Vec<Kept>,
) -> anyhow::Result<Vec<Removal>> {
    let retention = rules.retention;
    let before = rules.before_days(retention.trash_days);
    let limit = (retention.trash_mb > 0).then(|| retention.trash_mb.saturating_mul(1 << 20));
    let folder = app.config.data_dir.join("trash");
    let items = crate::spawn_blocking(move || items(&folder)).await??;
    let chosen = choose(items, rules.now, before, limit, kept);
    let mut removals = vec![
        removal(format!("Removed worktrees that are older than {} days.", retention.trash_days)),
        removal(format!("The oldest removed worktrees, since the trash exceeds {} MiB.", retention.trash_mb)),
    ];
    for (item, rule) in chosen {
        let bytes = item.bytes;
        if mode == Mode::Remove {
            crate::spawn_blocking(move || remove(&item.path)).await??;
            tokio::time::sleep(PAUSE).await;
        }
        let removal = &mut removals[usize::from(rule == Rule::Size)];
        removal.count += 1;
        removal.bytes += bytes;
    }
    Ok(removals)
}

fn removal(reason: String) -> Removal {
    Removal { subject: Subject::Trash, reason, count: 0, bytes: 0 }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Age,
    Size,
}

/// Chooses the items to remove: those that are old enough, and of the rest the oldest until the trash is small enough.
fn choose(
    mut items: Vec<Item>,
    now: Millis,
    before: Option<Millis>,
    limit: Option<u64>,
    kept: &mut Vec<Kept>,
) -> Vec<(Item, Rule)> {
    items.sort_by_key(|item| item.at.0);
    let mut left: u64 = items.iter().map(|item| item.bytes).sum();
    let mut chosen = Vec::new();
    for item in items {
        let is_old = item.is_begun() || before.is_some_and(|before| item.at.0 < before.0);
        let is_too_much =
            limit.is_some_and(|limit| left > limit) && item.at.0 < now.0.saturating_sub(MIN_AGE_MS);
        if !is_old && !is_too_much {
            continue;
        }
        if let Some(repository) = &item.repository {
            let name = item.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let reason = format!("it contains a repository of its own at {}", repository.display());
            kept.push(Kept { subject: Subject::Trash, name, reason });
            continue;
        }
        left -= item.bytes;
        chosen.push((item, if is_old { Rule::Age } else { Rule::Size }));
    }
    chosen
}

/// Returns the removed worktrees. A folder that is not there is an empty trash.
fn items(folder: &Path) -> io::Result<Vec<Item>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut items = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let metadata = fs::symlink_metadata(&path)?;
        // A move changes the time of the status, and use of the folder that of its content.
        let at = metadata.ctime().max(metadata.mtime()).saturating_mul(1000);
        let mut measured = Measured::default();
        measure(&path, &mut measured);
        let repository = measured
            .repository
            .map(|found| found.strip_prefix(&path).map(Path::to_path_buf).unwrap_or(found));
        items.push(Item { path, at: Millis(at), bytes: measured.bytes, repository });
    }
    Ok(items)
}

#[derive(Default)]
struct Measured {
    bytes: u64,
    repository: Option<PathBuf>,
}

/// Adds up a folder's size without following symbolic links, and finds a repository below its top.
fn measure(path: &Path, measured: &mut Measured) {
    let Ok(metadata) = fs::symlink_metadata(path) else { return };
    measured.bytes += metadata.blocks() * BLOCK;
    if !metadata.is_dir() {
        return;
    }
    // The top of a worktree has a file that leads to the repository. A folder of this name holds commits.
    if path.file_name().is_some_and(|name| name == ".git") && measured.repository.is_none() {
        measured.repository = path.parent().map(Path::to_path_buf);
    }
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        measure(&entry.path(), measured);
    }
}

/// Returns the number of removed worktrees or other folders in a folder, and the size of all it holds.
pub(super) fn usage(folder: &Path) -> (u64, u64) {
    let (mut count, mut measured) = (0, Measured::default());
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        count += 1;
        measure(&entry.path(), &mut measured);
    }
    (count, measured.bytes)
}

/// Removes a folder. It gets another name first: a server that is killed meanwhile finishes when it runs again.
fn remove(path: &Path) -> io::Result<()> {
    let begun = if path.as_os_str().as_encoded_bytes().ends_with(BEGUN.as_bytes()) {
        path.to_owned()
    } else {
        let mut begun = path.as_os_str().to_owned();
        begun.push(BEGUN);
        let begun = PathBuf::from(begun);
        fs::rename(path, &begun)?;
        begun
    };
    if !fs::symlink_metadata(&begun)?.is_dir() {
        return fs::remove_file(&begun);
    }
    match fs::remove_dir_all(&begun) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(&begun);
            fs::remove_dir_all(&begun)
        }
        removed => removed,
    }
}

/// Makes folders writable that an agent closed off.
fn open_up(folder: &Path) {
    if !fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir()) {
        return;
    }
    // What cannot be changed cannot be removed, and the removal says so.
    let _ = fs::set_permissions(folder, Permissions::from_mode(0o700));
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        open_up(&entry.path());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 60 * 60 * 1000;

    fn item(name: &str, at: i64, bytes: u64) -> Item {
        Item { path: PathBuf::from(name), at: Millis(at), bytes, repository: None }
    }

    fn names(items: Vec<Item>, before: Option<i64>, limit: Option<u64>) -> Vec<(String, Rule)> {
        let chosen = choose(items, Millis(10 * DAY), before.map(Millis), limit, &mut Vec::new());
        chosen.into_iter().map(|(item, rule)| (item.path.display().to_string(), rule)).collect()
    }

    #[test]
    fn what_is_old_goes_and_then_the_oldest_while_there_is_too_much() {
        let items = || vec![item("young", 9 * DAY, 10), item("old", DAY, 10), item("middle", 8 * DAY, 10)];
        assert_eq!(names(items(), None, None), [], "settings of 0 keep for ever");
        assert_eq!(names(items(), Some(3 * DAY), None), [("old".to_owned(), Rule::Age)]);
        let by_size = [("old".to_owned(), Rule::Age), ("middle".to_owned(), Rule::Size)];
        assert_eq!(names(items(), Some(3 * DAY), Some(10)), by_size);
        assert_eq!(names(items(), Some(3 * DAY), Some(20)), by_size[..1]);
        assert_eq!(names(vec![item("now", 10 * DAY - 1, 10)], None, Some(1)), [], "it came this hour");
        assert_eq!(
            names(vec![item("a.removing", 10 * DAY, 1)], None, None),
            [("a.removing".to_owned(), Rule::Age)]
        );
    }

    #[test]
    fn a_worktree_with_a_repository_of_its_own_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let worktree = folder.path().join("stws_1.removed-1");
        fs::create_dir_all(worktree.join("inner/.git/objects")).expect("made");
        fs::write(worktree.join(".git"), "gitdir: elsewhere\n").expect("written");
        let plain = folder.path().join("stws_2.removed-1");
        fs::create_dir_all(plain.join("closed")).expect("made");
        fs::write(plain.join(".git"), "gitdir: elsewhere\n").expect("written");
        fs::write(plain.join("closed/file"), "text").expect("written");
        fs::set_permissions(plain.join("closed"), Permissions::from_mode(0o500)).expect("closed");
        let mut kept = Vec::new();
        let found = items(folder.path()).expect("read");
        assert_eq!(found.len(), 2);
        let chosen = choose(found, Millis(i64::MAX), Some(Millis(i64::MAX)), None, &mut kept);
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].reason, "it contains a repository of its own at inner");
        let [(item, Rule::Age)] = chosen.as_slice() else { panic!("one goes") };
        assert_eq!(item.path, plain);
        // A removal that was interrupted is finished.
        fs::rename(&plain, folder.path().join("stws_2.removed-1.removing")).expect("renamed");
        remove(&folder.path().join("stws_2.removed-1.removing")).expect("removed");
        assert!(worktree.join("inner/.git/objects").is_dir());
        assert_eq!(usage(folder.path()).0, 1);
    }
}
