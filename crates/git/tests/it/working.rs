//! Committing what was left uncommitted in a worktree.

use crate::gathering::gather;
use crate::harness::{Lab, by_hand, commit, left_over, lines, status, try_by_hand};
use git::{CommitId, Error};
use std::fs;
use std::path::Path;

/// Gathers a worktree's work; says where its branch stands then.
fn commit_all(lab: &Lab, path: &Path, effect: &str) -> Result<CommitId, Error> {
    let gathered = lab.repository.gather(&gather(path, "task/1", effect))?;
    assert_eq!(gathered.anomalies, []);
    Ok(gathered.head)
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
    let made = commit_all(&lab, &path, "e1").unwrap();
    assert_eq!(lab.repository.list("task/1", "").unwrap(), [".gitignore", "a.txt", "src/x.c"]);
    assert_eq!(status(&path), "");
    assert_eq!(lab.tip("task/1"), made);
    // The same effect again finds its commit, whatever was changed since.
    fs::write(path.join("later.txt"), "later").unwrap();
    assert_eq!(commit_all(&lab, &path, "e1").unwrap(), made);
    let more = commit_all(&lab, &path, "e2").unwrap();
    assert_ne!(more, made);
    assert_eq!(commit_all(&lab, &path, "e3").unwrap(), more);
    lab.fsck();
}

#[test]
fn a_lock_that_a_dead_git_left_is_removed() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task/1");
    fs::write(path.join("x.txt"), "x\n").unwrap();
    left_over(&lab.root().join(".git/worktrees/w/index.lock"));
    assert_eq!(commit_all(&lab, &path, "e1").unwrap(), lab.tip("task/1"));
    assert_eq!(lab.read("task/1", "x.txt").as_deref(), Some("x\n"));
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
    commit_all(&lab, &path, "e1").unwrap();
    assert_eq!(lab.repository.resolve("task/1^2").unwrap(), Some(lab.tip("main")));
    assert_eq!(lab.read("task/1", "b.txt").as_deref(), Some("both\n"));
    assert_eq!(status(&path), "");
    assert!(!try_by_hand(&path, &["merge", "--abort"]).status.success());
}

#[test]
fn a_folder_that_is_no_worktree_is_named() {
    let lab = Lab::new();
    let error = lab.repository.gather(&gather(lab.folder.path(), "task/1", "e1")).unwrap_err();
    assert!(matches!(error, Error::NotAWorktree { .. }), "{error:?}");
}

#[test]
fn an_agents_own_commits_stay_below() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task/1");
    fs::write(path.join("x.txt"), lines(1..=3)).unwrap();
    by_hand(&path, &["add", "x.txt"]);
    by_hand(&path, &["commit", "-q", "-m", "mine"]);
    assert_eq!(commit_all(&lab, &path, "e1").unwrap(), lab.tip("task/1"));
    fs::write(path.join("y.txt"), "y\n").unwrap();
    commit_all(&lab, &path, "e1").unwrap();
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
