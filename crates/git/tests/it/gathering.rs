//! The work of sessions that do strange things with git is found, and nothing they committed is lost.

use crate::harness::{Lab, TIME, by_hand, file, identity, merge, status, text, try_by_hand};
use git::{CommitId, Gather, Gathered, Merged, WorktreeAnomaly};
use proptest::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};

const SAVED: &str = "refs/spectask/saved/t1/w";

pub(crate) fn gather(worktree: &Path, branch: &str, effect: &str) -> Gather {
    Gather {
        worktree: worktree.to_owned(),
        branch: branch.to_owned(),
        upstream: vec!["task".to_owned(), "main".to_owned()],
        saved: SAVED.to_owned(),
        message: "Work\n\nSpecTask-Task: t1\n".to_owned(),
        author: identity(),
        time_ms: TIME,
        effect: Some(effect.to_owned()),
        left_out: Vec::new(),
    }
}

/// A session's worktree on branch `s`, cut from the task's branch.
struct Session {
    lab: Lab,
    path: PathBuf,
    turns: usize,
}

impl Session {
    fn new() -> Self {
        let lab = Lab::new();
        lab.branch("task", "main");
        let path = lab.worktree("w", "s");
        Self { lab, path, turns: 0 }
    }

    fn by_hand(&self, arguments: &[&str]) -> String {
        by_hand(&self.path, arguments)
    }

    /// Commits a file by hand, and returns the commit.
    fn commit(&self, name: &str, content: &str) -> CommitId {
        fs::write(self.path.join(name), content).unwrap();
        self.by_hand(&["add", "-A"]);
        self.by_hand(&["commit", "-q", "-m", name]);
        self.head()
    }

    fn head(&self) -> CommitId {
        self.by_hand(&["rev-parse", "HEAD"]).trim().parse().unwrap()
    }

    /// Ends a turn; doing so twice is the same.
    fn end_turn(&mut self) -> Gathered {
        self.turns += 1;
        let asked = gather(&self.path, "s", &format!("e{}", self.turns));
        let gathered = self.lab.repository.gather(&asked).unwrap();
        let again = self.lab.repository.gather(&asked).unwrap();
        assert_eq!(again.head, gathered.head);
        assert_eq!(self.lab.tip("s"), gathered.head);
        if self.path.exists() {
            assert_eq!(self.by_hand(&["branch", "--show-current"]).trim(), "s");
            assert_eq!(self.head(), gathered.head);
            assert_eq!(status(&self.path), "");
        }
        gathered
    }

    fn has(&self, refs: &[&str], commit: CommitId) -> bool {
        let commit = commit.to_string();
        refs.iter().any(|name| {
            self.lab.repository.resolve(name).unwrap().is_some()
                && try_by_hand(&self.lab.root(), &["merge-base", "--is-ancestor", &commit, name])
                    .status
                    .success()
        })
    }
}

#[test]
fn an_amended_commit_is_kept() {
    let mut session = Session::new();
    let first = session.commit("x.txt", "one\n");
    session.end_turn();
    session.by_hand(&["commit", "-q", "--amend", "-m", "again"]);
    let second = session.head();
    fs::write(session.path.join("y.txt"), "y\n").unwrap();
    let gathered = session.end_turn();
    assert_eq!(
        gathered.anomalies,
        [WorktreeAnomaly::Rewritten { commits: vec![first], kept: SAVED.to_owned() }]
    );
    assert!(session.has(&["s"], second) && !session.has(&["s"], first) && session.has(&[SAVED], first));
    // Once kept it is no news.
    assert_eq!(session.end_turn().anomalies, []);
}

#[test]
fn what_was_reset_within_a_turn_is_kept() {
    let mut session = Session::new();
    let first = session.commit("x.txt", "one\n");
    let second = session.commit("x.txt", "two\n");
    session.by_hand(&["reset", "-q", "--hard", "main"]);
    let gathered = session.end_turn();
    assert_eq!(
        gathered.anomalies,
        [WorktreeAnomaly::Rewritten { commits: vec![second], kept: SAVED.to_owned() }]
    );
    assert!(session.has(&[SAVED], first));
    assert_eq!(gathered.head, session.lab.tip("main"));
}

