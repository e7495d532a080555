//! How git's directories are laid out, as far as confinement needs it.

use crate::{Policy, Tree};
use std::fs;
use std::path::{Path, PathBuf};

/// Files of a worktree's git directory that say where the repository is and what the worktree is for.
const POINTERS: [&str; 4] = ["commondir", "gitdir", "config.worktree", "spectask"];

/// Folders among a repository's objects that commits do not write: packs hold what is there already, and `info` names
/// further object folders.
const UNTOUCHED_OBJECTS: [&str; 2] = ["pack", "info"];

/// Returns the git directory of a worktree, or of a repository without worktrees.
pub fn git_dir(worktree: &Path) -> Option<PathBuf> {
    let dot_git = worktree.join(".git");
    if dot_git.is_dir() {
        return dot_git.canonicalize().ok();
    }
    match fs::read_to_string(&dot_git) {
        Ok(pointer) => worktree.join(pointer.strip_prefix("gitdir:")?.trim()).canonicalize().ok(),
        Err(_) => worktree.join("objects").is_dir().then(|| worktree.canonicalize().ok()).flatten(),
    }
}

/// Returns the directory that the worktrees of a repository share.
pub fn common_dir(worktree: &Path) -> Option<PathBuf> {
    let git_dir = git_dir(worktree)?;
    match fs::read_to_string(git_dir.join("commondir")) {
        Ok(common) => git_dir.join(common.trim()).canonicalize().ok(),
        Err(_) => Some(git_dir),
    }
}

impl Policy {
    /// Shows a repository's git directory: readable, with objects, worktrees and refs that are admitted later. Hooks,
    /// configuration, packs and other refs stay read-only.
    ///
    /// `own_refs` is the folder below `refs` that the processes may write, such as `heads/session/ID`.
    pub fn allow_repository(&mut self, common_dir: &Path, own_refs: &str) {
        self.show_repository(common_dir);
        let objects = common_dir.join("objects");
        self.admissible.extend(["objects", "worktrees", "refs", "logs"].map(|name| common_dir.join(name)));
        let own = ["refs", "logs/refs"].map(|name| common_dir.join(name).join(own_refs));
        self.unadmitted.extend(own.into_iter().chain([common_dir.join("worktrees")]));
        // What is not there yet cannot be allowed or kept read-only. A repository that cannot be written says so later.
        let needed = UNTOUCHED_OBJECTS.map(|name| objects.join(name));
        self.objects.push(objects);
        for folder in self.admissible.iter().chain(&self.unadmitted).chain(&needed) {
            let _ = fs::create_dir_all(folder);
        }
    }

    /// Shows a repository's git directory without anything in it that can be written.
    pub fn show_repository(&mut self, common_dir: &Path) {
        self.readable.push(common_dir.to_owned());
        self.readable.extend(alternates(&common_dir.join("objects")));
        let checkout = common_dir.parent().filter(|_| common_dir.ends_with(".git"));
        self.concealed.extend(checkout.map(Path::to_owned));
    }
}

/// Returns what a session that works in a worktree gets to write: its files, its git directory without the pointers, the
/// repository's objects without packs, and the refs of `own_refs`, whose folders are made.
pub fn worktree_trees(worktree: &Path, common_dir: &Path, own_refs: Option<&str>) -> Vec<Tree> {
    let tree = |path: PathBuf, read_only: &[&str]| Tree {
        path,
        read_only: read_only.iter().map(PathBuf::from).collect(),
        replaces: false,
    };
    let objects = tree(common_dir.join("objects"), &UNTOUCHED_OBJECTS);
    let mut trees = vec![tree(worktree.to_owned(), &[".git"]), objects];
    let own = git_dir(worktree).filter(|git_dir| git_dir.starts_with(common_dir.join("worktrees")));
    trees.extend(own.map(|git_dir| tree(git_dir, &POINTERS)));
    for name in ["refs", "logs/refs"] {
        let Some(own_refs) = own_refs else { continue };
        let folder = common_dir.join(name).join(own_refs);
        // Without the folder a commit is refused, which says why.
        if fs::create_dir_all(&folder).is_ok() {
            trees.push(tree(folder, &[]));
        }
    }
    trees
}

/// Returns the object folders that an object folder borrows from.
pub(crate) fn alternates(objects: &Path) -> Vec<PathBuf> {
    let listed = fs::read_to_string(objects.join("info/alternates")).unwrap_or_default();
    let named = listed.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    named.map(|line| objects.join(line)).collect()
}
