//! A hundred sessions that speak sixty times a second each: received in order, none lost, memory flat.

use crate::server::{Server, documents};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::time::Instant;

const SESSIONS: usize = 100;
const WORD: &str = "word ";
const WORDS: usize = 1800;
/// Milliseconds between two updates of a session: sixty a second.
const PACE: u32 = 1000 / 60;
const PROMPT: &str = "Measure the streaming";

/// What was heard of one session.
#[derive(Default)]
struct Heard {
    first: u64,
    last: u64,
    in_order: bool,
    text: String,
}

impl Heard {
    fn hear(&mut self, entry: &Value) {
        let seq = entry["seq"].as_u64().expect("a number");
        if self.first == 0 {
            (self.first, self.in_order) = (seq, true);
        } else {
            self.in_order &= seq == self.last + 1;
        }
        self.last = seq;
        if entry["kind"] == "agent_message" {
            self.text.push_str(entry["text"].as_str().unwrap_or_default());
        }
    }
}

/// The time in which every session speaks: from the first word of the last to begin to the end of the first to end.
#[derive(Default)]
struct Together {
    since: Option<(Instant, usize)>,
    until: Option<(Instant, usize)>,
}

impl Together {
    fn look(&mut self, heard: &HashMap<String, Heard>, has_ended: bool) {
        if self.until.is_some() {
            return;
        }
        let speaking = heard.values().filter(|heard| !heard.text.is_empty());
        let (count, letters) =
            speaking.fold((0, 0), |(count, letters), heard| (count + 1, letters + heard.text.len()));
        let now = (Instant::now(), letters / WORD.len());
        if count == SESSIONS {
            self.since.get_or_insert(now);
        }
        if has_ended {
            self.until = Some(now);
        }
    }

    /// Updates received per second.
    #[expect(clippy::cast_precision_loss, reason = "a figure to print")]
    fn rate(&self) -> f64 {
        let (Some((since, before)), Some((until, after))) = (self.since, self.until) else { return 0.0 };
        (after - before) as f64 / until.duration_since(since).as_secs_f64()
    }
}

pub(crate) async fn print() {
    let (requirements, design, tasks) = documents(SESSIONS);
    let mut scenario = format!(
        "id = \"bench\"\nprompts = [{PROMPT:?}]\n\n[planning]\nrequirements = {requirements:?}\ndesign = {design:?}\n\
         tasks = {tasks:?}\n"
    );
    for number in 1..=SESSIONS {
        let _ = write!(
            scenario,
            "\n[[sessions]]\ntask = \"{number}\"\nsteps = [{{ repeat = {WORDS}, say = {WORD:?}, every_ms = {PACE} }}, \
             {{ write = \"{number}.md\", content = \"x\" }}]\n",
        );
    }
    let server = Server::start(tempfile::tempdir().expect("a folder"), &scenario, 0, SESSIONS).await;
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
    let begun = Instant::now();
    socket.subscribe(&json!(topics)).await;
    let mut heard: HashMap<String, Heard> = HashMap::new();
    let (mut begun_with, mut peak, mut messages) = (None, before, 0_u64);
    let mut ended: HashSet<String> = HashSet::new();
    let mut together = Together::default();
    while ended.len() < SESSIONS {
        let message = socket.next().await;
        if message["type"] != "session.event" {
            assert_ne!(message["type"], "snapshot_required", "the subscriber fell behind");
            continue;
        }
        messages += 1;
        let id = message["id"].as_str().unwrap_or_default().to_owned();
        if message["data"]["kind"] == "turn_ended" {
            ended.insert(id.clone());
        }
        heard.entry(id).or_default().hear(&message["data"]);
        together.look(&heard, !ended.is_empty());
        if messages.is_multiple_of(500) {
            let resident = server.resident();
            peak = peak.max(resident);
            // A tenth of what comes is taken for the beginning: by then every session speaks.
            if heard.values().filter(|heard| heard.text.len() * 10 > WORD.len() * WORDS).count() * 2
                > SESSIONS
            {
                begun_with.get_or_insert(resident);
            }
        }
    }
    let took = begun.elapsed().as_secs_f64();
    let whole = WORD.repeat(WORDS);
    let mut complete = 0;
    for id in &sessions {
        let Some(heard) = heard.remove(id) else { continue };
        // What was said before the subscription is in the log.
        let first = heard.first;
        let mut said = Heard::default();
        while said.last + 1 < first {
            let path = format!("/work-sessions/{id}/events?after={}&limit=500", said.last);
            let log = server.get(&path).await;
            let before = said.last;
            let entries = log.as_array().into_iter().flatten();
            entries
                .take_while(|entry| entry["seq"].as_u64() < Some(first))
                .for_each(|entry| said.hear(entry));
            assert!(said.last > before, "the log of {id} ends at {before}, before {first}");
        }
        let joins = first == 1 || said.last + 1 == first;
        complete += usize::from(joins && heard.in_order && (said.text + &heard.text).contains(&whole));
    }
    let rate = together.rate();
    let begun_with = begun_with.unwrap_or(before);
    println!(
        "streaming: {complete} of {SESSIONS} sessions received whole and in order, {rate:.0} updates/s while all of them spoke ({:.2} of 6000), {:.0} messages/s on \
         one socket after joining; memory {before:.0} MiB before the sessions, {begun_with:.0} MiB a tenth into it, {peak:.0} MiB at most \
         (ratio {:.2}, flat is 1)",
        rate / 6000.0,
        f64::from(u32::try_from(messages).unwrap_or(u32::MAX)) / took,
        peak / begun_with
    );
    server.stop().await;
}
