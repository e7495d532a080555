//! Exports the spans of the log as traces, and the metrics, over OTLP, HTTP with protobuf, where an endpoint is configured.
//!
//! Spans wait in a bounded queue for a separate thread, and those that do not fit are dropped. Metrics are sent by another
//! thread. A collector that is away costs a warning for each; it never blocks the server.

mod metrics;

use self::metrics::{MeterRecorder, MetricExport};
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{ExporterBuildError, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

/// How long one request to the collector may take.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the end of the server waits for the spans that are not sent yet.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(3);
/// The crates whose spans are exported: not those of the HTTP client that exports them.
const CRATES: [&str; 6] = ["agent", "api", "engine", "git", "spectask", "store"];

/// The export of traces and metrics. Dropping it sends what waits, within a time limit for each.
pub(crate) struct Telemetry {
    traces: SdkTracerProvider,
    _metrics: MetricExport,
}

impl Telemetry {
    /// Prepares the export to a collector, such as `http://127.0.0.1:4318`, and returns what records the metrics for it.
    pub(crate) fn new(endpoint: &str) -> Result<(Self, MeterRecorder), ExporterBuildError> {
        let endpoint = endpoint.trim_end_matches('/');
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .with_timeout(EXPORT_TIMEOUT)
            .build()?;
        let exporter = LoggedExporter { inner: exporter, failing: Failing::new("traces") };
        let builder = SdkTracerProvider::builder().with_batch_exporter(exporter);
        let (metrics, recorder) = MetricExport::new(endpoint)?;
        Ok((Self { traces: builder.with_resource(resource()).build(), _metrics: metrics }, recorder))
    }

    /// Returns the layer that turns spans into those of traces.
    pub(crate) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let targets = Targets::new().with_targets(CRATES.map(|name| (name, LevelFilter::INFO)));
        let layer = tracing_opentelemetry::layer().with_tracer(self.traces.tracer("spectask"));
        layer.with_location(false).with_threads(false).with_filter(targets)
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        // A collector that is away was logged.
        let _ = self.traces.shutdown_with_timeout(FLUSH_TIMEOUT);
    }
}

/// Returns what the traces and metrics are of: `spectask`, unless the variables of OpenTelemetry name the service
/// otherwise.
fn resource() -> Resource {
    let builder =
        Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
    let has = |variable: &str, part: &str| std::env::var(variable).is_ok_and(|value| value.contains(part));
    if has("OTEL_SERVICE_NAME", "") || has("OTEL_RESOURCE_ATTRIBUTES", "service.name=") {
        return builder.build();
    }
    builder.with_service_name("spectask").build()
}

/// Logs when an export begins to fail and when it succeeds again, instead of each failure.
#[derive(Debug)]
struct Failing {
    /// The kind of data that is exported.
    what: &'static str,
    is_failing: AtomicBool,
}

impl Failing {
    fn new(what: &'static str) -> Self {
        Self { what, is_failing: AtomicBool::new(false) }
    }

    fn note(&self, exported: &OTelSdkResult) {
        let what = self.what;
        match exported {
            Ok(()) if self.is_failing.swap(false, Ordering::Relaxed) => {
                tracing::info!("the collector takes {what} again");
            }
            Err(error) if !self.is_failing.swap(true, Ordering::Relaxed) => {
                tracing::warn!(%error, "could not export {what}; those of this time are lost");
            }
            Ok(()) | Err(_) => {}
        }
    }
}

#[derive(Debug)]
struct LoggedExporter {
    inner: opentelemetry_otlp::SpanExporter,
    failing: Failing,
}

impl SpanExporter for LoggedExporter {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let exported = self.inner.export(batch).await;
        self.failing.note(&exported);
        exported
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}
