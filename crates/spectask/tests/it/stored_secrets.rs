//! Secrets that a person stores reach the processes of sessions, and nothing that is written down.

use crate::commands::said;
use crate::harness::{Place, Server, text};
use crate::job::{PROMPT, note, scenario, session};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const SHARED: &str = concat!("qT7mZ4kX9v2L", "bN8wR3pYc6Hd");
const OF_PROJECT: &str = concat!("w3Rk8Vn5Jc2P", "xZ7hQ9sLf4Md");

/// Runs a command of the command line with something on its standard input.
fn spectask(place: &Place, args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_spectask"))
        .args(args)
        .env("SPECTASK_DATA_DIR", place.path("data"))
        .env("SPECTASK_CONFIG", place.path("spectask.toml"))
        .env_remove("SPECTASK_TOKEN")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it is read");
    child.wait_with_output().expect("it ends")
}

fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// Whether a file below a folder has a text.
fn holds(folder: &Path, wanted: &str) -> Option<std::path::PathBuf> {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            if let Some(found) = holds(&path, wanted) {
                return Some(found);
            }
        } else if let Ok(bytes) = std::fs::read(&path)
            && bytes.windows(wanted.len()).any(|part| part == wanted.as_bytes())
        {
            return Some(path);
        }
    }
    None
}

async fn implemented(server: &Server, project: &str) -> String {
    let body = json!({ "prompt": PROMPT, "project_id": project });
    let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    server.wait_for(&task, &["spec_review", "spec_failed"]).await;
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    server.wait_for(&task, &["implementation_review", "implementation_failed"]).await;
    task
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_secret_reaches_setup_agent_and_checks_and_no_text() {
    let place = Place::new(0);
    let look =
        format!("echo agent $NPM_TOKEN $APP_MODE; test $NPM_TOKEN = {OF_PROJECT} && test $APP_MODE = test");
    let first = session(
        1,
        &format!(
            "{{ run = \"{look}\", expect = 0 }}, {{ write = \"note1.md\", content = \"Note 1\\n\" }}, {{ tick = \"1.1\", state = \"done\" }}"
        ),
    );
    // The scenario has the value in it, and is no part of what the server writes.
    place.configure(&scenario(&(first + &note(2))));
    let shared = place.shared();
    let repository = place.repository("project", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let seen = shared.join("seen");
    let see =
        |what: &str| format!("echo {what} $NPM_TOKEN $SERVICE_KEY $APP_MODE | tee -a {}", seen.display());
    let settings = json!({
        "setup_command": see("setup"), "checks": [see("check")], "env": { "APP_MODE": "test" }, "setup_cache": false,
    });
    let body = json!({ "name": "notes", "repository_path": repository, "settings": settings });
    let project = text(&server.post("/projects", &body).await, "id");

    for (args, value) in [
        (&["secrets", "set", "NPM_TOKEN"][..], SHARED),
        (&["secrets", "set", "SERVICE_KEY"], SHARED),
        (&["secrets", "set", "NPM_TOKEN", "--project", "notes"], OF_PROJECT),
    ] {
        let output = spectask(&place, args, &format!("{value}\n"));
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!said(&output).contains(value));
    }
    let listed = spectask(&place, &["secrets", "list"], "");
    let listed = said(&listed);
    assert_eq!(listed.lines().filter(|line| line.contains("NPM_TOKEN")).count(), 2, "{listed}");
    assert!(!listed.contains(SHARED) && !listed.contains(OF_PROJECT), "{listed}");

    let task = implemented(&server, &project).await;
    let done = server.get(&format!("/spec-tasks/{task}")).await;
    assert_eq!(done["status"], "implementation_review", "{done:#}");
    let found = lines(&seen);
    let wanted = |what: &str| format!("{what} {OF_PROJECT} {SHARED} test");
    assert!(found.contains(&wanted("setup")) && found.contains(&wanted("check")), "{found:?}");
    let output = done["change"]["checks"][0]["output"].as_str().expect("its output");
    assert!(output.starts_with("check [secret:") && output.ends_with("] test\n"), "{output}");

    let data = place.path("data");
    server.end().await;
    for folder in [&data, &repository] {
        for value in [SHARED, OF_PROJECT] {
            let found = holds(folder, value);
            assert!(
                found.is_none()
                    || found.as_ref().is_some_and(|path| path.starts_with(data.join("scenarios"))),
                "{found:?}"
            );
        }
    }

    // The key is not in the database: with another one, what is stored is of no use, and the server says so.
    std::fs::write(data.join("secret-store.key"), "ab".repeat(32)).expect("another key");
    let server = place.serve().await;
    assert!(place.read_log().contains("Restore that key"), "{}", place.read_log());
    let secrets = server.get("/secrets").await;
    let unreadable: Vec<&Value> =
        secrets.as_array().expect("a list").iter().map(|secret| &secret["readable"]).collect();
    assert_eq!(unreadable, [&json!(false), &json!(false), &json!(false)]);
    let body = json!({ "prompt": PROMPT, "project_id": project });
    let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    let failed = server.wait_for(&task, &["spec_review", "spec_failed"]).await;
    assert_eq!(failed["status"], "spec_failed", "{failed:#}");
    let error = failed["last_error"]["message"].as_str().expect("a sentence");
    assert!(
        error.contains("was encrypted with the key") && error.contains("spectask secrets set"),
        "{error}"
    );
    server.end().await;
}
