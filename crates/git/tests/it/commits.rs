//! Commits in process.

use crate::harness::{Lab, by_hand, commit, file, left_over, status};
use git::{Commit, Error};
use std::fs;

fn with_effect(commit: Commit, effect: &str) -> Commit {
    Commit { effect: Some(effect.to_owned()), ..commit }
}

#[test]
fn files_composed_from_an_earlier_commit_are_committed_unless_one_of_them_changed() {
    let lab = Lab::new();
    let base = lab.tip("main");
    lab.put("main", "b.txt", b"other\n");
    let mine = commit("main", &[("log.md", Some(b"one\n"))]);
    let committed = lab.repository.commit_on(base, &[], &mine).unwrap().expect("nobody touched the file");
    assert!(committed.fresh);
    assert_eq!(lab.read("main", "b.txt").as_deref(), Some("other\n"));
    let again = commit("main", &[("log.md", Some(b"one\ntwo\n"))]);
    assert_eq!(
        lab.repository.commit_on(base, &[], &again).unwrap(),
        None,
        "somebody else wrote the file since"
    );
    assert_eq!(lab.read("main", "log.md").as_deref(), Some("one\n"));
    assert!(lab.repository.commit_on(committed.id, &[], &again).unwrap().is_some());
    let nothing = lab.repository.commit_on(lab.tip("main"), &[], &again).unwrap().expect("an answer");
    assert!(!nothing.fresh, "what is there is not committed again");
    lab.fsck();
}

#[test]
fn a_symbolic_ref_in_the_place_of_a_branch_is_named_with_what_to_do() {
    let lab = Lab::new();
    lab.branch("other", "main");
    by_hand(&lab.root(), &["symbolic-ref", "refs/heads/docs", "refs/heads/other"]);
    let error = lab.repository.commit(&commit("docs", &[("x.md", Some(b"1\n"))])).unwrap_err();
    assert!(matches!(&error, Error::SymbolicRef { target, .. } if target == "refs/heads/other"), "{error}");
    by_hand(&lab.root(), &["symbolic-ref", "--delete", "refs/heads/docs"]);
    by_hand(&lab.root(), &["update-ref", "refs/heads/docs", "refs/heads/other"]);
    assert!(lab.repository.commit(&commit("docs", &[("x.md", Some(b"1\n"))])).unwrap().fresh);
    lab.fsck();
}

#[test]
fn a_commit_says_what_whom_and_when() {
    let lab = Lab::new();
    lab.branch("docs", "main");
    let change = with_effect(commit("docs", &[("specs/1/x.md", Some(b"x\n")), ("b.txt", None)]), "e1");
    let committed = lab.repository.commit(&change).unwrap();
    assert!(committed.fresh);
    let shown = by_hand(&lab.root(), &["log", "-1", "--format=%an <%ae> %at %cn %ct%n%B", "docs"]);
    assert_eq!(
        shown.trim(),
        "SpecTask <spectask@localhost> 1800000000 SpecTask 1800000000\nChange\n\nSpecTask-Task: t1\nSpecTask-Effect: e1"
    );
    assert_eq!(by_hand(&lab.root(), &["ls-tree", "-r", "--name-only", "docs"]), "a.txt\nspecs/1/x.md\n");
    lab.fsck();
}

#[test]
fn an_effect_makes_one_commit_however_often_it_is_asked_for() {
    let lab = Lab::new();
    lab.branch("docs", "main");
    let first = with_effect(commit("docs", &[("x.md", Some(b"1\n"))]), "e1");
    let made = lab.repository.commit(&first).unwrap();
    lab.put("docs", "y.md", b"y\n");
    // The retry of an effect may have other content and another date.
    let again = with_effect(commit("docs", &[("x.md", Some(b"2\n"))]), "e1");
    let found = lab.repository.commit(&Commit { time_ms: 5, ..again.clone() }).unwrap();
    assert_eq!((found.id, found.fresh), (made.id, false));
    // And be asked for by another process.
    let other = crate::harness::git().open(&lab.root()).unwrap();
    assert_eq!(other.commit(&again).unwrap().id, made.id);
    assert_eq!(lab.count("docs"), 3);
}

#[test]
fn an_effect_is_found_behind_a_merge_and_a_long_history() {
    let lab = Lab::new();
    lab.branch("side", "main");
    let made =
        lab.repository.commit(&with_effect(commit("side", &[("s.md", Some(b"s\n"))]), "e-side")).unwrap();
    lab.repository.merge(&crate::harness::merge("main", "side", "m1")).unwrap();
    for number in 0..250 {
        by_hand(&lab.root(), &["commit", "-q", "--allow-empty", "-m", &format!("by hand {number}")]);
    }
    let other = crate::harness::git().open(&lab.root()).unwrap();
    let found = other.commit(&with_effect(commit("main", &[("s.md", Some(b"other\n"))]), "e-side")).unwrap();
    assert_eq!((found.id, found.fresh), (made.id, false));
}

#[test]
fn an_effect_whose_commit_was_rewritten_away_is_made_again() {
    let lab = Lab::new();
    lab.branch("docs", "main");
    let change = with_effect(commit("docs", &[("x.md", Some(b"1\n"))]), "e1");
    lab.repository.commit(&change).unwrap();
    by_hand(&lab.root(), &["branch", "-f", "docs", "main"]);
    assert!(lab.repository.commit(&change).unwrap().fresh);
    assert_eq!(lab.read("docs", "x.md").as_deref(), Some("1\n"));
}

