//! Looking for secrets: how long the rules take to be ready, what they weigh, and how fast text goes through, beside one
//! plain search per rule over the same text; and how much slower text is that repeats what the rules look for.

use crate::ms;
use regex::bytes::{Regex, RegexBuilder};
use secrets::{Redactor, Settings};
use std::hint::black_box;
use std::time::Instant;

/// How much text the rules go through, in bytes.
const TEXT: usize = 8 << 20;
/// How much text repeats one keyword, in bytes.
const REPEATED: usize = 64 << 10;
/// How much of it the plain search goes through, which is slower by far.
const PLAIN: usize = 1 << 20;

pub(crate) fn print() {
    let before = resident();
    let begun = Instant::now();
    let redactor = Redactor::new(&Settings::default()).expect("the rules compile");
    let ready = begun.elapsed();
    let text = text();
    let begun = Instant::now();
    black_box(redactor.redact(&text));
    let first = rate(text.len(), begun);
    let begun = Instant::now();
    black_box(redactor.redact(&text));
    let again = rate(text.len(), begun);
    let grown = resident() - before - to_mib(text.len());
    let begun = Instant::now();
    let mut stream = redactor.stream();
    for line in text.split_inclusive(' ') {
        black_box(stream.push(line));
    }
    black_box(stream.finish());
    let streamed = rate(text.len(), begun);
    let begun = Instant::now();
    let plain: Vec<Regex> = secrets::plain_patterns()
        .iter()
        .map(|pattern| RegexBuilder::new(pattern).unicode(false).build().expect("it compiles"))
        .collect();
    let compiled = begun.elapsed();
    let begun = Instant::now();
    for regex in &plain {
        black_box(regex.find_iter(&text.as_bytes()[..PLAIN]).count());
    }
    let searched = rate(PLAIN, begun);
    println!(
        "secrets: ready in {:.1} ms ({} plain expressions: {:.1} ms), {grown:.1} MiB; {first:.0} MiB/s at first, {again:.0} MiB/s \
         then, {streamed:.0} MiB/s word by word; plain search {searched:.2} MiB/s (ratio {:.0})",
        ms(ready),
        plain.len(),
        ms(compiled),
        again / searched
    );
    print_costliest(&redactor, &text[..text.floor_char_boundary(REPEATED)]);
}

/// Prints which repeated keywords cost most, beside ordinary text of the same size.
fn print_costliest(redactor: &Redactor, ordinary: &str) {
    let ordinary = seconds(redactor, ordinary);
    let mut costs: Vec<(f64, String)> = Vec::new();
    for keyword in secrets::keywords() {
        for unit in [
            keyword.clone(),
            format!("{keyword} "),
            format!("{keyword}: "),
            format!("{keyword}\n"),
            format!("{keyword}= '{keyword}"),
        ] {
            let text = unit.repeat(REPEATED / unit.len());
            costs.push((seconds(redactor, &text) / ordinary, unit));
        }
    }
    costs.sort_by(|one, other| other.0.total_cmp(&one.0));
    let shown: Vec<String> =
        costs.iter().take(5).map(|(ratio, unit)| format!("{unit:?} {ratio:.0}")).collect();
    println!(
        "secrets: repeated keywords beside ordinary text, costliest of {}: {}",
        costs.len(),
        shown.join(", ")
    );
}

/// How long a text takes, the quicker of two times: at the first one, expressions are compiled.
fn seconds(redactor: &Redactor, text: &str) -> f64 {
    let time = || {
        let begun = Instant::now();
        black_box(redactor.redact(text));
        begun.elapsed().as_secs_f64()
    };
    time().min(time())
}

/// This repository's own text, over and over.
fn text() -> String {
    let parts = [
        include_str!("../../../../Cargo.lock"),
        include_str!("../../../../README.md"),
        include_str!("../../../secrets/src/scan.rs"),
        include_str!("../../../api/src/tasks/task.rs"),
        include_str!("../../../../docs/api.md"),
    ];
    let once = parts.concat();
    once.repeat(TEXT / once.len() + 1)
}

#[expect(clippy::cast_precision_loss, reason = "a figure to print")]
fn to_mib(bytes: usize) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn rate(bytes: usize, since: Instant) -> f64 {
    to_mib(bytes) / since.elapsed().as_secs_f64()
}

/// This process's resident memory, in MiB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").trim().parse::<f64>().unwrap_or_default() / 1024.0
}
