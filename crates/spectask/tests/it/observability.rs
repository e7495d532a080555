//! What operators read of a server: its metrics, the spans of its log, and its traces.

use crate::harness::{Place, TOKEN, eventually, http, text};
use crate::job::{PROMPT, begin, note, scenario};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use regex::Regex;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

const PAGE: &str = include_str!("../../../../docs/observability.md");
const DASHBOARD: &str = include_str!("../../../../docs/grafana/spectask.json");

/// A metric as the page documents it.
#[derive(Debug, PartialEq, Eq)]
struct Documented {
    kind: String,
    labels: BTreeSet<String>,
    unit: String,
}

/// Reads the page's tables of metrics: name, type, labels, unit, meaning.
fn documented() -> BTreeMap<String, Documented> {
    let rows =
        PAGE.lines().filter(|line| line.starts_with("| `spectask_") || line.starts_with("| `process_"));
    let read = |row: &str| {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let labels = cells[3].split(',').map(|label| label.trim().trim_matches('`').to_owned());
        let found = Documented {
            kind: cells[2].to_owned(),
            labels: labels.filter(|label| !label.is_empty() && label != "–").collect(),
            unit: cells[4].to_owned(),
        };
        (cells[1].trim_matches('`').to_owned(), found)
    };
    rows.map(read).collect()
}

/// Gathers the names that crates describe, with type and unit.
#[derive(Default)]
struct Descriptions(Mutex<BTreeMap<String, (&'static str, String)>>);

impl Descriptions {
    fn insert(&self, kind: &'static str, name: &KeyName, unit: Option<Unit>) {
        let unit = unit.map_or("", |unit| unit.as_str()).to_owned();
        self.0.lock().expect("no panic").insert(name.as_str().to_owned(), (kind, unit));
    }
}

impl Recorder for Descriptions {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        self.insert("counter", &name, unit);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        self.insert("gauge", &name, unit);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, _: SharedString) {
        self.insert("histogram", &name, unit);
    }

    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// The metrics that the crates describe.
fn described() -> BTreeMap<String, (&'static str, String)> {
    let descriptions = Descriptions::default();
    metrics::with_local_recorder(&descriptions, || {
        store::metrics::describe();
        git::metrics::describe();
        engine::metrics::describe();
        api::metrics::describe();
    });
    descriptions.0.into_inner().expect("no panic")
}

/// A metric's name without what a histogram adds to it.
fn base_name(name: &str) -> &str {
    ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part)).unwrap_or(name)
}

#[test]
fn the_page_lists_every_metric_with_its_type_and_unit() {
    let documented: BTreeMap<String, (String, String)> =
        documented().into_iter().map(|(name, found)| (name, (found.kind, found.unit))).collect();
    let described: BTreeMap<String, (String, String)> =
        described().into_iter().map(|(name, (kind, unit))| (name, (kind.to_owned(), unit))).collect();
    assert_eq!(documented, described);
}

#[test]
fn the_dashboard_shows_only_metrics_that_exist() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    assert!(dashboard["schemaVersion"].as_u64() >= Some(39));
    assert_eq!(dashboard["templating"]["list"][0]["type"], "datasource");
    let name = Regex::new(r"\b(?:spectask|process)_[a-z0-9_]+").expect("a pattern");
    let described = described();
    let mut shown = BTreeSet::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().expect("a query");
            let names: Vec<&str> = name.find_iter(query).map(|found| base_name(found.as_str())).collect();
            assert!(!names.is_empty(), "{query}");
            shown.extend(names.into_iter().map(str::to_owned));
        }
    }
    let unknown: Vec<&String> = shown.iter().filter(|name| !described.contains_key(*name)).collect();
    assert_eq!(unknown, Vec::<&String>::new());
    let absent: Vec<&String> = described.keys().filter(|name| !shown.contains(*name)).collect();
    assert_eq!(absent, Vec::<&String>::new(), "each metric has a panel");
}

