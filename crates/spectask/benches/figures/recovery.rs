//! Recovery after `kill -9` with 200 sessions at work: the time until all of them work again, beside that of their first start.

use crate::server::{Server, documents};
use serde_json::json;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

const SESSIONS: usize = 200;
/// How long anything may take at all.
const TIMEOUT: Duration = Duration::from_secs(600);
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// What each agent runs. No other process of the machine has this command line.
const COMMAND: &str = "sleep 36017";

pub(crate) async fn print() {
    println!("\n## Recovery after kill -9 with {SESSIONS} sessions at work");
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start(folder, &scenario(), 0, 1).await;
    let (project, _) = server.project("repo").await;
    let begun = Instant::now();
    for number in 0..SESSIONS {
        let body = json!({ "prompt": format!("Wait {number}"), "project_id": project });
        server.post("/spec-tasks/from-prompt", &body).await;
    }
    let first = at_work(&BTreeSet::new()).await;
    let start = begun.elapsed();
    let folder = server.stop().await;
    let begun = Instant::now();
    let server = Server::start(folder, &scenario(), 0, 1).await;
    let answers = begun.elapsed();
    at_work(&first).await;
    let recovery = begun.elapsed();
    println!(
        "first start of all: {:.1} s; after kill -9 the server answers in {:.2} s and all work in {:.1} s: {:.2}x the first start",
        start.as_secs_f64(),
        answers.as_secs_f64(),
        recovery.as_secs_f64(),
        recovery.as_secs_f64() / start.as_secs_f64()
    );
    println!(
        "memory: {:.1} MiB, {:.0} KiB for each session",
        server.resident(),
        per_session(server.resident())
    );
    server.stop().await;
}

/// Waits until every session's agent has begun to work, and returns its processes besides the known ones.
async fn at_work(known: &BTreeSet<u32>) -> BTreeSet<u32> {
    let begun = Instant::now();
    loop {
        let found: BTreeSet<u32> = processes().difference(known).copied().collect();
        if found.len() >= SESSIONS {
            return found;
        }
        assert!(begun.elapsed() < TIMEOUT, "{} of {SESSIONS} sessions work", found.len());
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

/// The processes that run the agents' command.
fn processes() -> BTreeSet<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let runs = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).trim_end_matches('\0').replace('\0', " ") == COMMAND
    };
    pids.filter(runs).collect()
}

#[expect(clippy::cast_precision_loss, reason = "a small number")]
fn per_session(mebibytes: f64) -> f64 {
    mebibytes * 1024.0 / SESSIONS as f64
}

fn scenario() -> String {
    let (requirements, design, tasks) = documents(1);
    format!(
        "id = \"wait\"\nprompts = [\"wait\"]\n[planning]\nsteps = [{{ run = \"{COMMAND}\" }}]\n\
         requirements = {requirements:?}\ndesign = {design:?}\ntasks = {tasks:?}\n"
    )
}
