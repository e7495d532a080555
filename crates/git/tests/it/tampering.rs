//! Whoever writes into a repository's git folder does not decide what others see of its content.

use crate::gathering::gather;
use crate::harness::{Lab, by_hand, commit, file, land, status, text, try_by_hand};
use git::{Addition, Dir, Entry, Error, Landed, MoveEvidence, OpenError, Repository, WorktreeAnomaly};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// What each added file has in the history of a branch, newest first.
fn added(repository: &Repository, base: &str, head: &str) -> Vec<String> {
    let mut found = Vec::new();
    repository
        .additions(base, head, &mut |addition: Addition<'_>| {
            if addition.path.is_some() {
                found.push(String::from_utf8_lossy(addition.content).into_owned());
            }
        })
        .unwrap();
    found
}

fn blob(lab: &Lab, content: &str) -> String {
    fs::write(lab.path("content"), content).unwrap();
    by_hand(&lab.root(), &["hash-object", "-w", "--", &text(&lab.path("content"))]).trim().to_owned()
}

#[test]
fn replaced_objects_are_read_as_they_are() {
    let lab = Lab::new();
    lab.branch("task/1", "main");
    lab.put("task/1", "evil.sh", b"evil\n");
    let harmless = blob(&lab, "harmless\n");
    let evil = by_hand(&lab.root(), &["rev-parse", "task/1:evil.sh"]).trim().to_owned();
    by_hand(&lab.root(), &["replace", &evil, &harmless]);
    by_hand(&lab.root(), &["replace", "--graft", "task/1"]);
    assert_eq!(by_hand(&lab.root(), &["show", "task/1:evil.sh"]), "harmless\n", "the trap works");
    // As a server that starts after the refs were made.
    let repository = crate::harness::git().open(&lab.root()).unwrap();
    assert_eq!(repository.read("task/1", "evil.sh").unwrap().unwrap(), b"evil\n");
    assert!(repository.contains("task/1", &lab.tip("main").to_string()).unwrap());
    assert_eq!(added(&repository, "main", "task/1"), ["evil\n"]);
    let diff = repository.diff("main", "task/1").unwrap();
    assert_eq!(diff.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["evil.sh"]);
    assert_eq!(diff[0].hunks[0].lines[0].text, "evil");
    let path = lab.path("w");
    repository.ensure_worktree(&crate::harness::worktree(&path, "task/1")).unwrap();
    assert_eq!(file(&path, "evil.sh"), "evil\n");
    let landed = repository.land(&land("task/1", "main", "l1")).unwrap();
    assert!(matches!(landed, Landed::Landed(_)), "{landed:?}");
    assert_eq!(file(&lab.root(), "evil.sh"), "evil\n");
    let tip = by_hand(&lab.root(), &["rev-parse", "task/1"]).trim().to_owned();
    let mut shown_otherwise = vec![evil.clone(), tip];
    shown_otherwise.sort();
    assert_eq!(repository.replaced_objects("main~1", "task/1").unwrap(), shown_otherwise);
    by_hand(&lab.root(), &["replace", "-d", &evil]);
    assert_eq!(status(&lab.root()), "");
}

#[test]
fn history_does_not_end_where_a_planted_file_says() {
    let lab = Lab::new();
    lab.branch("task/1", "main");
    lab.put("task/1", "secret.txt", b"secret\n");
    let hidden = lab.put("task/1", "secret.txt", b"hidden\n");
    let tip = lab.put("task/1", "plain.txt", b"plain\n");
    let all = ["plain\n", "hidden\n", "secret\n"];
    let git_dir = lab.root().join(".git");
    fs::write(git_dir.join("shallow"), format!("{tip}\n")).unwrap();
    fs::create_dir_all(git_dir.join("info")).unwrap();
    fs::write(git_dir.join("info/grafts"), format!("{hidden}\n")).unwrap();
    assert_eq!(added(&lab.repository, "main", "task/1"), all);
    let repository = crate::harness::git().open(&lab.root()).unwrap();
    assert_eq!(added(&repository, "main", "task/1"), all);
    assert_eq!(repository.log(Some("main"), "task/1", 10).unwrap().len(), 3);
}

