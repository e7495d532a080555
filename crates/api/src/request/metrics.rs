//! The metrics of this crate. `docs/observability.md` lists them.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};

pub const REQUESTS: &str = "spectask_http_requests_total";
pub const REQUEST_DURATION: &str = "spectask_http_request_duration_seconds";
pub const LIVE_STREAMS: &str = "spectask_live_streams";
pub const LIVE_LAGS: &str = "spectask_live_lags_total";
pub const LIVE_RESYNCS: &str = "spectask_live_resyncs_total";

/// Describes every metric of this crate to the recorder.
pub fn describe() {
    describe_counter!(
        REQUESTS,
        Unit::Count,
        "HTTP requests that were answered, by route, method and status class."
    );
    describe_histogram!(
        REQUEST_DURATION,
        Unit::Seconds,
        "Time from a request's head to the head of its answer."
    );
    describe_gauge!(LIVE_STREAMS, Unit::Count, "Live streams that are open.");
    describe_counter!(
        LIVE_LAGS,
        Unit::Count,
        "Times that a live stream fell behind and read on from the database."
    );
    describe_counter!(
        LIVE_RESYNCS,
        Unit::Count,
        "Times that a live stream fell too far behind and began again."
    );
    // What rarely happens is there as 0 from the start.
    counter!(LIVE_LAGS, "channel" => "feed").increment(0);
    counter!(LIVE_LAGS, "channel" => "log").increment(0);
    counter!(LIVE_RESYNCS).increment(0);
}

/// How a live stream reaches its client.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Transport {
    WebSocket,
    ServerSentEvents,
}

/// A live stream that counts as open for as long as this is held.
pub(crate) struct OpenStream(&'static str);

impl OpenStream {
    pub(crate) fn new(transport: Transport) -> Self {
        let label = match transport {
            Transport::WebSocket => "websocket",
            Transport::ServerSentEvents => "sse",
        };
        gauge!(LIVE_STREAMS, "transport" => label).increment(1.0);
        Self(label)
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        gauge!(LIVE_STREAMS, "transport" => self.0).decrement(1.0);
    }
}
