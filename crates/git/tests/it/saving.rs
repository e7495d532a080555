//! Keeping uncommitted work without touching it.

use crate::harness::{Lab, by_hand, file, status};
use git::Error;
use std::fs;

const REF: &str = "refs/spectask/saved/t1/w";

#[test]
fn uncommitted_work_is_kept_and_left_as_it_is() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task/1");
    fs::write(path.join("a.txt"), "changed\n").unwrap();
    fs::write(path.join("b.txt"), "staged\n").unwrap();
    by_hand(&path, &["add", "b.txt"]);
    fs::write(path.join("new.txt"), "new\n").unwrap();
    let git_dir = lab.root().join(".git/worktrees/w");
    let before = (status(&path), fs::read(git_dir.join("index")).unwrap());
    let saved = lab.repository.save_dirty(&path, REF).unwrap().unwrap();
    assert_eq!((status(&path), fs::read(git_dir.join("index")).unwrap()), before);
    assert_eq!(before.0, " M a.txt\nM  b.txt\n?? new.txt\n");
    assert_eq!(lab.repository.resolve(REF).unwrap(), Some(saved));
    assert_eq!(lab.read(REF, "a.txt").as_deref(), Some("changed\n"));
    assert_eq!(lab.read(REF, "b.txt").as_deref(), Some("staged\n"));
    assert_eq!(lab.read(REF, "new.txt").as_deref(), Some("new\n"));
    assert_eq!(lab.repository.resolve(&format!("{REF}^")).unwrap(), Some(lab.tip("task/1")));
    // Once more is the same; more work is another commit.
    assert_eq!(lab.repository.save_dirty(&path, REF).unwrap(), Some(saved));
    fs::write(path.join("a.txt"), "more\n").unwrap();
    assert_ne!(lab.repository.save_dirty(&path, REF).unwrap(), Some(saved));
    assert_eq!(file(&path, "a.txt"), "more\n");
    let left: Vec<_> = fs::read_dir(&git_dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("spectask-index")), "{left:?}");
}

#[test]
fn a_clean_worktree_has_nothing_to_keep() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task/1");
    assert_eq!(lab.repository.save_dirty(&path, REF).unwrap(), None);
    assert_eq!(lab.repository.resolve(REF).unwrap(), None);
}

#[test]
fn branches_are_no_hidden_refs() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task/1");
    for name in ["refs/heads/main", "main", "-x", "refs/spectask/../heads/main"] {
        assert!(matches!(lab.repository.save_dirty(&path, name), Err(Error::Name { .. })), "{name}");
    }
}
