//! The metrics of the process as instruments of OpenTelemetry.

use super::{EXPORT_TIMEOUT, FLUSH_TIMEOUT, Failing, resource};
use metrics::{Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn};
use metrics::{Key, KeyName, Metadata, SharedString, Unit};
use metrics_util::registry::{Registry, Storage};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Meter, MeterProvider as _};
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, WithExportConfig as _};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::metrics::{
    Aggregation, Instrument, InstrumentKind, SdkMeterProvider, Stream, Temporality,
};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The export of metrics. Dropping it sends what was recorded last, within a time limit.
pub(super) struct MetricExport(SdkMeterProvider);

impl MetricExport {
    /// Prepares the export to a collector, and returns what records for it.
    pub(super) fn new(endpoint: &str) -> Result<(Self, MeterRecorder), ExporterBuildError> {
        let exporter = MetricExporter::builder()
            .with_http()
            .with_endpoint(format!("{endpoint}/v1/metrics"))
            .with_timeout(EXPORT_TIMEOUT)
            .build()?;
        let exporter = LoggedExporter { inner: exporter, failing: Failing::new("metrics") };
        let provider = SdkMeterProvider::builder()
            .with_periodic_exporter(exporter)
            .with_resource(resource())
            .with_view(exponential_histograms)
            .build();
        let instruments = Instruments { meter: provider.meter("spectask"), described: Mutex::default() };
        Ok((Self(provider), MeterRecorder(Registry::new(instruments))))
    }
}

impl Drop for MetricExport {
    fn drop(&mut self) {
        // A collector that is away was logged.
        let _ = self.0.shutdown_with_timeout(FLUSH_TIMEOUT);
    }
}

/// Buckets that fit themselves to what is recorded: from a query to an agent's turn, and the sizes of groups.
fn exponential_histograms(instrument: &Instrument) -> Option<Stream> {
    if instrument.kind() != InstrumentKind::Histogram {
        return None;
    }
    // The limits that OpenTelemetry's specification recommends.
    let aggregation =
        Aggregation::Base2ExponentialHistogram { max_size: 160, max_scale: 20, record_min_max: true };
    Stream::builder().with_aggregation(aggregation).build().ok()
}

/// Records metrics with instruments of OpenTelemetry, one for each name and set of labels.
pub(crate) struct MeterRecorder(Registry<Key, Instruments>);

impl MeterRecorder {
    fn describe(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.0.storage().described.lock().insert(name, (unit, description));
    }
}

impl metrics::Recorder for MeterRecorder {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(name, unit, description);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(name, unit, description);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, description: SharedString) {
        self.describe(name, unit, description);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        self.0.get_or_create_counter(key, |counter| Counter::from_arc(counter.clone()))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        self.0.get_or_create_gauge(key, |gauge| Gauge::from_arc(gauge.clone()))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        self.0.get_or_create_histogram(key, |histogram| Histogram::from_arc(histogram.clone()))
    }
}

/// Makes the instruments.
struct Instruments {
    meter: Meter,
    described: Mutex<HashMap<KeyName, (Option<Unit>, SharedString)>>,
}

impl Instruments {
    /// Returns a metric's unit and description.
    fn description(&self, key: &Key) -> (&'static str, String) {
        let described = self.described.lock();
        let Some((unit, description)) = described.get(key.name()) else { return ("", String::new()) };
        (unit.map_or("", |unit| unit.as_canonical_label()), description.to_string())
    }
}

impl Storage<Key> for Instruments {
    type Counter = Arc<ExportedCounter>;
    type Gauge = Arc<ExportedGauge>;
    type Histogram = Arc<ExportedHistogram>;

    fn counter(&self, key: &Key) -> Self::Counter {
        let (unit, description) = self.description(key);
        let builder = self.meter.u64_counter(key.name().to_owned());
        let counter = builder.with_unit(unit).with_description(description).build();
        Arc::new(ExportedCounter { counter, labels: labels(key), value: AtomicU64::new(0) })
    }

    fn gauge(&self, key: &Key) -> Self::Gauge {
        let (unit, description) = self.description(key);
        let builder = self.meter.f64_gauge(key.name().to_owned());
        let gauge = builder.with_unit(unit).with_description(description).build();
        Arc::new(ExportedGauge { gauge, labels: labels(key), value: AtomicU64::new(0) })
    }

    fn histogram(&self, key: &Key) -> Self::Histogram {
        let (unit, description) = self.description(key);
        let builder = self.meter.f64_histogram(key.name().to_owned());
        let histogram = builder.with_unit(unit).with_description(description).build();
        Arc::new(ExportedHistogram { histogram, labels: labels(key) })
    }
}

fn labels(key: &Key) -> Vec<KeyValue> {
    key.labels().map(|label| KeyValue::new(label.key().to_owned(), label.value().to_owned())).collect()
}

struct ExportedCounter {
    counter: opentelemetry::metrics::Counter<u64>,
    labels: Vec<KeyValue>,
    value: AtomicU64,
}

impl CounterFn for ExportedCounter {
    fn increment(&self, value: u64) {
        CounterFn::increment(&self.value, value);
        self.counter.add(value, &self.labels);
    }

    fn absolute(&self, value: u64) {
        let before = self.value.fetch_max(value, Ordering::AcqRel);
        self.counter.add(value.saturating_sub(before), &self.labels);
    }
}

struct ExportedGauge {
    gauge: opentelemetry::metrics::Gauge<f64>,
    labels: Vec<KeyValue>,
    /// The bits of its value.
    value: AtomicU64,
}

impl ExportedGauge {
    fn export(&self) {
        self.gauge.record(f64::from_bits(self.value.load(Ordering::Acquire)), &self.labels);
    }
}

impl GaugeFn for ExportedGauge {
    fn increment(&self, value: f64) {
        GaugeFn::increment(&self.value, value);
        self.export();
    }

    fn decrement(&self, value: f64) {
        GaugeFn::decrement(&self.value, value);
        self.export();
    }

    fn set(&self, value: f64) {
        GaugeFn::set(&self.value, value);
        self.export();
    }
}

struct ExportedHistogram {
    histogram: opentelemetry::metrics::Histogram<f64>,
    labels: Vec<KeyValue>,
}

impl HistogramFn for ExportedHistogram {
    fn record(&self, value: f64) {
        self.histogram.record(value, &self.labels);
    }
}

struct LoggedExporter {
    inner: MetricExporter,
    failing: Failing,
}

impl PushMetricExporter for LoggedExporter {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let exported = self.inner.export(metrics).await;
        self.failing.note(&exported);
        exported
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.inner.temporality()
    }
}
