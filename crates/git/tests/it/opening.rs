//! Which folders are repositories that can be worked on.

use crate::harness::{Lab, by_hand, commit, file, git, identity, lines, text};
use git::{Error, Git, OpenError, Settings};
use std::fs;

#[test]
fn a_git_that_is_not_there_is_named() {
    let settings = Settings { git_binary: Some("/nowhere/git".into()), identity: identity() };
    let error = Git::new(settings).unwrap_err();
    assert_eq!(error.to_string(), "could not start /nowhere/git");
}

#[test]
fn the_version_is_told() {
    assert!(git().version().unwrap().starts_with("2."));
}

#[test]
fn what_is_no_repository_is_said_in_a_sentence() {
    let lab = Lab::new();
    let missing = lab.path("missing");
    assert!(matches!(lab.git.open(&missing), Err(OpenError::Missing { .. })));
    let plain = lab.path("plain");
    fs::create_dir(&plain).unwrap();
    assert!(matches!(lab.git.open(&plain), Err(OpenError::NotARepository { .. })));
    let inside = lab.root().join("sub");
    fs::create_dir(&inside).unwrap();
    let error = lab.git.open(&inside).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{} is a folder inside the git repository {}; name that one",
            inside.display(),
            lab.root().display()
        )
    );
}

#[test]
fn a_repository_without_commits_is_refused() {
    let lab = Lab::new();
    let empty = lab.path("empty");
    by_hand(lab.folder.path(), &["init", "-q", &text(&empty)]);
    assert!(matches!(lab.git.open(&empty), Err(OpenError::Empty { .. })));
    assert!(lab.git.inspect(&empty).unwrap().is_empty);
}

#[test]
fn a_repository_with_tables_of_refs_is_refused() {
    let lab = Lab::new();
    let tables = lab.path("tables");
    by_hand(lab.folder.path(), &["init", "-q", "--ref-format=reftable", &text(&tables)]);
    by_hand(&tables, &["commit", "-q", "--allow-empty", "-m", "x"]);
    assert!(matches!(lab.git.open(&tables), Err(OpenError::Reftable { .. })));
}

#[test]
fn a_repository_of_another_hash_is_worked_on() {
    let lab = Lab::new();
    let root = lab.path("sha256");
    by_hand(lab.folder.path(), &["init", "-q", "--object-format=sha256", "-b", "main", &text(&root)]);
    by_hand(&root, &["commit", "-q", "--allow-empty", "-m", "x"]);
    let repository = lab.git.open(&root).unwrap();
    let committed = repository.commit(&commit("main", &[("x.txt", Some(b"x\n"))])).unwrap();
    assert_eq!(committed.id.to_string().len(), 64);
    assert_eq!(file(&root, "x.txt"), "x\n");
    assert_eq!(by_hand(&root, &["status", "--porcelain"]), "");
}

#[test]
fn opening_sees_to_durability_and_to_nothing_being_cleaned_up() {
    let lab = Lab::new();
    let config = by_hand(&lab.root(), &["config", "--local", "--list"]);
    for setting in [
        "core.fsync=objects,reference",
        "gc.auto=0",
        "maintenance.auto=false",
        "gc.worktreepruneexpire=never",
    ] {
        assert!(config.lines().any(|line| line == setting), "{setting} in {config}");
    }
}

#[test]
fn a_repository_is_made_once() {
    let lab = Lab::new();
    let path = lab.path("made/deep");
    let files = [("run.sh".to_owned(), b"#!/bin/sh\n".to_vec()), ("src/x.txt".to_owned(), b"x\n".to_vec())];
    let made = lab.git.create_repository(&path, "main", &files, "Sample").unwrap();
    assert_eq!(by_hand(&path, &["status", "--porcelain"]), "");
    assert_eq!(by_hand(&path, &["ls-files", "-s"]).matches("100755").count(), 1);
    made.commit(&commit("main", &[("y.txt", Some(b"y\n"))])).unwrap();
    let again = lab.git.create_repository(&path, "main", &files, "Sample").unwrap();
    assert_eq!(again.resolve("main").unwrap(), made.resolve("main").unwrap());
    let others = [("other.txt".to_owned(), lines(1..=2))];
    let error = lab.git.create_repository(&path, "main", &others, "Sample").unwrap_err();
    assert!(matches!(error, Error::Exists { .. }));
}

