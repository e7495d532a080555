//! Recording a conversation: in batches, in process, beside `git commit` once for each entry and beside `git fast-import`.

use crate::cpu;
use crate::filled::size;
use crate::server::{git, repository};
use git::{Change, Commit, CommitId, Git, Identity, Repository, Settings};
use serde_json::json;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use workflow::Millis;
use workflow::records::conversation::{self, Entry};

const FILE: &str = "sessions/spt_1/stws_1/conversation.md";
/// How many entries a batch has: a busy minute of one session.
const BATCH: u64 = 100;
const SINGLE: u64 = 200;
const IMPORTED: u64 = 1_000;

/// What a way of recording costs.
struct Cost {
    per_second: f64,
    /// Milliseconds of CPU for each entry, of this process and those it started.
    cpu: f64,
}

pub(crate) fn print() {
    let many = size("SPECTASK_BENCH_RECORDED", 10_000);
    let folder = tempfile::tempdir().expect("a folder");
    let git_crate = Git::new(Settings { git_binary: None, identity: identity() }).expect("git");
    let open = |name: &str| {
        let path = folder.path().join(name);
        repository(&path);
        git(&path, &["branch", "record"]);
        git_crate.open(&path).expect("a repository")
    };
    let batched_at = open("batched");
    let batched = measure(many, || in_process(&batched_at, many, BATCH));
    let one_by_one = measure(SINGLE, || in_process(&open("single"), SINGLE, 1));
    let by_commit = measure(SINGLE, || with_git_commit(open("commit").path(), SINGLE));
    let by_import = measure(IMPORTED, || with_fast_import(open("import").path(), IMPORTED));
    println!(
        "record: {:.0} entries/s in batches of {BATCH}, {:.2} ms CPU each; one by one {:.0}/s; `git commit` for each entry {:.0}/s, \
         {:.1} ms CPU each (batches {:.0} times the rate at 1/{:.0} of the CPU; one by one {:.1} times the rate); `git fast-import` with a \
         commit for each entry {:.0}/s, {:.2} ms CPU each (batches {:.2} times the rate)",
        batched.per_second,
        batched.cpu,
        one_by_one.per_second,
        by_commit.per_second,
        by_commit.cpu,
        batched.per_second / by_commit.per_second,
        by_commit.cpu / batched.cpu,
        one_by_one.per_second / by_commit.per_second,
        by_import.per_second,
        by_import.cpu,
        batched.per_second / by_import.per_second,
    );
    let path = batched_at.path();
    let text = batched_at.read("record", FILE).expect("readable").map_or(0, |bytes| bytes.len());
    git(path, &["gc", "-q", "--prune=now"]);
    let packed = git(path, &["count-objects", "-v"]);
    let packed = packed
        .lines()
        .find_map(|line| line.strip_prefix("size-pack: "))
        .and_then(|kib| kib.parse::<f64>().ok());
    let thousands = number(many) / 1000.0;
    let (kib, text) = (packed.unwrap_or_default() / thousands, number(text as u64) / 1024.0 / thousands);
    println!(
        "record: after `git gc` the repository grows by {kib:.0} KiB per 1,000 entries, whose text is {text:.0} KiB (ratio {:.2})",
        kib / text
    );
}

fn identity() -> Identity {
    Identity { name: "Bench".to_owned(), email: "bench@localhost".to_owned() }
}

/// Entries such as an agent makes, each different.
fn entries(from: u64, many: u64) -> Vec<Entry> {
    (from..from + many)
        .map(|seq| {
            let words = format!(
                "Step {seq}: I look at module {} and change function f{} so that it returns {} lines.",
                seq.wrapping_mul(2_654_435_761) % 9_973,
                seq.wrapping_mul(40_503) % 7_919,
                seq % 131
            );
            let entry = if seq.is_multiple_of(4) {
                json!({ "kind": "tool_call", "tool_call_id": format!("call_{seq}"), "title": words, "status": "completed",
                        "content": [{ "type": "diff", "path": "src/lib.rs", "oldText": "fn a() {}\n", "newText": format!("fn a{seq}() {{}}\n") }] })
            } else {
                json!({ "kind": "agent_message", "text": words, "message_id": seq.to_string() })
            };
            Entry { seq, at: Millis(1_800_000_000_000 + i64::try_from(seq).unwrap_or(0) * 40), entry: entry.into() }
        })
        .collect()
}

fn in_process(repository: &Repository, entries_in_all: u64, at_once: u64) {
    let mut base: CommitId = repository.resolve("record").expect("readable").expect("a branch");
    let mut from = 1;
    while from <= entries_in_all {
        let before = repository.read(&base.to_string(), FILE).expect("readable").unwrap_or_default();
        let text = String::from_utf8(before).expect("text");
        assert_eq!(conversation::last_seq(&text).expect("a record") + 1, from);
        let more = conversation::render(&text, &entries(from, at_once)).expect("a record");
        let commit = Commit {
            branch: "record".to_owned(),
            changes: vec![Change { path: FILE.to_owned(), content: Some((text + &more).into_bytes()) }],
            message: "Record".to_owned(),
            author: identity(),
            time_ms: 1_800_000_000_000,
            effect: Some(format!("record/{from}")),
        };
        base = repository.commit_on(base, &[], &commit).expect("a commit").expect("nobody else writes").id;
        from += at_once;
    }
}

fn with_git_commit(path: &Path, many: u64) {
    git(path, &["checkout", "-q", "record"]);
    let file = path.join(FILE);
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
    for seq in 1..=many {
        let text = conversation::render("", &entries(seq, 1)).expect("a record");
        let mut options = std::fs::OpenOptions::new();
        let mut open = options.create(true).append(true).open(&file).expect("a file");
        open.write_all(text.as_bytes()).expect("written");
        git(path, &["add", FILE]);
        git(path, &["-c", "user.name=Bench", "-c", "user.email=bench@localhost", "commit", "-qm", "Record"]);
    }
}

fn with_fast_import(path: &Path, many: u64) {
    let mut child = Command::new("git")
        .arg("-C")
        .arg(path)
        .args(["fast-import", "--quiet", "--force"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("git runs");
    let mut input = std::io::BufWriter::new(child.stdin.take().expect("a pipe"));
    let mut text = String::new();
    for seq in 1..=many {
        text.push_str(&conversation::render("", &entries(seq, 1)).expect("a record"));
        let mut command =
            String::from("commit refs/heads/imported\ncommitter Bench <bench@localhost> 1800000000 +0000\n");
        let _ = write!(command, "data 6\nRecord\nM 100644 inline {FILE}\ndata {}\n", text.len());
        input.write_all(command.as_bytes()).expect("a pipe");
        input.write_all(text.as_bytes()).expect("a pipe");
        input.write_all(b"\n").expect("a pipe");
    }
    drop(input);
    assert!(child.wait().expect("it ends").success());
}

fn measure(many: u64, work: impl FnOnce()) -> Cost {
    let (begun, before) = (Instant::now(), cpu("self"));
    work();
    let (took, spent) = (begun.elapsed().as_secs_f64(), cpu("self") - before);
    Cost { per_second: number(many) / took, cpu: spent * 1000.0 / number(many) }
}

#[expect(clippy::cast_precision_loss, reason = "a figure to print")]
fn number(many: u64) -> f64 {
    many as f64
}
