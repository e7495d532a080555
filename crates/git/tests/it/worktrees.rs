//! Worktrees: made, mended and taken away.

use crate::harness::{Lab, by_hand, file, status, text, worktree};
use git::{Error, WorktreeSpec};
use std::fs;

#[test]
fn a_worktree_is_made_once_with_its_branch() {
    let lab = Lab::new();
    let path = lab.path("deep/w");
    let spec = worktree(&path, "task/1");
    let head = lab.repository.ensure_worktree(&spec).unwrap();
    assert_eq!(head, lab.tip("main"));
    assert_eq!(by_hand(&path, &["branch", "--show-current"]).trim(), "task/1");
    assert_eq!(status(&path), "");
    fs::write(path.join("mine.txt"), "mine").unwrap();
    lab.put("task/1", "x.txt", b"x\n");
    assert_eq!(lab.repository.ensure_worktree(&spec).unwrap(), lab.tip("task/1"));
    assert_eq!(file(&path, "mine.txt"), "mine");
    assert_eq!(file(&path, "x.txt"), "x\n");
}

#[test]
fn an_existing_branch_is_kept() {
    let lab = Lab::new();
    lab.branch("task/1", "main");
    let tip = lab.put("task/1", "x.txt", b"x\n");
    assert_eq!(lab.repository.ensure_worktree(&worktree(&lab.path("w"), "task/1")).unwrap(), tip);
    assert_eq!(file(&lab.path("w"), "x.txt"), "x\n");
}

#[test]
fn a_worktree_can_be_without_a_branch() {
    let lab = Lab::new();
    let path = lab.path("w");
    let spec = WorktreeSpec { path: path.clone(), branch: None, start: "main".to_owned(), detached: true };
    assert_eq!(lab.repository.ensure_worktree(&spec).unwrap(), lab.tip("main"));
    assert_eq!(by_hand(&path, &["branch", "--show-current"]), "");
    let unknown = WorktreeSpec { path: lab.path("v"), start: "nowhere".to_owned(), ..spec };
    assert!(matches!(lab.repository.ensure_worktree(&unknown), Err(Error::UnknownRevision { .. })));
    assert!(!lab.path("v").exists());
}

#[test]
fn files_that_ignore_rules_leave_out_are_named() {
    let lab = Lab::new();
    lab.put("main", ".gitignore", b"*.log\nbuild/\n");
    let path = lab.worktree("w", "task/1");
    fs::create_dir_all(path.join("build/deep")).unwrap();
    for name in ["a.log", "forced.log", "build/deep/x.rs", "src.rs"] {
        fs::write(path.join(name), "x\n").unwrap();
    }
    by_hand(&path, &["add", "-f", "forced.log"]);
    let names = ["a.log", "forced.log", "build/deep/x.rs", "src.rs", "gone.log", "build"].map(Into::into);
    let ignored = lab.repository.ignored_files(&path, &names).unwrap();
    assert_eq!(ignored, ["a.log", "build/deep/x.rs"].map(std::path::PathBuf::from));
    assert_eq!(
        lab.repository.ignored_files(&lab.path("nowhere"), &names).unwrap(),
        Vec::<std::path::PathBuf>::new()
    );
}

#[test]
fn a_bare_repository_has_worktrees() {
    let lab = Lab::bare();
    let path = lab.worktree("w", "task/1");
    assert_eq!(file(&path, "b.txt"), "b\n");
    assert_eq!(status(&path), "");
}

#[test]
fn a_worktree_of_a_sparse_repository_has_all_files() {
    let lab = Lab::new();
    lab.put("main", "a/x.txt", b"x\n");
    lab.put("main", "b/y.txt", b"y\n");
    by_hand(&lab.root(), &["sparse-checkout", "set", "a"]);
    assert!(!lab.root().join("b").exists());
    let path = lab.path("w");
    let repository = crate::harness::git().open(&lab.root()).unwrap();
    repository.ensure_worktree(&worktree(&path, "task/1")).unwrap();
    assert_eq!(file(&path, "b/y.txt"), "y\n");
    fs::create_dir(path.join("c")).unwrap();
    fs::write(path.join("c/z.txt"), "z\n").unwrap();
    by_hand(&path, &["add", "-A"]);
    assert_eq!(status(&path), "A  c/z.txt\n");
    assert!(!lab.root().join("b").exists(), "the person's own stays sparse");
}

#[test]
fn a_vanished_worktree_is_made_again() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task/1");
    let tip = lab.put("task/1", "x.txt", b"x\n");
    fs::remove_dir_all(&path).unwrap();
    assert_eq!(lab.repository.ensure_worktree(&worktree(&path, "task/1")).unwrap(), tip);
    assert_eq!(file(&path, "x.txt"), "x\n");
    assert_eq!(status(&path), "");
}

