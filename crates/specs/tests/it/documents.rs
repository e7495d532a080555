//! What reading and editing documents promises for any text: real plans, odd bytes, and nonsense.

#![expect(clippy::disallowed_methods, reason = "a test may read files and the clock; the crate may not")]

use proptest::prelude::*;
use regex::Regex;
use specs::checklist::{self, Marker};
use specs::{hash, lint, plan, validate};
use std::path::{Path, PathBuf};

/// The folders that hold a plan, with its requirements and design.
fn folders() -> Vec<PathBuf> {
    let folders = crate::corpus::files("tasks.md").into_iter();
    folders
        .filter_map(|file| file.parent().map(Path::to_owned))
        .filter(|folder| folder.join("requirements.md").exists())
        .collect()
}

fn read(folder: &Path, name: &str) -> String {
    String::from_utf8_lossy(&std::fs::read(folder.join(name)).unwrap_or_default()).into_owned()
}

#[test]
fn every_box_of_real_plans_is_an_item() {
    let boxes = Regex::new(r"^\s*[-*+]\s+\[[ xX~-]\]\*?").expect("a pattern");
    for folder in folders() {
        let tasks = read(&folder, "tasks.md");
        let items = plan::parse(&tasks).items;
        let lines = tasks.lines().enumerate().filter(|(_, line)| boxes.is_match(line)).map(|(at, _)| at + 1);
        let lost: Vec<usize> = lines.filter(|line| items.iter().all(|item| item.line != *line)).collect();
        assert_eq!(lost, Vec::<usize>::new(), "{}", folder.display());
    }
}

#[test]
fn real_plans_can_be_reviewed_and_every_planned_task_can_be_marked() {
    for folder in folders() {
        let tasks = read(&folder, "tasks.md");
        let problems = validate(&read(&folder, "requirements.md"), &read(&folder, "design.md"), &tasks);
        assert_eq!(problems, Ok(()), "{}", folder.display());
        let mut plan = plan::parse(&tasks);
        let units = plan.units();
        plan.open_again(&units.iter().map(|unit| unit.number.as_str()).collect::<Vec<_>>());
        let progress = checklist::render_progress(&plan, "Name");
        for unit in units {
            let marked = checklist::mark(&progress, &unit.number, Marker::Completed);
            let mut lines = marked.lines().filter(|line| line.contains("- [x]"));
            let line = lines.next().unwrap_or_default();
            assert!(line.ends_with(&unit.title), "{}: {} {:?}", folder.display(), unit.number, line);
            assert_eq!(lines.next(), None, "{}: {}", folder.display(), unit.number);
        }
    }
}

#[test]
fn marking_back_restores_real_plans() {
    for folder in folders() {
        let tasks = read(&folder, "tasks.md");
        let hash = hash::content_hash("", "", &tasks);
        let items = plan::parse(&tasks).items.into_iter().filter(|item| !item.is_heading);
        let items: Vec<plan::Item> = items.collect();
        for (index, item) in items.iter().enumerate() {
            let other = if item.state == Marker::Completed { Marker::Pending } else { Marker::Completed };
            let marked = checklist::mark_at(&tasks, index, other);
            assert_eq!(hash::content_hash("", "", &marked), hash, "{}", folder.display());
            let back = checklist::mark_at(&marked, index, item.state);
            // A sign that only this item had is not known once it is gone: the usual one stands for it.
            let usual = [" ", "~", "x"].contains(&&tasks[item.marker_span.clone()]);
            let alike = checklist::parse(&back).items[index].marker == item.state;
            let (before, after) = (&tasks[..item.marker_span.start], &tasks[item.marker_span.end..]);
            let kept = back.starts_with(before) && back.ends_with(after);
            assert!(back == tasks || !usual && alike && kept, "{}: line {}", folder.display(), item.line);
        }
    }
}

#[test]
fn odd_bytes_change_nothing_and_are_kept() {
    let plain =
        "# Plan\n\n- [ ] 1. One\n  - Detail\n  - _Requirements: 1.1_\n- [x]* 2. Two\n- [~] 3. Three\n";
    let read = |text: &str| {
        let plan = plan::parse(text);
        let items = plan
            .items
            .iter()
            .map(|item| (item.number.clone(), item.title.clone(), item.state, item.optional));
        let units = plan.units().into_iter().map(|unit| (unit.uid, unit.description, unit.requirements));
        (items.collect::<Vec<_>>(), units.collect::<Vec<_>>())
    };
    for odd in [
        plain.replace('\n', "\r\n"),
        plain.replacen('\n', "\r\n", 3),
        format!("\u{feff}{plain}"),
        plain.replace("- [", "-\u{a0}["),
        plain.replace("  - ", "\u{a0}\u{a0}- "),
        plain.replace("]*", "]\\*"),
        plain.trim_end().to_owned(),
        format!("---\nname: x\n---\n{plain}"),
        format!("<details>\n\n{plain}\n</details>\n")
            .replace("</details>", "")
            .replace("<details>\n\n", "\n"),
        format!("| a | b |\n|---|---|\n\n{plain}"),
    ] {
        assert_eq!(read(&odd), read(plain), "{odd:?}");
        for number in ["1", "2", "3"] {
            let marked = checklist::mark(&odd, number, Marker::Completed);
            let changed = marked.bytes().zip(odd.bytes()).filter(|(new, old)| new != old).count();
            assert_eq!((marked.len(), changed), (odd.len(), usize::from(number != "2")), "{odd:?}");
        }
    }
}

