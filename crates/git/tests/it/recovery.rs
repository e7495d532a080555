//! Mending what killed processes left.

use crate::harness::{Lab, commit, left_over, status, worktree};
use git::Finding;
use std::fs;

#[test]
fn dead_locks_are_removed_and_live_ones_are_not() {
    let lab = Lab::new();
    lab.worktree("w", "task/1");
    let git_dir = lab.root().join(".git");
    let dead = [
        git_dir.join("index.lock"),
        git_dir.join("packed-refs.lock"),
        git_dir.join("refs/heads/main.lock"),
        git_dir.join("refs/heads/task/1.lock"),
        git_dir.join("worktrees/w/index.lock"),
    ];
    for lock in &dead {
        left_over(lock);
    }
    let (fresh, held) = (git_dir.join("config.lock"), git_dir.join("HEAD.lock"));
    fs::write(&fresh, "").unwrap();
    left_over(&held);
    let holder = fs::File::open(&held).unwrap();
    let findings = lab.repository.recover().unwrap();
    assert_eq!(findings.len(), dead.len(), "{findings:?}");
    assert!(dead.iter().all(|lock| findings.contains(&Finding::DeadLock(lock.clone())) && !lock.exists()));
    assert!(fresh.exists() && held.exists());
    drop(holder);
    fs::remove_file(fresh).unwrap();
    assert_eq!(lab.repository.recover().unwrap(), [Finding::DeadLock(held)]);
    assert!(lab.repository.recover().unwrap().is_empty());
}

#[test]
fn half_made_worktrees_are_dropped() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task/1");
    let git_dir = lab.root().join(".git/worktrees/w");
    fs::write(git_dir.join("locked"), "initializing").unwrap();
    fs::remove_file(git_dir.join("index")).unwrap();
    assert!(lab.repository.recover().unwrap().is_empty(), "it may be in the making");
    let pointer = fs::read(git_dir.join("gitdir")).unwrap();
    left_over(&git_dir.join("gitdir"));
    fs::write(lab.path("pointer"), &pointer).unwrap();
    let file = fs::OpenOptions::new().write(true).open(git_dir.join("gitdir")).unwrap();
    std::io::Write::write_all(&mut &file, &pointer).unwrap();
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_mins(1)).unwrap();
    drop(file);
    assert_eq!(lab.repository.recover().unwrap(), [Finding::HalfMadeWorktree(path.clone())]);
    assert!(!path.exists() && !git_dir.exists());
    lab.repository.ensure_worktree(&worktree(&path, "task/1")).unwrap();
    assert_eq!(status(&path), "");
}

#[test]
fn a_repository_that_was_moved_finds_its_worktrees() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task/1");
    let moved = lab.path("moved");
    fs::rename(lab.root(), &moved).unwrap();
    let repository = lab.git.open(&moved).unwrap();
    let findings = repository.recover().unwrap();
    assert!(matches!(findings.as_slice(), [Finding::Repaired(_)]), "{findings:?}");
    assert_eq!(status(&path), "");
    let shown = findings[0].to_string();
    assert!(shown.starts_with("repaired the pointer of a worktree"), "{shown}");
}

#[test]
fn nothing_is_written_at_the_old_path_of_a_moved_repository() {
    let lab = Lab::new();
    let main = lab.tip("main").to_string();
    let elsewhere = lab.path("elsewhere");
    fs::rename(lab.root(), &elsewhere).unwrap();
    let repository = &lab.repository;
    assert!(repository.ensure_docs_worktree("documents").is_err());
    assert!(repository.create_branch("other", &main).is_err());
    assert!(repository.ensure_worktree(&worktree(&lab.root().join("work"), "main")).is_err());
    assert!(repository.commit(&commit("main", &[("a.txt", Some(b"a\n"))])).is_err());
    assert!(repository.landing_turn("main").is_err());
    assert!(!lab.root().exists(), "{:?}", fs::read_dir(lab.root()).map(Iterator::count));
    fs::rename(&elsewhere, lab.root()).unwrap();
    lab.put("main", "a.txt", b"a\n");
}

#[test]
fn an_incomplete_registration_of_a_killed_process_does_not_block_others() {
    let lab = Lab::new();
    let left = lab.root().join(".git/worktrees/w");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("gitdir"), "").unwrap();
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    fs::File::open(&left).unwrap().set_modified(long_ago).unwrap();
    for name in ["w", "x"] {
        let worktree = lab.worktree(name, &format!("session/t1/{name}"));
        assert_eq!(status(&worktree), "");
    }
}
