//! From an agent's commit to progress.md to the event on the socket, with a hundred tasks being watched.

use crate::server::{Server, documents, git};
use crate::{ms, quantile};
use serde_json::json;
use std::time::{Duration, Instant};

const TASKS: usize = 100;
const COMMITS: usize = 200;
const MEDIAN: Duration = Duration::from_millis(10);
const P99: Duration = Duration::from_millis(50);
const PROMPT: &str = "Measure the progress";

pub(crate) async fn print() {
    let (requirements, design, tasks) = documents(2);
    let scenario = format!(
        "id = \"bench\"\nprompts = [{PROMPT:?}]\n\n[planning]\nrequirements = {requirements:?}\ndesign = {design:?}\n\
         tasks = {tasks:?}\n"
    );
    let server = Server::start(tempfile::tempdir().expect("a folder"), &scenario, 0, 4).await;
    let (project, path) = server.project("watched").await;
    let mut ids = Vec::new();
    for _ in 0..TASKS {
        let body = json!({ "prompt": PROMPT, "project_id": project });
        let task = server.post("/spec-tasks/from-prompt", &body).await;
        ids.push(task["id"].as_str().expect("a task").to_owned());
    }
    for id in &ids {
        server.wait_for(id, "spec_review").await;
    }
    // The record moves the branch too; here nothing shall but the commits that are measured.
    for id in &ids {
        while server.get(&format!("/spec-tasks/{id}/document-status")).await["fully_recorded"] != true {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let mut socket = server.socket().await;
    socket.subscribe(&json!([{ "topic": "fleet" }])).await;
    let branch = "refs/heads/helix-design-docs";
    let mut samples = Vec::new();
    for at in 0..COMMITS {
        let id = &ids[at % TASKS];
        // Everything but the move of the branch is made ready first, so that only the noticing is measured.
        let tip = git(&path, &["rev-parse", branch]);
        let text = format!("# Progress\n\n- [~] 1. Part 1, look {at}\n- [ ] 2. Part 2\n");
        let file = server.folder.path().join("progress.md");
        std::fs::write(&file, text).expect("a file");
        let blob = git(&path, &["hash-object", "-w", &file.to_string_lossy()]);
        let commit = commit_of(&path, &tip, &format!("specs/{id}/progress.md"), &blob);
        let begun = Instant::now();
        git(&path, &["update-ref", branch, &commit, &tip]);
        loop {
            let message = socket.next().await;
            if message["type"] == "progress" && message["data"]["commit"] == json!(commit) {
                break;
            }
        }
        samples.push(begun.elapsed());
    }
    let (median, p99) = (quantile(&mut samples, 0.5), quantile(&mut samples, 0.99));
    println!(
        "progress: commit to event, {TASKS} tasks watched, {COMMITS} commits: median {:.1} ms ({:.2} of the limit), \
         p99 {:.1} ms ({:.2} of the limit); both include starting `git update-ref`",
        ms(median),
        median.as_secs_f64() / MEDIAN.as_secs_f64(),
        ms(p99),
        p99.as_secs_f64() / P99.as_secs_f64()
    );
    server.stop().await;
}

/// A commit on a tip with one file changed, made without touching a working tree.
fn commit_of(path: &std::path::Path, tip: &str, file: &str, blob: &str) -> String {
    let index = path.join(".git").join("bench-index");
    let run = |args: &[&str]| {
        let output = std::process::Command::new("git")
            .arg("-C")
            .arg(path)
            .args(["-c", "user.name=Ada", "-c", "user.email=ada@example.org"])
            .args(args)
            .env("GIT_INDEX_FILE", &index)
            .output()
            .expect("git runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    run(&["read-tree", tip]);
    run(&["update-index", "--add", "--cacheinfo", &format!("100644,{blob},{file}")]);
    let tree = run(&["write-tree"]);
    run(&["commit-tree", &tree, "-p", tip, "-m", "Tick"])
}
