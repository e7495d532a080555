//! Plans as people write them, and those in the folder that `SPECTASK_CORPUS` names: nothing is lost, nothing else is changed.

#![expect(clippy::disallowed_methods, reason = "a test may read files; the crate may not")]

use regex::Regex;
use specs::checklist::{self, Marker};
use specs::{lint, plan, requirements};
use std::path::{Path, PathBuf};

/// The folders that documents are read from.
fn roots() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    std::iter::once(own).chain(std::env::var_os("SPECTASK_CORPUS").map(PathBuf::from)).collect()
}

/// The files of this name, at any depth.
pub(crate) fn files(name: &str) -> Vec<PathBuf> {
    let mut open = roots();
    let mut found = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.file_name().is_some_and(|file| file == name) {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(!found.is_empty(), "no file is named {name}");
    found
}

#[test]
fn every_box_is_found_and_marking_changes_one_character() {
    let boxes = Regex::new(r"(?m)^[\s\x{a0}\x{feff}>]*[-*+][\s\x{a0}]+\[[ xX~\-]\]").expect("a pattern");
    for path in files("tasks.md") {
        let text = String::from_utf8_lossy(&std::fs::read(&path).expect("readable")).into_owned();
        let list = checklist::parse(&text);
        let numbered = list.items.iter().filter(|item| item.number.is_some()).count();
        // What is left out stands in comments, or has no number and stands in code.
        let all = boxes.find_iter(&text).count();
        assert!(
            list.items.len() * 100 >= all * 97,
            "{}: {} of {all}, {numbered} numbered",
            path.display(),
            list.items.len()
        );
        for (index, item) in list.items.iter().enumerate() {
            for marker in [Marker::Pending, Marker::InProgress, Marker::Completed] {
                let marked = checklist::mark_at(&text, index, marker);
                assert_eq!(marked.len(), text.len(), "{}", path.display());
                let changed = marked.chars().zip(text.chars()).filter(|(new, old)| new != old).count();
                assert_eq!(changed, usize::from(item.marker != marker), "{}: {item:?}", path.display());
            }
        }
        let units = plan::parse(&text).units();
        assert!(list.items.is_empty() || !units.is_empty(), "{}", path.display());
    }
}

#[test]
fn requirements_are_found_in_real_files() {
    let (mut with, mut without) = (0, Vec::new());
    for path in files("requirements.md") {
        let text = String::from_utf8_lossy(&std::fs::read(&path).expect("readable")).into_owned();
        let found = requirements::parse(&text);
        if found.items.is_empty() {
            without.push(path.clone());
        } else {
            with += 1;
        }
        lint::lint(&text, "");
    }
    eprintln!("requirements in {with}, none in {without:?}");
    assert!(without.len() * 10 <= with + without.len(), "{without:?}");
}
