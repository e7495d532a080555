//! Clones.

use crate::harness::{Lab, by_hand, file, status, text};
use git::{CloneError, OpenError};
use std::fs;

#[test]
fn a_clone_is_whole_and_clean() {
    let lab = Lab::new();
    let into = lab.path("owner/clone");
    let clone = lab.git.clone_from(&text(&lab.root()), &into).unwrap();
    assert_eq!(clone.path(), into);
    assert_eq!(file(&into, "b.txt"), "b\n");
    assert_eq!(status(&into), "");
    assert_eq!(clone.default_branch().unwrap().as_deref(), Some("main"));
    let seen = lab.git.inspect(&into).unwrap();
    assert_eq!(seen.origin_url, Some(text(&lab.root())));
}

#[test]
fn a_clone_that_fails_leaves_nothing() {
    let lab = Lab::new();
    let into = lab.path("clones/x");
    let error = lab.git.clone_from(&text(&lab.path("missing")), &into).unwrap_err();
    assert!(matches!(error, CloneError::Failed { .. }), "{error:?}");
    by_hand(lab.folder.path(), &["init", "-q", &text(&lab.path("empty"))]);
    let error = lab.git.clone_from(&text(&lab.path("empty")), &into).unwrap_err();
    assert!(matches!(error, CloneError::Open { source: OpenError::Empty { .. }, .. }), "{error:?}");
    assert_eq!(fs::read_dir(lab.path("clones")).unwrap().count(), 0);
}

#[test]
fn transports_that_run_programs_are_refused() {
    let lab = Lab::new();
    let trap = lab.path("trap");
    let urls =
        [format!("ext::sh -c touch% {}", trap.display()), format!("--upload-pack=touch {}", trap.display())];
    for url in urls {
        let error = lab.git.clone_from(&url, &lab.path("clone")).unwrap_err();
        assert!(matches!(error, CloneError::Refused { .. }), "{error:?}");
    }
    assert!(!trap.exists());
}

#[test]
fn nothing_is_cloned_over_files() {
    let lab = Lab::new();
    let into = lab.path("taken");
    fs::create_dir(&into).unwrap();
    fs::write(into.join("mine.txt"), "mine").unwrap();
    let error = lab.git.clone_from(&text(&lab.root()), &into).unwrap_err();
    assert!(matches!(error, CloneError::Failed { .. }), "{error:?}");
    assert_eq!(file(&into, "mine.txt"), "mine");
}
