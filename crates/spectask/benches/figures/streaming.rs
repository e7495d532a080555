//! A hundred sessions that speak sixty times a second each: received in order, none lost, memory flat.

use crate::server::{Server, documents};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Instant;

const SESSIONS: usize = 100;
const WORDS: usize = 600;
/// Milliseconds between two updates of a session: sixty a second.
const PACE: u32 = 16;
const PROMPT: &str = "Measure the streaming";

pub(crate) async fn print() {
    let (requirements, design, tasks) = documents(SESSIONS);
    let mut scenario = format!(
        "id = \"bench\"\nprompts = [{PROMPT:?}]\n\n[planning]\nrequirements = {requirements:?}\ndesign = {design:?}\n\
         tasks = {tasks:?}\n"
    );
    let words: Vec<String> = (0..WORDS).map(|at| format!("w{at}")).collect();
    for number in 1..=SESSIONS {
        let _ = write!(
            scenario,
            "\n[[sessions]]\ntask = \"{number}\"\nsteps = [{{ say = {:?} }}, {{ write = \"{number}.md\", content = \"x\" }}]\n",
            words.join(" ")
        );
    }
    let server = Server::start(tempfile::tempdir().expect("a folder"), &scenario, PACE, SESSIONS).await;
    let (project, _) = server.project("streamed").await;
    let body = json!({ "prompt": PROMPT, "project_id": project, "complexity": "complex" });
    let task = server.post("/spec-tasks/from-prompt", &body).await;
    let id = task["id"].as_str().expect("a task").to_owned();
    server.wait_for(&id, "spec_review").await;
    let before = server.resident();
    server.post(&format!("/spec-tasks/{id}/approve-specs"), &json!({ "approved": true })).await;
    let sessions = loop {
        let found = server.get(&format!("/spec-tasks/{id}/work-sessions?phase=implementation")).await;
        let found: Vec<String> = found["work_sessions"]
            .as_array()
            .map(|all| all.iter().filter_map(|one| one["id"].as_str().map(str::to_owned)).collect())
            .unwrap_or_default();
        if found.len() == SESSIONS {
            break found;
        }
    };
    let mut socket = server.socket().await;
    let topics: Vec<Value> = sessions.iter().map(|id| json!({ "topic": "session", "id": id })).collect();
    // From the beginning: what was said before the subscription is owed too.
    socket.subscribe(&json!(topics)).await;
    let begun = Instant::now();
    let mut said: HashMap<String, String> = HashMap::new();
    let (mut peak, mut messages, mut ended) = (before, 0_u64, 0);
    while ended < SESSIONS {
        let message = socket.next().await;
        messages += 1;
        let data = &message["data"];
        let session = data["work_session_id"].as_str().unwrap_or_default().to_owned();
        match data["kind"].as_str() {
            Some("agent_message") => {
                said.entry(session).or_default().push_str(data["text"].as_str().unwrap_or_default());
            }
            Some("turn_ended") => ended += 1,
            _ => {}
        }
        if messages.is_multiple_of(500) {
            peak = peak.max(server.resident());
        }
    }
    let took = begun.elapsed().as_secs_f64();
    let whole = words.join(" ");
    let complete = sessions
        .iter()
        .filter(|id| {
            said.get(*id).is_some_and(|text| text.trim_end().ends_with(&whole) || text.contains(&whole))
        })
        .count();
    #[expect(clippy::cast_precision_loss, reason = "a figure to print")]
    let rate = (SESSIONS * WORDS) as f64 / took;
    println!(
        "streaming: {complete} of {SESSIONS} sessions received whole and in order, {rate:.0} updates/s sent, {:.0} messages/s on one \
         socket after joining; memory {before:.0} MiB before, {peak:.0} MiB at most (ratio {:.2})",
        f64::from(u32::try_from(messages).unwrap_or(u32::MAX)) / took,
        peak / before
    );
    server.stop().await;
}