#[test]
fn work_on_another_branch_or_none_comes_onto_the_sessions() {
    let mut session = Session::new();
    session.commit("x.txt", "x\n");
    session.by_hand(&["checkout", "-q", "-b", "elsewhere"]);
    let there = session.commit("y.txt", "y\n");
    fs::write(session.path.join("z.txt"), "z\n").unwrap();
    let gathered = session.end_turn();
    assert_eq!(gathered.anomalies, [WorktreeAnomaly::Elsewhere { found: "refs/heads/elsewhere".to_owned() }]);
    assert!(session.has(&["s"], there));
    assert_eq!(session.lab.tip("elsewhere"), there);
    session.by_hand(&["checkout", "-q", "--detach", "main"]);
    let detached = session.commit("d.txt", "d\n");
    let gathered = session.end_turn();
    assert_eq!(gathered.anomalies, [WorktreeAnomaly::Elsewhere { found: "no branch".to_owned() }]);
    assert!(session.has(&["s"], detached) && session.has(&["s"], there));
    let names = ["d.txt", "x.txt", "y.txt", "z.txt"];
    assert!(names.iter().all(|name| session.path.join(name).exists()));
}

#[test]
fn looking_at_an_older_commit_changes_nothing() {
    let mut session = Session::new();
    let own = session.commit("x.txt", "x\n");
    session.lab.put("main", "b.txt", b"moved on\n");
    session.by_hand(&["checkout", "-q", "--detach", "main"]);
    assert_eq!(session.end_turn().head, own);
    assert_eq!(file(&session.path, "x.txt"), "x\n");
}

#[test]
fn work_that_does_not_go_together_with_its_branch_counts_and_the_branch_is_kept() {
    let mut session = Session::new();
    let left = session.commit("x.txt", "left\n");
    session.by_hand(&["checkout", "-q", "-b", "anew", "main"]);
    let anew = session.commit("x.txt", "anew\n");
    let gathered = session.end_turn();
    assert_eq!(gathered.head, anew);
    let told = WorktreeAnomaly::LeftBranch { branch: "s".to_owned(), files: vec!["x.txt".to_owned()] };
    assert!(gathered.anomalies.contains(&told), "{:?}", gathered.anomalies);
    assert!(session.has(&[SAVED], left));
}

#[test]
fn a_ref_lock_left_by_a_killed_process_is_waited_for_and_removed() {
    let mut session = Session::new();
    let lock = session.lab.root().join(".git/refs/heads/s.lock");
    fs::write(&lock, "").unwrap();
    fs::write(session.path.join("x.txt"), "x\n").unwrap();
    let gathered = session.end_turn();
    assert!(!lock.exists());
    assert_eq!((gathered.anomalies.as_slice(), gathered.head), (&[][..], session.lab.tip("s")));
}

#[test]
fn a_deleted_branch_is_made_again() {
    let mut session = Session::new();
    let own = session.commit("x.txt", "x\n");
    session.by_hand(&["checkout", "-q", "--detach"]);
    session.by_hand(&["branch", "-q", "-D", "s"]);
    let gathered = session.end_turn();
    assert!(gathered.anomalies.contains(&WorktreeAnomaly::BranchGone { branch: "s".to_owned() }));
    assert_eq!(gathered.head, own);
    // Deleted from under the worktree, git's log still tells what was checked out.
    session.by_hand(&["update-ref", "-d", "refs/heads/s"]);
    assert_eq!(session.end_turn().head, own);
}