#[test]
fn a_clone_without_all_of_its_history_is_worked_on() {
    let lab = Lab::new();
    lab.put("main", "c.txt", b"c\n");
    let shallow = lab.path("shallow");
    let from = format!("file://{}", text(&lab.root()));
    by_hand(lab.folder.path(), &["clone", "-q", "--depth=1", &from, &text(&shallow)]);
    let repository = lab.git.open(&shallow).unwrap();
    repository.create_branch("task/1", "main").unwrap();
    repository.commit(&commit("task/1", &[("d.txt", Some(b"d\n"))])).unwrap();
    assert_eq!(added(&repository, "main", "task/1"), ["d\n"]);
    assert_eq!(repository.log(None, "task/1", 10).unwrap().len(), 2);
}

#[test]
fn an_object_with_another_content_than_its_name_says_is_neither_shown_nor_landed() {
    let lab = Lab::new();
    lab.branch("task/1", "main");
    lab.put("task/1", "x.txt", b"reviewed\n");
    let evil = blob(&lab, "evil\n");
    let reviewed = by_hand(&lab.root(), &["rev-parse", "task/1:x.txt"]).trim().to_owned();
    let object = |id: &str| lab.root().join(".git/objects").join(&id[..2]).join(&id[2..]);
    fs::remove_file(object(&reviewed)).unwrap();
    fs::copy(object(&evil), object(&reviewed)).unwrap();
    let repository = crate::harness::git().open(&lab.root()).unwrap();
    assert!(matches!(repository.diff("main", "task/1"), Err(Error::Forged { .. })));
    assert!(matches!(repository.read("task/1", "x.txt"), Err(Error::Forged { .. })));
    let landed = repository.land(&land("task/1", "main", "l1"));
    assert!(matches!(landed, Err(Error::Forged { .. })), "{landed:?}");
    assert_eq!(lab.tip("main"), repository.resolve("main").unwrap().unwrap());
    assert!(!lab.root().join("x.txt").exists());
}

#[test]
fn what_was_planted_while_a_session_worked_is_told() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task/1");
    fs::write(path.join("x.txt"), "x\n").unwrap();
    let told = |effect: &str| {
        let anomalies = lab.repository.gather(&gather(&path, "task/1", effect)).unwrap().anomalies;
        anomalies
            .into_iter()
            .filter_map(|anomaly| match anomaly {
                WorktreeAnomaly::Planted { what } => Some(what),
                _ => None,
            })
            .collect::<Vec<_>>()
    };
    by_hand(&path, &["config", "user.name", "Ada"]);
    assert!(told("e1").is_empty(), "what people set up every day is not told");
    let (evil, harmless) = (blob(&lab, "evil\n"), blob(&lab, "harmless\n"));
    by_hand(&path, &["replace", &evil, &harmless]);
    by_hand(&path, &["config", "core.hooksPath", "/tmp/hooks"]);
    by_hand(&path, &["config", "filter.lfs.clean", "evil"]);
    let git_dir = lab.root().join(".git");
    fs::create_dir_all(git_dir.join("hooks")).unwrap();
    fs::write(git_dir.join("hooks/pre-push"), "evil").unwrap();
    fs::write(git_dir.join("objects/info/alternates"), "/tmp/objects\n").unwrap();
    let what = told("e2").concat();
    assert_eq!(
        what,
        [
            "core.hookspath in the configuration",
            "filter.lfs.clean in the configuration",
            "hooks/pre-push",
            "objects/info/alternates",
            &format!("refs/replace/{evil}"),
        ]
    );
    assert!(told("e3").is_empty(), "it is told once");
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// A repository whose files are converted on their way to and from worktrees.
fn converting(lab: &Lab) {
    let attributes = "*.txt text eol=crlf\n*.u16 working-tree-encoding=UTF-16LE text eol=lf\n*.c ident\n";
    by_hand(&lab.root(), &["config", "core.safecrlf", "true"]);
    by_hand(&lab.root(), &["config", "core.autocrlf", "input"]);
    lab.put("main", ".gitattributes", attributes.as_bytes());
    by_hand(&lab.root(), &["checkout", "-q", "--", "."]);
    fs::write(lab.root().join("x.u16"), utf16("é\n")).unwrap();
    by_hand(&lab.root(), &["add", "x.u16"]);
    by_hand(&lab.root(), &["commit", "-q", "-m", "By hand"]);
    lab.put("main", "x.c", b"/* $Id$ */\n");
    lab.put("main", "x.txt", b"1\n2\n");
}

