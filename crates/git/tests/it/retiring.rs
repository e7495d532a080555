//! Branches are removed when their commits are elsewhere, and not before.

use crate::harness::{Lab, by_hand, land};
use git::{Retire, Retired};

const TASK: &str = "task/1-notes";
const SAVED: &str = "refs/spectask/retired/1/5";

fn retire(lab: &Lab, branch: &str) -> Retire {
    Retire {
        branch: format!("refs/heads/{branch}"),
        tip: lab.tip(branch),
        into: "main".to_owned(),
        saved: "refs/spectask/saved/1/".to_owned(),
        keep: SAVED.to_owned(),
    }
}

fn reason(retired: Retired) -> String {
    match retired {
        Retired::Kept(reason) => reason,
        Retired::Removed => panic!("it was removed"),
    }
}

/// A task's branch with one commit.
fn lab() -> Lab {
    let lab = Lab::new();
    lab.branch(TASK, "main");
    lab.put(TASK, "note.md", b"Note\n");
    lab
}

#[test]
fn a_branch_goes_when_the_base_has_its_commits_and_a_ref_keeps_them() {
    let lab = lab();
    let tip = lab.tip(TASK);
    assert_eq!(
        reason(lab.repository.retire_branch(&retire(&lab, TASK)).unwrap()),
        "main does not have all of its commits"
    );
    assert_eq!((lab.tip(TASK), lab.repository.resolve(SAVED).unwrap()), (tip, None));
    lab.repository.land(&land(TASK, "main", "e1")).unwrap();
    let again = retire(&lab, TASK);
    assert_eq!(lab.repository.can_retire(&again).unwrap(), Retired::Removed);
    assert_eq!(lab.tip(TASK), tip, "looking removes nothing");
    assert_eq!(lab.repository.retire_branch(&again).unwrap(), Retired::Removed);
    assert_eq!(lab.repository.resolve(TASK).unwrap(), None);
    assert_eq!(lab.repository.resolve(SAVED).unwrap(), Some(tip));
    // One that was cut off after the ref was made ends the same way.
    by_hand(&lab.root(), &["branch", TASK, &tip.to_string()]);
    assert_eq!(lab.repository.retire_branch(&again).unwrap(), Retired::Removed);
    assert_eq!(lab.repository.refs_beneath("refs/spectask/retired/").unwrap(), [(SAVED.to_owned(), tip)]);
    lab.fsck();
    assert_eq!(lab.repository.release_ref(SAVED, tip, "main").unwrap(), Retired::Removed);
    assert_eq!(lab.repository.resolve(SAVED).unwrap(), None);
    lab.fsck();
}

#[test]
fn a_branch_stays_that_moved_or_is_checked_out_or_had_more() {
    let lab = lab();
    lab.repository.land(&land(TASK, "main", "e1")).unwrap();
    let before = retire(&lab, TASK);
    let tip = lab.put(TASK, "more.md", b"More\n");
    assert_eq!(reason(lab.repository.retire_branch(&before).unwrap()), "it moved meanwhile");
    // Commits that only the branch's log names count as its own.
    by_hand(&lab.root(), &["config", "core.logAllRefUpdates", "always"]);
    by_hand(&lab.root(), &["branch", "session/1/a", "main"]);
    by_hand(&lab.root(), &["update-ref", "-m", "ahead", "refs/heads/session/1/a", &tip.to_string()]);
    by_hand(&lab.root(), &["update-ref", "-m", "back", "refs/heads/session/1/a", "main"]);
    let session = retire(&lab, "session/1/a");
    assert_eq!(
        reason(lab.repository.retire_branch(&session).unwrap()),
        "its log has commits that are nowhere else"
    );
    by_hand(&lab.root(), &["update-ref", "refs/spectask/saved/1/a", &tip.to_string()]);
    assert_eq!(lab.repository.retire_branch(&session).unwrap(), Retired::Removed);
    lab.branch("session/1/b", "main");
    lab.worktree("b", "session/1/b");
    let session = retire(&lab, "session/1/b");
    assert_eq!(reason(lab.repository.retire_branch(&session).unwrap()), "a worktree has it checked out");
    // Saved commits that the base lost stay.
    let saved = lab.tip("refs/spectask/saved/1/a");
    let kept = lab.repository.release_ref("refs/spectask/saved/1/a", saved, "main").unwrap();
    assert_eq!(reason(kept), "the base branch does not have all of its commits");
    lab.fsck();
}

#[test]
fn packing_loses_no_object_that_a_ref_does_not_reach() {
    let lab = lab();
    let tip = lab.tip(TASK);
    by_hand(&lab.root(), &["branch", "-D", TASK]);
    for _ in 0..2 {
        lab.repository.pack().unwrap();
    }
    let counted = by_hand(&lab.root(), &["count-objects", "-v"]);
    assert!(counted.starts_with("count: 0\n") && !counted.contains("in-pack: 0"), "{counted}");
    assert_eq!(lab.repository.resolve(&tip.to_string()).unwrap(), Some(tip));
    assert_eq!(by_hand(&lab.root(), &["show", &format!("{tip}:note.md")]), "Note\n");
    assert_eq!(lab.repository.loose_objects(), 0);
    lab.fsck();
}
