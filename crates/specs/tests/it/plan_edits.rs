//! Edits of plans in every dialect: what is read afterwards is what the operation means, and every other line is kept.

#![expect(clippy::disallowed_methods, reason = "a test may read files; the crate may not")]

use proptest::prelude::*;
use specs::plan::edit::{EditError, NewTask, Operation, Place, TaskFields, apply, outline};
use specs::plan::{self, Effort, PlanUnit};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const KIRO: &str = "# Plan\n\n- [x] 1. Set up\n  - Make the folder\n  - _Requirements: 1.1, 1.2_\n\n- [ ] 2. Build\n  - Write it\n  - [ ] 2.1 Store\n    - _Requirements: 2.1_\n  - [ ]* 2.2 Test\n  - _Depends: 1_\n\n- [ ] 3. Ship\n  - _Depends: 1, 2.1_\n\n## Notes\n\nKeep 2 in mind.\n";

fn edit(text: &str, operation: Operation) -> String {
    apply(text, &[operation]).unwrap_or_else(|(_, error)| panic!("{error}\n{text}"))
}

fn refusal(text: &str, operation: Operation) -> EditError {
    apply(text, &[operation]).expect_err(text).1
}

fn change(task: &str, fields: TaskFields) -> Operation {
    Operation::Change { task: task.to_owned(), fields }
}

fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

fn new(title: &str, details: &[&str]) -> NewTask {
    NewTask { title: title.to_owned(), details: Some(strings(details)) }
}

/// Returns the lines that an edit removes and adds, with their signs.
fn diff(before: &str, after: &str) -> String {
    let diff = similar::TextDiff::from_lines(before, after);
    let changed = diff.iter_all_changes().filter(|change| change.tag() != similar::ChangeTag::Equal);
    changed.fold(String::new(), |text, change| text + &format!("{}{change}", change.tag()))
}

#[test]
fn a_field_is_changed_in_its_line_alone() {
    for (fields, expected) in [
        (
            TaskFields { title: Some("Build it".into()), ..TaskFields::default() },
            "-- [ ] 2. Build\n+- [ ] 2. Build it\n",
        ),
        (TaskFields { effort: Some(Effort::Large), ..TaskFields::default() }, "+  - _Effort: large_\n"),
        (TaskFields { optional: Some(true), ..TaskFields::default() }, "-- [ ] 2. Build\n+- [ ]* 2. Build\n"),
        (
            TaskFields { requirements: Some(strings(&["2.1", "3.4"])), ..TaskFields::default() },
            "+  - _Requirements: 3.4_\n",
        ),
        (TaskFields { requirements: Some(vec![]), ..TaskFields::default() }, "-    - _Requirements: 2.1_\n"),
        (
            TaskFields { boundary: Some(strings(&["src/a"])), ..TaskFields::default() },
            "+  - _Boundary: src/a_\n",
        ),
        (TaskFields { resources: Some(strings(&["gpu"])), ..TaskFields::default() }, "+  - _Needs: gpu_\n"),
        (
            TaskFields { details: Some(strings(&["Write it", "Read it"])), ..TaskFields::default() },
            "+  - Read it\n",
        ),
        (
            TaskFields { acceptance: Some(strings(&["It works"])), ..TaskFields::default() },
            "+  - **Acceptance Criteria:**\n+    - It works\n",
        ),
    ] {
        assert_eq!(diff(KIRO, &edit(KIRO, change("2", fields.clone()))), expected, "{fields:?}");
    }
    let depends = |numbers: &[&str]| {
        change("3", TaskFields { dependencies: Some(strings(numbers)), ..TaskFields::default() })
    };
    assert_eq!(diff(KIRO, &edit(KIRO, depends(&["2"]))), "-  - _Depends: 1, 2.1_\n+  - _Depends: 2_\n");
    assert_eq!(diff(KIRO, &edit(KIRO, depends(&[]))), "-  - _Depends: 1, 2.1_\n+  - _Depends: none_\n");
    assert_eq!(edit(KIRO, depends(&["1", "2"])), KIRO, "the same dependencies stay as they are written");
}