/// The server's metrics: each sample's name, with the names of its labels and its value.
async fn scrape(url: &str) -> Vec<(String, BTreeMap<String, String>, f64)> {
    let asked = http().get(format!("{url}/metrics")).bearer_auth(TOKEN);
    let text = asked.send().await.expect("an answer").text().await.expect("text");
    let sample = Regex::new(r"^([a-z0-9_]+)(?:\{(.*)\})? (\S+)$").expect("a pattern");
    let label = Regex::new(r#"([a-z_]+)="([^"]*)""#).expect("a pattern");
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    let read = |line: &str| {
        let found = sample.captures(line).unwrap_or_else(|| panic!("no sample: {line}"));
        let labels = found.get(2).map_or("", |labels| labels.as_str());
        let labels = label.captures_iter(labels).map(|found| (found[1].to_owned(), found[2].to_owned()));
        (found[1].to_owned(), labels.collect(), found[3].parse().expect("a number"))
    };
    lines.map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_seen_in_the_metrics() {
    let job = begin(&scenario(&(note(1) + &note(2)))).await;
    job.wait_for("spec_review").await;
    let samples = scrape(&job.server.url).await;
    let documented = documented();
    for (name, labels, _) in &samples {
        let found = documented.get(base_name(name)).unwrap_or_else(|| panic!("{name} is not documented"));
        for label in labels.keys().filter(|label| *label != "le") {
            assert!(found.labels.contains(label), "{name} has the label {label}");
        }
    }
    let value = |name: &str, wanted: &[(&str, &str)]| -> f64 {
        let fits = |labels: &BTreeMap<String, String>| {
            wanted.iter().all(|(label, value)| labels.get(*label).is_some_and(|found| found == value))
        };
        samples
            .iter()
            .filter(|(found, labels, _)| found == name && fits(labels))
            .map(|(_, _, value)| value)
            .sum()
    };
    let is_counted = |name: &str, wanted: &[(&str, &str)]| {
        assert!(value(name, wanted) > 0.0, "{name} {wanted:?}: {samples:#?}");
    };
    assert!((value("spectask_tasks", &[("status", "spec_review")]) - 1.0).abs() < f64::EPSILON);
    assert!((value("spectask_tasks", &[("status", "done")])).abs() < f64::EPSILON);
    is_counted("spectask_sessions", &[]);
    is_counted("spectask_decisions_total", &[("input", "create"), ("outcome", "saved")]);
    is_counted("spectask_decisions_total", &[("input", "turn_ended"), ("outcome", "saved")]);
    is_counted("spectask_effects_total", &[("effect", "run_turn"), ("outcome", "done")]);
    is_counted("spectask_effect_duration_seconds_count", &[("effect", "commit_specs")]);
    is_counted("spectask_turns_started_total", &[("phase", "planning")]);
    is_counted("spectask_turns_ended_total", &[("phase", "planning"), ("stop_reason", "end_turn")]);
    is_counted("spectask_agent_process_starts_total", &[("agent", "player")]);
    is_counted("spectask_git_commands_total", &[("outcome", "ok")]);
    is_counted("spectask_write_wait_seconds_count", &[]);
    let route = "/api/v1/spec-tasks/from-prompt";
    is_counted("spectask_http_requests_total", &[("route", route), ("method", "POST"), ("status", "2xx")]);
    is_counted("spectask_http_request_duration_seconds_bucket", &[("route", route), ("le", "+Inf")]);
    is_counted("process_resident_memory_bytes", &[]);
    is_counted("process_open_fds", &[]);
    is_counted("process_cpu_seconds_total", &[]);
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_the_log_name_their_request_and_their_effect() {
    let place = Place::new(0);
    place.configure(&scenario(&(note(1) + &note(2))));
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve_with(&[("RUST_LOG", "info,git=debug,engine=debug,api=debug")]).await;
    let post = async |path: &str, id: &str, body: Value| {
        let asked = http().post(format!("{}/api/v1{path}", server.url)).bearer_auth(TOKEN);
        let answer = asked.header("x-request-id", id).json(&body).send().await.expect("an answer");
        assert_eq!(answer.headers()["x-request-id"], id);
        text(&answer.json().await.expect("JSON"), "id")
    };
    let project =
        post("/projects", "register-1", json!({ "name": "notes", "repository_path": repository })).await;
    let body = json!({ "prompt": PROMPT, "project_id": project });
    let task = post("/spec-tasks/from-prompt", "create-1", body).await;
    server.wait_for(&task, &["spec_review"]).await;
    post(&format!("/spec-tasks/{task}/approve-specs"), "approve-1", json!({ "approved": true })).await;
    server.wait_for(&task, &["implementation_review"]).await;
    // At its end the server writes what waits of the log.
    server.end().await;
    let log = std::fs::read_to_string(place.path("server.log")).expect("a log");
    let has = |parts: &[&str]| {
        let is_there = log.lines().any(|line| parts.iter().all(|part| line.contains(part)));
        assert!(is_there, "no line with {parts:?}: {log}");
    };
    let task = format!("task={task}");
    has(&[
        "request_id=\"register-1\"",
        "route=\"/api/v1/projects\"",
        "git_command{command=",
        "a git command ended",
    ]);
    has(&["request_id=\"approve-1\"", "a request was answered", "status=200"]);
    has(&["effect=\"commit_work\"", "effect_id=", "session=", &task, "git_command{command=\"write-tree\"}"]);
    // What a request has done right after it names it too.
    has(&["effect=\"prepare_planning\"", &task, "request_id=\"create-1\"", "an attempt of an effect ended"]);
    has(&["effect=\"hand_off\"", &task, "request_id=\"approve-1\"", "an attempt of an effect ended"]);
}

/// What a collector on loopback was sent: the first line and the body of each request.
type Received = Arc<Mutex<Vec<(String, Vec<u8>)>>>;

/// A collector that takes everything.
async fn collector() -> (String, Received) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let received = Received::default();
    let kept = received.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let kept = kept.clone();
            tokio::spawn(async move {
                let (mut bytes, mut part) = (Vec::new(), [0; 16 * 1024]);
                while let Ok(count @ 1..) = stream.read(&mut part).await {
                    bytes.extend_from_slice(&part[..count]);
                    while let Some((line, body, rest)) = request(&bytes) {
                        kept.lock().expect("no panic").push((line, body));
                        bytes = rest;
                        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
                        stream.write_all(answer).await.expect("it reads answers");
                    }
                }
            });
        }
    });
    (url, received)
}

