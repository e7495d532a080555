//! From a task's creation to the first word of its agent on the socket, against the same steps by hand.

use crate::server::{Server, documents, git, repository};
use crate::{ms, quantile};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

const ROUNDS: usize = 41;
/// What the server may add.
const LIMIT: f64 = 1.3;
const PROMPT: &str = "Measure the first word";

pub(crate) async fn print() {
    let (requirements, design, tasks) = documents(1);
    let scenario = format!(
        "id = \"bench\"\nprompts = [{PROMPT:?}]\n\n[planning]\nsteps = [{{ say = \"hello\" }}]\nrequirements = {requirements:?}\n\
         design = {design:?}\ntasks = {tasks:?}\n"
    );
    let server = Server::start(tempfile::tempdir().expect("a folder"), &scenario, 0, 4).await;
    let (project, _) = server.project("served").await;
    let hand = server.folder.path().join("by-hand");
    repository(&hand);
    let (mut served, mut by_hand) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        served.push(serve(&server, &project).await);
        by_hand.push(manual(&server, &hand, round).await);
    }
    let (ours, theirs) = (quantile(&mut served, 0.5), quantile(&mut by_hand, 0.5));
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    println!(
        "first output: {:.1} ms served, {:.1} ms by hand (medians of {ROUNDS}); ratio {ratio:.2}, limit {LIMIT}",
        ms(ours),
        ms(theirs)
    );
    server.stop().await;
}

/// What a page does that is open already: it hears of the task's first session and listens to it from its beginning.
async fn serve(server: &Server, project: &str) -> Duration {
    let (mut fleet, mut session) = (server.socket().await, server.socket().await);
    fleet.subscribe(&json!([{ "topic": "fleet" }])).await;
    let body = json!({ "prompt": PROMPT, "project_id": project });
    let begun = Instant::now();
    let create = server.post("/spec-tasks/from-prompt", &body);
    let first = async {
        let planner = loop {
            let message = fleet.next().await;
            if message["type"] == "work_session.updated" {
                break message["data"]["id"].clone();
            }
        };
        session.subscribe_after(&json!([{ "topic": "session", "id": planner }]), 0).await;
        while session.next().await["data"]["kind"] != "agent_message" {}
        begun.elapsed()
    };
    let (task, took) = tokio::join!(create, first);
    server.wait_for(task["id"].as_str().expect("a task"), "spec_review").await;
    took
}

async fn manual(server: &Server, repository: &std::path::Path, round: usize) -> Duration {
    let begun = Instant::now();
    let worktree = server.folder.path().join(format!("hand-{round}"));
    git(repository, &["worktree", "add", "-q", "--detach", &worktree.to_string_lossy(), "main"]);
    let scenarios = server.folder.path().join("own-scenarios").to_string_lossy().into_owned();
    let args = ["agent", "scripted", "--scenarios", &scenarios].map(str::to_owned).to_vec();
    let mut launch = agent::Launch::new(env!("CARGO_BIN_EXE_spectask"), args, &worktree);
    launch.env.push(("SPECTASK_SCRIPTED_PACE_MS".to_owned(), "0".to_owned()));
    let (events, mut said) = mpsc::channel(1024);
    let process = agent::Process::start(launch, events).await.expect("the agent starts");
    let docs = |name: &str| worktree.join(name).to_string_lossy().into_owned();
    let meta = json!({ "spectask": {
        "task_id": "spt_hand", "work_session_id": "stws_hand", "phase": "planning", "original_prompt": PROMPT,
        "turn_id": "turn_hand", "attempt": 1, "round": 1, "title": "Planning",
        "documents": { "requirements": docs("r.md"), "design": docs("d.md"), "tasks": docs("t.md"), "progress": docs("p.md") },
    } });
    let session = process.new_session(&worktree, &[], Some(meta.clone())).await.expect("a session");
    let asked = process.prompt(&session, PROMPT, Some(meta));
    let first = async {
        loop {
            if let agent::AgentEvent::Update { kind: agent::Update::AgentText(_), .. } =
                said.recv().await.expect("an update")
            {
                return begun.elapsed();
            }
        }
    };
    let (took, end) = tokio::join!(first, asked);
    end.expect("the turn ends");
    process.stop().await;
    took
}
