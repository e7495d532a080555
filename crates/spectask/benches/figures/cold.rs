//! A cold start with 10,000 tasks, a page of them, and memory, beside an empty process and the database alone.

use crate::server::{Server, documents, resident};
use crate::{ms, quantile};
use std::process::Stdio;
use std::time::{Duration, Instant};
use store::{Outcome, Store, TaskFilter};
use workflow::{Complexity, Context, Ids, Millis, NewTask, Priority, Task, TaskKind};

/// How many tasks there are.
const TASKS: u32 = 10_000;
/// How often a page is asked for.
const PAGES: usize = 100;

struct Counting(u32);

impl Ids for Counting {
    fn next(&mut self, prefix: &str) -> String {
        self.0 += 1;
        format!("{prefix}_{:026}", self.0)
    }
}

pub(crate) async fn print() {
    println!("\n## Cold start, list and memory with {TASKS} tasks");
    let folder = tempfile::tempdir().expect("a folder");
    // The first start makes the tables and the owner.
    let folder = Server::start(folder, &scenario(), 0, 1).await.stop().await;
    let database = format!("sqlite://{}", folder.path().join("data/spectask.db").display());
    fill(&database).await;

    let begun = Instant::now();
    let status = std::process::Command::new(env!("CARGO_BIN_EXE_spectask"))
        .arg("--version")
        .stdout(Stdio::null())
        .status();
    assert!(status.expect("it runs").success());
    let empty = begun.elapsed();
    let begun = Instant::now();
    let store = Store::open(&database).await.expect("the database opens");
    store.check().await.expect("it answers");
    let raw_open = begun.elapsed();
    let filter = TaskFilter {
        limit: 50,
        archived: Some(false),
        owner: Some("usr_owner".into()),
        ..TaskFilter::default()
    };
    let mut raw = Vec::new();
    for _ in 0..PAGES {
        let begun = Instant::now();
        assert_eq!(store.tasks(&filter).await.expect("a page").tasks.len(), 50);
        raw.push(begun.elapsed());
    }
    store.close().await;

    let begun = Instant::now();
    let server = Server::start(folder, &scenario(), 0, 1).await;
    let start = begun.elapsed();
    println!(
        "cold start: {:.0} ms; an empty run of the same binary {:.0} ms, opening the database {:.0} ms: {:.1}x their sum",
        ms(start),
        ms(empty),
        ms(raw_open),
        start.as_secs_f64() / (empty + raw_open).as_secs_f64()
    );
    let mut pages = Vec::new();
    for _ in 0..PAGES {
        let begun = Instant::now();
        assert_eq!(server.get("/spec-tasks?limit=50").await.as_array().map(Vec::len), Some(50));
        pages.push(begun.elapsed());
    }
    let (page, query): (Duration, Duration) = (quantile(&mut pages, 0.5), quantile(&mut raw, 0.5));
    println!(
        "page of 50: median {:.2} ms, p99 {:.2} ms over HTTP; the query alone {:.2} ms: {:.1}x",
        ms(page),
        ms(quantile(&mut pages, 0.99)),
        ms(query),
        page.as_secs_f64() / query.as_secs_f64()
    );
    let sleeper = std::process::Command::new("sleep").arg("30").spawn();
    let mut sleeper = sleeper.expect("a process");
    println!(
        "memory when idle: {:.1} MiB; a process that sleeps {:.1} MiB",
        server.resident(),
        resident(sleeper.id())
    );
    // It has done its part.
    let _ = sleeper.kill();
    let _ = sleeper.wait();
    server.stop().await;
}

fn scenario() -> String {
    let (requirements, design, tasks) = documents(1);
    format!(
        "id = \"none\"\nprompts = [\"never\"]\n[planning]\nrequirements = {requirements:?}\ndesign = {design:?}\ntasks = {tasks:?}\n"
    )
}

/// Puts tasks into the backlog, as the server would.
async fn fill(database: &str) {
    let store = Store::open(database).await.expect("the database opens");
    let mut writes = tokio::task::JoinSet::new();
    for number in 0..TASKS {
        let new = NewTask {
            id: format!("spt_{number:026}").into(),
            project: "prj_bench".into(),
            owner: "usr_owner".into(),
            short_id: None,
            takes_title: false,
            name: format!("Task {number}"),
            description: String::new(),
            kind: TaskKind::Feature,
            priority: Priority::Medium,
            complexity: Complexity::Complex,
            prompt: format!("Do the thing number {number}"),
            spec_agent: "player".to_owned(),
            implementation_agent: "player".to_owned(),
            base_branch: "main".to_owned(),
            labels: Vec::new(),
            depends_on: Vec::new(),
            budget: None,
            workspace_config: None,
            agent_options: Vec::new(),
            max_parallel: 1,
            planned: true,
            isolation: workflow::Isolation::Worktree,
            config: None,
            template: None,
            opening_session: None,
        };
        let mut ids = Counting(number * 10);
        let step = Task::create(new, false, &mut Context { now: Millis(i64::from(number)), ids: &mut ids })
            .expect("a task");
        let store = store.clone();
        writes.spawn(async move {
            store
                .create_task(
                    Outcome { step, feed: Vec::new(), logs: Vec::new(), deliveries: Vec::new() },
                    None,
                )
                .await
                .expect("saved");
        });
    }
    writes.join_all().await;
    store.close().await;
}
