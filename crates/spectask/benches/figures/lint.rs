//! Reading and checking real documents, those in the folder that `SPECTASK_CORPUS` names, beside a Markdown parser alone over
//! the same text.

use crate::ms;
use specs::{Severity, lint, plan};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// How often the documents are gone through.
const ROUNDS: u32 = 20;

pub(crate) fn print() {
    let documents = documents();
    if documents.is_empty() {
        println!("lint: SPECTASK_CORPUS names no folder of requirements.md and tasks.md");
        return;
    }
    let bytes: usize = documents.iter().map(|(requirements, tasks)| requirements.len() + tasks.len()).sum();
    let mut slowest = Duration::ZERO;
    let (mut errors, mut boxes) = (0, 0);
    for (requirements, tasks) in &documents {
        let findings = lint::lint(requirements, tasks);
        errors += findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        boxes += plan::parse(tasks).items.len();
    }
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        for (requirements, tasks) in &documents {
            let one = Instant::now();
            black_box(lint::lint(requirements, tasks));
            slowest = slowest.max(one.elapsed());
        }
    }
    let checked = rate(bytes, begun.elapsed());
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        for (requirements, tasks) in &documents {
            black_box(
                pulldown_cmark::Parser::new(requirements).count()
                    + pulldown_cmark::Parser::new(tasks).count(),
            );
        }
    }
    let parsed = rate(bytes, begun.elapsed());
    println!(
        "lint: {} pairs of documents, {boxes} tasks and parts, {errors} errors; {checked:.1} MB/s, at most {:.1} ms each; the \
         Markdown parser alone {parsed:.0} MB/s (ratio {:.2})",
        documents.len(),
        ms(slowest),
        checked / parsed
    );
}

/// Requirements and plan of each folder.
fn documents() -> Vec<(String, String)> {
    let root = std::env::var_os("SPECTASK_CORPUS").unwrap_or_default();
    let read = |path: std::path::PathBuf| {
        String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
    };
    std::fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| (read(entry.path().join("requirements.md")), read(entry.path().join("tasks.md"))))
        .filter(|(requirements, tasks)| !requirements.is_empty() || !tasks.is_empty())
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "a figure to print")]
fn rate(bytes: usize, took: Duration) -> f64 {
    bytes as f64 * f64::from(ROUNDS) / 1e6 / took.as_secs_f64()
}
