//! Merges in process.

use crate::harness::{Lab, by_hand, commit, file, lines, merge, status};
use git::{Error, Merged};
use std::fs;

/// Numbered lines, some of them replaced.
pub(crate) fn with(replaced: &[(u32, &str)]) -> Vec<u8> {
    let mut text = String::from_utf8(lines(1..=20)).unwrap();
    for (number, new) in replaced {
        text = text.replace(&format!("line {number}\n"), &format!("{new}\n"));
    }
    text.into_bytes()
}

#[test]
fn branches_that_go_together_are_merged_once() {
    let lab = Lab::new();
    lab.branch("task", "main");
    lab.branch("session", "task");
    let session = lab.put("session", "a.txt", &with(&[(18, "session")]));
    let task = lab.put("task", "a.txt", &with(&[(2, "task")]));
    let Merged::Merged(merged) = lab.repository.merge(&merge("task", "session", "m1")).unwrap() else {
        panic!()
    };
    assert_eq!(lab.repository.resolve("task^1").unwrap(), Some(task));
    assert_eq!(lab.repository.resolve("task^2").unwrap(), Some(session));
    assert_eq!(lab.read("task", "a.txt").unwrap().as_bytes(), with(&[(2, "task"), (18, "session")]));
    // Again is the same merge, also after the branch went on.
    assert_eq!(lab.repository.merge(&merge("task", "session", "m1")).unwrap(), Merged::Merged(merged));
    let next = lab.put("task", "c.txt", b"c\n");
    assert_eq!(lab.repository.merge(&merge("task", "session", "m1")).unwrap(), Merged::Merged(merged));
    assert_eq!(lab.repository.merge(&merge("task", "session", "m2")).unwrap(), Merged::UpToDate(next));
    lab.fsck();
}

#[test]
fn a_merge_is_a_commit_also_where_the_branch_could_be_moved() {
    let lab = Lab::new();
    lab.branch("task", "main");
    lab.branch("session", "task");
    let (base, session) = (lab.tip("task"), lab.put("session", "c.txt", b"c\n"));
    lab.repository.merge(&merge("task", "session", "m1")).unwrap();
    assert_eq!(lab.repository.resolve("task^1").unwrap(), Some(base));
    assert_eq!(lab.repository.resolve("task^2").unwrap(), Some(session));
}

#[test]
fn a_conflict_is_told_place_by_place_and_changes_nothing() {
    let lab = Lab::new();
    lab.branch("task", "main");
    lab.branch("session", "task");
    lab.put("session", "a.txt", &with(&[(3, "session three"), (15, "session fifteen")]));
    let tip = lab.put("task", "a.txt", &with(&[(3, "task three"), (15, "task fifteen")]));
    let Merged::Conflict(files) = lab.repository.merge(&merge("task", "session", "m1")).unwrap() else {
        panic!()
    };
    assert_eq!(lab.tip("task"), tip);
    insta::assert_debug_snapshot!(files, @r#"
    [
        ConflictFile {
            path: "a.txt",
            reason: "both sides changed the same lines",
            hunks: [
                "<<<<<<< task\ntask three\n=======\nsession three\n>>>>>>> session\n",
                "<<<<<<< task\ntask fifteen\n=======\nsession fifteen\n>>>>>>> session\n",
            ],
            places: [
                Place {
                    ours: Lines {
                        start: 3,
                        count: 1,
                        text: "task three\n",
                    },
                    theirs: Lines {
                        start: 3,
                        count: 1,
                        text: "session three\n",
                    },
                },
                Place {
                    ours: Lines {
                        start: 15,
                        count: 1,
                        text: "task fifteen\n",
                    },
                    theirs: Lines {
                        start: 15,
                        count: 1,
                        text: "session fifteen\n",
                    },
                },
            ],
        },
    ]
    "#);
}

#[test]
fn conflicts_of_whole_files_are_told_with_their_reason() {
    let lab = Lab::new();
    lab.put("main", "bin.dat", b"\0base");
    lab.branch("task", "main");
    lab.branch("session", "task");
    let session: [(&str, Option<&[u8]>); 2] = [("bin.dat", Some(b"\0session")), ("b.txt", None)];
    lab.repository.commit(&commit("session", &session)).unwrap();
    let task: [(&str, Option<&[u8]>); 2] = [("bin.dat", Some(b"\0task")), ("b.txt", Some(b"task\n"))];
    lab.repository.commit(&commit("task", &task)).unwrap();
    let Merged::Conflict(mut files) = lab.repository.merge(&merge("task", "session", "m1")).unwrap() else {
        panic!()
    };
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let told: Vec<_> =
        files.iter().map(|file| (file.path.as_str(), file.reason.as_str(), file.hunks.len())).collect();
    assert_eq!(
        told,
        [
            ("b.txt", "one side changed the file and the other deleted it", 0),
            ("bin.dat", "both sides changed a file that cannot be merged line by line", 0)
        ]
    );
}

#[test]
fn a_worktree_of_the_branch_is_brought_along() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task");
    lab.branch("session", "task");
    lab.put("session", "a.txt", &with(&[(1, "session")]));
    lab.put("session", "dir/new.txt", b"new\n");
    // Something that a check left.
    fs::write(path.join("b.txt"), "dirty\n").unwrap();
    lab.repository.merge(&merge("task", "session", "m1")).unwrap();
    assert_eq!(file(&path, "a.txt").as_bytes(), with(&[(1, "session")]));
    assert_eq!(file(&path, "dir/new.txt"), "new\n");
    assert_eq!(status(&path), " M b.txt\n");
}

#[test]
fn modes_links_and_renames_are_merged() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task");
    lab.branch("session", "task");
    let other = lab.worktree("s", "session");
    std::os::unix::fs::symlink("a.txt", other.join("link")).unwrap();
    fs::rename(other.join("a.txt"), other.join("moved.txt")).unwrap();
    by_hand(&other, &["add", "-A"]);
    by_hand(&other, &["update-index", "--chmod=+x", "b.txt"]);
    by_hand(&other, &["commit", "-q", "-m", "session"]);
    lab.put("task", "a.txt", &with(&[(9, "task")]));
    lab.repository.merge(&merge("task", "session", "m1")).unwrap();
    assert_eq!(lab.read("task", "moved.txt").unwrap().as_bytes(), with(&[(9, "task")]));
    assert_eq!(fs::read_link(path.join("link")).unwrap().to_str(), Some("a.txt"));
    assert!(!path.join("a.txt").exists());
    assert_eq!(status(&path), "");
    assert!(by_hand(&lab.root(), &["ls-tree", "task", "b.txt"]).starts_with("100755"));
}

#[test]
fn a_branch_that_is_not_there_is_named() {
    let lab = Lab::new();
    let error = lab.repository.merge(&merge("main", "nowhere", "m1")).unwrap_err();
    assert!(matches!(&error, Error::UnknownRevision { rev, .. } if rev == "nowhere"), "{error:?}");
}