#[test]
fn a_reordered_plan_is_numbered_again_and_dependencies_follow() {
    let moved = edit(KIRO, Operation::Move { task: "1".into(), place: Place::After("2".into()) });
    insta::assert_snapshot!(moved);
}

#[test]
fn a_split_task_is_followed_by_its_parts() {
    let parts = vec![
        NewTask { title: "Build the store".into(), details: None },
        new("Build the page", &["Write the page"]),
    ];
    insta::assert_snapshot!(edit(KIRO, Operation::Split { task: "2".into(), parts }));
}

#[test]
fn a_merged_task_has_the_lines_and_parts_of_both() {
    insta::assert_snapshot!(edit(KIRO, Operation::Merge { task: "2".into(), into: "1".into() }));
}

#[test]
fn what_depends_on_a_removed_task_depends_on_what_that_needed() {
    insta::assert_snapshot!(edit(KIRO, Operation::Remove { task: "2".into() }));
}

#[test]
fn an_added_task_has_the_form_of_those_around_it() {
    for (text, expected) in [
        (KIRO, "+- [ ] 4. Tell\n+  - Write a note\n+\n"),
        ("- [ ] T001 a\r\n- [x] T002 [P] [US1] b\r\n", "+- [ ] T003 Tell\r\n+  - Write a note\r\n"),
        ("### Task 1: a\n\nWords.\n\n### Task 2: b\n\nWords.\n", "+\n+### Task 3: Tell\n+- Write a note\n"),
        (
            "## 1. A\n\n- [x] 1.1 a\n\n## 2. B\n\n- [ ] 2.1 b\n",
            "+\n+## 3. Tell\n+\n+- [ ] 3.1 Write a note\n",
        ),
    ] {
        let added = edit(text, Operation::Add { task: new("Tell", &["Write a note"]), place: None });
        assert_eq!(diff(text, &added), expected, "{added}");
    }
}

#[test]
fn a_cycle_is_refused_and_named() {
    let wait = change("1", TaskFields { dependencies: Some(strings(&["3"])), ..TaskFields::default() });
    let EditError::Cycle(numbers) = refusal(KIRO, wait) else { panic!("no cycle") };
    assert_eq!(numbers.first(), numbers.last());
    assert!(numbers.contains(&"1".to_owned()) && numbers.contains(&"3".to_owned()), "{numbers:?}");
    let own = change("1", TaskFields { dependencies: Some(strings(&["1"])), ..TaskFields::default() });
    assert_eq!(refusal(KIRO, own), EditError::Cycle(strings(&["1", "1"])));
}

#[test]
fn what_a_format_cannot_express_is_refused() {
    let table = "| # | Task | Status |\n|---|---|---|\n| 1 | Set up | Done |\n| 2 | Build | Open |\n";
    let title = || TaskFields { title: Some("Other".into()), ..TaskFields::default() };
    let said = refusal(table, change("1", title())).to_string();
    assert!(said.contains("table") && said.contains("Edit the text of tasks.md"), "{said}");
    let open_spec = "## 1. A\n\n- [ ] 1.1 a\n\n## 2. B\n\n- [ ] 2.1 b\n";
    let none = TaskFields { dependencies: Some(vec![]), ..TaskFields::default() };
    assert!(matches!(refusal(open_spec, change("2", none)), EditError::NotExpressible(_)));
    let waves = "- [ ] 1. a\n- [ ] 2. b\n\n```json\n{\"waves\":[{\"id\":0,\"tasks\":[\"1\"]},{\"id\":1,\"tasks\":[\"2\"]}]}\n```\n";
    assert!(matches!(refusal(waves, Operation::Remove { task: "1".into() }), EditError::NotExpressible(_)));
    assert_eq!(refusal(KIRO, Operation::Remove { task: "9".into() }), EditError::UnknownTask("9".into()));
    assert!(matches!(
        refusal(KIRO, change("1", TaskFields { title: Some("a\n- [ ] b".into()), ..TaskFields::default() })),
        EditError::Invalid("title", _)
    ));
}

