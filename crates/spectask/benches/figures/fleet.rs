//! 500 sessions that speak at once in 50 agent processes: whole and in order, with the memory that each takes.

use crate::filled::size;
use crate::server::{Server, documents};
use serde_json::json;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

const TASKS: usize = 50;
/// How much memory a session may take in the server, in KiB.
const LIMIT: f64 = 200.0;
const WORD: &str = "word ";
/// How many words each session says, and how many milliseconds pass between two of them.
const WORDS: usize = 300;
const PACE: u32 = 200;
const POLL_INTERVAL: Duration = Duration::from_secs(1);

pub(crate) async fn print() {
    let total = usize::try_from(size("SPECTASK_BENCH_FLEET", 500)).expect("a number");
    let each = total.div_ceil(TASKS);
    let total = each * TASKS;
    println!("\n## {total} sessions at work in {TASKS} agent processes");
    let (requirements, design, tasks) = documents(each);
    let mut scenario = format!(
        "id = \"fleet\"\nprompts = [\"fleet\"]\n\n[planning]\nrequirements = {requirements:?}\ndesign = {design:?}\ntasks = {tasks:?}\n"
    );
    for number in 1..=each {
        let _ = write!(
            scenario,
            "\n[[sessions]]\ntask = \"{number}\"\nsteps = [{{ repeat = {WORDS}, say = {WORD:?}, every_ms = {PACE} }}, \
             {{ write = \"{number}.md\", content = \"x\" }}]\n"
        );
    }
    let server = Server::start(tempfile::tempdir().expect("a folder"), &scenario, 0, each).await;
    let (project, _) = server.project("fleet").await;
    let mut ids = Vec::new();
    for number in 0..TASKS {
        let body =
            json!({ "prompt": format!("Fleet {number}"), "project_id": project, "complexity": "complex" });
        let task = server.post("/spec-tasks/from-prompt", &body).await;
        ids.push(task["id"].as_str().expect("a task").to_owned());
    }
    for id in &ids {
        server.wait_for(id, "spec_review").await;
    }
    let before = server.resident();
    let begun = Instant::now();
    for id in &ids {
        server.post(&format!("/spec-tasks/{id}/approve-specs"), &json!({ "approved": true })).await;
    }
    let (mut peak, mut most) = (before, 0);
    let mut all_at_work = None;
    let mut left = ids.clone();
    while !left.is_empty() {
        let fleet = server.get("/agents/fleet/live-progress").await;
        let agents = fleet["agents"].as_array().into_iter().flatten();
        most = most.max(agents.filter(|one| one["queue_reason"].is_null()).count());
        if most >= total {
            all_at_work.get_or_insert(begun.elapsed());
        }
        peak = peak.max(server.resident());
        let first = left[0].clone();
        if server.get(&format!("/spec-tasks/{first}")).await["status"] == "implementation_review" {
            left.remove(0);
        } else {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
    let took = begun.elapsed();
    let mut whole = 0;
    for id in &ids {
        let found = server.get(&format!("/spec-tasks/{id}/work-sessions?phase=implementation")).await;
        for session in found["work_sessions"].as_array().into_iter().flatten() {
            whole += usize::from(said(&server, session["id"].as_str().expect("an id")).await);
        }
    }
    let per_session = (peak - before) * 1024.0 / f64::from(u32::try_from(total).unwrap_or(u32::MAX));
    let words = f64::from(u32::try_from(total * WORDS).unwrap_or(u32::MAX));
    println!(
        "{whole} of {total} sessions whole and in order; at most {most} at work at once, all after {:.1} s; {:.0} updates/s until all were done; \
         memory {before:.0} MiB before, {peak:.0} MiB at most, {per_session:.0} KiB for each session: {:.2} of the limit",
        all_at_work.unwrap_or_default().as_secs_f64(),
        words / took.as_secs_f64(),
        per_session / LIMIT
    );
    server.stop().await;
}

/// Returns whether a session's log has every word, in one row of entries without a gap.
async fn said(server: &Server, session: &str) -> bool {
    let (mut last, mut text) = (0, String::new());
    loop {
        let log = server.get(&format!("/work-sessions/{session}/events?after={last}&limit=500")).await;
        let Some(entries) = log.as_array().filter(|entries| !entries.is_empty()) else { break };
        for entry in entries {
            if entry["seq"].as_u64() != Some(last + 1) {
                return false;
            }
            last += 1;
            if entry["kind"] == "agent_message" {
                text.push_str(entry["text"].as_str().unwrap_or_default());
            }
        }
    }
    text.contains(&WORD.repeat(WORDS))
}