#[test]
fn a_half_made_worktree_is_made_again() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task/1");
    // What `git worktree add` leaves when it is killed: a lock, no index, and some of the files.
    let git_dir = lab.root().join(".git/worktrees/w");
    fs::write(git_dir.join("locked"), "initializing").unwrap();
    fs::remove_file(git_dir.join("index")).unwrap();
    fs::remove_file(git_dir.join("spectask")).unwrap();
    fs::remove_file(path.join("a.txt")).unwrap();
    lab.repository.ensure_worktree(&worktree(&path, "task/1")).unwrap();
    assert_eq!(status(&path), "");
    assert!(path.join("a.txt").exists());
}

#[test]
fn a_worktree_that_fell_off_the_list_is_set_aside_with_its_files() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task/1");
    fs::write(path.join("mine.txt"), "mine").unwrap();
    fs::remove_dir_all(lab.root().join(".git/worktrees/w")).unwrap();
    lab.repository.ensure_worktree(&worktree(&path, "task/1")).unwrap();
    assert_eq!(status(&path), "");
    assert_eq!(file(&lab.path("w.lost-1"), "mine.txt"), "mine");
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let lab = Lab::new();
    let path = lab.path("w");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("mine.txt"), "mine").unwrap();
    let error = lab.repository.ensure_worktree(&worktree(&path, "task/1")).unwrap_err();
    assert!(matches!(error, Error::Occupied { .. }), "{error:?}");
    assert_eq!(file(&path, "mine.txt"), "mine");
}

#[test]
fn a_branch_that_is_checked_out_elsewhere_is_refused_and_says_where() {
    let lab = Lab::new();
    let error = lab.repository.ensure_worktree(&worktree(&lab.path("w"), "main")).unwrap_err();
    assert!(matches!(error, Error::CheckedOut { .. }), "{error:?}");
    assert!(!lab.path("w").exists());
}

#[test]
fn many_worktrees_are_made_at_once() {
    let lab = Lab::new();
    std::thread::scope(|scope| {
        for number in 0..6 {
            let lab = &lab;
            scope.spawn(move || lab.worktree(&format!("w{number}"), &format!("task/{}", number % 6)));
        }
    });
    assert_eq!(by_hand(&lab.root(), &["worktree", "list"]).lines().count(), 7);
}

#[test]
fn a_removed_worktree_is_in_the_trash_and_off_the_list() {
    let lab = Lab::new();
    let (path, trash) = (lab.worktree("w", "task/1"), lab.path("trash"));
    fs::write(path.join("mine.txt"), "mine").unwrap();
    lab.repository.remove_worktree(&path, &trash).unwrap();
    assert!(!path.exists());
    assert_eq!(file(&trash.join("w.removed-1"), "mine.txt"), "mine");
    assert_eq!(by_hand(&lab.root(), &["worktree", "list"]).lines().count(), 1);
    lab.repository.remove_worktree(&path, &trash).unwrap();
    // The branch is free, and the place, too.
    lab.worktree("w", "task/1");
    lab.repository.remove_worktree(&path, &trash).unwrap();
    assert!(trash.join("w.removed-2").exists());
}

#[test]
fn a_vanished_worktree_is_taken_off_the_list() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task/1");
    fs::remove_dir_all(&path).unwrap();
    lab.repository.remove_worktree(&path, &lab.path("trash")).unwrap();
    assert_eq!(by_hand(&lab.root(), &["worktree", "list"]).lines().count(), 1);
}

#[test]
fn what_was_not_made_here_is_not_removed() {
    let lab = Lab::new();
    let (theirs, plain) = (lab.path("theirs"), lab.path("plain"));
    by_hand(&lab.root(), &["worktree", "add", "-q", "-b", "theirs", &text(&theirs)]);
    fs::create_dir(&plain).unwrap();
    for path in [&theirs, &plain, &lab.root()] {
        let error = lab.repository.remove_worktree(path, &lab.path("trash")).unwrap_err();
        assert!(matches!(error, Error::NotOurs { .. }), "{error:?}");
        assert!(path.exists());
    }
}

#[test]
fn the_place_of_a_submodule_is_an_empty_folder() {
    let lab = Lab::new();
    let link = format!("160000,{},parts/module", lab.tip("main"));
    by_hand(&lab.root(), &["update-index", "--add", "--cacheinfo", &link]);
    by_hand(&lab.root(), &["commit", "-qm", "Link a module"]);
    let path = lab.worktree("w", "task/1");
    assert!(path.join("parts/module").is_dir());
    assert_eq!(by_hand(&path, &["status", "--porcelain"]).trim(), "");
}
