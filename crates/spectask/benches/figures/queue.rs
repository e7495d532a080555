//! 1,000 tasks queued at once for 8 slots: events of each and the time to create one, beside tasks that wait for nothing.

use crate::server::{Server, documents};
use crate::{ms, quantile};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use store::Store;

const TASKS: usize = 1_000;
const ALONE: usize = 20;
/// How long anything may take at all.
const TIMEOUT: Duration = Duration::from_secs(900);
const POLL_INTERVAL: Duration = Duration::from_millis(200);

pub(crate) async fn print() {
    println!("\n## {TASKS} tasks queued at once for 8 slots");
    let folder = tempfile::tempdir().expect("a folder");
    // Nobody reviews here, and plans that wait for review would hold back the planning of others.
    let limits = [("SPECTASK_LIMITS__MAX_INSTANCES", "8"), ("SPECTASK_LIMITS__MAX_IN_REVIEW", "100000")];
    let server = Server::start_with(folder, &scenario(), 0, 1, &limits).await;
    let (project, _) = server.project("repo").await;
    let mut alone = Vec::new();
    let mut create_alone = Vec::new();
    for number in 0..ALONE {
        let begun = Instant::now();
        let task = create(&server, &project, number).await;
        create_alone.push(begun.elapsed());
        server.wait_for(&task, "spec_review").await;
        alone.push(task);
    }
    let begun = Instant::now();
    let mut queued = Vec::new();
    let mut create_queued = Vec::new();
    for number in 0..TASKS {
        let begun = Instant::now();
        queued.push(create(&server, &project, number).await);
        create_queued.push(begun.elapsed());
    }
    let expected = (ALONE + TASKS) as u64;
    let mut reviewed = 0;
    while reviewed < expected {
        assert!(begun.elapsed() < TIMEOUT, "{reviewed} of {expected} tasks are planned");
        tokio::time::sleep(POLL_INTERVAL).await;
        reviewed = server.total("/spec-tasks?status=spec_review&limit=1").await;
    }
    let drained = begun.elapsed();
    let folder = server.stop().await;
    let store = format!("sqlite://{}", folder.path().join("data/spectask.db").display());
    let store = Store::open(&store).await.expect("the database opens");
    let (alone, queued) = (most_events(&store, &alone).await, most_events(&store, &queued).await);
    println!("events of a task at most: {queued} queued, {alone} alone: {:.2}x", ratio(queued, alone));
    let (p99, p99_alone) = (quantile(&mut create_queued, 0.99), quantile(&mut create_alone, 0.99));
    println!(
        "create: median {:.1} ms, p99 {:.1} ms while queued; {:.1} ms, {:.1} ms alone: p99 {:.2}x",
        ms(quantile(&mut create_queued, 0.5)),
        ms(p99),
        ms(quantile(&mut create_alone, 0.5)),
        ms(p99_alone),
        p99.as_secs_f64() / p99_alone.as_secs_f64()
    );
    println!("drained after {:.0} s", drained.as_secs_f64());
}

async fn create(server: &Server, project: &str, number: usize) -> String {
    let body = json!({ "prompt": format!("Plan {number}"), "project_id": project });
    let task: Value = server.post("/spec-tasks/from-prompt", &body).await;
    task["id"].as_str().expect("an id").to_owned()
}

async fn most_events(store: &Store, tasks: &[String]) -> usize {
    let mut most = 0;
    for task in tasks {
        let events = store.task_events(&task.as_str().into(), 0, 10_000).await.expect("events");
        most = most.max(events.len());
    }
    most
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn ratio(events: usize, alone: usize) -> f64 {
    events as f64 / alone as f64
}

fn scenario() -> String {
    let (requirements, design, tasks) = documents(1);
    format!(
        "id = \"plan\"\nprompts = [\"plan\"]\n[planning]\n\
         requirements = {requirements:?}\ndesign = {design:?}\ntasks = {tasks:?}\n"
    )
}
