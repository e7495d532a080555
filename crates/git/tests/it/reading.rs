//! Reading: revisions, files, history and differences.

use crate::harness::{Lab, by_hand, commit, lines, merge, status, text};
use git::{CommitId, Error, FileDiff};
use std::fmt::Write as _;
use std::fs;

#[test]
fn revisions_are_found_by_name_and_hash() {
    let lab = Lab::new();
    let first = lab.tip("main");
    let second = lab.put("main", "x.txt", b"x\n");
    by_hand(&lab.root(), &["tag", "-a", "-m", "v1", "v1", &first.to_string()]);
    let resolve = |rev: &str| lab.repository.resolve(rev).unwrap();
    for rev in ["main", "refs/heads/main", "HEAD", &second.to_string(), &format!("{second}^0~0")[..40]] {
        assert_eq!(resolve(rev), Some(second), "{rev}");
    }
    for rev in ["main^", "main^1", "main~1", "v1", &format!("{second}^1")] {
        assert_eq!(resolve(rev), Some(first), "{rev}");
    }
    for rev in ["nowhere", "main~9", "main^2", "", "refs/heads/", "-x", "a b", &"0".repeat(40)] {
        assert_eq!(resolve(rev), None, "{rev}");
    }
    assert!(matches!(lab.repository.resolve("main^{tree}"), Err(Error::Name { .. })));
    assert_eq!(second.to_string().parse::<CommitId>().unwrap(), second);
}

#[test]
fn files_are_read_and_listed() {
    let lab = Lab::new();
    fs::create_dir(lab.root().join("docs")).unwrap();
    fs::write(lab.root().join("docs/x.md"), "x\n").unwrap();
    std::os::unix::fs::symlink("docs/x.md", lab.root().join("link.md")).unwrap();
    by_hand(&lab.root(), &["add", "-A"]);
    by_hand(&lab.root(), &["commit", "-q", "-m", "docs"]);
    assert_eq!(lab.read("main", "docs/x.md").as_deref(), Some("x\n"));
    for path in ["docs", "missing", "docs/missing", "b.txt/x", "link.md"] {
        assert_eq!(lab.read("main", path), None, "{path}");
    }
    assert_eq!(lab.read("nowhere", "b.txt"), None);
    assert_eq!(lab.repository.list("main", "").unwrap(), ["a.txt", "b.txt", "docs/x.md", "link.md"]);
    assert_eq!(lab.repository.list("main", "docs/").unwrap(), ["docs/x.md"]);
    assert!(lab.repository.list("main", "b.txt").unwrap().is_empty());
}

#[test]
fn branches_are_listed_and_made_once() {
    let lab = Lab::new();
    let tip = lab.branch("task/1", "main");
    assert_eq!(tip, lab.tip("main"));
    lab.put("main", "x.txt", b"x\n");
    assert_eq!(lab.branch("task/1", "main"), tip);
    assert_eq!(lab.repository.branches().unwrap(), ["main", "task/1"]);
    for name in ["-x", "a..b", "task/1/", ""] {
        assert!(matches!(lab.repository.create_branch(name, "main"), Err(Error::Name { .. })), "{name}");
    }
    assert!(matches!(lab.repository.create_branch("x", "nowhere"), Err(Error::UnknownRevision { .. })));
}

#[test]
fn the_log_is_what_one_branch_has_and_the_other_has_not() {
    let lab = Lab::new();
    lab.branch("task", "main");
    lab.put("main", "m.txt", b"m\n");
    lab.put("task", "t.txt", b"t\n");
    let changes: [(&str, Option<&[u8]>); 2] = [("t.txt", None), ("sub/u.txt", Some(b"u\n"))];
    lab.repository.commit(&commit("task", &changes)).unwrap();
    let log = lab.repository.log(Some("main"), "task", 10).unwrap();
    let files: Vec<_> = log.iter().map(|entry| entry.files_touched.clone()).collect();
    assert_eq!(files, [vec!["sub/u.txt", "t.txt"], vec!["t.txt"]]);
    assert_eq!((log[0].author.as_str(), log[0].email.as_str()), ("SpecTask", "spectask@localhost"));
    assert_eq!((log[0].time_ms, log[0].subject.as_str()), (crate::harness::TIME, "Change"));
    assert_eq!(log[0].message, "Change\n\nSpecTask-Task: t1\n");
    assert_eq!(lab.repository.log(Some("main"), "task", 1).unwrap().len(), 1);
    assert_eq!(lab.repository.log(None, "task", 10).unwrap().len(), 3);
    assert_eq!(lab.repository.log(None, "task", 10).unwrap()[2].files_touched, ["a.txt", "b.txt"]);
    assert!(lab.repository.log(Some("task"), "task", 10).unwrap().is_empty());
}

