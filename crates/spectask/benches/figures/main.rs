//! The figures: each a ratio to a limit, or to the same work done by hand in the same run.
//!
//! `cargo bench -p spectask` prints them; nothing fails on a figure, since machines are noisy.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measures")]

mod analytics;
mod cold;
mod collisions;
mod crew;
mod filled;
mod first_output;
mod fleet;
mod growth;
mod lint;
mod plans;
mod ports;
mod progress;
mod queue;
mod ready;
mod record;
mod recovery;
mod sandbox;
mod search;
mod secrets;
mod server;
mod streaming;

use std::time::Duration;

#[tokio::main]
async fn main() {
    let only: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |name: &str| only.is_empty() || only.iter().any(|one| name.contains(one.as_str()));
    if wanted("first-output") {
        first_output::print().await;
    }
    if wanted("progress") {
        progress::print().await;
    }
    if wanted("streaming") {
        streaming::print().await;
    }
    if wanted("collisions") {
        collisions::print();
    }
    if wanted("record") {
        record::print();
    }
    if wanted("secrets") {
        secrets::print();
    }
    if wanted("lint") {
        lint::print();
    }
    if wanted("sandbox") {
        sandbox::print().await;
    }
    if wanted("crew") {
        crew::print().await;
    }
    if wanted("plans") {
        plans::print().await;
    }
    if wanted("search") {
        search::print().await;
    }
    if wanted("analytics") {
        Box::pin(analytics::print()).await;
    }
    if wanted("cold") {
        cold::print().await;
    }
    if wanted("queue") {
        Box::pin(queue::print()).await;
    }
    if wanted("ready") {
        ready::print().await;
    }
    if wanted("ports") {
        ports::print().await;
    }
    if wanted("fleet") {
        fleet::print().await;
    }
    if wanted("recovery") {
        recovery::print().await;
    }
    if wanted("growth") {
        Box::pin(growth::print()).await;
    }
}

/// The value below which a share of the samples lies.
fn quantile(samples: &mut [Duration], share: f64) -> Duration {
    samples.sort();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index"
    )]
    let at = ((samples.len() as f64 - 1.0) * share).round() as usize;
    samples.get(at).copied().unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Seconds of CPU that a process and those it waited for have used.
fn cpu(pid: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split_whitespace().collect();
    // utime, stime, cutime, cstime: fields 14 to 17 of the line, in ticks of a hundredth of a second.
    (11..15).filter_map(|at| fields.get(at)?.parse::<f64>().ok()).sum::<f64>() / 100.0
}