#[test]
fn line_ends_encodings_and_ident_are_converted_as_git_does() {
    let lab = Lab::new();
    converting(&lab);
    // What was committed in process stands in the checkout as git would write it.
    assert_eq!(file(&lab.root(), "x.txt"), "1\r\n2\r\n");
    assert_ne!(file(&lab.root(), "x.c"), "/* $Id$ */\n");
    by_hand(&lab.root(), &["update-index", "--really-refresh"]);
    assert_eq!(status(&lab.root()), "");
    let path = lab.worktree("w", "task/1");
    assert_eq!(file(&path, "x.txt"), "1\r\n2\r\n");
    assert_eq!(fs::read(path.join("x.u16")).unwrap(), utf16("é\n"));
    fs::write(path.join("x.txt"), "1\r\n2\r\n3\r\n").unwrap();
    fs::write(path.join("new.txt"), "mixed\r\nends\n").unwrap();
    fs::write(path.join("x.u16"), utf16("éé\n")).unwrap();
    lab.repository.gather(&gather(&path, "task/1", "e1")).unwrap();
    assert_eq!(lab.read("task/1", "x.txt").as_deref(), Some("1\n2\n3\n"));
    assert_eq!(lab.read("task/1", "new.txt").as_deref(), Some("mixed\nends\n"));
    assert_eq!(lab.read("task/1", "x.u16").as_deref(), Some("éé\n"));
    assert_eq!(status(&path), "");
    let landed = lab.repository.land(&land("task/1", "main", "l1")).unwrap();
    assert!(matches!(landed, Landed::Landed(_)), "{landed:?}");
    assert_eq!(file(&lab.root(), "x.txt"), "1\r\n2\r\n3\r\n");
    assert_eq!(fs::read(lab.root().join("x.u16")).unwrap(), utf16("éé\n"));
    by_hand(&lab.root(), &["update-index", "--really-refresh"]);
    assert_eq!(status(&lab.root()), "");
}

#[test]
fn a_sparse_checkout_stays_sparse_and_clean() {
    let lab = Lab::new();
    lab.put("main", "in/x.txt", b"x\n");
    lab.put("main", "out/y.txt", b"y\n");
    by_hand(&lab.root(), &["sparse-checkout", "set", "in"]);
    let path = lab.worktree("w", "task/1");
    assert_eq!(file(&path, "out/y.txt"), "y\n");
    fs::write(path.join("out/y.txt"), "changed\n").unwrap();
    fs::write(path.join("in/x.txt"), "changed\n").unwrap();
    lab.repository.gather(&gather(&path, "task/1", "e1")).unwrap();
    let landed = lab.repository.land(&land("task/1", "main", "l1")).unwrap();
    assert!(matches!(landed, Landed::Landed(_)), "{landed:?}");
    assert_eq!(status(&lab.root()), "");
    assert_eq!(file(&lab.root(), "in/x.txt"), "changed\n");
    assert!(!lab.root().join("out").exists());
}

