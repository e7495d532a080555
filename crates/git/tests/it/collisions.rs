//! Which worktrees collide, found before anything is merged.

use crate::harness::{Lab, by_hand, commit, merge, status};
use crate::merges::with;
use git::{Collision, CollisionDetector, CollisionState, Merged};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Two worktrees, on branches of their own that begin at `main`.
struct Pair {
    lab: Lab,
    one: PathBuf,
    two: PathBuf,
    detector: CollisionDetector,
}

impl Pair {
    fn new() -> Self {
        let lab = Lab::new();
        let (one, two) = (lab.worktree("one", "s/1"), lab.worktree("two", "s/2"));
        let mut detector = lab.repository.collision_detector();
        detector.follow("one", &one).unwrap();
        detector.follow("two", &two).unwrap();
        Self { lab, one, two, detector }
    }

    fn write(&mut self, name: &str, path: &str, content: &[u8]) -> bool {
        let file = if name == "one" { self.one.join(path) } else { self.two.join(path) };
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, content).unwrap();
        self.detector.look_at(name, &[file]).unwrap().changed
    }

    fn told(&self) -> Vec<String> {
        told(&self.detector.collisions())
    }
}

/// Collisions in short: the file, and what each side has where it conflicts.
fn told(collisions: &[Collision]) -> Vec<String> {
    let files = collisions.iter().flat_map(|collision| {
        collision.files.iter().map(|file| {
            let places: Vec<_> = file
                .places
                .iter()
                .map(|place| {
                    let side =
                        |lines: &git::Lines| format!("{}+{} {}", lines.start, lines.count, lines.text.trim());
                    format!(" [{} | {}]", side(&place.ours), side(&place.theirs))
                })
                .collect();
            let state = match file.state {
                CollisionState::BothTouch => "both",
                CollisionState::Conflict => "conflict",
            };
            format!(
                "{}/{} {} {state}{}",
                collision.between[0],
                collision.between[1],
                file.path,
                places.concat()
            )
        })
    });
    files.collect()
}

#[test]
fn uncommitted_changes_of_the_same_lines_are_a_conflict_until_they_are_not() {
    let mut pair = Pair::new();
    assert!(!pair.write("one", "a.txt", &with(&[(3, "first")])));
    assert_eq!(pair.told(), [""; 0]);
    assert!(pair.write("two", "a.txt", &with(&[(15, "second")])));
    assert_eq!(pair.told(), ["one/two a.txt both"]);
    assert!(pair.write("two", "a.txt", &with(&[(3, "other"), (15, "second")])));
    assert_eq!(pair.told(), ["one/two a.txt conflict [3+1 first | 3+1 other]"]);
    // The same again is no news.
    assert!(!pair.write("two", "a.txt", &with(&[(3, "other"), (15, "second")])));
    assert!(pair.write("one", "a.txt", &with(&[])));
    assert_eq!(pair.told(), [""; 0]);
}

#[test]
fn nothing_is_written() {
    let mut pair = Pair::new();
    let before = (by_hand(&pair.lab.root(), &["count-objects"]), by_hand(&pair.lab.root(), &["show-ref"]));
    let index = pair.lab.root().join(".git/worktrees/one/index");
    let index_before = fs::read(&index).unwrap();
    pair.write("one", "a.txt", b"one\n");
    pair.write("two", "a.txt", b"two\n");
    fs::remove_file(pair.one.join("b.txt")).unwrap();
    pair.write("two", "b.txt", b"two\n");
    pair.detector.look("one").unwrap();
    assert_eq!(pair.detector.collisions()[0].files.len(), 2);
    let after = (by_hand(&pair.lab.root(), &["count-objects"]), by_hand(&pair.lab.root(), &["show-ref"]));
    assert_eq!(before, after);
    assert_eq!(fs::read(&index).unwrap(), index_before);
}

#[test]
fn commits_and_uncommitted_changes_are_one() {
    let mut pair = Pair::new();
    fs::write(pair.one.join("a.txt"), with(&[(3, "first")])).unwrap();
    by_hand(&pair.one, &["commit", "-qam", "first"]);
    pair.detector.look_at("one", &[]).unwrap();
    pair.write("two", "a.txt", &with(&[(3, "second")]));
    assert_eq!(pair.told(), ["one/two a.txt conflict [3+1 first | 3+1 second]"]);
    // What is uncommitted counts, not what was committed before.
    pair.write("one", "a.txt", &with(&[(9, "first")]));
    assert_eq!(pair.told(), ["one/two a.txt both"]);
    by_hand(&pair.one, &["reset", "-q", "--hard", "main"]);
    pair.detector.look("one").unwrap();
    assert_eq!(pair.told(), [""; 0]);
}

