//! Setup commands and checks at the level that is the default: ordinary projects pass, and nothing of them is left running.

use crate::harness::{Place, Server, eventually_holds, text};
use crate::job::{PROMPT, note, scenario};
use crate::sandbox::{MODE, path_without, starts};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files of small projects without dependencies, and the checks of each.
const PROJECTS: [(&str, &str); 8] = [
    (
        "package.json",
        "{ \"name\": \"sums\", \"version\": \"1.0.0\", \"scripts\": { \"test\": \"node --test\" } }\n",
    ),
    (
        "package-lock.json",
        "{ \"name\": \"sums\", \"version\": \"1.0.0\", \"lockfileVersion\": 3, \"requires\": true,\n\
         \"packages\": { \"\": { \"name\": \"sums\", \"version\": \"1.0.0\" } } }\n",
    ),
    (
        "sums.test.js",
        "const test = require('node:test');\nconst assert = require('node:assert');\n\
         test('a sum', () => assert.equal(1 + 1, 2));\n",
    ),
    (
        "test_sums.py",
        "import unittest\n\n\nclass Sums(unittest.TestCase):\n    def test_a_sum(self):\n        self.assertEqual(1 + 1, 2)\n",
    ),
    ("Cargo.toml", "[package]\nname = \"sums\"\nversion = \"1.0.0\"\nedition = \"2021\"\n\n[workspace]\n"),
    ("src/lib.rs", "#[test]\nfn a_sum() {\n    assert_eq!(1 + 1, 2);\n}\n"),
    ("go.mod", "module sums\n\ngo 1.19\n"),
    (
        "sums_test.go",
        "package sums\n\nimport \"testing\"\n\nfunc TestSum(t *testing.T) {\n\tif 1+1 != 2 {\n\t\tt.Fatal(\"no sum\")\n\t}\n}\n",
    ),
];
/// The checks; those whose toolchain is missing on this machine are left out.
const CHECKS: [(&str, &str); 5] = [
    ("npm", "npm ci && npm test"),
    ("pytest", "pytest -q"),
    ("python3", "python3 -m unittest -q"),
    ("cargo", "cargo test --offline"),
    ("go", "go test ./..."),
];

