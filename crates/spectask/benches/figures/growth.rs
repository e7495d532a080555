//! What finished tasks cost: lists, the fleet, the feed, an idle server and its start, with 1,000, 10,000 and 100,000
//! finished tasks beside 50 live ones. What is measured with the fewest is what the others are compared with.

use crate::filled::{self, size};
use crate::server::{Server, documents, git};
use crate::{ms, quantile};
use serde_json::json;
use std::time::{Duration, Instant};
use store::{Recorded, Store};
use workflow::Millis;

const LIVE: usize = 50;
const ROUNDS: usize = 100;
/// How long the idle server is watched.
const IDLE: Duration = Duration::from_secs(20);
/// How long anything may take at all.
const TIMEOUT: Duration = Duration::from_secs(120);
/// How much more than with the fewest tasks something may cost.
const LIMIT: f64 = 1.2;
const NOW: i64 = 1_800_000_000_000;
const PATHS: [(&str, &str); 6] = [
    ("list, newest first", "/spec-tasks?limit=50"),
    ("list by name", "/spec-tasks?limit=50&sort=name"),
    ("list by priority", "/spec-tasks?limit=50&sort=-priority"),
    ("list by last change", "/spec-tasks?limit=50&sort=-updated_at"),
    ("list by status", "/spec-tasks?limit=50&status=done"),
    ("fleet", "/agents/fleet/live-progress"),
];

pub(crate) async fn print() {
    let most = size("SPECTASK_BENCH_TASKS", 100_000);
    println!("\n## Growth: up to {most} finished tasks beside {LIVE} live ones, at most {LIMIT}x");
    let folder = tempfile::tempdir().expect("a folder");
    // The first start makes the tables and the owner.
    let server = Server::start(folder, &scenario(), 0, 1).await;
    let (project, _) = server.project("repo").await;
    let mut folder = server.stop().await;
    let (mut filled, mut fewest): (u64, Option<Vec<(String, f64)>>) = (0, None);
    for tasks in [1_000, 10_000, 100_000].into_iter().filter(|tasks| *tasks <= most) {
        Box::pin(fill(&folder, &project, filled, tasks)).await;
        let begins = filled == 0;
        filled = tasks;
        let begun = Instant::now();
        let server = Server::start(folder, &scenario(), 0, 1).await;
        let mut figures = vec![("start, ms".to_owned(), ms(begun.elapsed()))];
        if begins {
            for number in 0..LIVE {
                let body = json!({ "prompt": format!("Wait {number}"), "project_id": project });
                server.post("/spec-tasks/from-prompt", &body).await;
            }
        }
        working(&server).await;
        figures.push((format!("start to {LIVE} sessions at work, ms"), ms(begun.elapsed())));
        measure(&server, &project, &mut figures).await;
        folder = server.stop().await;
        println!("{tasks} finished tasks:");
        for (at, (name, value)) in figures.iter().enumerate() {
            let ratio =
                fewest.as_ref().and_then(|fewest| fewest.get(at)).map_or(1.0, |(_, first)| value / first);
            println!("  {name}: {value:.2} ({ratio:.2}x)");
        }
        fewest.get_or_insert(figures);
    }
}

/// Waits until every live task has its session at work.
async fn working(server: &Server) {
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < TIMEOUT, "the live tasks' sessions do not begin");
        let fleet = server.get("/agents/fleet/live-progress").await;
        let tasks = fleet["agents"].as_array().map_or(0, Vec::len);
        if tasks >= LIVE {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn measure(server: &Server, project: &str, figures: &mut Vec<(String, f64)>) {
    for (name, path) in PATHS {
        let mut samples = Vec::new();
        for _ in 0..ROUNDS {
            let begun = Instant::now();
            server.get(path).await;
            samples.push(begun.elapsed());
        }
        figures.push((format!("{name}, median ms"), ms(quantile(&mut samples, 0.5))));
    }
    let mut socket = server.socket().await;
    socket.subscribe(&json!([{ "topic": "fleet" }])).await;
    let mut samples = Vec::new();
    for number in 0..ROUNDS {
        let name = format!("Measured {number}");
        let begun = Instant::now();
        let body = json!({ "prompt": name, "project_id": project, "start": false });
        let task = server.post("/spec-tasks/from-prompt", &body).await;
        let id = task["id"].as_str().expect("an id");
        let told = async { while !socket.next().await.to_string().contains(id) {} };
        tokio::time::timeout(TIMEOUT, told).await.expect("the feed has it");
        samples.push(begun.elapsed());
    }
    figures.push(("create, until the feed has it, median ms".to_owned(), ms(quantile(&mut samples, 0.5))));
    // What was created is recorded and indexed first.
    tokio::time::sleep(IDLE).await;
    let before = server.cpu();
    tokio::time::sleep(IDLE).await;
    figures.push(("idle, % of one core".to_owned(), (server.cpu() - before) / IDLE.as_secs_f64() * 100.0));
    figures.push(("resident, MiB".to_owned(), server.resident()));
}

/// Adds finished tasks whose records are complete, and indexes them as the server would.
async fn fill(folder: &tempfile::TempDir, project: &str, from: u64, to: u64) {
    let commit = git(&folder.path().join("repo"), &["rev-parse", "HEAD"]);
    let database = format!("sqlite://{}", folder.path().join("data/spectask.db").display());
    let store = Store::open(&database).await.expect("the database opens");
    for number in from..to {
        let (mut task, _) = filled::task(number, 1, 8, NOW);
        task.task.project = project.into();
        let recorded = Recorded {
            attachments: Vec::new(),
            task: task.task.id.clone(),
            at: Millis(NOW),
            commit: commit.clone(),
            events: task.events.len() as u64,
            logs: task.logs.iter().map(|(session, rows)| (session.clone(), rows.len() as u64)).collect(),
        };
        store.put_rebuilt(task).await.expect("saved");
        store.put_recorded(recorded).await.expect("saved");
    }
    filled::index(&store).await;
    store.close().await;
}

fn scenario() -> String {
    let (requirements, design, tasks) = documents(1);
    format!(
        "id = \"wait\"\nprompts = [\"wait\"]\n[planning]\nsteps = [{{ run = \"sleep 3600\" }}]\n\
         requirements = {requirements:?}\ndesign = {design:?}\ntasks = {tasks:?}\n"
    )
}