#[test]
fn ignored_files_nested_repositories_and_gits_own_do_not_count() {
    let mut pair = Pair::new();
    for name in ["one", "two"] {
        pair.write(name, ".gitignore", b"target/\n*.log\n");
        pair.write(name, "target/out", name.as_bytes());
        pair.write(name, "x.log", name.as_bytes());
        let root = if name == "one" { pair.one.clone() } else { pair.two.clone() };
        fs::create_dir_all(root.join("nested")).unwrap();
        by_hand(&root.join("nested"), &["init", "-q"]);
        pair.write(name, "nested/file", name.as_bytes());
        pair.detector.look(name).unwrap();
    }
    assert_eq!(pair.told(), ["one/two .gitignore both"]);
}

#[test]
fn new_files_links_modes_binaries_and_large_files() {
    let mut pair = Pair::new();
    pair.write("one", "new.txt", b"same\none\n");
    pair.write("two", "new.txt", b"same\ntwo\n");
    pair.write("one", "bin", b"\0one");
    pair.write("two", "bin", b"\0two");
    pair.write("one", "equal", b"equal\n");
    pair.write("two", "equal", b"equal\n");
    pair.write("one", "large", &vec![b'1'; 2 << 20]);
    pair.write("two", "large", &vec![b'2'; 2 << 20]);
    std::os::unix::fs::symlink("a.txt", pair.one.join("link")).unwrap();
    std::os::unix::fs::symlink("b.txt", pair.two.join("link")).unwrap();
    pair.write("one", "kind", b"file\n");
    std::os::unix::fs::symlink("b.txt", pair.two.join("kind")).unwrap();
    by_hand(&pair.one, &["update-index", "--chmod=+x", "b.txt"]);
    fs::set_permissions(pair.one.join("b.txt"), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    pair.write("two", "b.txt", b"changed\n");
    pair.detector.look("one").unwrap();
    pair.detector.look("two").unwrap();
    assert_eq!(
        pair.told(),
        [
            "one/two b.txt both",
            "one/two bin conflict",
            "one/two equal both",
            "one/two kind conflict",
            "one/two large both",
            "one/two link conflict",
            "one/two new.txt conflict [2+1 one | 2+1 two]",
        ]
    );
}

#[test]
fn a_deleted_file_conflicts_with_a_changed_one_and_a_renamed_one_does_not() {
    let mut pair = Pair::new();
    fs::remove_file(pair.one.join("a.txt")).unwrap();
    pair.detector.look("one").unwrap();
    pair.write("two", "a.txt", &with(&[(3, "second")]));
    assert_eq!(pair.told(), ["one/two a.txt conflict [0+0  | 3+1 second]"]);
    pair.write("one", "moved.txt", &with(&[(15, "first")]));
    assert_eq!(pair.told(), ["one/two a.txt both"]);
}

#[test]
fn a_file_where_the_other_has_a_folder_is_a_conflict() {
    let mut pair = Pair::new();
    pair.write("one", "place", b"file\n");
    pair.write("two", "place/inside", b"inside\n");
    assert_eq!(pair.told(), ["one/two place conflict"]);
    fs::remove_file(pair.one.join("place")).unwrap();
    pair.detector.look_at("one", &[pair.one.join("place")]).unwrap();
    assert_eq!(pair.told(), [""; 0]);
}

#[test]
fn a_union_attribute_is_heeded() {
    let lab = Lab::new();
    let attributes: [(&str, Option<&[u8]>); 2] =
        [(".gitattributes", Some(b"log.md merge=union\n")), ("log.md", Some(b"start\n"))];
    lab.repository.commit(&commit("main", &attributes)).unwrap();
    let (one, two) = (lab.worktree("one", "s/1"), lab.worktree("two", "s/2"));
    fs::write(one.join("log.md"), "start\none\n").unwrap();
    fs::write(two.join("log.md"), "start\ntwo\n").unwrap();
    let mut detector = lab.repository.collision_detector();
    detector.follow("one", &one).unwrap();
    detector.follow("two", &two).unwrap();
    assert_eq!(told(&detector.collisions()), ["one/two log.md both"]);
}

#[test]
fn a_worktree_that_is_left_collides_with_nothing() {
    let mut pair = Pair::new();
    pair.write("one", "x", b"1\n");
    pair.write("two", "x", b"2\n");
    assert_eq!(pair.detector.collisions().len(), 1);
    assert!(pair.detector.leave("two"));
    assert_eq!(pair.told(), [""; 0]);
    assert!(!pair.detector.leave("two"));
    assert!(!pair.detector.look("two").unwrap().changed);
}

#[test]
fn sessions_that_began_at_different_commits_are_compared_from_where_they_parted() {
    let mut pair = Pair::new();
    pair.lab.put("main", "a.txt", &with(&[(3, "merged")]));
    let three = pair.lab.worktree("three", "s/3");
    pair.detector.follow("three", &three).unwrap();
    pair.write("one", "a.txt", &with(&[(9, "first")]));
    assert_eq!(pair.told(), ["one/three a.txt both"]);
    pair.write("one", "a.txt", &with(&[(3, "first")]));
    assert_eq!(pair.told(), ["one/three a.txt conflict [3+1 first | 3+1 merged]"]);
}

#[test]
fn a_head_that_left_its_branch_is_followed() {
    let mut pair = Pair::new();
    pair.write("two", "a.txt", &with(&[(3, "second")]));
    by_hand(&pair.one, &["checkout", "-q", "--detach"]);
    fs::write(pair.one.join("a.txt"), with(&[(3, "first")])).unwrap();
    by_hand(&pair.one, &["commit", "-qam", "first"]);
    pair.detector.look_at("one", &[]).unwrap();
    assert_eq!(pair.told(), ["one/two a.txt conflict [3+1 first | 3+1 second]"]);
}

/// What one side does to one of a few files.
#[derive(Clone, Debug)]
enum Act {
    Put(usize, Vec<(u32, u8)>),
    New(usize, u8),
    Remove(usize),
    Move(usize, usize),
    Chmod(usize),
    Commit,
}

const FILES: [&str; 5] = ["a.txt", "b.txt", "c/d.txt", "c/e.txt", "f"];

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let file = 0..FILES.len();
    let act = prop_oneof![
        4 => (file.clone(), prop::collection::vec((1u32..=20, 0u8..3), 1..4)).prop_map(|(at, lines)| Act::Put(at, lines)),
        1 => (file.clone(), 0u8..3).prop_map(|(at, what)| Act::New(at, what)),
        1 => file.clone().prop_map(Act::Remove),
        1 => (file.clone(), file.clone()).prop_map(|(from, to)| Act::Move(from, to)),
        1 => file.prop_map(Act::Chmod),
        1 => Just(Act::Commit),
    ];
    prop::collection::vec(act, 0..6)
}