/// Pieces of documents in any order.
fn nonsense() -> impl Strategy<Value = String> {
    let pieces = [
        "- [ ] ",
        "- [x] ",
        "* [~] ",
        "+ [-]* ",
        "- [X]\\* ",
        "1. ",
        "1.1 ",
        "2. ",
        "T001 ",
        "T1.2-T1.4: ",
        "AUTH-1 ",
        "**CORE-1: ",
        "**",
        "(P) ",
        "[P] ",
        "[US1] ",
        "- [] ",
        "- [/] ",
        "- ( ) ",
        "- ☐ ",
        "1) [ ] ",
        "［　］",
        "１．",
        "（P）",
        "任务 2：",
        "依赖：任务1、2-7",
        "**Depends:** \"title\"",
        "| 1.1 | a b c d |\n",
        "```gherkin\nScenario: a\n",
        "**AC-1**: ",
        "1a. ",
        "title ",
        "UTF-8 ",
        "标题 ",
        "é\u{301} ",
        "\u{feff}",
        "\u{a0}",
        "\n",
        "\r\n",
        "\n  ",
        "\n\t",
        "\n\n",
        "```",
        "~~~",
        "<!--",
        "-->",
        "> ",
        "# ",
        "## 1. ",
        "### Task 3: ",
        "### Requirement 1: ",
        "#### Acceptance Criteria\n",
        "## Glossary\n",
        "- **Term_A**: ",
        "_Depends: 1, 2-9_",
        "_Requirements: 1.1-1.900, All_",
        "_Boundary: `src/a`_",
        "**Files:**",
        "(depends on T001)",
        "WHEN ",
        "SHALL ",
        "THEN ",
        ", THE ",
        "IF ",
        "{\"waves\":[{\"id\":0,\"tasks\":[\"1\"]}]}",
        "_Leverage: x_",
        "4294967296",
        "~~",
        "---\nkey: a\n---\n",
        "Scenario: a\n",
        "a) ",
        "## Dependencies\n",
        "2 depends on 1 and 3\n",
        "_Foo: 1_",
        "after 1 and 2",
        "(P) ",
        "(AC: 1, 2)",
        "depends on 1.2",
        "(1 이후)",
        "나. ",
        "㈢",
        "⑫",
        "第1章 ",
        "S1.T2 ",
        "```yaml\n",
        "tasks:\n",
        "- id: 1\n  title: a\n",
        "    depends_on: [x, 2]\n",
        "[[task]]\nid = 1\ntitle = \"a\"\n",
        "{\"tasks\": [{\"id\": \"a-1\", \"title\": \"a\"}]}\n",
        "<task id=\"1\"><name>a</name></task>",
        "```markdown\n",
        "## 1. a [done]\n",
        "├── ",
        "\u{200b}",
        "\u{202b}",
    ];
    let piece =
        prop_oneof![8 => prop::sample::select(pieces.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,4}"];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn any_text_is_read_and_edited_in_one_place(text in nonsense(), at in 0_usize..8) {
        lint::lint(&text, &text);
        let _ = validate(&text, &text, &text);
        let mut plan = plan::parse(&text);
        let units = plan.units();
        plan.open_again(&units.iter().map(|unit| unit.number.as_str()).collect::<Vec<_>>());
        for unit in &units {
            prop_assert!(unit.dependencies.iter().all(|needed| *needed < units.len() && *needed != unit.index));
        }
        let progress = checklist::render_progress(&plan, "Name");
        for unit in &units {
            prop_assert_ne!(checklist::mark(&progress, &unit.number, Marker::Completed), progress.clone());
        }
        let hash = hash::content_hash("", "", &text);
        for marker in [Marker::Pending, Marker::InProgress, Marker::Completed] {
            let marked = checklist::mark_at(&text, at, marker);
            prop_assert_eq!(hash::content_hash("", "", &marked), hash.clone());
            prop_assert_eq!(checklist::parse(&marked).items.len(), checklist::parse(&text).items.len());
        }
    }
}
