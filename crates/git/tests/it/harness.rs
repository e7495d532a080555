//! Throw-away repositories, and a person who uses git in them by hand.

use git::{Change, Commit, CommitId, Git, Identity, Land, Merge, Repository, Settings, WorktreeSpec};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

/// When everything happens.
pub(crate) const TIME: i64 = 1_800_000_000_000;

/// A folder with a repository `r` on branch `main`, with `a.txt` and `b.txt`.
pub(crate) struct Lab {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) git: Git,
    pub(crate) repository: Repository,
}

pub(crate) fn identity() -> Identity {
    Identity { name: "SpecTask".to_owned(), email: "spectask@localhost".to_owned() }
}

pub(crate) fn git() -> Git {
    Git::new(Settings { git_binary: None, identity: identity() }).unwrap()
}

impl Lab {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let git = git();
        let files = [("a.txt".to_owned(), lines(1..=20)), ("b.txt".to_owned(), b"b\n".to_vec())];
        let repository = git.create_repository(&folder.path().join("r"), "main", &files, "First").unwrap();
        Self { folder, git, repository }
    }

    /// The same, bare.
    pub(crate) fn bare() -> Self {
        let Self { folder, git, repository } = Self::new();
        let bare = folder.path().join("r.git");
        by_hand(folder.path(), &["clone", "-q", "--bare", &text(repository.path()), &text(&bare)]);
        let repository = git.open(&bare).unwrap();
        Self { folder, git, repository }
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.repository.path().to_owned()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(name)
    }

    /// Commits one file to a branch in process.
    pub(crate) fn put(&self, branch: &str, path: &str, content: &[u8]) -> CommitId {
        self.repository.commit(&commit(branch, &[(path, Some(content))])).unwrap().id
    }

    pub(crate) fn branch(&self, name: &str, at: &str) -> CommitId {
        self.repository.create_branch(name, at).unwrap()
    }

    pub(crate) fn tip(&self, branch: &str) -> CommitId {
        self.repository.resolve(branch).unwrap().unwrap()
    }

    pub(crate) fn read(&self, rev: &str, path: &str) -> Option<String> {
        self.repository.read(rev, path).unwrap().map(|bytes| String::from_utf8(bytes).unwrap())
    }

    /// A worktree of a branch in folder `name`.
    pub(crate) fn worktree(&self, name: &str, branch: &str) -> PathBuf {
        let path = self.path(name);
        self.repository.ensure_worktree(&worktree(&path, branch)).unwrap();
        path
    }

    /// The number of commits on a branch.
    pub(crate) fn count(&self, branch: &str) -> usize {
        by_hand(&self.root(), &["rev-list", "--count", branch]).trim().parse().unwrap()
    }

    pub(crate) fn fsck(&self) {
        by_hand(&self.root(), &["fsck", "--strict", "--no-dangling"]);
    }
}

pub(crate) fn worktree(path: &Path, branch: &str) -> WorktreeSpec {
    WorktreeSpec {
        path: path.to_owned(),
        branch: Some(branch.to_owned()),
        start: "main".to_owned(),
        detached: false,
    }
}

pub(crate) fn commit(branch: &str, changes: &[(&str, Option<&[u8]>)]) -> Commit {
    let change = |(path, content): &(&str, Option<&[u8]>)| Change {
        path: (*path).to_owned(),
        content: content.map(<[u8]>::to_vec),
    };
    Commit {
        branch: branch.to_owned(),
        changes: changes.iter().map(change).collect(),
        message: "Change\n\nSpecTask-Task: t1\n".to_owned(),
        author: identity(),
        time_ms: TIME,
        effect: None,
    }
}

pub(crate) fn merge(into: &str, from: &str, effect: &str) -> Merge {
    Merge {
        into: into.to_owned(),
        from: from.to_owned(),
        message: format!("Merge {from}"),
        author: identity(),
        time_ms: TIME,
        effect: Some(effect.to_owned()),
    }
}

pub(crate) fn land(branch: &str, onto: &str, effect: &str) -> Land {
    Land {
        branch: branch.to_owned(),
        at: None,
        onto: onto.to_owned(),
        message: format!("Land {branch}"),
        author: identity(),
        time_ms: TIME,
        effect: Some(effect.to_owned()),
        fast_forward: false,
    }
}

/// Numbered lines.
pub(crate) fn lines(numbers: std::ops::RangeInclusive<u32>) -> Vec<u8> {
    numbers.flat_map(|number| format!("line {number}\n").into_bytes()).collect()
}

pub(crate) fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

pub(crate) fn file(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

/// Runs git as a person would, and returns what it prints.
pub(crate) fn by_hand(folder: &Path, arguments: &[&str]) -> String {
    let output = try_by_hand(folder, arguments);
    assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn try_by_hand(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs([("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@localhost")])
        .envs([("GIT_COMMITTER_NAME", "Ada"), ("GIT_COMMITTER_EMAIL", "ada@localhost")])
        .output()
        .unwrap()
}

/// What git says is uncommitted.
pub(crate) fn status(folder: &Path) -> String {
    by_hand(folder, &["status", "--porcelain"])
}

/// A file that a process left a minute ago.
pub(crate) fn left_over(path: &Path) {
    let file = fs::File::create(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_mins(1)).unwrap();
}