fn act(root: &Path, act: &Act) {
    let path = |at: &usize| root.join(FILES[*at]);
    let put = |at: &usize, content: &[u8]| {
        fs::create_dir_all(path(at).parent().unwrap()).unwrap();
        fs::write(path(at), content).unwrap();
    };
    match act {
        Act::Put(at, lines) => {
            let words = ["x", "y", "z"];
            let lines: Vec<_> = lines.iter().map(|(line, word)| (*line, words[usize::from(*word)])).collect();
            put(at, &with(&lines));
        }
        Act::New(at, what) => put(at, format!("new {what}\n").as_bytes()),
        // What is not there need not be removed, moved or changed.
        Act::Remove(at) => drop(fs::remove_file(path(at))),
        Act::Move(from, to) => {
            fs::create_dir_all(path(to).parent().unwrap()).unwrap();
            drop(fs::rename(path(from), path(to)));
        }
        Act::Chmod(at) => {
            drop(fs::set_permissions(path(at), std::os::unix::fs::PermissionsExt::from_mode(0o755)));
        }
        Act::Commit => {
            by_hand(root, &["add", "-A"]);
            by_hand(root, &["commit", "-q", "--allow-empty", "-m", "by hand"]);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// The files that the detector shows as conflicting are those that conflict when everything is committed and
    /// merged, and looking at single files tells the same as looking at everything.
    #[test]
    fn the_detector_predicts_the_merge(ones in acts(), twos in acts()) {
        let lab = Lab::new();
        for name in ["c/d.txt", "c/e.txt", "f"] {
            lab.put("main", name, &with(&[]));
        }
        let (one, two) = (lab.worktree("one", "s/1"), lab.worktree("two", "s/2"));
        let mut detector = lab.repository.collision_detector();
        detector.follow("one", &one).unwrap();
        detector.follow("two", &two).unwrap();
        for (name, root, done) in [("one", &one, &ones), ("two", &two, &twos)] {
            for one_act in done {
                act(root, one_act);
                let files: Vec<_> = FILES.iter().map(|file| root.join(file)).collect();
                detector.look_at(name, &files).unwrap();
            }
        }
        let mut rescanned = lab.repository.collision_detector();
        rescanned.follow("one", &one).unwrap();
        rescanned.follow("two", &two).unwrap();
        prop_assert_eq!(told(&detector.collisions()), told(&rescanned.collisions()));
        act(&one, &Act::Commit);
        act(&two, &Act::Commit);
        let predicted: BTreeSet<String> = detector
            .collisions()
            .iter()
            .flat_map(|collision| &collision.files)
            .filter(|file| file.state == CollisionState::Conflict)
            .map(|file| file.path.clone())
            .collect();
        let conflicts: BTreeSet<String> = match lab.repository.merge(&merge("s/1", "s/2", "m")).unwrap() {
            Merged::Conflict(files) => files.into_iter().map(|file| file.path).collect(),
            Merged::Merged(_) | Merged::UpToDate(_) => BTreeSet::new(),
        };
        prop_assert_eq!(predicted, conflicts);
        prop_assert_eq!(status(&one), "");
    }
}
