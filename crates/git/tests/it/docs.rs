//! The worktree of the documents' branch, in which agents work while the server commits to the branch.

use crate::harness::{Lab, by_hand, commit, file, status};
use std::fs;
use std::time::{Duration, SystemTime};

const BRANCH: &str = "helix-design-docs";

#[test]
fn the_branch_begins_on_its_own_beside_the_code() {
    let lab = Lab::new();
    let docs = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    assert_eq!(docs, lab.root().join(".git-worktrees").join(BRANCH));
    assert_eq!(status(&lab.root()), "");
    assert_eq!(status(&docs), "");
    assert!(!crate::harness::try_by_hand(&lab.root(), &["merge-base", "main", BRANCH]).status.success());
    assert_eq!(lab.count(BRANCH), 1);
    let again = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    assert_eq!((again, lab.count(BRANCH)), (docs, 1));
    let excluded = file(&lab.root().join(".git/info"), "exclude");
    assert_eq!(excluded.matches("/.git-worktrees/").count(), 1);
}

#[test]
fn a_bare_repository_has_one_too() {
    let lab = Lab::bare();
    let docs = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    assert_eq!(docs, lab.root().join(".git-worktrees").join(BRANCH));
    lab.put(BRANCH, "x.md", b"x\n");
    assert_eq!(file(&docs, "x.md"), "x\n");
    assert_eq!(status(&docs), "");
}

#[test]
fn the_branch_is_taken_from_the_remote_that_has_it() {
    let lab = Lab::new();
    lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    lab.put(BRANCH, "x.md", b"x\n");
    let clone = lab.git.clone_from(lab.root().to_str().unwrap(), &lab.path("clone")).unwrap();
    let docs = clone.ensure_docs_worktree(BRANCH).unwrap();
    assert_eq!(file(&docs, "x.md"), "x\n");
}

#[test]
fn a_worktree_that_vanished_is_made_again() {
    let lab = Lab::new();
    let docs = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    lab.put(BRANCH, "x.md", b"x\n");
    fs::remove_dir_all(lab.root().join(".git-worktrees")).unwrap();
    lab.put(BRANCH, "y.md", b"y\n");
    assert_eq!(lab.repository.ensure_docs_worktree(BRANCH).unwrap(), docs);
    assert_eq!((file(&docs, "x.md"), file(&docs, "y.md")), ("x\n".to_owned(), "y\n".to_owned()));
    assert_eq!(status(&docs), "");
}

#[test]
fn a_look_makes_it_again_only_where_it_vanished() {
    let lab = Lab::new();
    assert!(!lab.repository.keep_docs_worktree(BRANCH).unwrap());
    assert_eq!(lab.repository.resolve(BRANCH).unwrap(), None, "a look begins no branch");
    let docs = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    lab.put(BRANCH, "x.md", b"x\n");
    fs::write(docs.join("x.md"), "an agent is at it\n").unwrap();
    assert!(!lab.repository.keep_docs_worktree(BRANCH).unwrap());
    assert_eq!(file(&docs, "x.md"), "an agent is at it\n");
    for forget in [&["worktree", "list"], &["worktree", "prune"]] {
        fs::remove_dir_all(&docs).unwrap();
        by_hand(&lab.root(), forget);
        assert!(lab.repository.keep_docs_worktree(BRANCH).unwrap());
        assert_eq!((file(&docs, "x.md"), status(&docs)), ("x\n".to_owned(), String::new()));
    }
    assert!(!lab.repository.keep_docs_worktree(BRANCH).unwrap());
}

