//! Worktrees are watched, and what collides is told as it happens.

use crate::harness::{Lab, by_hand};
use git::{Collision, WatchBudget, WorktreeWatcher};
use std::fs;
use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

struct Watched {
    lab: Lab,
    one: PathBuf,
    two: PathBuf,
    watcher: WorktreeWatcher,
    told: Receiver<Option<Vec<Collision>>>,
}

fn watched(budget: usize) -> Watched {
    let lab = Lab::new();
    let (one, two) = (lab.worktree("one", "s/1"), lab.worktree("two", "s/2"));
    let (sender, told) = mpsc::channel();
    let on_collisions = Box::new(move |collisions| drop(sender.send(collisions)));
    let watcher = lab.repository.watch_worktrees(WatchBudget::new(budget), on_collisions).unwrap();
    watcher.follow("one", &one);
    watcher.follow("two", &two);
    Watched { lab, one, two, watcher, told }
}

impl Watched {
    /// Waits until exactly these files collide.
    fn wait_for(&self, wanted: &[&str]) {
        loop {
            let told = self.told.recv_timeout(Duration::from_mins(1)).unwrap();
            let Some(collisions) = told else { continue };
            let files: Vec<_> =
                collisions.iter().flat_map(|one| &one.files).map(|file| file.path.as_str()).collect();
            if files == wanted {
                return;
            }
        }
    }
}

#[test]
fn files_are_told_as_they_are_written() {
    let watched = watched(1000);
    fs::write(watched.one.join("new.txt"), "one\n").unwrap();
    fs::write(watched.two.join("new.txt"), "two\n").unwrap();
    watched.wait_for(&["new.txt"]);
    fs::remove_file(watched.two.join("new.txt")).unwrap();
    watched.wait_for(&[]);
    by_hand(&watched.one, &["add", "-A"]);
    by_hand(&watched.one, &["commit", "-q", "-m", "one"]);
    fs::write(watched.two.join("new.txt"), "two\n").unwrap();
    watched.wait_for(&["new.txt"]);
    by_hand(&watched.one, &["reset", "-q", "--hard", "main"]);
    watched.wait_for(&[]);
    drop(watched.lab);
}

#[test]
fn a_worktree_is_followed_as_soon_as_it_is_made() {
    let lab = Lab::new();
    let one = lab.worktree("one", "s/1");
    let two = one.with_file_name("two");
    let (sender, told) = mpsc::channel();
    let on_collisions = Box::new(move |collisions| drop(sender.send(collisions)));
    let watcher = lab.repository.watch_worktrees(WatchBudget::new(1000), on_collisions).unwrap();
    watcher.follow("one", &one);
    watcher.follow("two", &two);
    let watched = Watched { one, two: lab.worktree("two", "s/2"), lab, watcher, told };
    fs::write(watched.one.join("new.txt"), "one\n").unwrap();
    fs::write(watched.two.join("new.txt"), "two\n").unwrap();
    watched.wait_for(&["new.txt"]);
    drop(watched.lab);
}

#[test]
fn files_in_folders_that_were_made_empty_are_told() {
    let watched = watched(1000);
    fs::create_dir_all(watched.one.join("deep/er")).unwrap();
    fs::write(watched.one.join("a.txt"), "one\n").unwrap();
    fs::write(watched.two.join("a.txt"), "two\n").unwrap();
    watched.wait_for(&["a.txt"]);
    fs::write(watched.one.join("deep/er/file"), "one\n").unwrap();
    fs::create_dir_all(watched.two.join("deep/er")).unwrap();
    fs::write(watched.two.join("deep/er/file"), "two\n").unwrap();
    watched.wait_for(&["a.txt", "deep/er/file"]);
}

#[test]
fn without_watches_worktrees_are_looked_at_now_and_then() {
    let watched = watched(0);
    fs::write(watched.one.join("new.txt"), "one\n").unwrap();
    fs::write(watched.two.join("new.txt"), "two\n").unwrap();
    watched.wait_for(&["new.txt"]);
}

#[test]
fn a_worktree_that_ends_collides_no_more() {
    let watched = watched(1000);
    fs::write(watched.one.join("new.txt"), "one\n").unwrap();
    fs::write(watched.two.join("new.txt"), "two\n").unwrap();
    watched.wait_for(&["new.txt"]);
    watched.watcher.leave("two");
    watched.wait_for(&[]);
}
