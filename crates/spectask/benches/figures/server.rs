//! A server to measure, and a client that listens.

use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio_tungstenite::tungstenite::{Message, client::IntoClientRequest as _};

const TOKEN: &str = "sptk_bench_owner";

/// A server on a folder of its own.
pub(crate) struct Server {
    child: Child,
    pub(crate) folder: tempfile::TempDir,
    pub(crate) url: String,
    http: reqwest::Client,
}

/// One socket.
pub(crate) struct Socket(
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>,
);

impl Server {
    /// Starts a server whose scripted agent plays a scenario.
    pub(crate) async fn start(
        folder: tempfile::TempDir,
        scenario: &str,
        pace_ms: u32,
        parallel: usize,
    ) -> Self {
        Self::start_with(folder, scenario, pace_ms, parallel, &[]).await
    }

    /// Starts a server with variables in its environment.
    pub(crate) async fn start_with(
        folder: tempfile::TempDir,
        scenario: &str,
        pace_ms: u32,
        parallel: usize,
        environment: &[(&str, &str)],
    ) -> Self {
        let scenarios = folder.path().join("own-scenarios");
        std::fs::create_dir_all(&scenarios).expect("a folder");
        std::fs::write(scenarios.join("bench.toml"), scenario).expect("a scenario");
        let config = format!(
            "[limits]\nmax_instances = 200\nmax_in_review = 10000\nmax_sessions_per_task = {parallel}\n\n[defaults]\n\
             spec_agent = \"player\"\nimplementation_agent = \"player\"\n\n[[agents]]\nid = \"player\"\ncommand = {:?}\n\
             args = [\"agent\", \"scripted\", \"--scenarios\", {:?}]\nenv = {{ SPECTASK_SCRIPTED_PACE_MS = \"{pace_ms}\" }}\n",
            env!("CARGO_BIN_EXE_spectask"),
            scenarios.to_string_lossy(),
        );
        std::fs::write(folder.path().join("spectask.toml"), config).expect("a configuration");
        let mut child = Command::new(env!("CARGO_BIN_EXE_spectask"))
            .args(["serve", "--bind", "127.0.0.1:0", "--data-dir"])
            .arg(folder.path().join("data"))
            .arg("--config")
            .arg(folder.path().join("spectask.toml"))
            .env("SPECTASK_TOKEN", TOKEN)
            .env("RUST_LOG", "error")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the binary starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let line = lines.next_line().await.expect("output").expect("a line");
        let url = line.trim_start_matches("listening on ").to_owned();
        // A second server finds it there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { child, folder, url, http: reqwest::Client::new() }
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let request = self.http.get(format!("{}/api/v1{path}", self.url)).bearer_auth(TOKEN);
        request.send().await.expect("an answer").json().await.expect("JSON")
    }

    /// The total of a list.
    pub(crate) async fn total(&self, path: &str) -> u64 {
        let request = self.http.get(format!("{}/api/v1{path}", self.url)).bearer_auth(TOKEN);
        let answer = request.send().await.expect("an answer");
        let total = answer.headers().get("x-total-count").expect("a total");
        total.to_str().expect("text").parse().expect("a number")
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.http.post(format!("{}/api/v1{path}", self.url)).bearer_auth(TOKEN).json(body);
        request.send().await.expect("an answer").json().await.expect("JSON")
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Value {
        let request = self.http.put(format!("{}/api/v1{path}", self.url)).bearer_auth(TOKEN).json(body);
        request.send().await.expect("an answer").json().await.expect("JSON")
    }

    /// A repository with one file, as a project.
    pub(crate) async fn project(&self, name: &str) -> (String, PathBuf) {
        let path = self.folder.path().join(name);
        repository(&path);
        let project = self.post("/projects", &json!({ "name": name, "repository_path": path })).await;
        (project["id"].as_str().expect("a project").to_owned(), path)
    }

    pub(crate) async fn socket(&self) -> Socket {
        let mut request =
            format!("{}/api/v1/ws", self.url.replace("http", "ws")).into_client_request().expect("a request");
        request.headers_mut().insert("Authorization", format!("Bearer {TOKEN}").parse().expect("a header"));
        Socket(tokio_tungstenite::connect_async(request).await.expect("a socket").0)
    }

    /// Asks until a task is in a state.
    pub(crate) async fn wait_for(&self, task: &str, state: &str) {
        loop {
            let found = self.get(&format!("/spec-tasks/{task}")).await;
            let status = found["status"].as_str().unwrap_or_default();
            assert!(!status.ends_with("failed"), "{found:#}");
            if status == state {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    }

    /// Resident memory of the server, in MiB.
    pub(crate) fn resident(&self) -> f64 {
        resident(self.child.id().expect("a running server"))
    }

    /// Seconds of CPU that the server and the processes it waited for have used.
    pub(crate) fn cpu(&self) -> f64 {
        let pid = self.child.id().expect("a running server").to_string();
        crate::cpu(&pid)
    }

    pub(crate) async fn stop(mut self) -> tempfile::TempDir {
        self.child.kill().await.expect("it ends");
        self.folder
    }
}

impl Socket {
    pub(crate) async fn subscribe(&mut self, topics: &Value) {
        self.send(json!({ "subscribe": topics, "after": null })).await;
    }

    /// Subscribes with what was said since.
    pub(crate) async fn subscribe_after(&mut self, topics: &Value, seq: u64) {
        self.send(json!({ "subscribe": topics, "after": seq })).await;
    }

    async fn send(&mut self, message: Value) {
        let text = message.to_string();
        self.0.send(Message::text(text)).await.expect("a subscription");
    }

    /// The next message.
    pub(crate) async fn next(&mut self) -> Value {
        loop {
            match self.0.next().await.expect("an open socket").expect("a message") {
                Message::Text(text) => return serde_json::from_str(&text).expect("JSON"),
                Message::Close(_) => panic!("the server closed the socket"),
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }
}

/// A process's resident memory, in MiB.
pub(crate) fn resident(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}

pub(crate) fn repository(path: &Path) {
    std::fs::create_dir_all(path).expect("a folder");
    std::fs::write(path.join("README.md"), "# Bench\n").expect("a file");
    for args in [
        &["init", "-q", "-b", "main"][..],
        &["add", "-A"],
        &["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", "Start"],
    ] {
        git(path, args);
    }
}

pub(crate) fn git(path: &Path, args: &[&str]) -> String {
    let output = std::process::Command::new("git").arg("-C").arg(path).args(args).output().expect("git runs");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// Documents that pass validation, for a plan of so many tasks side by side.
pub(crate) fn documents(tasks: usize) -> (String, String, String) {
    let requirements = "# Requirements Document\n\n## Introduction\n\nParts.\n\n## Requirements\n\n### Requirement 1: Parts\n\n\
        **User Story:** As a reader, I want parts, so that I can read them.\n\n#### Acceptance Criteria\n\n\
        1. WHEN the book is built, THE book SHALL contain its parts.\n2. IF a part is missing, THEN THE book SHALL name it.\n";
    let design = "# Design\n\n## Overview\n\nOne file for each part.\n";
    let mut plan = String::from("# Implementation Plan\n\n");
    for number in 1..=tasks {
        plan.push_str(&format!(
            "- [ ] {number}. (P) Part {number}\n  - _Requirements: 1.1_\n  - _Boundary: {number}.md_\n"
        ));
    }
    (requirements.to_owned(), design.to_owned(), plan)
}
