//! The metrics of this crate, and the recorder that gives those of all crates as Prometheus text.
//! `docs/observability.md` lists them.
//!
//! The recorder is one per process. Counters and histograms are recorded where events happen; gauges of the database
//! and of the process are read on request.

use crate::App;
use crate::clock::now;
use metrics::{
    Recorder, Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use metrics_util::layers::FanoutBuilder;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike as _;
use parking_lot::Mutex;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use store::StoreError;
use tokio_util::sync::CancellationToken;
use workflow::{FailureClass, SessionPhase, SessionStatus, TaskStatus};

pub const TASKS: &str = "spectask_tasks";
pub const SESSIONS: &str = "spectask_sessions";
pub const UPTIME: &str = "spectask_uptime_seconds";
pub const DECISIONS: &str = "spectask_decisions_total";
pub const DECISION_DURATION: &str = "spectask_decision_duration_seconds";
pub const EFFECTS: &str = "spectask_effects_total";
pub const EFFECT_FAILURES: &str = "spectask_effect_failures_total";
pub const EFFECT_DURATION: &str = "spectask_effect_duration_seconds";
pub const EFFECTS_QUEUED: &str = "spectask_effects_queued";
pub const EFFECT_OLDEST_WAIT: &str = "spectask_effect_oldest_wait_seconds";
pub const TURNS_STARTED: &str = "spectask_turns_started_total";
pub const TURNS_ENDED: &str = "spectask_turns_ended_total";
pub const TURNS_FAILED: &str = "spectask_turns_failed_total";
pub const TURN_DURATION: &str = "spectask_turn_duration_seconds";
pub const AGENT_PROCESSES: &str = "spectask_agent_processes";
pub const AGENT_STARTS: &str = "spectask_agent_process_starts_total";
pub const AGENT_START_FAILURES: &str = "spectask_agent_process_start_failures_total";
pub const AGENT_RESTARTS: &str = "spectask_agent_process_restarts_total";
pub const AGENT_CRASHES: &str = "spectask_agent_process_crashes_total";
pub const RESIDENT_MEMORY: &str = "process_resident_memory_bytes";
pub const OPEN_DESCRIPTORS: &str = "process_open_fds";
pub const CPU_SECONDS: &str = "process_cpu_seconds_total";

/// The upper bounds of the buckets of durations, in seconds: from a query to an agent's turn.
const DURATION_BUCKETS: [f64; 14] =
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0, 3600.0];
/// The upper bounds of the buckets of the writer's group sizes.
const GROUP_BUCKETS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];
/// The interval in which recorded durations are moved into their buckets, so that they use no memory without a reader.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// How often gauges are read where metrics are exported: at least once for each of OpenTelemetry's usual intervals.
const EXPORTED_GAUGES_INTERVAL: Duration = Duration::from_secs(30);

/// Whether the metrics of this process are sent to a collector.
static EXPORTS: AtomicBool = AtomicBool::new(false);
/// The recorder of this process.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Describes every metric of this crate to the recorder.
pub fn describe() {
    describe_gauge!(TASKS, Unit::Count, "Tasks by status.");
    describe_gauge!(SESSIONS, Unit::Count, "Work sessions by status.");
    describe_gauge!(UPTIME, Unit::Seconds, "Time since the server started.");
    describe_counter!(DECISIONS, Unit::Count, "Inputs that tasks were given, by input and outcome.");
    describe_histogram!(DECISION_DURATION, Unit::Seconds, "Time from an input to its saved decision.");
    describe_counter!(EFFECTS, Unit::Count, "Effects that came to their end on this server.");
    describe_counter!(EFFECT_FAILURES, Unit::Count, "Attempts of effects that failed, by class of failure.");
    describe_histogram!(EFFECT_DURATION, Unit::Seconds, "Time that an attempt of an effect takes.");
    describe_gauge!(EFFECTS_QUEUED, Unit::Count, "Effects that have not come to their end, by state.");
    describe_gauge!(
        EFFECT_OLDEST_WAIT,
        Unit::Seconds,
        "Time that the oldest due effect waits for its start."
    );
    describe_counter!(TURNS_STARTED, Unit::Count, "Turns that agents were asked for.");
    describe_counter!(TURNS_ENDED, Unit::Count, "Turns that ended, by the agent's stop reason.");
    describe_counter!(TURNS_FAILED, Unit::Count, "Turns that failed, by class of failure.");
    describe_histogram!(TURN_DURATION, Unit::Seconds, "Time from the request of a turn to its end.");
    describe_gauge!(AGENT_PROCESSES, Unit::Count, "Agent processes that run.");
    describe_counter!(AGENT_STARTS, Unit::Count, "Agent processes that were started.");
    describe_counter!(AGENT_START_FAILURES, Unit::Count, "Agent processes that could not be started.");
    describe_counter!(
        AGENT_RESTARTS,
        Unit::Count,
        "Agent processes that were started in place of one that ended."
    );
    describe_counter!(AGENT_CRASHES, Unit::Count, "Agent processes that ended without being asked to.");
    describe_gauge!(RESIDENT_MEMORY, Unit::Bytes, "Resident memory of the server's process.");
    describe_gauge!(OPEN_DESCRIPTORS, Unit::Count, "File descriptors that the server's process has open.");
    describe_gauge!(CPU_SECONDS, Unit::Seconds, "CPU time of the server's process, user and system.");
}