#[tokio::test(flavor = "multi_thread")]
async fn ordinary_projects_pass_their_checks_in_the_sandbox() {
    let is_there = |program: &str| {
        let found =
            Command::new("sh").args(["-c", &format!("{program} --version || {program} version")]).output();
        found.is_ok_and(|output| output.status.success())
    };
    let checks: Vec<&str> =
        CHECKS.iter().filter(|(program, _)| is_there(program)).map(|(_, check)| *check).collect();
    assert!(checks.len() >= 3, "{checks:?}");
    // Below /tmp and elsewhere; a home folder of its own would be one without toolchains.
    for parent in [std::env::temp_dir(), env!("CARGO_TARGET_TMPDIR").into()] {
        let place = Place::beneath(&parent, 0);
        place.configure(&scenario(&(note(1) + &note(2))));
        let ignored = ("/.gitignore", "target\nnode_modules\n__pycache__\n");
        let files: Vec<(&str, &str)> =
            PROJECTS.iter().copied().chain([(&ignored.0[1..], ignored.1)]).collect();
        let repository = place.repository("sums", &files);
        let server = place.serve().await;
        let task =
            begin(&server, &repository, json!({ "checks": checks, "setup_command": "echo ready > ready" }))
                .await;
        let change = server.wait_for(&task, &["implementation_review", "implementation_failed"]).await;
        let results = change["change"]["checks"].as_array().cloned().unwrap_or_default();
        assert_eq!(results.len(), checks.len(), "{change:#}");
        assert!(results.iter().all(|result| result["passed"] == true), "{results:#?}");
        server.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_sandbox_denies_a_check_is_shown_with_the_setting() {
    for is_setup in [false, true] {
        let place = Place::new(0);
        place.configure(&scenario(&(note(1) + &note(2))));
        let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
        let server = place.serve().await;
        let command = "touch /opt/denied-to-checks";
        let settings = if is_setup {
            json!({ "checks": ["true"], "setup_command": command })
        } else {
            json!({ "checks": [command] })
        };
        let task = begin(&server, &repository, settings).await;
        let change = server.wait_for(&task, &["implementation_review", "implementation_failed"]).await;
        let output = if is_setup {
            // The session does not begin without its setup.
            assert_eq!(change["last_error"]["code"], "setup_failed", "{change:#}");
            text(&change["last_error"], "message")
        } else {
            let result = &change["change"]["checks"][0];
            assert_eq!(result["passed"], false, "{change:#}");
            text(result, "output")
        };
        assert!(output.contains("denied writing /opt/denied-to-checks"), "{output}");
        assert!(output.contains("sandbox.writable"), "{output}");
        server.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn require_refuses_with_the_reason_where_bubblewrap_is_missing() {
    let programs = tempfile::tempdir().expect("a folder");
    let path = path_without("bwrap", programs.path()).to_string_lossy().into_owned();
    let place = Place::new(0);
    place.configure(&scenario(&(note(1) + &note(2))));
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve_with(&[("PATH", &path), (MODE, "require")]).await;
    let project = server.project(&repository, &[]).await;
    let body = json!({ "prompt": PROMPT, "project_id": project });
    let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    let failed = server.wait_for(&task, &["spec_failed"]).await;
    let reason = failed["last_error"].to_string();
    assert!(reason.contains("the command bwrap is not installed"), "{reason}");
    assert!(reason.contains("apt-get install bubblewrap"), "{reason}");
    server.end().await;
    let doctor = Command::new(env!("CARGO_BIN_EXE_spectask"))
        .args(["doctor", "--data-dir"])
        .arg(place.path("data"))
        .arg("--config")
        .arg(place.path("spectask.toml"))
        .envs([("PATH", path.as_str()), (MODE, "require")])
        .output()
        .expect("it runs");
    assert!(!doctor.status.success());
    let said = String::from_utf8_lossy(&doctor.stdout);
    assert!(said.contains("the command bwrap is not installed"), "{said}");
}

/// A check that never ends, with a child that leaves its session and environment.
struct Endless {
    place: Place,
    server: Server,
    task: String,
    /// The commands that it runs, which no other test does.
    commands: [String; 2],
}

impl Endless {
    /// The processes of the check that run.
    fn running(&self) -> Vec<PathBuf> {
        self.commands.iter().flat_map(|command| starts(command)).collect()
    }
}

async fn endless(mode: &str, number: u32, is_setup: bool) -> Endless {
    let commands =
        [1, 2].map(|part| format!("sleep {}", 2_000_000 + std::process::id() * 100 + number * 10 + part));
    let [first, second] = &commands;
    // The one leaves its session, the other the environment of its parent as well.
    let away = if mode == "off" { "setsid" } else { "env -i setsid" };
    let command = format!("{away} {first} & {second}");
    let settings = if is_setup {
        json!({ "checks": ["true"], "setup_command": command })
    } else {
        json!({ "checks": [command] })
    };
    let mut place = Place::new(0);
    // Its database is opened by hand.
    place.on_postgres = false;
    place.configure(&scenario(&(note(1) + &note(2))));
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve_with(&[(MODE, mode)]).await;
    let task = begin(&server, &repository, settings).await;
    let endless = Endless { place, server, task, commands };
    eventually_holds("both commands run", || endless.running().len() == 2).await;
    endless
}

async fn begin(server: &Server, repository: &Path, settings: Value) -> String {
    let body = json!({ "name": "test", "repository_path": repository, "settings": settings });
    let project = text(&server.post("/projects", &body).await, "id");
    let body = json!({ "prompt": PROMPT, "project_id": project });
    let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    server.wait_for(&task, &["spec_review", "spec_failed"]).await;
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    task
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_ends_with_a_server_that_is_killed() {
    let check = endless("require", 1, false).await;
    let before = check.running();
    let Endless { server, commands, place, .. } = check;
    server.kill().await;
    eventually_holds("no command runs", || commands.iter().all(|command| starts(command).is_empty())).await;
    // The next start runs it again, as a process tree of its own.
    let server = place.serve_with(&[(MODE, "require")]).await;
    eventually_holds("each command runs once", || commands.iter().all(|command| starts(command).len() == 1))
        .await;
    assert!(commands.iter().flat_map(|command| starts(command)).all(|process| !before.contains(&process)));
    server.kill().await;
    eventually_holds("no command runs", || commands.iter().all(|command| starts(command).is_empty())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setup_command_ends_with_its_task() {
    let setup = endless("require", 2, true).await;
    setup.server.post(&format!("/spec-tasks/{}/cancel", setup.task), &json!({})).await;
    eventually_holds("the setup command has ended", || setup.running().is_empty()).await;
    setup.server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_ends_when_its_server_loses_the_lease() {
    use sqlx::Connection as _;
    let check = endless("require", 3, false).await;
    let url = format!("sqlite://{}", check.place.path("data/spectask.db").display());
    let mut database = sqlx::SqliteConnection::connect(&url).await.expect("a database");
    // Another server has the effect now, and keeps it.
    let sql = "UPDATE effects SET attempt = attempt + 1, worker = 'another', lease_until = 9000000000000000 \
               WHERE state = 'leased' AND name = 'run_checks'";
    let taken = sqlx::raw_sql(sql).execute(&mut database).await.expect("it is taken");
    assert_eq!(taken.rows_affected(), 1);
    eventually_holds("the check has ended", || check.running().is_empty()).await;
    check.server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_server_and_watcher_left_of_a_check_ends_before_it_runs_again() {
    // Without namespaces a watcher that is killed takes nothing along.
    let check = endless("off", 4, false).await;
    let record = check.place.path("data/checks").join(format!("{}.running", check.task));
    let record = std::fs::read_to_string(record).expect("a record");
    let watcher = record.split(' ').next().expect("a number").to_owned();
    let before = check.running();
    let Endless { place, server, commands, .. } = check;
    let server_pid = server.pid().to_string();
    // At once, so that neither ends anything.
    assert!(
        Command::new("kill").args(["-KILL", &watcher, &server_pid]).status().expect("kill runs").success()
    );
    server.kill().await;
    let left =
        |command: &String| starts(command).into_iter().filter(|process| before.contains(process)).count();
    assert!(commands.iter().map(left).sum::<usize>() > 0, "nothing was left, which proves nothing");
    let server = place.serve_with(&[(MODE, "off")]).await;
    eventually_holds("each command runs once more", || {
        commands.iter().all(|command| left(command) == 0 && starts(command).len() == 1)
    })
    .await;
    server.end().await;
}
