//! Figures about 10,000 tasks over HTTP, beside folding every task's events when they are asked for.

use crate::filled::{self, size};
use crate::server::Server;
use crate::{ms, quantile};
use std::time::Instant;
use store::Store;
use workflow::{Millis, TaskMetrics};

const ROUNDS: usize = 20;

pub(crate) async fn print() {
    let tasks = size("SPECTASK_BENCH_TASKS", 10_000);
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    std::fs::create_dir_all(&data).expect("a folder");
    let store =
        Store::open(&format!("sqlite://{}", data.join("spectask.db").display())).await.expect("a database");
    filled::begin(&store, 20).await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock");
    let now = i64::try_from(now.as_millis()).expect("a time");
    let mut ids = Vec::new();
    for number in 0..tasks {
        let (task, _) = filled::task(number, 20, 0, now);
        ids.push(task.task.id.clone());
        store.put_rebuilt(task).await.expect("saved");
    }
    let begun = Instant::now();
    let mut events = 0;
    for id in &ids {
        let mut metrics = TaskMetrics::default();
        for event in store.task_events(id, 0, 1_000).await.expect("read") {
            metrics.fold(event.seq, Millis(event.at.0), &event.event);
            events += 1;
        }
    }
    let folding = begun.elapsed();
    filled::index(&store).await;
    store.close().await;
    let server = Server::start(folder, "id = \"none\"\nprompts = [\"none\"]\n", 0, 4).await;
    let first = jiff::Timestamp::from_millisecond(now - 364 * 86_400_000).expect("a time");
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let found = server.get(&format!("/analytics?from={first}")).await;
        times.push(begun.elapsed());
        assert_eq!(
            (found["uncounted_tasks"].as_u64(), found["totals"]["tasks_done"].as_u64()),
            (Some(0), Some(tasks))
        );
    }
    let (p50, p99) = (quantile(&mut times, 0.5), quantile(&mut times, 0.99));
    println!(
        "analytics: a year of {tasks} tasks in {:.1} ms (p50) and {:.1} ms (p99); folding their {events} events when asked {:.0} ms (1/{:.1} of it)",
        ms(p50),
        ms(p99),
        ms(folding),
        folding.as_secs_f64() / p50.as_secs_f64()
    );
    server.stop().await;
}
