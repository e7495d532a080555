//! Documents in unusual shapes: what is read of each, and what is named in a finding.

#![expect(clippy::disallowed_methods, reason = "a test may read files; the crate may not")]

use specs::{lint, plan, requirements};
use std::fmt::Write as _;
use std::path::Path;

/// The texts of the folder whose names begin with a word, by their names.
fn texts(kind: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shapes");
    let mut found: Vec<(String, String)> = std::fs::read_dir(folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| (path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), path))
        .filter(|(name, _)| name.starts_with(kind))
        .map(|(name, path)| (name, std::fs::read_to_string(path).expect("a text")))
        .collect();
    found.sort();
    found
}

#[test]
fn plans_of_every_shape_are_read() {
    let mut read = String::new();
    for (name, text) in texts("plan-") {
        let plan = plan::parse(&text);
        let _ = writeln!(read, "{name}");
        for item in &plan.items {
            let indent = "  ".repeat(item.depth);
            let number = item.number.as_deref().unwrap_or("-");
            let _ = writeln!(
                read,
                "  {:>2} {indent}{number} {} [{}]",
                item.line,
                item.title,
                item.state.status()
            );
        }
        let units = plan.units();
        for unit in &units {
            let needs: Vec<&str> = unit.dependencies.iter().map(|at| units[*at].number.as_str()).collect();
            let _ = writeln!(read, "  {} {} <- {}", unit.number, unit.title, needs.join(", "));
        }
        for one in lint::lint("", &text).iter().filter(|one| one.rule != "orphan-task") {
            let _ = writeln!(read, "  {:>2} {} {}", one.line, one.severity, one.rule);
        }
    }
    insta::assert_snapshot!(read);
}

#[test]
fn requirements_of_every_shape_are_read() {
    let mut read = String::new();
    for (name, text) in texts("requirements-") {
        let _ = writeln!(read, "{name}");
        for item in &requirements::parse(&text).items {
            let _ = writeln!(read, "  {:>2} {} {}", item.line, item.number, item.title);
            for one in &item.criteria {
                let _ = writeln!(read, "  {:>2}   {} {}", one.line, one.number, one.text);
            }
        }
        for one in lint::lint(&text, "") {
            let _ = writeln!(read, "  {:>2} {} {}", one.line, one.severity, one.rule);
        }
    }
    insta::assert_snapshot!(read);
}

#[test]
fn lines_that_repeat_are_read_in_linear_time() {
    for line in [
        "# a: b\n",
        "1. A\n\n\n",
        "- ✅ a\n",
        "Task 1\n---\n",
        "- [ ] II. a\n",
        "|a|b|\n|-|-|\n|[ ]|c|\n",
        "- id: a\n  title: b\n  needs: [c]\n",
        "{\"title\": \"a b\", \"tasks\": [{",
        "```yaml\ntasks:\n",
        "<task><name>",
        "① a\n",
        "a,b\n",
        "- [ ] a (2 후)\n",
    ] {
        let start = std::time::Instant::now();
        let _ = plan::parse(&line.repeat(4_000)).units();
        requirements::parse(&line.repeat(4_000));
        let took = start.elapsed();
        assert!(took.as_secs() < 20, "{line:?}: {took:?}");
    }
}
