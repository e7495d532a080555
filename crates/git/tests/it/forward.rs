//! The documents' branch keeps every commit that it ever had, whoever moves it and wherever to.

use crate::harness::{Lab, by_hand, commit, file, status, text};
use git::{Commit, Forward};
use std::fs;
use std::path::PathBuf;

const BRANCH: &str = "helix-design-docs";

/// A documents' branch with two files, as it is remembered.
fn lab() -> (Lab, PathBuf) {
    let lab = Lab::new();
    let docs = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    lab.put(BRANCH, "a.md", b"a\n");
    lab.put(BRANCH, "b.md", b"one\ntwo\nthree\n");
    assert_eq!(lab.repository.restore_rewound(BRANCH).unwrap(), Forward::Whole);
    (lab, docs)
}

fn is_whole(lab: &Lab) {
    let tip = lab.tip(BRANCH);
    assert_eq!(lab.repository.restore_rewound(BRANCH).unwrap(), Forward::Whole);
    assert_eq!(lab.tip(BRANCH), tip);
    lab.fsck();
}

#[test]
fn a_branch_that_never_was_is_left_so() {
    let lab = Lab::new();
    assert_eq!(lab.repository.restore_rewound(BRANCH).unwrap(), Forward::Whole);
    assert_eq!(lab.repository.resolve(BRANCH).unwrap(), None);
}

#[test]
fn a_deleted_branch_is_made_again_and_its_worktree_is_clean() {
    let (lab, docs) = lab();
    let tip = lab.tip(BRANCH);
    by_hand(&lab.root(), &["update-ref", "-d", &format!("refs/heads/{BRANCH}")]);
    assert_eq!(lab.repository.restore_rewound(BRANCH).unwrap(), Forward::MadeAgain(tip));
    assert_eq!(lab.tip(BRANCH), tip);
    assert_eq!(status(&docs), "");
    lab.put(BRANCH, "c.md", b"c\n");
    assert_eq!(file(&docs, "c.md"), "c\n");
    is_whole(&lab);
}

#[test]
fn an_effect_whose_commit_a_branch_lost_makes_no_second_one() {
    let moves: [&[&str]; 2] = [
        &["update-ref", "refs/heads/helix-design-docs", "helix-design-docs~2"],
        &["update-ref", "-d", "refs/heads/helix-design-docs"],
    ];
    for away in moves {
        let (lab, _docs) = lab();
        let once = Commit { effect: Some("e1".to_owned()), ..commit(BRANCH, &[("c.md", Some(b"c\n"))]) };
        let first = lab.repository.commit(&once).unwrap();
        assert!(first.fresh);
        lab.repository.restore_rewound(BRANCH).unwrap();
        by_hand(&lab.root(), away);
        let again = crate::harness::git().open(&lab.root()).unwrap().commit(&once).unwrap();
        assert_eq!((again.id, again.fresh), (first.id, false), "{away:?}");
        assert!(lab.repository.contains(BRANCH, &first.id.to_string()).unwrap());
        is_whole(&lab);
    }
}

#[test]
fn a_commit_on_a_branch_that_was_moved_under_its_worktree_is_followed() {
    let moves: [&[&str]; 3] = [
        &["update-ref", "refs/heads/helix-design-docs", "helix-design-docs~1"],
        &["update-ref", "refs/heads/helix-design-docs", "helix-design-docs~3"],
        &["update-ref", "-d", "refs/heads/helix-design-docs"],
    ];
    for away in moves {
        let (lab, docs) = lab();
        // The hidden ref does not have this commit yet.
        lab.put(BRANCH, "b.md", b"one\ntwo\nthree\nfour\n");
        by_hand(&lab.root(), away);
        if away[1] == "-d" {
            assert!(matches!(lab.repository.restore_rewound(BRANCH).unwrap(), Forward::MadeAgain(_)));
        }
        lab.put(BRANCH, "b.md", b"one\ntwo\nthree\nfour\nfive\n");
        fs::write(docs.join("note.md"), "by a person\n").unwrap();
        by_hand(&docs, &["add", "note.md"]);
        by_hand(&docs, &["commit", "-q", "-m", "A note"]);
        let kept = lab.read(BRANCH, "b.md");
        assert_eq!(kept.as_deref(), Some("one\ntwo\nthree\nfour\nfive\n"), "{away:?}");
        lab.repository.restore_rewound(BRANCH).unwrap();
        assert_eq!(file(&docs, "b.md"), "one\ntwo\nthree\nfour\nfive\n", "{away:?}");
        assert_eq!(
            (status(&docs), lab.read(BRANCH, "a.md").as_deref()),
            (String::new(), Some("a\n")),
            "{away:?}"
        );
        is_whole(&lab);
    }
}