/// Records the metrics of this process also elsewhere, such as for a collector that they are sent to. It has to be called
/// before a server opens.
pub fn export_to(recorder: impl Recorder + Send + Sync + 'static) {
    EXPORTS.store(true, Ordering::Relaxed);
    RECORDER.get_or_init(|| {
        let (prometheus, handle) = prometheus();
        let both = FanoutBuilder::default().add_recorder(prometheus).add_recorder(recorder).build();
        set_global(both);
        handle
    });
}

/// Installs the recorder of this process. Further calls return the same one.
pub(crate) fn install() -> PrometheusHandle {
    let installed = RECORDER.get_or_init(|| {
        let (prometheus, handle) = prometheus();
        set_global(prometheus);
        handle
    });
    installed.clone()
}

fn prometheus() -> (PrometheusRecorder, PrometheusHandle) {
    let builder = PrometheusBuilder::new();
    let bounded = builder
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &DURATION_BUCKETS)
        .and_then(|builder| {
            let group_size = Matcher::Full(store::metrics::WRITE_GROUP_SIZE.to_owned());
            builder.set_buckets_for_metric(group_size, &GROUP_BUCKETS)
        });
    // Only empty buckets are refused.
    let recorder = bounded.expect("buckets").build_recorder();
    let handle = recorder.handle();
    (recorder, handle)
}

fn set_global(recorder: impl Recorder + Sync + 'static) {
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("this process records its metrics elsewhere; /metrics has none");
    }
    store::metrics::describe();
    git::metrics::describe();
    describe();
}

/// The metrics of a server.
pub struct Metrics {
    recorder: PrometheusHandle,
    /// The labels that gauges had, so that one without a value is 0.
    labels: Mutex<BTreeSet<(&'static str, String, String)>>,
}

impl Metrics {
    pub(crate) fn new(recorder: PrometheusHandle) -> Self {
        Self { recorder, labels: Mutex::default() }
    }

    /// Reads the gauges, and returns all metrics as Prometheus text.
    pub async fn render(&self, app: &App) -> Result<String, StoreError> {
        self.read_gauges(app).await?;
        Ok(self.recorder.render())
    }

    /// Reads the gauges of the database and of the process.
    async fn read_gauges(&self, app: &App) -> Result<(), StoreError> {
        let mut found = BTreeMap::new();
        for status in TaskStatus::ALL {
            found.insert((TASKS, status.to_string(), String::new()), 0);
        }
        for (status, count) in app.store.count_tasks().await? {
            found.insert((TASKS, status, String::new()), count);
        }
        for status in SessionStatus::ALL {
            found.insert((SESSIONS, status.to_string(), String::new()), 0);
        }
        for (status, count) in app.store.count_sessions().await? {
            found.insert((SESSIONS, status, String::new()), count);
        }
        let mut first_due = None;
        for queue in app.store.effect_queues().await? {
            if queue.state == "pending" {
                first_due = first_due.into_iter().chain([queue.first_due]).min();
            }
            found.insert((EFFECTS_QUEUED, queue.effect, queue.state), queue.count);
        }
        for (agent, count) in app.instances.count_processes() {
            found.insert((AGENT_PROCESSES, agent, String::new()), count);
        }
        self.set_gauges(&found);
        let waited = first_due.map_or(0, |due| (now().0 - due.0).max(0));
        gauge!(EFFECT_OLDEST_WAIT).set(seconds(waited));
        gauge!(UPTIME).set(seconds(now().0 - app.started_at.0));
        set_process_gauges();
        Ok(())
    }