#[test]
fn what_a_killed_process_left_half_done_is_finished() {
    let lab = Lab::new();
    let docs = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    let git_dir = lab.root().join(format!(".git/worktrees/{BRANCH}"));
    let before = lab.put(BRANCH, "x.md", b"x\n");
    assert!(!lab.repository.finish_docs_worktree(BRANCH).unwrap(), "nothing is left");
    let index = fs::read(git_dir.join("index")).unwrap();
    let after = lab.put(BRANCH, "y.md", b"y\n");
    // As if the process had died after the branch had moved and before the worktree had followed.
    fs::write(git_dir.join("index"), index).unwrap();
    fs::remove_file(docs.join("y.md")).unwrap();
    fs::remove_file(git_dir.join("spectask-moved")).unwrap();
    fs::write(git_dir.join("spectask-move"), format!("refs/heads/{BRANCH}\n{before}\n{after}\n")).unwrap();
    let lock = git_dir.join("index.lock");
    fs::write(&lock, "").unwrap();
    let made = SystemTime::now() - Duration::from_secs(60);
    fs::File::open(&lock).unwrap().set_modified(made).unwrap();
    assert!(git::is_docs_worktree_unfinished(&lab.root(), BRANCH));
    assert!(lab.repository.finish_docs_worktree(BRANCH).unwrap());
    assert_eq!((file(&docs, "y.md"), status(&docs)), ("y\n".to_owned(), String::new()));
    assert!(!lock.exists() && !git::is_docs_worktree_unfinished(&lab.root(), BRANCH));
}

#[test]
fn one_that_lost_its_index_is_made_again_and_its_files_are_set_aside() {
    let lab = Lab::new();
    let docs = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    lab.put(BRANCH, "x.md", b"x\n");
    fs::write(docs.join("x.md"), "an agent is at it\n").unwrap();
    fs::remove_file(lab.root().join(format!(".git/worktrees/{BRANCH}/index"))).unwrap();
    assert!(lab.repository.keep_docs_worktree(BRANCH).unwrap());
    assert_eq!((file(&docs, "x.md"), status(&docs)), ("x\n".to_owned(), String::new()));
    assert_eq!(file(&docs.with_file_name(format!("{BRANCH}.lost-1")), "x.md"), "an agent is at it\n");
}

#[test]
fn commits_while_it_is_made_again_are_in_it() {
    let lab = Lab::new();
    let docs = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    let many: Vec<String> = (0..300).map(|number| format!("many/{number}.md")).collect();
    let files: Vec<(&str, Option<&[u8]>)> =
        many.iter().map(|path| (path.as_str(), Some(b"x\n".as_slice()))).collect();
    lab.repository.commit(&commit(BRANCH, &files)).unwrap();
    for round in 0..10 {
        fs::remove_dir_all(&docs).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for number in 0..10 {
                    lab.put(BRANCH, "grows.md", format!("{round} {number}\n").as_bytes());
                }
            });
            assert!(lab.repository.keep_docs_worktree(BRANCH).unwrap());
        });
        assert_eq!((file(&docs, "grows.md"), status(&docs)), (format!("{round} 9\n"), String::new()));
    }
}

#[test]
fn what_was_written_where_it_vanished_is_set_aside() {
    let lab = Lab::new();
    let docs = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    lab.put(BRANCH, "x.md", b"x\n");
    for (number, forget) in [&["worktree", "list"], &["worktree", "prune"]].into_iter().enumerate() {
        fs::remove_dir_all(&docs).unwrap();
        by_hand(&lab.root(), forget);
        fs::create_dir(&docs).unwrap();
        fs::write(docs.join("x.md"), "mine\n").unwrap();
        assert!(lab.repository.keep_docs_worktree(BRANCH).unwrap());
        assert_eq!((file(&docs, "x.md"), status(&docs)), ("x\n".to_owned(), String::new()));
        let aside = docs.with_file_name(format!("{BRANCH}.lost-{}", number + 1));
        assert_eq!(file(&aside, "x.md"), "mine\n");
    }
}

