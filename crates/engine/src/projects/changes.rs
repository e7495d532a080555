//! The changes of tasks, file by file: compared once for the commits that they lie between, and shown a part at a time.

use super::repositories::Repositories;
use git::FileDiff;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

/// How many changes are kept.
const MAX_KEPT: usize = 4;
/// The size of a change that is kept, in bytes; a larger one is compared again each time.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// About what a line and a file take beside their text, in bytes.
const OVERHEAD: usize = 64;

/// The commits that a change lies between.
pub(super) type Commits = [String; 2];

/// The changes that were looked at last.
#[derive(Default)]
pub(super) struct Changes(Mutex<VecDeque<(Commits, Arc<Vec<FileDiff>>)>>);

impl Changes {
    /// Returns a change that is kept.
    pub(super) fn get(&self, commits: &Commits) -> Option<Arc<Vec<FileDiff>>> {
        self.0.lock().iter().find(|(other, _)| other == commits).map(|(_, files)| Arc::clone(files))
    }

    /// Keeps a change in the place of the one that was kept first.
    pub(super) fn keep(&self, commits: Commits, files: Vec<FileDiff>) -> Arc<Vec<FileDiff>> {
        let files = Arc::new(files);
        if size(&files) <= MAX_BYTES {
            let mut kept = self.0.lock();
            kept.retain(|(other, _)| *other != commits);
            kept.truncate(MAX_KEPT - 1);
            kept.push_front((commits, Arc::clone(&files)));
        }
        files
    }
}

fn size(files: &[FileDiff]) -> usize {
    let of_file = |file: &FileDiff| {
        let lines = file.hunks.iter().flat_map(|hunk| &hunk.lines);
        OVERHEAD + file.path.len() + lines.map(|line| OVERHEAD + line.text.len()).sum::<usize>()
    };
    files.iter().map(of_file).sum()
}

/// What a task changed.
pub struct TaskChange {
    /// The commit that has it.
    pub head: Option<String>,
    pub(super) files: Arc<Vec<FileDiff>>,
    pub(super) repositories: Repositories,
}

impl TaskChange {
    /// Returns how many files changed, and how many lines were added and deleted.
    pub fn size(&self) -> (usize, usize, usize) {
        let add = |(plus, minus), file: &FileDiff| (plus + file.additions, minus + file.deletions);
        let (additions, deletions) = self.files.iter().fold((0, 0), add);
        (self.files.len(), additions, deletions)
    }

    /// Returns some of the files by their places, without secrets.
    pub fn files(&self, range: Range<usize>) -> Vec<FileDiff> {
        let mut files: Vec<FileDiff> =
            self.files.iter().skip(range.start).take(range.len()).cloned().collect();
        self.repositories.clean(&mut files);
        files
    }

    /// Returns the paths of the files, before and after, without secrets.
    pub fn paths(&self) -> Vec<String> {
        let paths = self.files.iter().flat_map(|file| std::iter::once(&file.path).chain(&file.old_path));
        paths.map(|path| self.repositories.redactor().redact(path).into_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_changes_are_kept_and_none_that_is_huge() {
        let changes = Changes::default();
        let commits = |number: usize| [number.to_string(), "head".to_owned()];
        let file = |path: String| FileDiff {
            path,
            old_path: None,
            status: "added".to_owned(),
            old_mode: None,
            new_mode: None,
            is_binary: true,
            additions: 0,
            deletions: 0,
            hunks: Vec::new(),
        };
        for number in 0..=MAX_KEPT {
            changes.keep(commits(number), vec![file(number.to_string())]);
        }
        assert!(changes.get(&commits(0)).is_none() && changes.get(&commits(1)).is_some());
        changes.keep(commits(0), vec![file("x".repeat(MAX_BYTES))]);
        assert!(changes.get(&commits(0)).is_none());
    }
}