#[test]
fn a_branch_that_was_moved_back_goes_forward_again() {
    let (lab, docs) = lab();
    let lost = lab.tip(BRANCH);
    by_hand(&docs, &["reset", "-q", "--hard", "HEAD~1"]);
    assert!(!docs.join("b.md").exists());
    let Forward::Joined { merge, lost: found, contested } = lab.repository.restore_rewound(BRANCH).unwrap()
    else {
        panic!()
    };
    assert_eq!((found, contested), (lost, Vec::new()));
    assert_eq!(lab.tip(BRANCH), merge);
    assert!(lab.repository.contains(BRANCH, &lost.to_string()).unwrap());
    assert_eq!(file(&docs, "b.md"), "one\ntwo\nthree\n");
    assert_eq!(status(&docs), "");
    is_whole(&lab);
}

#[test]
fn a_rewritten_branch_has_both_histories_and_what_it_has_now_counts() {
    let (lab, docs) = lab();
    let lost = lab.tip(BRANCH);
    fs::write(docs.join("b.md"), "one\nTWO\nthree\n").unwrap();
    fs::write(docs.join("c.md"), "c\n").unwrap();
    by_hand(&docs, &["add", "-A"]);
    by_hand(&docs, &["commit", "-q", "--amend", "-m", "rewritten"]);
    let rewritten = lab.tip(BRANCH);
    let Forward::Joined { contested, .. } = lab.repository.restore_rewound(BRANCH).unwrap() else { panic!() };
    assert_eq!(contested, ["b.md"]);
    for commit in [lost, rewritten] {
        assert!(lab.repository.contains(BRANCH, &commit.to_string()).unwrap());
    }
    assert_eq!(lab.read(BRANCH, "b.md").as_deref(), Some("one\nTWO\nthree\n"));
    assert_eq!((file(&docs, "a.md"), file(&docs, "c.md")), ("a\n".to_owned(), "c\n".to_owned()));
    assert_eq!(status(&docs), "");
    is_whole(&lab);
}

#[test]
fn a_branch_replaced_by_another_history_has_both() {
    let (lab, docs) = lab();
    let other = by_hand(&lab.root(), &["commit-tree", "-m", "other", "main^{tree}"]).trim().to_owned();
    by_hand(&lab.root(), &["update-ref", &format!("refs/heads/{BRANCH}"), &other]);
    assert!(matches!(lab.repository.restore_rewound(BRANCH).unwrap(), Forward::Joined { .. }));
    assert_eq!(lab.read(BRANCH, "a.md").as_deref(), Some("a\n"));
    assert_eq!(lab.read(BRANCH, "b.txt").as_deref(), Some("b\n"));
    assert_eq!((file(&docs, "a.md"), file(&docs, "b.txt")), ("a\n".to_owned(), "b\n".to_owned()));
    assert_eq!(status(&docs), "");
    is_whole(&lab);
}

#[test]
fn a_push_is_brought_into_the_worktree_before_anyone_commits_over_it() {
    let (lab, docs) = lab();
    by_hand(&lab.root(), &["config", "receive.denyCurrentBranch", "ignore"]);
    let clone = lab.path("clone");
    by_hand(lab.folder.path(), &["clone", "-q", "-b", BRANCH, &text(&lab.root()), &text(&clone)]);
    fs::write(clone.join("a.md"), "a person's\n").unwrap();
    fs::write(clone.join("new.md"), "new\n").unwrap();
    by_hand(&clone, &["add", "-A"]);
    by_hand(&clone, &["commit", "-q", "-m", "by a person"]);
    fs::write(docs.join("b.md"), "an agent is at it\n").unwrap();
    by_hand(&clone, &["push", "-q", "origin", BRANCH]);
    assert_eq!(lab.repository.restore_rewound(BRANCH).unwrap(), Forward::Whole);
    assert_eq!((file(&docs, "a.md"), file(&docs, "new.md")), ("a person's\n".to_owned(), "new\n".to_owned()));
    assert_eq!(status(&docs), " M b.md\n");
    // An agent that commits everything commits its own change alone.
    by_hand(&docs, &["commit", "-qam", "by an agent"]);
    assert_eq!(lab.read(BRANCH, "a.md").as_deref(), Some("a person's\n"));
    is_whole(&lab);
}