#[test]
fn a_repository_whose_files_are_elsewhere_is_refused() {
    let lab = Lab::new();
    let elsewhere = lab.path("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    by_hand(&lab.root(), &["config", "core.worktree", &text(&elsewhere)]);
    let error = lab.git.open(&lab.root()).unwrap_err();
    assert!(
        matches!(&error, OpenError::WorktreeElsewhere { worktree, .. } if *worktree == elsewhere),
        "{error:?}"
    );
}

#[test]
fn an_empty_folder_called_git_is_no_repository() {
    let lab = Lab::new();
    let above = lab.path("above");
    fs::create_dir_all(above.join(".git")).unwrap();
    fs::create_dir_all(above.join("inside")).unwrap();
    for path in [&above, &above.join("inside")] {
        let error = lab.git.open(path).unwrap_err();
        assert!(matches!(error, OpenError::NotARepository { .. }), "{error:?}");
    }
    assert_eq!(lab.git.common_dir(&above.join("inside")), None);
    fs::write(above.join("inside/.git"), "nothing of git's\n").unwrap();
    assert!(matches!(lab.git.open(&above.join("inside")), Err(OpenError::NotARepository { .. })));
}

#[test]
fn documents_are_not_written_where_a_link_leads() {
    for link in [".git-worktrees", ".git-worktrees/docs"] {
        let lab = Lab::new();
        let elsewhere = lab.path("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        let link = lab.root().join(link);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(&elsewhere, &link).unwrap();
        let error = lab.repository.ensure_docs_worktree("docs").unwrap_err();
        assert!(matches!(&error, Error::Link { path } if *path == link), "{error:?}");
        assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    }
}

#[test]
fn a_checkout_that_was_moved_behind_a_link_is_not_written() {
    let lab = Lab::new();
    lab.repository.ensure_docs_worktree("docs").unwrap();
    let (folder, elsewhere) = (lab.root().join(".git-worktrees"), lab.path("elsewhere"));
    fs::rename(&folder, &elsewhere).unwrap();
    symlink(&elsewhere, &folder).unwrap();
    lab.put("docs", "x.md", b"x\n");
    assert!(!elsewhere.join("docs/x.md").exists());
    assert!(matches!(lab.repository.keep_docs_worktree("docs"), Err(Error::Link { .. })));
}

#[test]
fn what_is_noted_in_the_git_folder_is_not_written_through_links() {
    let lab = Lab::new();
    let path = lab.worktree("w", "task/1");
    let git_dir = lab.root().join(".git/worktrees/w");
    fs::write(lab.path("mine"), "mine\n").unwrap();
    for name in ["spectask-move", "spectask-moved", "spectask"] {
        let _ = fs::remove_file(git_dir.join(name));
        symlink(lab.path("mine"), git_dir.join(name)).unwrap();
    }
    lab.put("task/1", "x.txt", b"x\n");
    assert_eq!(file(&path, "x.txt"), "x\n");
    symlink(lab.path("made"), lab.root().join(".git/spectask-landing")).unwrap();
    assert!(lab.repository.landing_turn("main").is_err());
    fs::remove_file(lab.root().join(".git/spectask-landing")).unwrap();
    drop(lab.repository.landing_turn("main").unwrap().unwrap());
    let turn = lab.root().join(".git/spectask-landing/main");
    fs::remove_file(&turn).unwrap();
    symlink(lab.path("made"), &turn).unwrap();
    assert!(lab.repository.landing_turn("main").is_err());
    assert!(!lab.path("made").exists());
    let linked = lab.path("linked");
    fs::create_dir(lab.path("empty")).unwrap();
    symlink(lab.path("empty"), &linked).unwrap();
    lab.repository.ensure_worktree(&crate::harness::worktree(&linked, "task/2")).unwrap();
    assert_eq!(fs::read_dir(lab.path("empty")).unwrap().count(), 0);
    assert_eq!(file(lab.folder.path(), "mine"), "mine\n");
}

#[test]
fn the_list_of_excluded_files_is_not_written_through_a_link() {
    let lab = Lab::new();
    let (exclude, elsewhere) = (lab.root().join(".git/info/exclude"), lab.path("elsewhere"));
    fs::create_dir_all(exclude.parent().unwrap()).unwrap();
    fs::write(&elsewhere, "mine\n").unwrap();
    symlink(&elsewhere, &exclude).unwrap();
    assert!(matches!(lab.repository.ensure_docs_worktree("docs"), Err(Error::Link { .. })));
    assert_eq!(file(lab.folder.path(), "elsewhere"), "mine\n");
}

#[test]
fn a_folder_that_others_write_into_is_read_and_written_beneath_it_only() {
    let lab = Lab::new();
    let root = lab.path("shared");
    fs::create_dir_all(root.join("a/b")).unwrap();
    fs::write(lab.path("secret"), "secret").unwrap();
    fs::write(root.join("a/b/plain"), "plain").unwrap();
    symlink(lab.path("secret"), root.join("link")).unwrap();
    symlink(lab.folder.path(), root.join("out")).unwrap();
    let fifo = root.join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let dir = Dir::at(&root);
    let read = |path: &str| dir.read(path, 5).unwrap();
    assert_eq!(read("a/b/plain"), Entry::File(b"plain".to_vec()));
    assert_eq!(dir.read("a/b/plain", 4).unwrap(), Entry::TooLarge);
    assert_eq!(read("missing/x"), Entry::Nothing);
    assert_eq!(
        (read("link"), read("out/secret"), read("pipe"), read("a")),
        (Entry::Link, Entry::Other, Entry::Other, Entry::Other)
    );
    for path in ["../secret", "a/../../secret", "/etc/passwd", ""] {
        assert!(dir.read(path, 100).is_err(), "{path:?}");
    }
    dir.write("link", b"mine").unwrap();
    assert_eq!((file(lab.folder.path(), "secret"), file(&root, "link")), ("secret".into(), "mine".into()));
    assert!(dir.write("out/new", b"x").is_err() && !lab.path("new").exists());
    assert!(dir.create_dir_all("out/folder").is_err() && !lab.path("folder").exists());
    dir.create_dir_all("c/d").unwrap();
    dir.create_dir_all("c/d").unwrap();
    assert!(Path::new(&root.join("c/d")).is_dir());
}

#[test]
fn a_lock_of_a_dead_git_on_packed_refs_does_not_stop_a_branch() {
    let lab = Lab::new();
    by_hand(&lab.root(), &["pack-refs", "--all"]);
    let lock = lab.root().join(".git/packed-refs.lock");
    crate::harness::left_over(&lock);
    assert!(!try_by_hand(&lab.root(), &["pack-refs", "--all"]).status.success(), "the trap works");
    lab.put("main", "x.txt", b"x\n");
    assert!(!lock.exists());
    crate::harness::left_over(&lock);
    assert_eq!(lab.repository.remove_dead_locks().unwrap(), [lock]);
}

#[test]
fn a_base_branch_that_a_session_moved_is_told_from_one_that_people_moved() {
    let lab = Lab::new();
    let path = lab.worktree("w", "session/1");
    let sessions = ["refs/heads/session/1".to_owned()];
    let evidence = |since| lab.repository.move_evidence("main", since, &sessions).unwrap();
    // People commit, amend and merge where they have the branch checked out.
    let first = lab.tip("main");
    by_hand(&lab.root(), &["commit", "-q", "--allow-empty", "-m", "By hand"]);
    assert_eq!(evidence(first), None);
    by_hand(&lab.root(), &["commit", "-q", "--amend", "--allow-empty", "-m", "By hand, again"]);
    assert_eq!(evidence(first), None);
    let begun = lab.tip("main");
    assert_eq!(evidence(begun), None);
    // A session brings its own work there.
    fs::write(path.join("x.txt"), "x\n").unwrap();
    by_hand(&path, &["add", "-A"]);
    by_hand(&path, &["commit", "-q", "-m", "Work"]);
    by_hand(&path, &["update-ref", "refs/heads/main", "HEAD"]);
    let found = evidence(begun);
    assert_eq!(found, Some(MoveEvidence::HasWorkOf { branch: "refs/heads/session/1".to_owned() }));
    by_hand(&path, &["update-ref", "refs/heads/main", &begun.to_string()]);
    assert_eq!(evidence(begun), None);
    // Or something that is on no branch.
    let tree = by_hand(&path, &["rev-parse", "HEAD^{tree}"]);
    let other = by_hand(&path, &["commit-tree", tree.trim(), "-p", "main", "-m", "Other"]);
    by_hand(&path, &["update-ref", "refs/heads/main", other.trim()]);
    assert_eq!(evidence(begun), Some(MoveEvidence::NotFromCheckout { worktree: lab.root() }));
    by_hand(&path, &["update-ref", "refs/heads/main", &begun.to_string()]);
    let next = by_hand(&path, &["commit-tree", tree.trim(), "-p", "main", "-m", "Next"]);
    fs::write(lab.root().join(".git/refs/heads/main"), next).unwrap();
    assert_eq!(evidence(begun), Some(MoveEvidence::NotLogged));
    fs::remove_file(lab.root().join(".git/refs/heads/main")).unwrap();
    assert_eq!(evidence(begun), Some(MoveEvidence::Deleted));
}

#[test]
fn work_that_merges_the_base_branch_is_no_move_of_it() {
    let lab = Lab::new();
    let path = lab.worktree("w", "session/1");
    by_hand(&lab.root(), &["commit", "-q", "--allow-empty", "-m", "By hand"]);
    let base = lab.tip("main");
    by_hand(&path, &["merge", "-q", "--no-ff", "-m", "Take in main", "main"]);
    by_hand(&lab.root(), &["commit", "-q", "--allow-empty", "-m", "By hand, later"]);
    let sessions = ["refs/heads/session/1".to_owned()];
    assert_eq!(lab.repository.move_evidence("main", base, &sessions).unwrap(), None);
}

#[test]
fn work_is_committed_beside_files_of_agents_that_the_repository_ignores() {
    let lab = Lab::new();
    lab.put("main", ".gitignore", b".claude\n.qwen/\n");
    let path = lab.worktree("w", "task/1");
    for file in [".claude/settings.local.json", ".qwen/settings.json", ".gemini/settings.json", "src/main.rs"]
    {
        let file = path.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "x\n").unwrap();
    }
    lab.repository.gather(&gather(&path, "task/1", "e1")).unwrap();
    assert_eq!(lab.repository.list("task/1", "").unwrap(), [".gitignore", "a.txt", "b.txt", "src/main.rs"]);
}

#[test]
fn files_that_agents_keep_for_themselves_are_not_committed() {
    let lab = Lab::new();
    lab.put("main", ".claude/settings.json", b"{}\n");
    let path = lab.worktree("w", "task/1");
    for file in [
        ".fast-agent/sessions/1/history.json",
        ".qwen/settings.json",
        ".claude/settings.local.json",
        ".claude/commands/build.md",
        ".github/workflows/ci.yml",
        "src/main.rs",
    ] {
        let file = path.join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "x\n").unwrap();
    }
    lab.repository.gather(&gather(&path, "task/1", "e1")).unwrap();
    let committed = lab.repository.list("task/1", "").unwrap();
    let expected = [
        ".claude/commands/build.md",
        ".claude/settings.json",
        ".github/workflows/ci.yml",
        "a.txt",
        "b.txt",
        "src/main.rs",
    ];
    assert_eq!(committed, expected);
    assert!(lab.repository.stray_files("main", "task/1").unwrap().is_empty());
    // An agent commits them itself, and some that nobody knows.
    by_hand(&path, &["add", "-A"]);
    fs::create_dir_all(path.join(".new-agent/logs")).unwrap();
    fs::write(path.join(".new-agent/logs/1"), "x\n").unwrap();
    fs::write(path.join(".new-agent/state"), "x\n").unwrap();
    fs::write(path.join(".prettierrc"), "x\n").unwrap();
    by_hand(&path, &["add", "-A"]);
    by_hand(&path, &["commit", "-q", "-m", "All"]);
    let mut stray = lab.repository.stray_files("main", "task/1").unwrap();
    stray.sort_by(|one, other| one.path.cmp(&other.path));
    let stray: Vec<_> = stray.iter().map(|one| (one.path.as_str(), one.files, one.is_agents)).collect();
    assert_eq!(
        stray,
        [
            (".claude/settings.local.json", 1, true),
            (".fast-agent", 1, true),
            (".new-agent", 2, false),
            (".qwen", 1, true)
        ]
    );
}