/// Returns every plan of the tests.
fn plans() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if (name.starts_with("plan-") || name == "tasks.md")
                && path.extension().is_some_and(|end| end == "md")
            {
                found.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// Returns what a task says, whatever its number.
fn said(unit: &PlanUnit) -> (String, Option<Effort>, bool, bool, Vec<String>, Vec<String>) {
    (
        unit.title.clone(),
        unit.effort,
        unit.optional,
        unit.is_done,
        unit.requirements.clone(),
        unit.boundary.clone(),
    )
}

/// Applies an operation of each kind to a task of a plan and checks what is read afterwards; returns how many the
/// document's format expresses.
fn check(name: &str, text: &str, at: usize) -> usize {
    let units = plan::parse(text).units();
    let Some(unit) = units.get(at) else { return 0 };
    let number = || unit.number.clone();
    let other = &units[(at + 1) % units.len()];
    let operations = [
        change(&number(), TaskFields { title: Some("Wholly other words".into()), ..TaskFields::default() }),
        change(&number(), TaskFields { boundary: Some(strings(&["src/one.rs"])), ..TaskFields::default() }),
        change(&number(), TaskFields { effort: Some(Effort::Small), ..TaskFields::default() }),
        change(
            &number(),
            TaskFields { requirements: Some(strings(&["1.1", "9.9"])), ..TaskFields::default() },
        ),
        change(
            &number(),
            TaskFields { details: Some(strings(&["Other words below it"])), ..TaskFields::default() },
        ),
        Operation::Move { task: number(), place: Place::After(other.number.clone()) },
        Operation::Remove { task: number() },
        Operation::Merge { task: number(), into: other.number.clone() },
        Operation::Add { task: new("Wholly other words", &[]), place: Some(Place::Before(number())) },
        Operation::Split {
            task: number(),
            parts: vec![
                NewTask { title: unit.title.clone(), details: None },
                new("Wholly other words", &["Below"]),
            ],
        },
    ];
    let mut expressed = 0;
    for operation in operations {
        let edited = match apply(text, std::slice::from_ref(&operation)) {
            Ok(edited) => edited,
            Err((_, error)) => {
                assert!(!error.to_string().is_empty());
                continue;
            }
        };
        expressed += 1;
        let after = plan::parse(&edited).units();
        let others = |units: &[PlanUnit]| {
            let is_other = |unit: &&PlanUnit| unit.title != "Wholly other words";
            units.iter().filter(is_other).map(said).collect::<Vec<_>>()
        };
        let mut wanted: Vec<PlanUnit> = units.clone();
        match &operation {
            Operation::Change { fields, .. } => {
                let one = &mut wanted[at];
                one.title = fields.title.clone().unwrap_or(one.title.clone());
                one.effort = fields.effort.or(one.effort);
                one.boundary = fields.boundary.clone().unwrap_or(one.boundary.clone());
                if let Some(values) = &fields.requirements {
                    let found = &after[at].requirements;
                    assert!(values.iter().all(|value| found.contains(value)) && found.len() == 2, "{name}");
                    one.requirements.clone_from(found);
                }
            }
            Operation::Move { .. } => {
                let moved = wanted.remove(at);
                let place =
                    wanted.iter().position(|unit| unit.uid == other.uid).map_or(at, |place| place + 1);
                wanted.insert(place, moved);
            }
            Operation::Remove { .. } => {
                wanted.remove(at);
            }
            Operation::Merge { .. } => {
                assert_eq!(after.len(), units.len() - 1, "{name}");
                continue;
            }
            Operation::Add { .. } | Operation::Split { .. } => {
                assert_eq!(after.len(), units.len() + 1, "{name}");
            }
        }
        assert_eq!(others(&after), others(&wanted), "{name}: {operation:?}\n{edited}");
        if matches!(operation, Operation::Change { .. }) {
            let kept = |text: &str| text.matches('\r').count();
            assert!(kept(text) == 0 || kept(&edited) > 0, "{name}: line ends");
            untouched(name, text, &edited, &unit.number);
        }
    }
    expressed
}

/// Checks that a change of one task keeps the bytes of every line outside of it.
fn untouched(name: &str, before: &str, after: &str, number: &str) {
    let Ok(tasks) = outline(before) else { return };
    let at = tasks.iter().position(|task| task.number == number).unwrap();
    let first = tasks[at].line - 1;
    let start: String = before.split_inclusive('\n').take(first).collect();
    assert!(after.starts_with(&start), "{name}: what stands before task {number}");
    if let Some(next) = tasks.get(at + 1) {
        let end: String = before.split_inclusive('\n').skip(next.line - 1).collect();
        assert!(after.ends_with(&end), "{name}: what stands behind task {number}");
    }
}

#[test]
fn plans_of_every_shape_are_edited_exactly_or_refused() {
    let mut counts = BTreeMap::new();
    for (path, text) in plans() {
        let name = path.display().to_string();
        let count = plan::parse(&text).units().len();
        for at in [0, count / 2, count.saturating_sub(1)] {
            *counts.entry(format!("{:?}", plan::parse(&text).dialect)).or_insert(0) +=
                check(&name, &text, at);
        }
    }
    for dialect in ["Kiro", "CcSdd", "SpecKit", "OpenSpec", "Headings"] {
        assert!(counts.get(dialect).is_some_and(|count| *count > 10), "{dialect}: {counts:?}");
    }
}

/// Returns a plan in one of the dialects.
fn written(dialect: usize, tasks: &[(u8, bool, bool)], end: &str) -> String {
    let words = ["Build", "Check", "Move", "Show", "Count", "Sort"];
    let mut lines = vec!["# Plan".to_owned(), String::new()];
    for (at, (word, is_done, depends)) in tasks.iter().enumerate() {
        let title = format!(
            "{} the part {}",
            words[usize::from(*word) % words.len()],
            ["a", "b", "c", "d", "e", "f", "g", "h"][at]
        );
        let sign = if *is_done { 'x' } else { ' ' };
        let number = at + 1;
        let needed = (*depends && at > 0).then_some(at);
        match dialect {
            0 => {
                lines.push(format!("- [{sign}] {number}. {title}"));
                lines.push("  - Detail".to_owned());
                lines.push(format!("  - [{sign}] {number}.1 Part of it"));
                lines.push("  - _Requirements: 1.1_".to_owned());
                lines.extend(needed.map(|needed| format!("  - _Depends: {needed}_")));
            }
            1 => {
                let mut line = format!("- [{sign}] T{number:03} {title}");
                if let Some(needed) = needed {
                    let _ = write!(line, " (depends on T{needed:03})");
                }
                lines.push(line);
            }
            2 => {
                lines.push(format!("## {number}. {title}"));
                lines.push(String::new());
                lines.push(format!("- [{sign}] {number}.1 Part of it"));
                lines.push(String::new());
            }
            3 => {
                lines.push(format!("### Task {number}: {title}"));
                lines.push(String::new());
                lines.extend(needed.map(|needed| format!("**Dependencies:** Task {needed}")));
                lines.push("**Effort:** small".to_owned());
                lines.push(String::new());
            }
            _ => {
                lines.push(format!("- [{sign}] {number}. {title}"));
                lines.push("  - _Leverage: src_".to_owned());
                lines.push("  - _Requirements: 2_".to_owned());
            }
        }
    }
    lines.push(String::new());
    lines.join(end)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn generated_plans_are_edited_exactly(
        dialect in 0_usize..5,
        tasks in prop::collection::vec(any::<(u8, bool, bool)>(), 2..8),
        at in 0_usize..8,
        is_windows in any::<bool>(),
    ) {
        let text = written(dialect, &tasks, if is_windows { "\r\n" } else { "\n" });
        let expressed = check("generated", &text, at % tasks.len());
        prop_assert!(expressed >= 5, "{expressed} operations of ten\n{text}");
    }

    #[test]
    fn a_move_and_its_reverse_give_the_same_bytes(
        dialect in 0_usize..5,
        tasks in prop::collection::vec(any::<(u8, bool, bool)>(), 3..8),
        at in 0_usize..8,
    ) {
        let text = written(dialect, &tasks, "\n");
        let from = at % (tasks.len() - 1);
        let numbers: Vec<String> = plan::parse(&text).units().into_iter().map(|unit| unit.number).collect();
        let there = Operation::Move { task: numbers[from].clone(), place: Place::After(numbers[from + 1].clone()) };
        let back = Operation::Move { task: numbers[from + 1].clone(), place: Place::Before(numbers[from].clone()) };
        prop_assert_eq!(apply(&text, &[there, back]), Ok(text));
    }
}
