//! Landing on a branch that people may have checked out.

use crate::harness::{Lab, by_hand, file, land, left_over, status, text, try_by_hand};
use git::{CommitId, Land, Landed};
use std::fs;

fn lab() -> (Lab, CommitId) {
    let lab = Lab::new();
    lab.branch("task", "main");
    let tip = lab.put("task", "new.txt", b"new\n");
    lab.repository.commit(&crate::harness::commit("task", &[("b.txt", Some(b"b task\n"))])).unwrap();
    (lab, tip)
}

fn waiting(lab: &Lab) -> String {
    let tip = lab.tip("main");
    let landed = lab.repository.land(&land("task", "main", "l1")).unwrap();
    let Landed::Waiting { reason } = landed else { panic!("{landed:?}") };
    assert_eq!(lab.tip("main"), tip);
    reason.replace(&text(&lab.root()), "R")
}

fn landed(lab: &Lab) -> CommitId {
    let landed = lab.repository.land(&land("task", "main", "l1")).unwrap();
    let Landed::Landed(id) = landed else { panic!("{landed:?}") };
    id
}

#[test]
fn a_clean_checkout_is_brought_along() {
    let (lab, _) = lab();
    let base = lab.tip("main");
    let id = landed(&lab);
    assert_eq!(
        (file(&lab.root(), "new.txt"), file(&lab.root(), "b.txt")),
        ("new\n".to_owned(), "b task\n".to_owned())
    );
    assert_eq!(status(&lab.root()), "");
    assert_eq!(lab.repository.resolve("main^1").unwrap(), Some(base));
    assert_eq!(lab.repository.resolve("main^2").unwrap(), Some(lab.tip("task")));
    assert_eq!(lab.repository.land(&land("task", "main", "l1")).unwrap(), Landed::Already(id));
    assert_eq!(lab.repository.land(&land("task", "main", "l2")).unwrap(), Landed::Already(id));
    lab.fsck();
}

#[test]
fn files_that_git_does_not_know_stay() {
    let (lab, _) = lab();
    fs::write(lab.root().join("mine.txt"), "mine").unwrap();
    landed(&lab);
    assert_eq!(status(&lab.root()), "?? mine.txt\n");
}

#[test]
fn a_file_that_was_touched_and_not_changed_is_clean() {
    let (lab, _) = lab();
    let file = fs::File::options().write(true).open(lab.root().join("b.txt")).unwrap();
    file.set_modified(std::time::SystemTime::now() - std::time::Duration::from_hours(1)).unwrap();
    landed(&lab);
    assert_eq!(status(&lab.root()), "");
}

#[test]
fn a_branch_lands_on_a_checkout_that_just_followed_a_commit() {
    let (lab, _) = lab();
    lab.put("main", "c.txt", b"c\n");
    lab.put("main", "d.txt", b"d\n");
    landed(&lab);
    assert_eq!(status(&lab.root()), "");
}

#[test]
fn uncommitted_changes_are_waited_for() {
    let (lab, _) = lab();
    fs::write(lab.root().join("a.txt"), "mine\n").unwrap();
    insta::assert_snapshot!(
        waiting(&lab),
        @"R has main checked out with uncommitted changes (a.txt); commit or stash them there."
    );
    assert_eq!(file(&lab.root(), "a.txt"), "mine\n");
    assert!(!lab.root().join("new.txt").exists());
    by_hand(&lab.root(), &["stash", "-q"]);
    landed(&lab);
    by_hand(&lab.root(), &["stash", "pop", "-q"]);
    assert_eq!(file(&lab.root(), "a.txt"), "mine\n");
}

#[test]
fn staged_changes_are_waited_for() {
    let (lab, _) = lab();
    fs::write(lab.root().join("c.txt"), "mine\n").unwrap();
    by_hand(&lab.root(), &["add", "c.txt"]);
    assert!(waiting(&lab).contains("(c.txt)"));
}

#[test]
fn a_file_in_the_way_is_waited_for() {
    let (lab, _) = lab();
    fs::write(lab.root().join("new.txt"), "mine\n").unwrap();
    let reason = waiting(&lab);
    assert!(reason.starts_with("R has main checked out and files in the way"), "{reason}");
    assert!(reason.contains("new.txt"), "{reason}");
    assert_eq!(file(&lab.root(), "new.txt"), "mine\n");
}