#[test]
fn files_of_a_filter_that_was_not_run_are_found() {
    let lab = Lab::new();
    lab.put("main", ".gitattributes", b"*.bin filter=lfs diff=lfs merge=lfs -text\n");
    lab.branch("task/1", "main");
    let pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n";
    lab.put("task/1", "pointer.bin", pointer);
    lab.put("task/1", "plain.txt", b"x\n");
    assert!(lab.repository.filtered_files("main", "task/1").unwrap().is_empty());
    lab.put("task/1", "deep/large.bin", b"\0\0\0");
    let found = lab.repository.filtered_files("main", "task/1").unwrap();
    assert_eq!(found, [("deep/large.bin".to_owned(), "lfs".to_owned())]);
}

#[test]
fn branches_whose_names_are_in_the_way_are_named() {
    for name in ["specs", "task", "spectask", "Task"] {
        let lab = Lab::new();
        lab.branch(name, "main");
        let error = lab.repository.refuse_names_in_the_way("docs").unwrap_err();
        assert!(matches!(&error, OpenError::BranchInTheWay { branch, .. } if branch == name), "{error}");
    }
    let lab = Lab::new();
    lab.branch("task/mine", "main");
    lab.repository.refuse_names_in_the_way("docs").unwrap();
    lab.branch("docs/mine", "main");
    let error = lab.repository.refuse_names_in_the_way("docs").unwrap_err();
    assert!(error.to_string().contains("git branch -m docs/mine"), "{error}");
    lab.branch("team", "main");
    assert!(lab.repository.refuse_names_in_the_way("team/docs").is_err());
}
