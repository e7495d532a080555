//! Forgets what nobody can want: messages of the live stream that are too old to be resumed from.

use crate::App;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often there is something to forget.
const PAUSE: Duration = Duration::from_hours(1);
/// How many of the last messages of a topic are kept; whoever is further behind reads a fresh state.
const KEPT: u64 = 10_000;

/// Cleans up until told to stop, first when the server starts.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match app.store.trim_feed(KEPT).await {
            Ok(0) => {}
            Ok(messages) => tracing::debug!(messages, "forgot old messages of the live stream"),
            Err(error) => tracing::warn!(%error, "could not forget old messages of the live stream"),
        }
        // Ends early only when the server does.
        let _ = stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
    }
}
