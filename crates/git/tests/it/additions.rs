//! What lands with a branch: every commit's additions, also what a later one takes away.

use crate::harness::Lab;

#[test]
fn what_was_added_and_taken_away_again_is_told() {
    let lab = Lab::new();
    lab.branch("task/1", "main");
    let first = lab.put("task/1", "x.txt", b"one\ntwo\n");
    let second = lab.put("task/1", "x.txt", b"one\nthree\n");
    lab.put("main", "y.txt", b"not the task's\n");
    let mut found = Vec::new();
    lab.repository
        .additions("main", "task/1", &mut |addition| {
            if let Some(path) = addition.path {
                let text = String::from_utf8_lossy(addition.content).into_owned();
                let lines: Vec<_> = addition.lines.iter().map(|range| (range.start, range.end)).collect();
                found.push((addition.commit, path.to_owned(), text, lines));
            }
        })
        .unwrap();
    found.sort_by_key(|one| one.0 != first);
    assert_eq!(found[0], (first, "x.txt".to_owned(), "one\ntwo\n".to_owned(), vec![(0, 2)]));
    assert_eq!(found[1], (second, "x.txt".to_owned(), "one\nthree\n".to_owned(), vec![(1, 2)]));
    assert_eq!(found.len(), 2);
}

#[test]
fn messages_are_told_too_and_merges_add_nothing_of_their_own() {
    let lab = Lab::new();
    lab.branch("task/1", "main");
    lab.branch("session/1", "task/1");
    lab.put("session/1", "x.txt", b"one\n");
    lab.put("task/1", "z.txt", b"two\n");
    lab.repository.merge(&crate::harness::merge("task/1", "session/1", "merge/1")).unwrap();
    let (mut messages, mut files) = (0, Vec::new());
    lab.repository
        .additions("main", "task/1", &mut |addition| match addition.path {
            Some(path) => files.push(path.to_owned()),
            None => messages += 1,
        })
        .unwrap();
    files.sort();
    assert_eq!((messages, files), (3, vec!["x.txt".to_owned(), "z.txt".to_owned()]));
}