#[test]
fn a_removed_worktree_and_branch_leave_what_the_turn_before_had() {
    let mut session = Session::new();
    let own = session.commit("x.txt", "x\n");
    session.end_turn();
    by_hand(&session.lab.root(), &["worktree", "remove", "--force", &text(&session.path)]);
    by_hand(&session.lab.root(), &["branch", "-q", "-D", "s"]);
    let gathered = session.end_turn();
    assert_eq!(gathered.head, own);
    assert_eq!(
        gathered.anomalies,
        [WorktreeAnomaly::WorktreeGone, WorktreeAnomaly::BranchGone { branch: "s".to_owned() }]
    );
}

#[test]
fn a_worktree_with_another_repository_in_its_place_gives_its_files() {
    let mut session = Session::new();
    let own = session.commit("x.txt", "x\n");
    fs::remove_file(session.path.join(".git")).unwrap();
    session.by_hand(&["init", "-q", "."]);
    fs::write(session.path.join("y.txt"), "y\n").unwrap();
    session.by_hand(&["add", "-A"]);
    session.by_hand(&["commit", "-qm", "Elsewhere"]);
    let gathered = session.end_turn();
    let [WorktreeAnomaly::Repointed { kept: Some(kept) }] = gathered.anomalies.as_slice() else {
        panic!("{:?}", gathered.anomalies)
    };
    assert!(kept.join("HEAD").is_file(), "{}", kept.display());
    let log = session.lab.repository.log(None, "s", 10).unwrap();
    assert_eq!((log[0].files_touched.as_slice(), log[1].id), (&["y.txt".to_owned()][..], own));
    assert!(session.path.join(".git").is_file());
    fs::remove_file(session.path.join(".git")).unwrap();
    let gathered = session.end_turn();
    assert_eq!(gathered.anomalies, [WorktreeAnomaly::Repointed { kept: None }]);
}

#[test]
fn a_folder_that_vanished_leaves_its_commits() {
    let mut session = Session::new();
    let own = session.commit("x.txt", "x\n");
    fs::remove_dir_all(&session.path).unwrap();
    assert_eq!(session.end_turn().head, own);
}

#[test]
fn a_rebase_that_was_left_in_the_middle_is_ended_where_it_stands() {
    let mut session = Session::new();
    session.commit("x.txt", "one\n");
    let second = session.commit("x.txt", "two\n");
    session.lab.put("main", "x.txt", b"main\n");
    assert!(!try_by_hand(&session.path, &["rebase", "main"]).status.success());
    fs::write(session.path.join("x.txt"), "resolved\n").unwrap();
    session.by_hand(&["add", "x.txt"]);
    session.end_turn();
    assert_eq!(file(&session.path, "x.txt"), "resolved\n");
    assert!(session.has(&["s", SAVED], second));
    assert!(!session.by_hand(&["status"]).contains("rebase"));
}

#[test]
fn repositories_inside_the_worktree_are_left_out_and_told() {
    let mut session = Session::new();
    for name in ["empty", "whole"] {
        fs::create_dir(session.path.join(name)).unwrap();
        by_hand(&session.path.join(name), &["init", "-q"]);
        fs::write(session.path.join(name).join("file"), "file\n").unwrap();
    }
    by_hand(&session.path.join("whole"), &["add", "-A"]);
    by_hand(&session.path.join("whole"), &["commit", "-q", "-m", "inside"]);
    fs::write(session.path.join("x.txt"), "x\n").unwrap();
    let asked = gather(&session.path, "s", "e1");
    let gathered = session.lab.repository.gather(&asked).unwrap();
    assert!(
        gathered.anomalies.contains(&WorktreeAnomaly::Nested { path: "whole".to_owned() }),
        "{:?}",
        gathered.anomalies
    );
    assert!(
        gathered
            .anomalies
            .iter()
            .any(|anomaly| matches!(anomaly, WorktreeAnomaly::LeftOut { why } if why.contains("empty")))
    );
    assert_eq!(session.lab.repository.list("s", "").unwrap(), ["a.txt", "b.txt", "x.txt"]);
    assert!(session.path.join("whole/file").exists() && session.path.join("empty/file").exists());
    session.turns = 1;
    fs::remove_dir_all(session.path.join("empty")).unwrap();
    fs::remove_dir_all(session.path.join("whole")).unwrap();
    session.end_turn();
}

