//! A process that is killed at its work and started again loses nothing and does nothing twice.

use crate::harness::{Lab, commit, git, status};
use git::Commit;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

const BRANCH: &str = "docs";
const FOLDER: &str = "GIT_KILL_FOLDER";
const FIRST: &str = "GIT_KILL_FIRST";
/// How many commits are seen before each kill.
const UNTIL_KILLED: [usize; 10] = [1, 3, 0, 7, 2, 5, 1, 0, 4, 6];

/// The work of the process that is killed: one effect after the other, each told when it is done. Without a
/// folder to work in it is a test of nothing.
#[test]
fn worker() {
    let (Ok(folder), Ok(first)) = (std::env::var(FOLDER), std::env::var(FIRST)) else { return };
    let repository = git().open(Path::new(&folder)).unwrap();
    repository.recover().unwrap();
    for number in first.parse::<usize>().unwrap().. {
        let effect = Some(format!("e{number}"));
        let line = format!("{number}\n");
        let mut append = |text: &[u8]| [text, line.as_bytes()].concat();
        let change = Commit { effect, ..commit(BRANCH, &[]) };
        repository.commit_edit(BRANCH, "progress.md", &mut append, &change).unwrap();
        eprintln!("done {number}");
    }
}

#[test]
fn a_killed_process_goes_on_where_it_was() {
    let lab = Lab::new();
    let docs = lab.repository.ensure_docs_worktree(BRANCH).unwrap();
    let mut next = 0;
    for seen in UNTIL_KILLED {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::worker", "--nocapture"])
            .env(FOLDER, lab.root())
            .env(FIRST, next.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut done = lines.filter_map(|line| line.strip_prefix("done ")?.parse::<usize>().ok());
        for _ in 0..=seen {
            next = done.next().unwrap() + 1;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What was done and not yet heard of.
        next = done.last().map_or(next, |last| last + 1);
    }
    // The next to be done may have been made, and not been told.
    let mut append = |text: &[u8]| [text, format!("{next}\n").as_bytes()].concat();
    let change = Commit { effect: Some(format!("e{next}")), ..commit(BRANCH, &[]) };
    lab.repository.commit_edit(BRANCH, "progress.md", &mut append, &change).unwrap();
    lab.repository.recover().unwrap();
    let text = lab.read(BRANCH, "progress.md").unwrap();
    let expected: String = (0..=next).fold(String::new(), |text, number| format!("{text}{number}\n"));
    assert_eq!(text, expected);
    let mut commits = BTreeMap::new();
    for entry in lab.repository.log(None, BRANCH, usize::MAX).unwrap() {
        let effect =
            entry.message.lines().find_map(|line| line.strip_prefix("SpecTask-Effect: ").map(str::to_owned));
        *commits.entry(effect).or_insert(0) += 1;
    }
    assert_eq!(commits.len(), next + 2);
    assert!(commits.values().all(|count| *count == 1), "{commits:?}");
    assert_eq!(std::fs::read_to_string(docs.join("progress.md")).unwrap(), expected);
    assert_eq!(status(&docs), "");
    lab.fsck();
}