#[test]
fn nothing_to_change_makes_no_commit() {
    let lab = Lab::new();
    let tip = lab.tip("main");
    let committed = lab.repository.commit(&commit("main", &[("b.txt", Some(b"b\n"))])).unwrap();
    assert_eq!((committed.id, committed.fresh), (tip, false));
    let committed = lab.repository.commit(&commit("main", &[("missing.txt", None)])).unwrap();
    assert!(!committed.fresh);
}

#[test]
fn a_branch_that_is_not_there_and_paths_outside_are_refused() {
    let lab = Lab::new();
    let error = lab.repository.commit(&commit("nowhere", &[("x", Some(b"x"))])).unwrap_err();
    assert!(matches!(error, Error::UnknownRevision { .. }));
    for path in ["../x", "/x", ".git/config", "a/.git/x", ""] {
        let error = lab.repository.commit(&commit("main", &[(path, Some(b"x"))])).unwrap_err();
        assert!(matches!(error, Error::Name { .. }), "{path}");
    }
    assert_eq!(lab.count("main"), 1);
}

#[test]
fn an_executable_stays_executable() {
    let lab = Lab::new();
    fs::write(lab.root().join("run.sh"), "#!/bin/sh\n").unwrap();
    by_hand(&lab.root(), &["add", "run.sh"]);
    by_hand(&lab.root(), &["update-index", "--chmod=+x", "run.sh"]);
    by_hand(&lab.root(), &["commit", "-q", "-m", "run"]);
    lab.put("main", "run.sh", b"#!/bin/sh\ntrue\n");
    assert!(by_hand(&lab.root(), &["ls-tree", "main", "run.sh"]).starts_with("100755"));
}

#[test]
fn eight_threads_on_one_branch_are_all_there() {
    let lab = Lab::new();
    lab.branch("docs", "main");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            // Half of them share a queue, half are like processes of their own.
            let repository = if thread % 2 == 0 {
                lab.repository.clone()
            } else {
                crate::harness::git().open(&lab.root()).unwrap()
            };
            scope.spawn(move || {
                for number in 0..10 {
                    let path = format!("{thread}/{number}.md");
                    let change = with_effect(commit("docs", &[(&path, Some(b"x\n"))]), &path);
                    assert!(repository.commit(&change).unwrap().fresh);
                    assert!(!repository.commit(&change).unwrap().fresh);
                }
            });
        }
    });
    assert_eq!(lab.count("docs"), 81);
    assert_eq!(lab.repository.list("docs", "").unwrap().len(), 82);
    lab.fsck();
}

#[test]
fn commits_and_people_on_one_branch_are_all_there() {
    let lab = Lab::new();
    let worktree = lab.worktree("w", "docs");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..10 {
                lab.put("docs", &format!("ours/{number}.md"), b"x\n");
            }
        });
        for number in 0..10 {
            let name = format!("theirs-{number}.md");
            fs::write(worktree.join(&name), "x\n").unwrap();
            // Git gives up at once where another holds the index; a person tries again.
            while !crate::harness::try_by_hand(&worktree, &["add", &name]).status.success() {}
            while !crate::harness::try_by_hand(&worktree, &["commit", "-q", "--only", "-m", "x", "--", &name])
                .status
                .success()
            {}
        }
    });
    assert_eq!(lab.count("docs"), 21);
    assert_eq!(lab.repository.list("docs", "").unwrap().len(), 22);
    // Git may have set the index back at the very last commit; the next one puts it right.
    lab.put("docs", "last.md", b"x\n");
    assert_eq!(status(&worktree), "");
}

#[test]
fn a_lock_that_a_dead_process_left_on_a_branch_is_removed() {
    let lab = Lab::new();
    let lock = lab.root().join(".git/refs/heads/main.lock");
    left_over(&lock);
    assert!(lab.repository.commit(&commit("main", &[("x.md", Some(b"x\n"))])).unwrap().fresh);
    assert!(!lock.exists());
}

#[test]
fn a_lock_that_a_live_process_holds_is_waited_for_and_then_named() {
    let lab = Lab::new();
    let lock = lab.root().join(".git/refs/heads/main.lock");
    left_over(&lock);
    let held = fs::File::open(&lock).unwrap();
    let error = lab.repository.commit(&commit("main", &[("x.md", Some(b"x\n"))])).unwrap_err();
    assert!(matches!(error, Error::Locked { .. }), "{error:?}");
    drop(held);
    assert_eq!(lab.count("main"), 1);
    assert_eq!(status(&lab.root()), "");
}

#[test]
fn packed_branches_are_moved() {
    let lab = Lab::new();
    by_hand(&lab.root(), &["pack-refs", "--all"]);
    lab.put("main", "x.md", b"x\n");
    assert_eq!(by_hand(&lab.root(), &["rev-parse", "main"]).trim(), lab.tip("main").to_string());
    assert_eq!(file(&lab.root(), "x.md"), "x\n");
}

#[test]
fn a_bare_repository_is_committed_to() {
    let lab = Lab::bare();
    lab.put("main", "x.md", b"x\n");
    assert_eq!(lab.read("main", "x.md").as_deref(), Some("x\n"));
    lab.fsck();
}