#[test]
fn the_worktree_follows_commits_in_process() {
    let lab = Lab::new();
    let docs = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    lab.put(BRANCH, "specs/1/progress.md", b"- [ ] one\n");
    assert_eq!(file(&docs, "specs/1/progress.md"), "- [ ] one\n");
    lab.put(BRANCH, "specs/1/progress.md", b"- [~] one\n");
    assert_eq!(file(&docs, "specs/1/progress.md"), "- [~] one\n");
    assert_eq!(status(&docs), "");
    // A file can take a folder's place.
    let swap = commit(BRANCH, &[("specs/1/progress.md", None), ("specs/1", Some(b"file\n"))]);
    lab.repository.commit(&swap).unwrap();
    assert_eq!(file(&docs, "specs/1"), "file\n");
    assert_eq!(status(&docs), "");
    lab.repository.commit(&commit(BRANCH, &[("specs/1", None)])).unwrap();
    assert!(!docs.join("specs").exists());
    assert_eq!(status(&docs), "");
}

#[test]
fn an_agents_commit_of_its_one_file_keeps_what_the_server_committed() {
    let lab = Lab::new();
    let docs = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    lab.put(BRANCH, "progress.md", b"- [ ] one\n- [ ] two\n");
    fs::write(docs.join("progress.md"), "- [x] one\n- [ ] two\n").unwrap();
    // Meanwhile the server commits another file.
    lab.put(BRANCH, "tasks.md", b"tasks\n");
    by_hand(&docs, &["commit", "-q", "--only", "-m", "done one", "--", "progress.md"]);
    assert_eq!(lab.read(BRANCH, "tasks.md").as_deref(), Some("tasks\n"));
    assert_eq!(lab.read(BRANCH, "progress.md").as_deref(), Some("- [x] one\n- [ ] two\n"));
    assert_eq!(file(&docs, "tasks.md"), "tasks\n");
    assert_eq!(status(&docs), "");
    // And then goes on from the agent's commit.
    lab.put(BRANCH, "progress.md", b"- [x] one\n- [~] two\n");
    assert_eq!(file(&docs, "progress.md"), "- [x] one\n- [~] two\n");
    assert_eq!(status(&docs), "");
}

#[test]
fn files_that_somebody_is_changing_are_left_alone() {
    let lab = Lab::new();
    let docs = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    lab.repository
        .commit(&commit(BRANCH, &[("a.md", Some(b"a\n")), ("b.md", Some(b"b\n")), ("c.md", Some(b"c\n"))]))
        .unwrap();
    fs::write(docs.join("a.md"), "mine\n").unwrap();
    fs::write(docs.join("b.md"), "staged\n").unwrap();
    by_hand(&docs, &["add", "b.md"]);
    fs::write(docs.join("d.md"), "unknown\n").unwrap();
    let changes: [(&str, Option<&[u8]>); 4] =
        [("a.md", Some(b"a2\n")), ("b.md", Some(b"b2\n")), ("c.md", None), ("d.md", Some(b"d\n"))];
    lab.repository.commit(&commit(BRANCH, &changes)).unwrap();
    assert_eq!(file(&docs, "a.md"), "mine\n");
    assert_eq!(file(&docs, "b.md"), "staged\n");
    assert_eq!(file(&docs, "d.md"), "unknown\n");
    assert!(!docs.join("c.md").exists());
    assert_eq!(status(&docs), " M a.md\nM  b.md\n M d.md\n");
}

#[test]
fn what_the_agent_wrote_and_the_server_commits_is_committed_in_the_worktree_too() {
    let lab = Lab::new();
    let docs = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    fs::create_dir_all(docs.join("specs/1")).unwrap();
    fs::write(docs.join("specs/1/design.md"), "design\n").unwrap();
    lab.put(BRANCH, "specs/1/design.md", b"design\n");
    assert_eq!(status(&docs), "");
}

#[test]
fn a_link_in_a_folders_place_does_not_lead_out_of_the_worktree() {
    let lab = Lab::new();
    let docs = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    let outside = lab.path("outside");
    fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, docs.join("specs")).unwrap();
    lab.put(BRANCH, "specs/x.md", b"x\n");
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    assert_eq!(lab.read(BRANCH, "specs/x.md").as_deref(), Some("x\n"));
}