#[test]
fn an_ignored_file_in_the_way_is_kept_and_waited_for() {
    let (lab, _) = lab();
    fs::create_dir_all(lab.root().join(".git/info")).unwrap();
    fs::write(lab.root().join(".git/info/exclude"), "new.txt\n").unwrap();
    fs::write(lab.root().join("new.txt"), "mine\n").unwrap();
    insta::assert_snapshot!(
        waiting(&lab),
        @"R has main checked out and files in the way (new.txt); move them elsewhere."
    );
    assert_eq!(file(&lab.root(), "new.txt"), "mine\n");
    // A file where the change has a folder.
    lab.put("task", "folder/deep.txt", b"deep\n");
    fs::remove_file(lab.root().join("new.txt")).unwrap();
    fs::write(lab.root().join(".git/info/exclude"), "folder\n").unwrap();
    fs::write(lab.root().join("folder"), "mine\n").unwrap();
    assert!(waiting(&lab).contains("files in the way (folder)"));
    assert_eq!(file(&lab.root(), "folder"), "mine\n");
    fs::remove_file(lab.root().join("folder")).unwrap();
    landed(&lab);
}

#[test]
fn an_operation_under_way_is_waited_for() {
    let (lab, _) = lab();
    lab.branch("other", "main");
    lab.put("other", "a.txt", b"other\n");
    lab.put("main", "a.txt", b"main\n");
    assert!(!try_by_hand(&lab.root(), &["merge", "other"]).status.success());
    insta::assert_snapshot!(
        waiting(&lab),
        @"R has main checked out and a merge under way; finish or abort it there."
    );
    by_hand(&lab.root(), &["merge", "--abort"]);
    assert!(!try_by_hand(&lab.root(), &["rebase", "other"]).status.success());
    assert!(waiting(&lab).contains("a rebase under way"));
    by_hand(&lab.root(), &["rebase", "--abort"]);
    landed(&lab);
}

#[test]
fn a_git_at_work_is_waited_for_and_a_dead_one_is_not() {
    let (lab, _) = lab();
    let lock = lab.root().join(".git/index.lock");
    fs::write(&lock, "").unwrap();
    assert!(waiting(&lab).contains("git is at work there"));
    left_over(&lock);
    landed(&lab);
    assert_eq!(status(&lab.root()), "");
}

#[test]
fn checkouts_of_other_branches_do_not_matter() {
    let (lab, _) = lab();
    by_hand(&lab.root(), &["checkout", "-q", "--detach"]);
    fs::write(lab.root().join("a.txt"), "mine\n").unwrap();
    landed(&lab);
    assert_eq!(status(&lab.root()), " M a.txt\n");
    assert!(!lab.root().join("new.txt").exists());
}

#[test]
fn a_linked_checkout_matters_as_much() {
    let (lab, _) = lab();
    by_hand(&lab.root(), &["checkout", "-q", "-b", "other"]);
    let linked = lab.path("linked");
    by_hand(&lab.root(), &["worktree", "add", "-q", &text(&linked), "main"]);
    fs::write(linked.join("a.txt"), "mine\n").unwrap();
    assert!(waiting(&lab).contains("linked has main checked out"));
    by_hand(&linked, &["checkout", "-q", "a.txt"]);
    landed(&lab);
    assert_eq!((file(&linked, "new.txt"), status(&linked)), ("new\n".to_owned(), String::new()));
}

#[test]
fn a_bare_repository_is_landed_on() {
    let lab = Lab::bare();
    lab.branch("task", "main");
    lab.put("task", "new.txt", b"new\n");
    let id = landed(&lab);
    assert_eq!(lab.tip("main"), id);
}

#[test]
fn a_branch_can_be_moved_without_a_merge_commit() {
    let (lab, _) = lab();
    let forward = Land { fast_forward: true, ..land("task", "main", "l1") };
    let task = lab.tip("task");
    assert_eq!(lab.repository.land(&forward).unwrap(), Landed::Landed(task));
    assert_eq!(lab.repository.land(&forward).unwrap(), Landed::Already(task));
    assert_eq!((file(&lab.root(), "new.txt"), status(&lab.root())), ("new\n".to_owned(), String::new()));
    // Where the base went on, it is a merge after all.
    lab.put("task", "more.txt", b"more\n");
    lab.put("main", "base.txt", b"base\n");
    let forward = Land { effect: Some("l2".to_owned()), ..forward };
    assert!(matches!(lab.repository.land(&forward).unwrap(), Landed::Landed(_)));
    assert_eq!(lab.repository.resolve("main^2").unwrap(), Some(lab.tip("task")));
}

#[test]
fn a_conflict_changes_nothing() {
    let (lab, _) = lab();
    let tip = lab.put("main", "b.txt", b"b main\n");
    let landed = lab.repository.land(&land("task", "main", "l1")).unwrap();
    let Landed::Conflict(files) = landed else { panic!("{landed:?}") };
    assert_eq!(files[0].path, "b.txt");
    assert_eq!(files[0].hunks, ["<<<<<<< main\nb main\n=======\nb task\n>>>>>>> task\n"]);
    assert_eq!((lab.tip("main"), status(&lab.root())), (tip, String::new()));
}