/// Writes a file that is as old as to be left alone by a git that believes its index, and returns where its content goes
/// in the object store.
fn write_old(session: &Session, name: &str, content: &str) -> PathBuf {
    let path = session.path.join(name);
    fs::write(&path, content).unwrap();
    let an_hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
    fs::File::options().write(true).open(&path).unwrap().set_modified(an_hour_ago).unwrap();
    let id = session.by_hand(&["hash-object", name]);
    session.lab.root().join(".git/objects").join(&id[..2]).join(id[2..].trim())
}

#[test]
fn what_cannot_be_stored_is_no_success_and_is_taken_in_later() {
    let mut session = Session::new();
    for (name, is_link) in [("x.txt", false), ("link", true)] {
        // A file in the place of the folder: as on a full disk, it cannot be made.
        let object = write_old(&session, name, &format!("{name}\n"));
        if is_link {
            fs::remove_file(session.path.join(name)).unwrap();
            std::os::unix::fs::symlink(format!("{name}\n"), session.path.join(name)).unwrap();
        }
        let folder = object.parent().unwrap();
        assert!(!folder.exists(), "another content is needed: {}", folder.display());
        fs::write(folder, "").unwrap();
        let asked = gather(&session.path, "s", &format!("e{}", session.turns + 1));
        for _ in 0..2 {
            let error = session.lab.repository.gather(&asked).unwrap_err().to_string();
            assert!(error.contains("database"), "{error}");
        }
        fs::remove_file(folder).unwrap();
        assert_eq!(session.end_turn().anomalies, []);
        assert_eq!(session.by_hand(&["cat-file", "blob", &format!("s:{name}")]), format!("{name}\n"));
    }
}

#[test]
fn an_index_that_names_contents_which_were_never_stored_is_made_whole() {
    let mut session = Session::new();
    let object = write_old(&session, "x.txt", "never stored\n");
    session.by_hand(&["add", "x.txt"]);
    fs::remove_file(&object).unwrap();
    assert_eq!(session.end_turn().anomalies, []);
    assert_eq!(session.by_hand(&["cat-file", "blob", "s:x.txt"]), "never stored\n");
}

