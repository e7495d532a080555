//! Committing what was left uncommitted in a worktree.

use crate::harness::{Lab, TIME, by_hand, commit, identity, left_over, lines, status, try_by_hand};
use git::{Committed, Error};
use std::fs;
use std::path::Path;

fn commit_all(lab: &Lab, path: &Path, effect: &str) -> Result<Option<Committed>, Error> {
    lab.repository.commit_worktree(path, "Work\n\nSpecTask-Task: t1\n", &identity(), TIME, Some(effect))
}

#[test]
fn everything_that_is_not_ignored_is_committed_once() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task/1");
    fs::write(path.join(".gitignore"), "*.o\n").unwrap();
    fs::write(path.join("x.o"), "object").unwrap();
    fs::create_dir(path.join("src")).unwrap();
    fs::write(path.join("src/x.c"), "x\n").unwrap();
    fs::remove_file(path.join("b.txt")).unwrap();
    let made = commit_all(&lab, &path, "e1").unwrap().unwrap();
    assert!(made.fresh);
    assert_eq!(lab.repository.list("task/1", "").unwrap(), [".gitignore", "a.txt", "src/x.c"]);
    assert_eq!(status(&path), "");
    assert_eq!(lab.tip("task/1"), made.id);
    // The same effect again finds its commit, whatever was changed since.
    fs::write(path.join("later.txt"), "later").unwrap();
    let again = commit_all(&lab, &path, "e1").unwrap().unwrap();
    assert_eq!((again.id, again.fresh), (made.id, false));
    assert!(commit_all(&lab, &path, "e2").unwrap().unwrap().fresh);
    assert!(commit_all(&lab, &path, "e3").unwrap().is_none());
    lab.fsck();
}

#[test]
fn a_lock_that_a_dead_git_left_is_removed() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task/1");
    fs::write(path.join("x.txt"), "x\n").unwrap();
    left_over(&lab.root().join(".git/worktrees/w/index.lock"));
    assert!(commit_all(&lab, &path, "e1").unwrap().unwrap().fresh);
}

#[test]
fn a_merge_without_open_conflicts_is_concluded() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task/1");
    lab.put("task/1", "b.txt", b"task\n");
    lab.put("main", "b.txt", b"main\n");
    assert!(!try_by_hand(&path, &["merge", "main"]).status.success());
    let error = commit_all(&lab, &path, "e1").unwrap_err();
    assert!(matches!(&error, Error::Unmerged { files, .. } if files == &["b.txt"]), "{error:?}");
    assert!(status(&path).starts_with("AA") || status(&path).starts_with("UU"), "{}", status(&path));
    fs::write(path.join("b.txt"), "both\n").unwrap();
    commit_all(&lab, &path, "e1").unwrap().unwrap();
    assert_eq!(lab.repository.resolve("task/1^2").unwrap(), Some(lab.tip("main")));
    assert_eq!(lab.read("task/1", "b.txt").as_deref(), Some("both\n"));
    assert_eq!(status(&path), "");
    assert!(!try_by_hand(&path, &["merge", "--abort"]).status.success());
}

#[test]
fn a_worktree_on_another_branch_is_named() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task/1");
    by_hand(&path, &["checkout", "-q", "-b", "elsewhere"]);
    fs::write(path.join("x.txt"), "x\n").unwrap();
    let error = commit_all(&lab, &path, "e1").unwrap_err();
    assert!(matches!(error, Error::OtherBranch { .. }), "{error:?}");
    by_hand(&path, &["checkout", "-q", "--detach"]);
    let error = commit_all(&lab, &path, "e1").unwrap_err();
    assert!(matches!(error, Error::OtherBranch { .. }), "{error:?}");
}

#[test]
fn a_folder_that_is_no_worktree_is_named() {
    let lab = Lab::new();
    let error = commit_all(&lab, lab.folder.path(), "e1").unwrap_err();
    assert!(matches!(error, Error::NotAWorktree { .. }), "{error:?}");
}

#[test]
fn an_agents_own_commits_stay_below() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task/1");
    fs::write(path.join("x.txt"), lines(1..=3)).unwrap();
    by_hand(&path, &["add", "x.txt"]);
    by_hand(&path, &["commit", "-q", "-m", "mine"]);
    assert!(commit_all(&lab, &path, "e1").unwrap().is_none());
    fs::write(path.join("y.txt"), "y\n").unwrap();
    commit_all(&lab, &path, "e1").unwrap().unwrap();
    let subjects: Vec<_> = lab
        .repository
        .log(Some("main"), "task/1", 10)
        .unwrap()
        .into_iter()
        .map(|entry| entry.subject)
        .collect();
    assert_eq!(subjects, ["Work", "mine"]);
    assert!(!lab.repository.commit(&commit("task/1", &[])).unwrap().fresh);
}