#[test]
fn a_server_that_died_between_the_commit_and_the_worktree_is_caught_up_with() {
    let lab = Lab::new();
    let docs = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    lab.put(BRANCH, "progress.md", b"1\n");
    let old = lab.tip(BRANCH);
    // What a death leaves: the branch moved, the note is there, the worktree is where it was.
    let hidden = docs.with_extension("away");
    fs::rename(&docs, &hidden).unwrap();
    let new = lab.put(BRANCH, "progress.md", b"2\n");
    fs::rename(&hidden, &docs).unwrap();
    let git_dir = lab.root().join(".git/worktrees").join(BRANCH);
    fs::write(git_dir.join("spectask-move"), format!("refs/heads/{BRANCH}\n{old}\n{new}\n")).unwrap();
    assert_eq!(file(&docs, "progress.md"), "1\n");
    let findings = lab.repository.recover().unwrap();
    assert_eq!(findings, [git::Finding::FinishedMove(docs.clone())]);
    assert_eq!(file(&docs, "progress.md"), "2\n");
    assert_eq!(status(&docs), "");
    assert!(lab.repository.recover().unwrap().is_empty());
}

/// `git commit -- FILE` reads the index before it locks it, and may write back what it read.
#[test]
fn an_index_that_a_racing_git_set_back_is_put_right_by_the_next_commit() {
    let lab = Lab::new();
    let docs = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    let first: [(&str, Option<&[u8]>); 3] =
        [("a.md", Some(b"a\n")), ("b.md", Some(b"b\n")), ("c.md", Some(b"c\n"))];
    lab.repository.commit(&commit(BRANCH, &first)).unwrap();
    let index = lab.root().join(".git/worktrees").join(BRANCH).join("index");
    let before = fs::read(&index).unwrap();
    let second: [(&str, Option<&[u8]>); 4] =
        [("a.md", Some(b"a2\n")), ("b.md", Some(b"b2\n")), ("c.md", None), ("d.md", Some(b"d\n"))];
    lab.repository.commit(&commit(BRANCH, &second)).unwrap();
    fs::write(&index, before).unwrap();
    // This one a person set back, and meant it.
    fs::write(docs.join("b.md"), "b\n").unwrap();
    lab.put(BRANCH, "e.md", b"e\n");
    assert_eq!(status(&docs), "M  b.md\n");
}

/// A change within the tick of the clock in which the file was written shows in no time of the file.
#[test]
fn a_change_in_the_same_moment_is_not_lost_when_the_index_is_written_again() {
    let lab = Lab::new();
    let docs = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    lab.put(BRANCH, "progress.md", b"- [ ] one\n");
    let path = docs.join("progress.md");
    let written = fs::metadata(&path).unwrap().modified().unwrap();
    fs::write(&path, "- [x] one\n").unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(written).unwrap();
    lab.put(BRANCH, "tasks.md", b"tasks\n");
    // As if the index had been written a little later.
    let index =
        fs::File::options().write(true).open(lab.root().join(".git/worktrees").join(BRANCH).join("index"));
    index.unwrap().set_modified(written + std::time::Duration::from_secs(5)).unwrap();
    assert_eq!(status(&docs), " M progress.md\n");
}

#[test]
fn a_copied_repository_gets_a_worktree_of_its_own() {
    let lab = Lab::new();
    let docs = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    lab.put(BRANCH, "x.md", b"x\n");
    let copy = lab.path("copy");
    let copied = std::process::Command::new("cp").arg("-r").arg(lab.root()).arg(&copy).status().unwrap();
    assert!(copied.success());
    let opened = lab.git.open(&copy).unwrap();
    let own = opened.ensure_docs_worktree(BRANCH).unwrap();
    assert_eq!(own, copy.join(".git-worktrees").join(BRANCH));
    assert_eq!(file(&own, "x.md"), "x\n");
    by_hand(&own, &["commit", "-q", "--allow-empty", "-m", "In the copy"]);
    assert_eq!((status(&docs), status(&own)), (String::new(), String::new()));
    let again = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    assert_eq!((again, lab.count(BRANCH)), (docs, 2));
}
