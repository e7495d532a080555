//! Edits of one file at a branch's tip.

use crate::harness::{Lab, by_hand, commit};
use git::Commit;

fn append(line: &str) -> impl FnMut(&[u8]) -> Vec<u8> {
    let line = line.to_owned();
    move |text| [text, line.as_bytes(), b"\n"].concat()
}

#[test]
fn an_edit_changes_the_file_as_it_is() {
    let lab = Lab::new();
    let extra = commit("main", &[("c.txt", Some(b"c\n"))]);
    let committed = lab.repository.commit_edit("main", "b.txt", &mut append("more"), &extra).unwrap();
    assert!(committed.fresh);
    assert_eq!(lab.read("main", "b.txt").as_deref(), Some("b\nmore\n"));
    assert_eq!(lab.read("main", "c.txt").as_deref(), Some("c\n"));
    lab.repository.commit_edit("main", "new/d.txt", &mut append("d"), &commit("main", &[])).unwrap();
    assert_eq!(lab.read("main", "new/d.txt").as_deref(), Some("d\n"));
}

#[test]
fn an_edit_that_changes_nothing_makes_no_commit() {
    let lab = Lab::new();
    let committed =
        lab.repository.commit_edit("main", "b.txt", &mut <[u8]>::to_vec, &commit("main", &[])).unwrap();
    assert!(!committed.fresh);
    let missing =
        lab.repository.commit_edit("main", "none.txt", &mut <[u8]>::to_vec, &commit("main", &[])).unwrap();
    assert!(!missing.fresh);
    assert_eq!(lab.count("main"), 1);
}

#[test]
fn an_edit_that_lost_the_race_reads_the_file_anew() {
    let lab = Lab::new();
    lab.branch("docs", "main");
    let mut calls = 0;
    let mut edit = |text: &[u8]| {
        calls += 1;
        if calls == 1 {
            // Somebody else commits to the branch, by hand, while the edit is under way.
            let blob = by_hand(&lab.root(), &["hash-object", "-w", "a.txt"]);
            let index = lab.path("index");
            let plumbing = |arguments: &[&str]| {
                let output = std::process::Command::new("git")
                    .args(arguments)
                    .current_dir(lab.root())
                    .env("GIT_INDEX_FILE", &index)
                    .output()
                    .unwrap();
                String::from_utf8(output.stdout).unwrap().trim().to_owned()
            };
            plumbing(&["read-tree", "docs"]);
            plumbing(&["update-index", "--cacheinfo", &format!("100644,{},b.txt", blob.trim())]);
            let tree = plumbing(&["write-tree"]);
            let theirs = by_hand(&lab.root(), &["commit-tree", "-p", "docs", "-m", "theirs", &tree]);
            by_hand(&lab.root(), &["update-ref", "refs/heads/docs", theirs.trim()]);
        }
        [text, b"ours\n"].concat()
    };
    lab.repository.commit_edit("docs", "b.txt", &mut edit, &commit("docs", &[])).unwrap();
    assert_eq!(calls, 2);
    let theirs = lab.read("main", "a.txt").unwrap();
    assert_eq!(lab.read("docs", "b.txt"), Some(format!("{theirs}ours\n")));
    assert_eq!(lab.count("docs"), 3);
}

#[test]
fn edits_from_many_threads_are_all_there() {
    let lab = Lab::new();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let repository = lab.repository.clone();
            scope.spawn(move || {
                for number in 0..5 {
                    let line = format!("{thread}-{number}");
                    let effect = Commit { effect: Some(line.clone()), ..commit("main", &[]) };
                    for _ in 0..2 {
                        repository.commit_edit("main", "b.txt", &mut append(&line), &effect).unwrap();
                    }
                }
            });
        }
    });
    let text = lab.read("main", "b.txt").unwrap();
    assert_eq!(text.lines().count(), 41);
    for line in (0..8).flat_map(|thread| (0..5).map(move |number| format!("{thread}-{number}"))) {
        assert_eq!(text.lines().filter(|found| *found == line).count(), 1, "{line}");
    }
}