#[test]
fn a_push_is_brought_into_a_worktree_that_is_further_than_the_branch_was_seen() {
    let (lab, docs) = lab();
    by_hand(&lab.root(), &["config", "receive.denyCurrentBranch", "ignore"]);
    lab.put(BRANCH, "b.md", b"one\ntwo\nthree\nfour\n");
    let clone = lab.path("clone");
    by_hand(lab.folder.path(), &["clone", "-q", "-b", BRANCH, &text(&lab.root()), &text(&clone)]);
    fs::write(clone.join("b.md"), "pushed\n").unwrap();
    by_hand(&clone, &["commit", "-qam", "by a person"]);
    by_hand(&clone, &["push", "-q", "origin", BRANCH]);
    assert_eq!(lab.repository.restore_rewound(BRANCH).unwrap(), Forward::Whole);
    assert_eq!((status(&docs), file(&docs, "b.md")), (String::new(), "pushed\n".to_owned()));
    is_whole(&lab);
}

#[test]
fn pushes_and_commits_at_the_same_time_lose_nothing() {
    let (lab, docs) = lab();
    by_hand(&lab.root(), &["config", "receive.denyCurrentBranch", "ignore"]);
    let clone = lab.path("clone");
    by_hand(lab.folder.path(), &["clone", "-q", "-b", BRANCH, &text(&lab.root()), &text(&clone)]);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..8 {
                lab.put(BRANCH, &format!("ours/{number}.md"), b"ours\n");
                lab.repository.restore_rewound(BRANCH).unwrap();
            }
        });
        for number in 0..4 {
            fs::write(clone.join(format!("theirs-{number}.md")), "theirs\n").unwrap();
            by_hand(&clone, &["add", "-A"]);
            by_hand(&clone, &["commit", "-q", "-m", "theirs"]);
            // A push that came too late is refused, and the person joins first.
            while !crate::harness::try_by_hand(&clone, &["push", "-q", "origin", BRANCH]).status.success() {
                by_hand(&clone, &["pull", "-q", "--no-edit", "--no-rebase", "origin", BRANCH]);
            }
        }
    });
    lab.repository.restore_rewound(BRANCH).unwrap();
    let files = lab.repository.list(BRANCH, "").unwrap();
    assert_eq!(
        files.iter().filter(|name| name.starts_with("ours/") || name.starts_with("theirs-")).count(),
        12
    );
    assert_eq!(status(&docs), "");
    is_whole(&lab);
}

#[test]
fn what_is_remembered_outlives_the_process() {
    let (lab, _) = lab();
    let tip = lab.tip(BRANCH);
    by_hand(&lab.root(), &["update-ref", "-d", &format!("refs/heads/{BRANCH}")]);
    let again = crate::harness::git().open(&lab.root()).unwrap();
    assert_eq!(again.restore_rewound(BRANCH).unwrap(), Forward::MadeAgain(tip));
}

#[test]
fn a_branch_whose_commit_is_gone_goes_back_to_the_last_one_that_is_whole() {
    let (lab, docs) = lab();
    let kept = lab.tip(BRANCH);
    lab.put(BRANCH, "c.md", b"c\n");
    let lost = lab.put(BRANCH, "d.md", b"d\n");
    assert!(!lab.repository.is_lost(BRANCH).unwrap());
    let remove = |rev: &str| {
        let id = by_hand(&lab.root(), &["rev-parse", rev]).trim().to_owned();
        fs::remove_file(lab.root().join(".git/objects").join(&id[..2]).join(&id[2..])).unwrap();
    };
    // Of the commit before it a file is gone, too.
    remove(&format!("{BRANCH}~1:c.md"));
    remove(BRANCH);
    let repository = crate::harness::git().open(&lab.root()).unwrap();
    assert!(repository.is_lost(BRANCH).unwrap());
    let restored = repository.restore_rewound(BRANCH).unwrap();
    assert_eq!(restored, Forward::Restored { lost, now: kept });
    assert_eq!(lab.tip(BRANCH), kept);
    assert_eq!(
        (file(&docs, "c.md"), file(&docs, "d.md")),
        ("c\n".into(), "d\n".into()),
        "what is left stays"
    );
    assert_eq!(repository.restore_rewound(BRANCH).unwrap(), Forward::Whole);
    repository.commit(&crate::harness::commit(BRANCH, &[("c.md", Some(b"c\n"))])).unwrap();
    assert_eq!(status(&docs), "?? d.md\n");
}

#[test]
fn a_branch_of_which_nothing_is_left_begins_again() {
    let (lab, _) = lab();
    for id in by_hand(&lab.root(), &["rev-list", BRANCH]).lines() {
        fs::remove_file(lab.root().join(".git/objects").join(&id[..2]).join(&id[2..])).unwrap();
    }
    let repository = crate::harness::git().open(&lab.root()).unwrap();
    assert!(matches!(repository.restore_rewound(BRANCH).unwrap(), Forward::Restored { .. }));
    assert_eq!(repository.list(BRANCH, "").unwrap(), ["README.md"]);
}
