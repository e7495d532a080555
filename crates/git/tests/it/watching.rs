//! Noticing when branches move.

use crate::harness::{Lab, by_hand};
use git::{RefChange, Watcher};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

fn watch(lab: &Lab) -> (Watcher, Receiver<RefChange>) {
    let (sender, receiver) = channel();
    let watcher = lab
        .repository
        .watch("helix-design-docs", Box::new(move |change| sender.send(change).unwrap()))
        .unwrap();
    (watcher, receiver)
}

fn next(changes: &Receiver<RefChange>) -> RefChange {
    changes.recv_timeout(Duration::from_secs(10)).unwrap()
}

#[test]
fn commits_by_hand_and_in_process_are_noticed() {
    let lab = Lab::new();
    let (_watcher, changes) = watch(&lab);
    let old = lab.tip("main");
    by_hand(&lab.root(), &["commit", "-q", "--allow-empty", "-m", "by hand"]);
    let by_hand = lab.tip("main");
    let refname = "refs/heads/main".to_owned();
    assert_eq!(next(&changes), RefChange { refname: refname.clone(), old: Some(old), new: Some(by_hand) });
    let in_process = lab.put("main", "x.txt", b"x\n");
    assert_eq!(next(&changes), RefChange { refname, old: Some(by_hand), new: Some(in_process) });
}

#[test]
fn branches_in_folders_that_come_and_go_are_noticed() {
    let lab = Lab::new();
    let (_watcher, changes) = watch(&lab);
    let tip = lab.branch("task/deep/1", "main");
    let refname = "refs/heads/task/deep/1".to_owned();
    assert_eq!(next(&changes), RefChange { refname: refname.clone(), old: None, new: Some(tip) });
    let moved = lab.put("task/deep/1", "x.txt", b"x\n");
    assert_eq!(next(&changes), RefChange { refname: refname.clone(), old: Some(tip), new: Some(moved) });
    by_hand(&lab.root(), &["pack-refs", "--all"]);
    by_hand(&lab.root(), &["branch", "-q", "-D", "task/deep/1"]);
    assert_eq!(next(&changes), RefChange { refname, old: Some(moved), new: None });
}

#[test]
fn a_dropped_watcher_is_silent() {
    let lab = Lab::new();
    let (watcher, changes) = watch(&lab);
    drop(watcher);
    lab.put("main", "x.txt", b"x\n");
    assert!(changes.recv().is_err());
}
