//! The figures: each a ratio to a limit, or to the same work done by hand in the same run.
//!
//! `cargo bench -p spectask` prints them; nothing fails on a figure, since machines are noisy.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measures")]

mod cold;
mod first_output;
mod progress;
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
    if wanted("cold") {
        cold::print().await;
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