#[test]
fn an_inspection_tells_what_a_repository_is_like() {
    let lab = Lab::new();
    lab.branch("topic", "main");
    let seen = lab.git.inspect(&lab.root()).unwrap();
    assert_eq!(seen.root, lab.root());
    assert_eq!(seen.branches, ["main", "topic"]);
    assert_eq!(seen.default_branch.as_deref(), Some("main"));
    assert_eq!((seen.is_bare, seen.is_empty, seen.is_dirty, seen.is_detached), (false, false, false, false));
    fs::write(lab.root().join("new.txt"), "x").unwrap();
    by_hand(&lab.root(), &["checkout", "-q", "--detach"]);
    let seen = lab.git.inspect(&lab.root()).unwrap();
    assert_eq!((seen.is_dirty, seen.is_detached), (true, true));
    assert_eq!(seen.default_branch.as_deref(), Some("main"));
    let bare = Lab::bare();
    assert!(bare.git.inspect(&bare.root()).unwrap().is_bare);
}

#[test]
fn what_has_the_place_or_the_branch_of_the_documents_is_refused() {
    let refused = |prepare: &dyn Fn(&Lab)| {
        let lab = Lab::new();
        lab.repository.refuse_documents_in_the_way("docs").unwrap();
        prepare(&lab);
        lab.repository.refuse_documents_in_the_way("docs").unwrap_err()
    };
    let error = refused(&|lab| drop(by_hand(&lab.root(), &["switch", "-q", "-c", "docs"])));
    assert!(matches!(error, OpenError::DocumentsCheckedOut { .. }), "{error}");
    let error = refused(&|lab| fs::write(lab.root().join(".git-worktrees"), "").unwrap());
    assert!(matches!(error, OpenError::PlaceTaken { .. }), "{error}");
    let error = refused(&|lab| {
        lab.put("main", ".git-worktrees/docs/README.md", b"mine\n");
    });
    assert!(matches!(error, OpenError::PlaceTaken { .. }), "{error}");
    let error = refused(&|lab| {
        lab.put("main", "specs", b"mine\n");
    });
    assert!(matches!(error, OpenError::DocumentsPlaceTaken { .. }), "{error}");
    let lab = Lab::new();
    lab.put("main", "specs/a.md", b"mine\n");
    lab.repository.refuse_documents_in_the_way("docs").unwrap();
}

#[test]
fn a_partial_clone_is_refused_while_it_lacks_objects() {
    let lab = Lab::new();
    lab.put("main", "deep/x.txt", b"x\n");
    lab.put("main", "b.txt", b"changed\n");
    by_hand(&lab.root(), &["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", text(&lab.root()));
    let clone = |name: &str, args: &[&str]| {
        let path = lab.path(name);
        let shown = text(&path);
        let all = [&["clone", "-q"][..], args, &[url.as_str(), shown.as_str()]].concat();
        by_hand(lab.folder.path(), &all);
        path
    };
    let git = crate::harness::git();
    let whole = clone("whole", &["--filter=blob:none"]);
    git.open(&whole).unwrap().refuse_partial().unwrap();
    for (name, args) in [
        ("blobless", &["--filter=blob:none", "--no-checkout"]),
        ("treeless", &["--filter=tree:0", "--no-checkout"]),
    ] {
        let path = clone(name, args);
        let opened = git.open(&path).unwrap();
        assert!(matches!(opened.refuse_partial(), Err(OpenError::Partial { .. })), "{name}");
        by_hand(&path, &["fetch", "-q", "--refetch", "--no-filter"]);
        git.open(&path).unwrap().refuse_partial().unwrap();
    }
}