#[test]
fn modes_links_binaries_and_many_files_are_taken_in() {
    let mut session = Session::new();
    for number in 0..5000 {
        fs::write(session.path.join(format!("f{number}")), number.to_string()).unwrap();
    }
    std::os::unix::fs::symlink("a.txt", session.path.join("link")).unwrap();
    fs::write(session.path.join("bin"), b"\0\x01").unwrap();
    fs::set_permissions(session.path.join("b.txt"), std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .unwrap();
    fs::remove_file(session.path.join("a.txt")).unwrap();
    fs::create_dir(session.path.join("a.txt")).unwrap();
    fs::write(session.path.join("a.txt/inside"), "inside\n").unwrap();
    assert_eq!(session.end_turn().anomalies, []);
    let merged = session.lab.repository.merge(&merge("task", "s", "m1")).unwrap();
    assert!(matches!(merged, Merged::Merged(_)));
    let files = session.lab.repository.list("task", "").unwrap();
    assert_eq!(files.len(), 5000 + 4);
    assert!(by_hand(&session.lab.root(), &["ls-tree", "task", "b.txt"]).starts_with("100755"));
}

#[test]
fn a_saved_state_keeps_what_its_ref_had() {
    let mut session = Session::new();
    let lost = session.commit("x.txt", "one\n");
    session.by_hand(&["reset", "-q", "--hard", "main"]);
    session.end_turn();
    fs::write(session.path.join("y.txt"), "y\n").unwrap();
    session.lab.repository.save_dirty(&session.path, SAVED).unwrap().unwrap();
    assert!(session.has(&[SAVED], lost));
    assert_eq!(session.lab.read(SAVED, "y.txt").as_deref(), Some("y\n"));
}

/// What a session does with git.
#[derive(Clone, Debug)]
enum Act {
    Commit,
    Write,
    Amend,
    Reset(usize),
    Detach,
    Branch(usize),
    Back,
    DeleteBranch,
    LookAtMain,
    Rebase,
    MergeMain,
    MainMoves,
    EndTurn,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => Just(Act::Commit),
        2 => Just(Act::Write),
        2 => Just(Act::Amend),
        2 => (1usize..3).prop_map(Act::Reset),
        1 => Just(Act::Detach),
        1 => (0usize..3).prop_map(Act::Branch),
        1 => Just(Act::Back),
        1 => Just(Act::DeleteBranch),
        1 => Just(Act::LookAtMain),
        1 => Just(Act::Rebase),
        1 => Just(Act::MergeMain),
        1 => Just(Act::MainMoves),
        3 => Just(Act::EndTurn),
    ];
    prop::collection::vec(act, 1..14)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// Every commit that a session made or stood at, in whatever way, is part of the task's branch or of the session's
    /// saved ref once the session is merged, or of the branch it comes from.
    #[test]
    fn no_commit_of_a_completed_session_is_lost(acts in acts()) {
        let mut session = Session::new();
        let mut made = Vec::new();
        for (number, act) in acts.iter().enumerate() {
            // What git refuses in a state is no act.
            let tried = |arguments: &[&str]| try_by_hand(&session.path, arguments).status.success();
            match act {
                Act::Commit => made.push(session.commit(&format!("f{number}"), "content\n")),
                Act::Write => fs::write(session.path.join("dirty.txt"), number.to_string()).unwrap(),
                Act::Amend => {
                    let others = ["main", "task"].map(|name| session.lab.tip(name).to_string());
                    let head = try_by_hand(&session.path, &["rev-parse", "--verify", "-q", "HEAD"]).stdout;
                    let head = String::from_utf8(head).unwrap().trim().to_owned();
                    if !head.is_empty() && !others.contains(&head) {
                        session.by_hand(&["commit", "-q", "--amend", "--allow-empty", "-m", &format!("amended {number}")]);
                        made.push(session.head());
                    }
                }
                Act::Reset(steps) => drop(tried(&["reset", "-q", "--hard", &format!("HEAD~{steps}")])),
                Act::Detach => drop(tried(&["checkout", "-q", "--detach"])),
                Act::Branch(which) => drop(tried(&["checkout", "-q", "-B", &format!("other{which}")])),
                Act::Back => drop(tried(&["checkout", "-q", "s"])),
                Act::DeleteBranch => drop(tried(&["update-ref", "-d", "refs/heads/s"])),
                Act::LookAtMain => drop(tried(&["checkout", "-q", "--detach", "main"])),
                Act::Rebase => {
                    if tried(&["rebase", "-q", "main"]) {
                        made.push(session.head());
                    } else {
                        tried(&["rebase", "--abort"]);
                    }
                }
                Act::MergeMain => {
                    if !tried(&["merge", "-q", "--no-edit", "main"]) {
                        tried(&["merge", "--abort"]);
                    }
                    made.extend(session.lab.repository.resolve("s").unwrap());
                }
                Act::MainMoves => drop(session.lab.put("main", &format!("m{number}"), b"main\n")),
                Act::EndTurn => made.push(session.end_turn().head),
            }
        }
        made.push(session.end_turn().head);
        let merged = session.lab.repository.merge(&merge("task", "s", "done")).unwrap();
        prop_assert!(!matches!(merged, Merged::Conflict(_)), "{merged:?}");
        for commit in made {
            prop_assert!(session.has(&["task", "main", SAVED], commit), "{commit} is lost");
        }
        session.lab.fsck();
    }
}