#[test]
fn a_server_that_died_between_the_branch_and_the_checkout_is_caught_up_with() {
    let (lab, _) = lab();
    let old = lab.tip("main");
    let new = landed(&lab);
    // As if the checkout had not followed.
    by_hand(&lab.root(), &["read-tree", "-m", "-u", &new.to_string(), &old.to_string()]);
    fs::write(lab.root().join(".git/spectask-move"), format!("refs/heads/main\n{old}\n{new}\n")).unwrap();
    assert!(!lab.root().join("new.txt").exists());
    assert_eq!(lab.repository.land(&land("task", "main", "l1")).unwrap(), Landed::Already(new));
    assert_eq!((file(&lab.root(), "new.txt"), status(&lab.root())), ("new\n".to_owned(), String::new()));
}

/// What landing gives, before it happens.
fn planned(lab: &Lab, land: &Land) -> git::Landing {
    match lab.repository.plan_landing(land).unwrap() {
        git::Planned::Ready(landing) => landing,
        git::Planned::Ended(landed) => panic!("{landed:?}"),
    }
}

#[test]
fn a_landing_is_built_and_tried_before_it_happens() {
    let (lab, _) = lab();
    let base = lab.put("main", "a.txt", b"moved on\n");
    let land = land("task", "main", "l1");
    let landing = planned(&lab, &land);
    assert!(!landing.has_same_files);
    assert_eq!((landing.tip, landing.head, lab.tip("main")), (base, lab.tip("task"), base));
    let path = lab.path("trial");
    lab.repository.ensure_trial_worktree(&path, landing.merged).unwrap();
    assert_eq!((file(&path, "a.txt"), file(&path, "new.txt")), ("moved on\n".to_owned(), "new\n".to_owned()));
    let landed = lab.repository.carry_out_landing(&land, &landing).unwrap();
    assert_eq!(landed, Some(Landed::Landed(landing.merged)));
    assert_eq!(lab.tip("main"), landing.merged);
    assert_eq!(status(&lab.root()), "");
    // After a crash in between, the next plan finds it done.
    assert_eq!(
        lab.repository.plan_landing(&land).unwrap(),
        git::Planned::Ended(Landed::Already(landing.merged))
    );
}

#[test]
fn a_landing_on_a_branch_that_moved_since_is_planned_anew() {
    let (lab, _) = lab();
    let land = land("task", "main", "l1");
    let landing = planned(&lab, &land);
    assert!(landing.has_same_files);
    let moved = lab.put("main", "a.txt", b"moved on\n");
    assert_eq!(lab.repository.carry_out_landing(&land, &landing).unwrap(), None);
    assert_eq!(lab.tip("main"), moved);
    let again = planned(&lab, &land);
    assert!(lab.repository.carry_out_landing(&land, &again).unwrap().is_some());
    assert_eq!(lab.read("main", "a.txt").as_deref(), Some("moved on\n"));
    assert_eq!(lab.read("main", "new.txt").as_deref(), Some("new\n"));
}

#[test]
fn what_lands_is_the_commit_that_was_named_not_what_came_later() {
    let (lab, _) = lab();
    let head = lab.tip("task");
    lab.put("task", "later.txt", b"not reviewed\n");
    let land = Land { at: Some(head), ..land("task", "main", "l1") };
    assert!(matches!(lab.repository.land(&land).unwrap(), Landed::Landed(_)));
    assert_eq!(lab.read("main", "later.txt"), None);
    assert_eq!(lab.read("main", "new.txt").as_deref(), Some("new\n"));
}

#[test]
fn a_trial_worktree_is_as_the_commit_whatever_was_done_in_it() {
    let lab = Lab::new();
    let first = lab.put("main", ".gitignore", b"cache/\n");
    let second = lab.put("main", "b.txt", b"second\n");
    let path = lab.path("trial");
    lab.repository.ensure_trial_worktree(&path, first).unwrap();
    fs::write(path.join("b.txt"), "changed\n").unwrap();
    fs::write(path.join("left.txt"), "left\n").unwrap();
    fs::create_dir(path.join("cache")).unwrap();
    fs::write(path.join("cache/kept"), "kept\n").unwrap();
    lab.repository.ensure_trial_worktree(&path, second).unwrap();
    assert_eq!(file(&path, "b.txt"), "second\n");
    assert!(!path.join("left.txt").exists());
    assert_eq!(file(&path, "cache/kept"), "kept\n");
    let session = lab.worktree("w", "s");
    assert!(lab.repository.ensure_trial_worktree(&session, second).is_err());
    assert_eq!(by_hand(&session, &["branch", "--show-current"]).trim(), "s");
}

#[test]
fn one_at_a_time_lands_on_a_branch() {
    let (lab, _) = lab();
    let other = lab.git.open(&lab.root()).unwrap();
    let turn = lab.repository.landing_turn("main").unwrap();
    assert!(turn.is_some());
    assert!(other.landing_turn("main").unwrap().is_none());
    assert!(other.landing_turn("release/1").unwrap().is_some());
    drop(turn);
    assert!(other.landing_turn("main").unwrap().is_some());
}