fn show(files: &[FileDiff]) -> String {
    let mut shown = String::new();
    for file in files {
        let from = file.old_path.as_ref().map(|path| format!(" from {path}")).unwrap_or_default();
        let binary = if file.is_binary { " binary" } else { "" };
        let _ = writeln!(
            shown,
            "{} {}{from}{binary} +{} -{}",
            file.status, file.path, file.additions, file.deletions
        );
        for hunk in &file.hunks {
            let _ = writeln!(shown, "{}", hunk.header);
            for line in &hunk.lines {
                let _ = writeln!(shown, "{}{}", line.kind, line.text);
            }
        }
    }
    shown
}

#[test]
fn a_diff_shows_what_a_branch_changed_since_it_was_cut() {
    let lab = Lab::new();
    lab.put("main", "old.txt", &lines(30..=40));
    lab.branch("task", "main");
    lab.put("main", "base.txt", b"not shown\n");
    let text =
        String::from_utf8(lines(1..=20)).unwrap().replace("line 2\n", "two\n").replace("line 18\n", "");
    let changes: [(&str, Option<&[u8]>); 6] = [
        ("a.txt", Some(text.as_bytes())),
        ("b.txt", None),
        ("new.txt", Some(b"one\ntwo")),
        ("bin.dat", Some(b"a\0b")),
        ("old.txt", None),
        ("renamed.txt", Some(&lines(30..=40))),
    ];
    lab.repository.commit(&commit("task", &changes)).unwrap();
    let files = lab.repository.diff("main", "task").unwrap();
    insta::assert_snapshot!(show(&files), @r"
    modified a.txt +1 -2
    @@ -1,5 +1,5 @@
     line 1
    -line 2
    +two
     line 3
     line 4
     line 5
    @@ -15,6 +15,5 @@
     line 15
     line 16
     line 17
    -line 18
     line 19
     line 20
    deleted b.txt +0 -1
    @@ -1,1 +0,0 @@
    -b
    added bin.dat binary +0 -0
    added new.txt +2 -0
    @@ -0,0 +1,2 @@
    +one
    +two
    \ No newline at end of file
    renamed renamed.txt from old.txt +0 -0
    ");
    assert!(lab.repository.diff("task", "task").unwrap().is_empty());
}

/// A worktree is compared as it is: committed, tracked and not, and stays so.
#[test]
fn a_worktree_is_compared_with_what_is_not_committed() {
    let lab = Lab::new();
    let path = lab.worktree("work", "session");
    lab.put("session", "committed.txt", b"done\n");
    lab.put("main", "base.txt", b"not shown\n");
    std::fs::write(path.join("fresh.txt"), "begun\n").unwrap();
    std::fs::write(path.join("b.txt"), "changed\n").unwrap();
    let before = status(&path);
    let files = lab.repository.diff_of_worktree("main", &path).unwrap();
    let names: Vec<_> = files.iter().map(|file| (file.path.as_str(), file.status.as_str())).collect();
    assert_eq!(names, [("b.txt", "modified"), ("committed.txt", "added"), ("fresh.txt", "added")]);
    assert_eq!(status(&path), before);
    assert!(lab.repository.diff_of_worktree("nowhere", &path).is_err());
}

/// The hunks are those of `git diff`, header by header and line by line.
#[test]
fn hunks_are_where_git_has_them() {
    let lab = Lab::new();
    lab.branch("task", "main");
    let mut text = lines(1..=20);
    text.splice(0..0, *b"zero\n");
    text.extend_from_slice(b"end\n");
    lab.put("task", "a.txt", &text);
    lab.put("task", "c.txt", b"c\n");
    lab.put("task", "b.txt", b"");
    let ours = show(&lab.repository.diff("main", "task").unwrap());
    let ours: Vec<_> =
        ours.lines().filter(|line| line.starts_with(['@', '+', '-', ' '])).map(str::to_owned).collect();
    let theirs = by_hand(&lab.root(), &["diff", "--no-color", "main", "task"]);
    let theirs: Vec<_> = theirs
        .lines()
        .filter(|line| {
            line.starts_with(['@', '+', '-', ' ']) && !line.starts_with("+++") && !line.starts_with("---")
        })
        .map(|line| match line.strip_prefix("@@ ").and_then(|rest| rest.split_once(" @@")) {
            Some((ranges, _)) => {
                let full =
                    |range: &str| if range.contains(',') { range.to_owned() } else { format!("{range},1") };
                let ranges: Vec<_> = ranges.split(' ').map(full).collect();
                format!("@@ {} @@", ranges.join(" "))
            }
            None => line.to_owned(),
        })
        .collect();
    assert_eq!(ours, theirs);
}

#[test]
fn a_second_handle_sees_the_same() {
    let lab = Lab::new();
    lab.branch("task", "main");
    lab.put("task", "a.txt", b"new\n");
    let clone = lab.git.open(&lab.root()).unwrap();
    assert_eq!(clone.diff("main", "task").unwrap(), lab.repository.diff("main", "task").unwrap());
    assert_eq!(text(clone.path()), text(&lab.root()));
}

#[test]
fn the_first_parents_leave_out_what_was_merged() {
    let lab = Lab::new();
    let start = lab.branch("session", "main").to_string();
    lab.put("main", "main.txt", b"m\n");
    lab.put("session", "one.txt", b"1\n");
    lab.repository.merge(&merge("session", "main", "e1")).unwrap();
    lab.put("session", "two.txt", b"2\n");
    let log = lab.repository.log_of_first_parents(Some(&start), "session", 10).unwrap();
    let subjects: Vec<&str> = log.iter().map(|entry| entry.subject.as_str()).collect();
    assert_eq!(subjects, ["Change", "Merge main", "Change"]);
    assert_eq!(lab.repository.log(Some(&start), "session", 10).unwrap().len(), 4);
}

#[test]
fn the_last_change_of_a_file_is_found_past_other_commits_and_merges() {
    let lab = Lab::new();
    let last =
        |rev: &str, paths: &[&str]| lab.repository.last_change(rev, paths).unwrap().map(|found| found.id);
    let wrote = lab.put("main", "docs/a.md", b"a\n");
    assert_eq!(last("main", &["docs/a.md"]), Some(wrote));
    lab.branch("other", "main");
    lab.put("main", "b.txt", b"more\n");
    let edited = lab.put("other", "docs/a.md", b"b\n");
    lab.put("other", "c.txt", b"c\n");
    lab.repository.merge(&merge("main", "other", "e1")).unwrap();
    let after = lab.put("main", "b.txt", b"and more\n");
    assert_eq!(last("main", &["docs/a.md"]), Some(edited), "it came by the merge");
    assert_eq!(last(&wrote.to_string(), &["docs/a.md"]), Some(wrote), "an earlier commit is asked for");
    assert_eq!(last("main", &["docs"]), Some(edited));
    assert_eq!(last("main", &["docs", "b.txt"]), Some(after));
    assert_eq!((last("main", &["nothing"]), last("nowhere", &["docs"])), (None, None));
    let by_git = by_hand(&lab.root(), &["log", "-1", "--format=%H %ct", "main", "--", "docs/a.md"]);
    let found = lab.repository.last_change("main", &["docs/a.md"]).unwrap().unwrap();
    assert_eq!(by_git.trim(), format!("{} {}", found.id, found.time_ms / 1000));
    let gone = lab.repository.commit(&commit("main", &[("docs/a.md", None)])).unwrap();
    assert!(gone.fresh && last("main", &["docs/a.md"]).is_none());
}
