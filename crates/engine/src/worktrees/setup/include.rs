//! Copies the files that `.worktreeinclude` names from the user's checkout into a worktree.

use super::copy::{Bounds, Copier, Report};
use super::dotenv;
use super::rules::Rules;
use git::{Error, Repository, Untracked};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::path::Path;

/// How many files a notice names.
const MAX_NAMED: usize = 10;

/// The files that were copied into a worktree.
#[derive(Debug, Default)]
pub(super) struct Included {
    /// The files and folders that were copied or linked, as they stay out of commits.
    pub(super) paths: Vec<String>,
    /// The files with variables.
    pub(super) env_files: Vec<String>,
    /// The links to the checkout.
    links: Vec<String>,
    report: Report,
}

/// The reason why files could not be copied.
#[derive(Debug, thiserror::Error)]
pub(super) enum IncludeError {
    #[error("could not list the untracked files of the checkout")]
    Git(#[from] Error),
    #[error("could not write the files of .worktreeinclude")]
    Write(#[from] std::io::Error),
}

/// Copies the untracked files of the repository's checkout that the rules name. Files that the worktree's commit has stay, and so
/// does everything else that is there unless `may_replace` says that an earlier copy was cut off.
pub(super) fn include(
    repository: &Repository,
    worktree: &Path,
    head: &str,
    rules: &Rules,
    bounds: Bounds,
    may_replace: bool,
    data_dir: &Path,
) -> Result<Included, IncludeError> {
    let source = repository.path();
    if rules.is_empty() || !source.join(".git").exists() {
        return Ok(Included::default());
    }
    let untracked = repository.worktree_state(source)?.untracked;
    let tracked: HashSet<String> = repository.list(head, "")?.into_iter().collect();
    let included = RefCell::new(BTreeSet::new());
    let env_files = RefCell::new(BTreeSet::new());
    let mut found = Included::default();
    let is_in_ignored = Cell::new(false);
    // A folder may be wanted in part: then what is wanted of it is what it has that the rules name.
    let wanted = |path: &str, is_folder: bool| {
        let is_wanted = rules.includes(path, is_folder);
        if is_wanted && !is_folder && !tracked.contains(path) {
            included.borrow_mut().insert(path.to_owned());
            if dotenv::is_env_file(path) {
                env_files.borrow_mut().insert(path.to_owned());
            }
        }
        let is_entered = is_folder && (!is_in_ignored.get() || rules.reaches_into(path));
        (is_wanted || is_entered) && !tracked.contains(path)
    };
    let replaces = |path: &str| may_replace && !tracked.contains(path);
    let mut copier =
        Copier::new(source, worktree, bounds)?.wanted(&wanted).may_replace(&replaces).except(data_dir);
    for Untracked { path, is_folder, is_ignored } in &untracked {
        let is_whole = rules.includes(path, *is_folder);
        let may_have_some = *is_folder && (!is_ignored || rules.reaches_into(path));
        if is_whole || may_have_some {
            is_in_ignored.set(*is_ignored);
            copier.copy(path)?;
        }
    }
    for path in &rules.links {
        if tracked.contains(path) || tracked.iter().any(|file| file.starts_with(&format!("{path}/"))) {
            copier.report.leave_out(path, "git tracks it");
            continue;
        }
        copier.link(path, source)?;
        if worktree.join(path).is_symlink() {
            found.links.push(path.clone());
        }
    }
    found.report = copier.report;
    found.env_files = env_files.into_inner().into_iter().collect();
    // A folder of which everything is copied is one path.
    let folders: Vec<&Untracked> =
        untracked.iter().filter(|one| one.is_folder && rules.includes(&one.path, true)).collect();
    let is_in = |file: &String| folders.iter().any(|folder| file.starts_with(&format!("{}/", folder.path)));
    found.paths = included.into_inner().into_iter().filter(|file| !is_in(file)).collect();
    found.paths.extend(folders.iter().map(|folder| folder.path.clone()));
    found.paths.extend(found.links.iter().cloned());
    found.paths.retain(|path| worktree.join(path).symlink_metadata().is_ok());
    Ok(found)
}

impl Included {
    /// Returns what was copied and what was not, as a notice; none where there is nothing to tell.
    pub(super) fn notice(&self, source: &Path, rules: &Rules) -> Option<String> {
        let Report { files, bytes, left_out, more_left_out, exceeded } = &self.report;
        let mut text = String::new();
        let copied: Vec<&str> =
            self.paths.iter().filter(|path| !self.links.contains(path)).map(String::as_str).collect();
        // A link counts as a file that was made.
        let files = files.saturating_sub(u64::try_from(self.links.len()).unwrap_or(0));
        if !copied.is_empty() {
            let named = &copied[..copied.len().min(MAX_NAMED)];
            let more = copied.len() - named.len();
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let count = if files == 1 { "1 file".to_owned() } else { format!("{files} files") };
            let _ = write!(
                text,
                "Copied {count} ({}) that .worktreeinclude names from {}: {}{more}.",
                size(*bytes),
                source.display(),
                named.join(", ")
            );
        }
        if !self.links.is_empty() {
            let _ = write!(
                text,
                " Symbolic links into the checkout: {}. In the sandbox they lead only where the setting sandbox.readable allows.",
                self.links.join(", ")
            );
        }
        if let Some(exceeded) = exceeded {
            let _ = write!(
                text,
                " The rest was left out, since {exceeded} (settings sessions.include_mb and sessions.include_seconds)."
            );
        }
        for (path, reason) in left_out {
            let _ = write!(text, " {path} was left out: {reason}.");
        }
        if *more_left_out > 0 {
            let _ = write!(text, " {more_left_out} more were left out.");
        }
        for problem in &rules.problems {
            let _ = write!(text, " {problem}");
        }
        let text = text.trim().to_owned();
        (!text.is_empty()).then_some(text)
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}
