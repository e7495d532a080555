//! Repositories that try to run a stranger's programs.

use crate::gathering::gather;
use crate::harness::{Lab, by_hand, land, merge, try_by_hand};
use git::Repository;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// Plants programs wherever git looks for some; each of them leaves a trace.
fn plant(lab: &Lab) -> PathBuf {
    let trace = lab.path("trace");
    let program = lab.path("program.sh");
    fs::write(&program, format!("#!/bin/sh\necho \"$0 $*\" >> {}\ncat\n", trace.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let git_dir = lab.root().join(".git");
    fs::create_dir_all(git_dir.join("hooks")).unwrap();
    for hook in [
        "pre-commit",
        "prepare-commit-msg",
        "commit-msg",
        "post-commit",
        "post-checkout",
        "post-merge",
        "pre-merge-commit",
        "reference-transaction",
        "post-index-change",
        "pre-auto-gc",
        "post-rewrite",
        "update",
    ] {
        fs::copy(&program, git_dir.join("hooks").join(hook)).unwrap();
    }
    let program = program.to_str().unwrap();
    for key in [
        "core.fsmonitor",
        "core.pager",
        "core.editor",
        "core.sshCommand",
        "core.askPass",
        "diff.external",
        "filter.evil.clean",
        "filter.evil.smudge",
        "filter.process.process",
        "diff.evil.textconv",
        "diff.evil.command",
        "merge.evil.driver",
        "gpg.program",
        "credential.helper",
        "core.alternateRefsCommand",
        "filter.Evil.Upper.clean",
    ] {
        by_hand(&lab.root(), &["config", key, program]);
    }
    for key in ["commit.gpgSign", "filter.evil.required", "filter.process.required"] {
        by_hand(&lab.root(), &["config", key, "true"]);
    }
    let attributes = "*.txt filter=evil diff=evil merge=evil\n*.md filter=process\n*.rs filter=Evil.Upper\n";
    fs::create_dir_all(git_dir.join("info")).unwrap();
    fs::write(git_dir.join("info/attributes"), attributes).unwrap();
    lab.put("main", ".gitattributes", attributes.as_bytes());
    trace
}

fn work(lab: &Lab, repository: &Repository) {
    let path = lab.path("w");
    repository.ensure_docs_worktree("docs").unwrap();
    repository.ensure_worktree(&crate::harness::worktree(&path, "task/1")).unwrap();
    for name in ["new.txt", "new.md", "new.rs"] {
        fs::write(path.join(name), "new\n").unwrap();
    }
    fs::write(path.join("a.txt"), "changed\n").unwrap();
    repository.save_dirty(&path, "refs/spectask/saved/1").unwrap().unwrap();
    repository.collision_detector().follow("w", &path).unwrap();
    repository.gather(&gather(&path, "task/1", "e1")).unwrap();
    repository.create_branch("other", "main").unwrap();
    repository.commit(&crate::harness::commit("other", &[("b.txt", Some(b"other\n"))])).unwrap();
    repository.merge(&merge("task/1", "other", "m1")).unwrap();
    repository.commit(&crate::harness::commit("main", &[("c.txt", Some(b"main\n"))])).unwrap();
    let landed = repository.land(&land("task/1", "main", "l1")).unwrap();
    assert!(matches!(landed, git::Landed::Landed(_)), "{landed:?}");
    repository.diff("main~1", "main").unwrap();
    repository.log(None, "main", 10).unwrap();
    lab.git.inspect(&lab.root()).unwrap();
    repository.recover().unwrap();
    repository.remove_worktree(&path, &lab.path("trash")).unwrap();
}

fn traces(trace: &Path) -> String {
    fs::read_to_string(trace).unwrap_or_default()
}

#[test]
fn no_hook_filter_or_driver_runs() {
    let lab = Lab::new();
    let trace = plant(&lab);
    let repository = lab.git.open(&lab.root()).unwrap();
    work(&lab, &repository);
    assert_eq!(traces(&trace), "");
    // The traps work: plain git falls into them.
    fs::write(lab.root().join("a.txt"), "by hand\n").unwrap();
    try_by_hand(&lab.root(), &["commit", "-a", "-m", "by hand"]);
    assert_ne!(traces(&trace), "");
}

#[test]
fn a_repository_inside_a_worktree_runs_nothing() {
    let lab = Lab::new();
    let trace = lab.path("trace");
    let path = lab.worktree("w", "task/1");
    let nested = path.join("nested");
    fs::create_dir(&nested).unwrap();
    by_hand(&nested, &["init", "-q"]);
    fs::write(nested.join(".gitattributes"), "* filter=evil\n").unwrap();
    fs::write(nested.join("x"), "x\n").unwrap();
    by_hand(&nested, &["add", "-A"]);
    by_hand(&nested, &["commit", "-q", "-m", "nested"]);
    let program = format!("sh -c 'echo ran >> {}; cat'", trace.display());
    for key in ["filter.evil.clean", "filter.evil.smudge", "core.fsmonitor"] {
        by_hand(&nested, &["config", key, &program]);
    }
    let work = |effect: &str| {
        fs::write(path.join(format!("{effect}.txt")), "x\n").unwrap();
        // The same size at another time, so that git has to look at the content.
        fs::write(nested.join("x"), "y\n").unwrap();
        lab.repository.save_dirty(&path, "refs/spectask/saved/1").unwrap();
        lab.repository.collision_detector().follow("w", &path).unwrap();
        lab.repository.gather(&gather(&path, "task/1", effect)).unwrap();
    };
    work("e1");
    work("e2");
    lab.git.inspect(&path).unwrap();
    lab.repository.land(&land("task/1", "main", "l1")).unwrap();
    assert_eq!(traces(&trace), "");
    // The traps work: plain git falls into them.
    by_hand(&nested, &["status"]);
    assert_ne!(traces(&trace), "");
}

#[test]
fn a_pointer_to_another_repository_is_not_followed() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task/1");
    let evil = lab.path("evil");
    by_hand(lab.folder.path(), &["init", "-q", evil.to_str().unwrap()]);
    let trace = lab.path("trace");
    by_hand(&evil, &["config", "core.fsmonitor", &format!("sh -c 'echo ran >> {}'", trace.display())]);
    fs::write(path.join(".git"), format!("gitdir: {}/.git\n", evil.display())).unwrap();
    fs::write(path.join("x.txt"), "x\n").unwrap();
    lab.repository.gather(&gather(&path, "task/1", "e1")).unwrap();
    assert_eq!(lab.read("task/1", "x.txt").as_deref(), Some("x\n"));
    assert_eq!(traces(&trace), "");
}

/// A session's worktree with uncommitted work, on a branch that agents move.
fn session(lab: &Lab) -> PathBuf {
    lab.branch("task/t1", "main");
    let worktree = lab.worktree("w", "session/t1/s1");
    fs::write(worktree.join("note.md"), "One\n").unwrap();
    worktree
}

#[test]
fn a_link_in_the_place_of_a_branchs_log_is_not_written_through() {
    let lab = Lab::new();
    let worktree = session(&lab);
    let victim = lab.path("victim");
    let log = lab.root().join(".git/logs/refs/heads/session/t1/s1");
    fs::create_dir_all(log.parent().unwrap()).unwrap();
    let _ = fs::remove_file(&log);
    std::os::unix::fs::symlink(&victim, &log).unwrap();
    let mut asked = gather(&worktree, "session/t1/s1", "e1");
    asked.upstream = vec!["task/t1".to_owned()];
    let before = lab.tip("session/t1/s1");
    lab.repository.gather(&asked).unwrap();
    assert_ne!(lab.tip("session/t1/s1"), before);
    assert!(!victim.exists(), "{:?}", fs::read_to_string(&victim));
}

#[test]
fn links_and_pipes_in_a_worktrees_git_directory_lose_no_work_and_stop_nobody() {
    let make = |path: &Path, is_pipe: bool| {
        if is_pipe {
            assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
        } else {
            std::os::unix::fs::symlink("/dev/zero", path).unwrap();
        }
    };
    let kinds = [
        ("HEAD", true),
        ("HEAD", false),
        ("index", true),
        ("index", false),
        ("logs/HEAD", false),
        ("MERGE_HEAD", true),
    ];
    for (name, is_pipe) in kinds {
        let lab = Lab::new();
        let worktree = session(&lab);
        let git_dir = by_hand(&worktree, &["rev-parse", "--absolute-git-dir"]);
        let file = Path::new(git_dir.trim()).join(name);
        let replace = || {
            let _ = fs::remove_file(&file);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            make(&file, is_pipe);
        };
        replace();
        // The repository's other worktrees go on.
        let other = lab.worktree("other", "session/t1/s2");
        fs::write(other.join("two.md"), "Two\n").unwrap();
        lab.repository.gather(&gather(&other, "session/t1/s2", "e2")).unwrap();
        replace();
        let mut asked = gather(&worktree, "session/t1/s1", "e1");
        asked.upstream = vec!["task/t1".to_owned()];
        let gathered = lab.repository.gather(&asked).unwrap();
        let told: Vec<String> = gathered.anomalies.iter().map(ToString::to_string).collect();
        assert!(told.concat().contains(name), "{name}: {told:?}");
        assert_eq!(by_hand(&lab.root(), &["show", "session/t1/s1:note.md"]).trim(), "One", "{name}");
    }
}

#[test]
fn a_link_in_the_place_of_a_branch_is_not_read_without_end() {
    let lab = Lab::new();
    let worktree = session(&lab);
    let file = lab.root().join(".git/refs/heads/session/t1/s1");
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
    let refused = lab.repository.gather(&gather(&worktree, "session/t1/s1", "e1")).unwrap_err().to_string();
    assert!(refused.contains("no plain file"), "{refused}");
}

#[test]
fn a_pipe_that_git_would_wait_for_is_named() {
    let lab = Lab::new();
    let worktree = session(&lab);
    fs::create_dir(worktree.join("deep")).unwrap();
    let pipe = worktree.join("deep/.gitignore");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let refused = lab.repository.gather(&gather(&worktree, "session/t1/s1", "e1")).unwrap_err().to_string();
    assert!(refused.contains("deep/.gitignore is a pipe"), "{refused}");
}

#[test]
fn a_repository_with_a_pipe_among_its_own_files_is_refused_by_its_name() {
    let lab = Lab::new();
    for name in ["packed-refs", "config.worktree", "objects/info/alternates", "shallow"] {
        let pipe = lab.root().join(".git").join(name);
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let refused = lab.git.open(&lab.root()).unwrap_err();
        let reason = std::error::Error::source(&refused).unwrap().to_string();
        assert!(reason.contains(name) && reason.contains("is no plain file"), "{reason}");
        fs::remove_file(pipe).unwrap();
    }
    lab.git.open(&lab.root()).unwrap();
}
