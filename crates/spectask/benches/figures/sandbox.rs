//! Ordinary commands inside the sandbox beside the same commands outside it, as checks of tasks on two servers that take turns.

use crate::server::{Server, git, repository};
use serde_json::{Value, json};
use std::path::Path;

/// What a command may take inside, as a multiple of what it takes outside.
const LIMIT: f64 = 1.1;
/// How often each server runs all commands; the fastest run of each counts, since other work only ever adds time.
const ROUNDS: usize = 3;
/// Files of the repository in which `git status` looks.
const FILES: usize = 2_000;
const PROMPT: &str = "Measure the commands";

/// Runs a command several times and prints the shortest time in milliseconds. Checks cannot write the worktree's index inside:
/// git gets a copy of it on both sides, and files that are old enough for it to know them by their times.
const MEASURE: &str = r#"import { execFileSync, spawnSync } from "node:child_process";
import { copyFileSync, readdirSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
const [times, command, ...args] = process.argv.slice(2);
if (command === "git") {
  const copy = `${tmpdir()}/index-${process.pid}`;
  copyFileSync(execFileSync("git", ["rev-parse", "--git-path", "index"], { encoding: "utf8" }).trim(), copy);
  process.env.GIT_INDEX_FILE = copy;
  const old = new Date(Date.now() - 60_000);
  for (const page of readdirSync("pages", { recursive: true })) utimesSync(`pages/${page}`, old, old);
}
const took = [];
for (let round = 0; round < Number(times); round++) {
  utimesSync("src/lib.rs", new Date(), new Date());
  const begun = process.hrtime.bigint();
  const { status } = spawnSync(command, args, { stdio: "ignore" });
  took.push(Number(process.hrtime.bigint() - begun) / 1e6);
  if (status !== 0) process.exit(1);
}
console.log(`shortest ${Math.min(...took)}`);
"#;

/// The commands, each with how often a check runs it.
const COMMANDS: [(&str, u32); 3] =
    [("git status --porcelain", 20), ("npm test --silent", 3), ("cargo check --quiet --offline", 5)];

pub(crate) async fn print() {
    let inside = begin("require").await;
    let outside = begin("off").await;
    let (mut confined, mut free) = (Times::default(), Times::default());
    for _ in 0..ROUNDS {
        free.take(&outside).await;
        confined.take(&inside).await;
    }
    println!(
        "sandbox: a process starts in {:.0} ms inside, {:.0} ms outside; a session's first word comes after {:.0} ms and {:.0} ms",
        confined.start, free.start, confined.session, free.session
    );
    for (at, (command, _)) in COMMANDS.iter().enumerate() {
        let (ours, theirs) = (confined.commands[at], free.commands[at]);
        println!(
            "sandbox: {command}: {ours:.1} ms inside, {theirs:.1} ms outside; ratio {:.2}, limit {LIMIT}",
            ours / theirs
        );
    }
    inside.server.stop().await;
    outside.server.stop().await;
}

struct Side {
    server: Server,
    project: String,
}

/// A server whose sandbox is in a mode, with a repository that has tests in two languages.
async fn begin(mode: &str) -> Side {
    let scenario = format!(
        "id = \"bench\"\nprompts = [{PROMPT:?}]\n[[sessions]]\nsteps = [{{ say = \"I begin.\" }}, {{ write = \"note.md\", content = \"One\\n\" }}]\n"
    );
    let folder = tempfile::tempdir().expect("a folder");
    let server = Server::start_with(folder, &scenario, 0, 1, &[("SPECTASK_SANDBOX__MODE", mode)]).await;
    let path = server.folder.path().join("measured");
    repository(&path);
    fill(&path);
    let commands = COMMANDS.map(|(command, times)| format!("node measure.mjs {times} {command}"));
    let checks: Vec<String> = std::iter::once("true".to_owned()).chain(commands).collect();
    let settings = json!({ "checks": checks });
    let body = json!({ "name": "measured", "repository_path": path, "settings": settings });
    let project = server.post("/projects", &body).await["id"].as_str().expect("a project").to_owned();
    Side { server, project }
}

fn fill(path: &Path) {
    let write = |name: &str, text: &str| {
        let file = path.join(name);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("a folder");
        std::fs::write(file, text).expect("a file");
    };
    for number in 0..FILES {
        write(&format!("pages/{}/{number}.md", number % 50), &format!("# Page {number}\n"));
    }
    write("measure.mjs", MEASURE);
    write("package.json", r#"{ "name": "measured", "scripts": { "test": "node --test" } }"#);
    write(
        "sum.test.mjs",
        "import test from 'node:test';\ntest('adds', () => { if (1 + 1 !== 2) throw new Error(); });\n",
    );
    write("Cargo.toml", "[package]\nname = \"measured\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    write("Cargo.lock", "version = 4\n\n[[package]]\nname = \"measured\"\nversion = \"0.1.0\"\n");
    write("src/lib.rs", "pub fn one() -> u32 {\n    1\n}\n");
    write(".gitignore", "target\n");
    git(path, &["add", "-A"]);
    git(path, &["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", "Fill"]);
}

/// The shortest times in milliseconds.
struct Times {
    start: f64,
    session: f64,
    commands: [f64; COMMANDS.len()],
}

impl Default for Times {
    fn default() -> Self {
        Self { start: f64::INFINITY, session: f64::INFINITY, commands: [f64::INFINITY; COMMANDS.len()] }
    }
}

impl Times {
    /// Has a task carried out and checked.
    async fn take(&mut self, side: &Side) {
        let server = &side.server;
        let mut socket = server.socket().await;
        socket.subscribe(&json!([{ "topic": "fleet" }])).await;
        let begun = std::time::Instant::now();
        let body = json!({ "prompt": PROMPT, "project_id": side.project, "planning": false });
        let task =
            server.post("/spec-tasks/from-prompt", &body).await["id"].as_str().expect("a task").to_owned();
        let session = loop {
            let message = socket.next().await;
            if message["type"] == "work_session.updated" && message["data"]["spec_task_id"] == task.as_str() {
                break message["data"]["id"].clone();
            }
        };
        socket.subscribe_after(&json!([{ "topic": "session", "id": session }]), 0).await;
        while socket.next().await["data"]["kind"] != "agent_message" {}
        self.session = self.session.min(crate::ms(begun.elapsed()));
        server.wait_for(&task, "implementation_review").await;
        let found = server.get(&format!("/spec-tasks/{task}")).await;
        let checks = found["change"]["checks"].as_array().cloned().unwrap_or_default();
        assert!(checks.iter().all(|check| check["passed"] == true), "{checks:#?}");
        self.start = self.start.min(checks[0]["took_ms"].as_f64().expect("a time"));
        for (time, check) in self.commands.iter_mut().zip(&checks[1..]) {
            *time = time.min(shortest(check));
        }
    }
}

/// The time that a check printed.
fn shortest(check: &Value) -> f64 {
    let output = check["output"].as_str().unwrap_or_default();
    let line = output.lines().find_map(|line| line.strip_prefix("shortest "));
    line.and_then(|time| time.trim().parse().ok()).unwrap_or_else(|| panic!("no time in {check:#}"))
}
