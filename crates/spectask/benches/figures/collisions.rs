//! What it costs to know, after one file changed, which of fifty live sessions it collides with.
//!
//! The same by hand is a commit of the changed worktree and `git merge-tree --write-tree` against each other
//! session's branch; the commit is left out of the comparison, in git's favour.

use crate::server::git;
use crate::{ms, quantile};
use git::{Git, Identity, Settings, WorktreeSpec};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const FILES: usize = 2000;
const SESSIONS: usize = 50;
/// How many files each session has changed before.
const TOUCHED: usize = 10;
/// Among how many files these are, so that many sessions touch the same.
const SHARED: usize = 60;
const CHANGES: usize = 300;
/// How often all the merges are done by hand.
const ROUNDS: usize = 5;

pub(crate) fn print() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("repository");
    let identity = Identity { name: "Ada".to_owned(), email: "ada@example.org".to_owned() };
    let opened = Git::new(Settings { git_binary: None, identity }).expect("git");
    let files: Vec<_> = (0..FILES).map(|file| (name(file), text(file, &[]))).collect();
    let repository = opened.create_repository(&root, "main", &files, "Start").expect("a repository");
    let worktrees: Vec<PathBuf> = (0..SESSIONS)
        .map(|session| {
            let path = folder.path().join(format!("w{session}"));
            let branch = Some(format!("session/{session}"));
            let spec = WorktreeSpec { path: path.clone(), branch, start: "main".to_owned(), detached: false };
            repository.ensure_worktree(&spec).expect("a worktree");
            for at in 0..TOUCHED {
                let file = (session * 7 + at * 11) % SHARED;
                std::fs::write(path.join(name(file)), text(file, &[session % 40])).expect("a file");
            }
            git(&path, &["add", "-A"]);
            git(&path, &["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", "Work"]);
            path
        })
        .collect();
    let mut detector = repository.collision_detector();
    let mut first = Vec::new();
    for (session, path) in worktrees.iter().enumerate() {
        let begun = Instant::now();
        detector.follow(&format!("{session:02}"), path).expect("a look");
        first.push(begun.elapsed());
    }
    let mut samples = Vec::new();
    for change in 0..CHANGES {
        let (session, file) = (change % SESSIONS, (change * 13) % SHARED);
        let path = worktrees[session].join(name(file));
        std::fs::write(&path, text(file, &[change % 40, 10 + change % 7])).expect("a file");
        let begun = Instant::now();
        detector.look_at(&format!("{session:02}"), std::slice::from_ref(&path)).expect("a look");
        samples.push(begun.elapsed());
    }
    let mut by_hand = (0..ROUNDS).map(|round| merge_by_hand(&root, round)).collect::<Vec<_>>();
    let conflicts = detector.collisions().iter().filter(|collision| collision.is_conflict()).count();
    let (median, p99) = (quantile(&mut samples, 0.5), quantile(&mut samples, 0.99));
    let hand = quantile(&mut by_hand, 0.5);
    println!(
        "collisions: one changed file among {SESSIONS} sessions of a {FILES}-file repository: median {:.2} ms, p99 {:.2} ms; \
         `git merge-tree --write-tree` with the {} others: {:.0} ms ({:.0} times this median); the first look at a \
         worktree: median {:.1} ms; {conflicts} pairs conflict",
        ms(median),
        ms(p99),
        SESSIONS - 1,
        ms(hand),
        hand.as_secs_f64() / median.as_secs_f64(),
        ms(quantile(&mut first, 0.5)),
    );
}

/// Merges one session's branch with each other, one command each.
fn merge_by_hand(root: &Path, session: usize) -> Duration {
    let begun = Instant::now();
    for other in (0..SESSIONS).filter(|other| *other != session) {
        let branches = [format!("session/{session}"), format!("session/{other}")];
        let mut command = std::process::Command::new("git");
        command.arg("-C").arg(root).args(["merge-tree", "--write-tree"]).args(&branches);
        // Exit code 1 says that there are conflicts.
        let output = command.output().expect("git runs");
        assert!(
            output.status.code().is_some_and(|code| code < 2),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    begun.elapsed()
}

fn name(file: usize) -> String {
    format!("src/part{}/file{file}.txt", file % 40)
}

/// Sixty lines, some of them changed.
fn text(file: usize, changed: &[usize]) -> Vec<u8> {
    let line = |line: usize| {
        let word = if changed.contains(&line) { format!("changed {changed:?}") } else { "line".to_owned() };
        format!("{word} {line} of file {file}\n")
    };
    (0..60).map(line).collect::<String>().into_bytes()
}