    /// Sets gauges by their labels. Those that were set before and are absent become 0.
    fn set_gauges(&self, found: &BTreeMap<(&'static str, String, String), u64>) {
        // Each change is a single insert, so the content is valid after any panic.
        let mut labels = self.labels.lock();
        labels.extend(found.keys().cloned());
        for key @ (name, first, second) in labels.iter() {
            let gauge = match *name {
                EFFECTS_QUEUED => gauge!(*name, "effect" => first.clone(), "state" => second.clone()),
                AGENT_PROCESSES => gauge!(*name, "agent" => first.clone()),
                _ => gauge!(*name, "status" => first.clone()),
            };
            let count = found.get(key).copied().unwrap_or(0);
            gauge.set(f64::from(u32::try_from(count).unwrap_or(u32::MAX)));
        }
    }
}

/// Moves recorded durations into their buckets until stopped, and reads the gauges for exporters.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let mut read_at: Option<Instant> = None;
    loop {
        app.metrics.recorder.run_upkeep();
        let is_due = read_at.is_none_or(|at| at.elapsed() >= EXPORTED_GAUGES_INTERVAL);
        if EXPORTS.load(Ordering::Relaxed) && is_due {
            read_at = Some(Instant::now());
            if let Err(error) = app.metrics.read_gauges(&app).await {
                tracing::debug!(%error, "the gauges are not read");
            }
        }
        if stop.run_until_cancelled(tokio::time::sleep(UPKEEP_INTERVAL)).await.is_none() {
            return;
        }
    }
}

/// Counts a turn that an agent is asked for.
pub(crate) fn count_turn_start(phase: SessionPhase) {
    counter!(TURNS_STARTED, "phase" => phase.as_str()).increment(1);
}

/// Counts a turn that ended or failed.
pub(crate) fn count_turn_end(phase: SessionPhase, end: Result<&str, FailureClass>, duration: Duration) {
    let phase = phase.as_str();
    histogram!(TURN_DURATION, "phase" => phase).record(duration);
    match end {
        Ok(reason) => {
            let reason = stop_reason(reason);
            counter!(TURNS_ENDED, "phase" => phase, "stop_reason" => reason).increment(1);
        }
        Err(class) => counter!(TURNS_FAILED, "phase" => phase, "class" => class.as_str()).increment(1),
    }
}

/// Counts an attempt of an effect that came to its end.
pub(crate) fn count_effect(effect: &'static str, failure: Option<FailureClass>, duration: Duration) {
    let outcome = if failure.is_none() { "done" } else { "failed" };
    counter!(EFFECTS, "effect" => effect, "outcome" => outcome).increment(1);
    histogram!(EFFECT_DURATION, "effect" => effect).record(duration);
    if let Some(class) = failure {
        counter!(EFFECT_FAILURES, "effect" => effect, "class" => class.as_str()).increment(1);
    }
}

/// Returns a stop reason of the Agent Client Protocol as a label; agents may send any text.
fn stop_reason(reason: &str) -> &'static str {
    const KNOWN: [&str; 5] = ["end_turn", "max_tokens", "max_turn_requests", "refusal", "cancelled"];
    KNOWN.into_iter().find(|known| *known == reason).unwrap_or("other")
}

fn set_process_gauges() {
    if let Ok(used) = getrusage(UsageWho::RUSAGE_SELF) {
        let used = used.user_time() + used.system_time();
        gauge!(CPU_SECONDS).set(seconds(used.num_milliseconds()));
    }
    if let Some(bytes) = resident_bytes() {
        gauge!(RESIDENT_MEMORY).set(bytes);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        // The folder that is read is one of them.
        let open = open.count().saturating_sub(1);
        gauge!(OPEN_DESCRIPTORS).set(f64::from(u32::try_from(open).unwrap_or(u32::MAX)));
    }
}

/// Returns the resident memory of this process in bytes.
fn resident_bytes() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u32 = line.split_whitespace().next()?.parse().ok()?;
    Some(f64::from(kilobytes) * 1024.0)
}

/// Milliseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "a float holds milliseconds of 285,000 years exactly")]
fn seconds(milliseconds: i64) -> f64 {
    milliseconds as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stop_reasons_are_a_bounded_label() {
        assert_eq!(stop_reason("end_turn"), "end_turn");
        assert_eq!(stop_reason("whatever an agent says"), "other");
    }

    #[test]
    fn the_process_has_resident_memory() {
        assert!(resident_bytes().is_some_and(|bytes| bytes > 1_000_000.0));
    }
}