/// Takes a whole request off what came: its first line, its body, and the rest.
fn request(bytes: &[u8]) -> Option<(String, Vec<u8>, Vec<u8>)> {
    let end = bytes.windows(4).position(|part| part == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(0, |length| length.trim().parse().expect("a length"));
    let body = bytes.get(end + 4..end + 4 + length)?;
    let line = head.lines().next().unwrap_or_default().to_owned();
    Some((line, body.to_owned(), bytes[end + 4 + length..].to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_and_metrics_are_sent_to_a_collector() {
    let (url, received) = collector().await;
    let place = Place::new(0);
    place.configure(&scenario(&(note(1) + &note(2))));
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve_with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]).await;
    let settings = server.get("/config").await["settings"].clone();
    let endpoint = settings.as_array().expect("settings").iter();
    let endpoint =
        endpoint.clone().find(|setting| setting["key"] == "telemetry.otlp_endpoint").expect("a setting");
    assert_eq!(
        (&endpoint["value"], &endpoint["source"]),
        (&Value::from(url), &"OTEL_EXPORTER_OTLP_ENDPOINT".into())
    );
    let project = server.project(&repository, &[]).await;
    let body = json!({ "prompt": PROMPT, "project_id": project });
    let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    server.wait_for(&task, &["spec_review"]).await;
    // Ending the server sends what waits.
    server.end().await;
    let received = received.lock().expect("no panic");
    let sent_to = |path: &str| -> Vec<u8> {
        let line = format!("post {path} http/1.1");
        received.iter().filter(|(sent, _)| *sent == line).flat_map(|(_, body)| body.clone()).collect()
    };
    let has = |sent: &[u8], text: &str| sent.windows(text.len()).any(|part| part == text.as_bytes());
    let traces = sent_to("/v1/traces");
    for text in ["service.name", "request", "decision", "effect", "turn", "git_command", &task] {
        assert!(has(&traces, text), "no {text} in the traces");
    }
    let metrics = sent_to("/v1/metrics");
    for text in ["service.name", engine::metrics::DECISIONS, engine::metrics::UPTIME] {
        assert!(has(&metrics, text), "no {text} in the metrics");
    }
    let paths: BTreeSet<&str> = received.iter().map(|(line, _)| line.as_str()).collect();
    assert_eq!(
        paths.into_iter().collect::<Vec<_>>(),
        ["post /v1/metrics http/1.1", "post /v1/traces http/1.1"]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_costs_a_warning() {
    // A port that was free a moment ago has no listener.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let server = place.serve_with(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]).await;
    eventually(async || {
        // Each request is a trace.
        server.get("/me").await;
        place.read_log().contains("could not export traces").then_some(()).ok_or("no warning")
    })
    .await;
    server.end().await;
    assert_eq!(place.read_log().matches("could not export traces").count(), 1, "{}", place.read_log());
}
