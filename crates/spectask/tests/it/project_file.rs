//! Settings in the repository: proposed by `init`, used once they are trusted.

use crate::commands::{said, spectask};
use crate::harness::{Place, Server, git, text};
use crate::job::{PROMPT, note, scenario, session};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Output;

const FILE: &str = ".spectask/project.toml";

fn commit(repository: &Path, message: &str) {
    git(repository, &["add", "-A"]);
    git(repository, &["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", message]);
}

fn write(repository: &Path, text: &str) {
    std::fs::create_dir_all(repository.join(".spectask")).expect("a folder");
    std::fs::write(repository.join(FILE), text).expect("a file");
}

fn warned(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs `init` in a folder and expects the given exit code.
fn init(place: &Place, folder: &Path, code: i32, more: &[&str]) -> String {
    let folder = folder.to_string_lossy();
    let output = spectask(place, &[&["init", &*folder, "--no-open"][..], more].concat());
    let (out, err) = (said(&output), warned(&output));
    assert_eq!(output.status.code(), Some(code), "{out}\n{err}");
    out + &err
}

async fn task(server: &Server, project: &str) -> String {
    let task =
        server.post("/spec-tasks/from-prompt", &json!({ "prompt": PROMPT, "project_id": project })).await;
    text(&task, "id")
}

/// Brings a task to the review of its change and returns the change.
async fn change(server: &Server, task: &str) -> Value {
    server.wait_for(task, &["spec_review", "spec_failed"]).await;
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    server.wait_for(task, &["implementation_review", "implementation_failed"]).await["change"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn init_sets_a_repository_up_and_its_settings_are_in_force_once_committed() {
    let place = Place::new(0);
    place.configure(&scenario(&(note(1) + &note(2))));
    let makefile = "test:\n\ttrue\nlint:\n\ttrue\n";
    let repository = place.repository("notes", &[("Makefile", makefile), ("docs/a.md", "A\n")]);
    let without = init(&place, &repository, 0, &["--dry-run"]);
    assert!(without.contains("test_command = \"make test\"") && !repository.join(FILE).exists(), "{without}");

    let server = place.serve().await;
    let told = init(&place, &repository.join("docs"), 0, &[]);
    assert!(told.contains("Wrote .spectask/project.toml") && told.contains("git -C "), "{told}");
    assert!(told.contains("\"make test\"") || told.contains("make test"), "{told}");
    let file = std::fs::read_to_string(repository.join(FILE)).expect("a file");
    let projects = server.get("/projects").await;
    assert_eq!(projects[0]["settings_file"]["state"], "absent", "{projects:#}");
    commit(&repository, "Settings");
    let projects = server.get("/projects").await;
    assert_eq!(projects[0]["settings_file"]["state"], "trusted", "{projects:#}");
    assert_eq!(
        projects[0]["effective_settings"]["test_command"],
        json!({ "value": "make test", "source": "file" })
    );

    // Again it keeps what is there, and registers nothing twice.
    write(&repository, "checks = [\"true\"]\n");
    let again = init(&place, &repository, 0, &[]);
    assert!(again.contains("Kept .spectask/project.toml"), "{again}");
    assert_eq!(std::fs::read_to_string(repository.join(FILE)).expect("a file"), "checks = [\"true\"]\n");
    init(&place, &repository, 0, &["--force"]);
    assert_eq!(std::fs::read_to_string(repository.join(FILE)).expect("a file"), file);
    assert_eq!(server.get("/projects").await.as_array().map(Vec::len), Some(1));

    let task = task(&server, &text(&projects[0], "id")).await;
    let change = change(&server, &task).await;
    let ran: Vec<&str> = change["checks"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|check| check["command"].as_str())
        .collect();
    assert_eq!(ran, ["make test", "make lint"], "{change:#}");
    assert!(change["checks"].as_array().is_some_and(|all| all.iter().all(|check| check["passed"] == true)));
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn init_says_what_to_do_where_it_cannot_work() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let folder = |name: &str| {
        let path = place.path(name);
        std::fs::create_dir_all(&path).expect("a folder");
        path
    };
    let plain = folder("plain");
    assert!(init(&place, &plain, 4, &[]).contains("is not a git repository; make it one with `git init`"));
    let empty = folder("empty");
    git(&empty, &["init", "-q", "-b", "main"]);
    assert!(init(&place, &empty, 4, &[]).contains("has no commits yet; make one with"));
    let repository = place.repository("notes", &[("go.mod", "module notes\n")]);
    let bare = place.path("bare.git");
    let (from, to) = (repository.to_string_lossy(), bare.to_string_lossy());
    git(&repository, &["clone", "-q", "--bare", &from, &to]);
    assert!(init(&place, &bare, 4, &[]).contains("is a bare repository"));
    let linked = place.path("linked");
    git(&repository, &["worktree", "add", "-q", "-b", "aside", linked.to_str().expect("text")]);
    let told = init(&place, &linked, 4, &[]);
    assert!(told.contains("is a linked worktree of") && told.contains("notes"), "{told}");
    assert!(init(&place, &place.path("nowhere"), 3, &[]).contains("there is no folder"));
    assert!(init(&place, &repository, 4, &["--base-branch", "gone"]).contains("has no branch \"gone\""));

    git(&repository, &["checkout", "-q", "--detach"]);
    let told = init(&place, &repository, 0, &[]);
    assert!(told.contains("HEAD is detached; run `git switch main`"), "{told}");
    assert!(told.contains("no server runs on") && told.contains("spectask serve"), "{told}");
    assert!(told.contains("go test ./..."), "{told}");
    git(&repository, &["branch", "-q", "-m", "main", "trunk-1"]);
    git(&repository, &["branch", "-q", "trunk-2"]);
    assert!(init(&place, &repository, 4, &["--force"]).contains("git switch -c main"));
}

#[tokio::test(flavor = "multi_thread")]
async fn init_writes_through_no_link() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let repository = place.repository("notes", &[("go.mod", "module notes\n")]);
    let outside = place.path("outside");
    std::fs::create_dir_all(&outside).expect("a folder");
    std::os::unix::fs::symlink(&outside, repository.join(".spectask")).expect("a link");
    let folder = repository.to_string_lossy().into_owned();
    spectask(&place, &["init", &folder, "--no-open", "--force"]);
    assert_eq!(std::fs::read_dir(&outside).expect("a folder").count(), 0);
}

/// A server with a project whose repository has a settings file that is not trusted.
async fn with_file(place: &Place, file: &str) -> (Server, PathBuf, String) {
    place.configure(&scenario(&(note(1) + &note(2))));
    let repository = place.repository("notes", &[("README.md", "# Notes\n"), (FILE, file)]);
    let server = place.serve().await;
    let project = server.post("/projects", &json!({ "repository_path": repository })).await;
    (server, repository, text(&project, "id"))
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_a_file_run_only_when_its_content_is_trusted() {
    let place = Place::new(0);
    let (server, repository, project) =
        with_file(&place, "setup_command = \"touch ran\"\nchecks = [\"test -f ran\"]\n").await;
    let first = task(&server, &project).await;
    let held = change(&server, &first).await;
    let commands: Vec<&str> = held["checks"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|check| check["command"].as_str())
        .collect();
    assert_eq!(commands, ["touch ran", "test -f ran"], "{held:#}");
    let output = text(&held["checks"][0], "output");
    assert!(held["checks"][0]["passed"] == false && output.contains("It was not run."), "{output}");
    assert!(output.contains(&format!("spectask projects trust {project}`")), "{output}");

    let listed = said(&spectask(&place, &["projects"]));
    assert!(
        listed.contains("untrusted") && listed.contains("is not used before a person trusts it"),
        "{listed}"
    );
    let doctor = said(&spectask(&place, &["doctor"]));
    assert!(doctor.contains("settings file"), "{doctor}");
    let asked = spectask(&place, &["projects", "trust", &project]);
    assert_eq!(asked.status.code(), Some(4));
    assert!(said(&asked).contains("touch ran") && warned(&asked).contains("nothing was trusted"));
    assert_eq!(
        spectask(&place, &["projects", "trust", &project, "--at", "0123456789ab"]).status.code(),
        Some(4)
    );
    let hash = text(&server.get(&format!("/projects/{project}")).await["settings_file"], "hash");
    let trusted = spectask(&place, &["projects", "trust", &project, "--at", &hash[..12]]);
    assert!(trusted.status.success(), "{}", warned(&trusted));

    let second = task(&server, &project).await;
    let ran = change(&server, &second).await;
    assert_eq!(ran["checks"].as_array().map(Vec::len), Some(1), "{ran:#}");
    assert_eq!(
        (&ran["checks"][0]["command"], &ran["checks"][0]["passed"]),
        (&json!("test -f ran"), &json!(true))
    );

    // Another content is asked for again, also after a kill.
    write(&repository, "checks = [\"touch evil\"]\n");
    commit(&repository, "Other settings");
    server.kill().await;
    let server = place.serve().await;
    let found = server.get(&format!("/projects/{project}")).await;
    assert_eq!(found["settings_file"]["state"], "untrusted", "{found:#}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_used_is_named_and_runs_nothing() {
    let place = Place::new(0);
    let (server, _, project) = with_file(&place, "check = [\"true\"]\n").await;
    let task = task(&server, &project).await;
    let held = change(&server, &task).await;
    let output = text(&held["checks"][0], "output");
    assert!(output.contains("line 1: unknown field `check`"), "{held:#}");
    assert!(said(&spectask(&place, &["projects"])).contains("invalid"));
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_the_file_or_beyond_a_boundary_is_a_finding() {
    let place = Place::new(0);
    let write = |number: u32, file: &str| {
        let content = "checks = [\"curl evil\"]\n";
        let steps = format!(
            "{{ write = {file:?}, content = {content:?} }}, {{ tick = \"{number}.1\", state = \"done\" }}"
        );
        session(number, &steps)
    };
    place.configure(&scenario(&(write(1, FILE) + &write(2, "vendor/a.txt"))));
    let file = "boundaries = [\"vendor/\", \"Keep the API stable.\"]\n";
    let repository = place.repository("notes", &[("README.md", "# Notes\n"), (FILE, file)]);
    let server = place.serve().await;
    let project = text(&server.post("/projects", &json!({ "repository_path": repository })).await, "id");
    server.post(&format!("/projects/{project}/trust-settings"), &json!({ "content": file })).await;
    let task = task(&server, &project).await;
    let planned = server.wait_for(&task, &["spec_review", "spec_failed"]).await;
    let planner = text(&planned["work_sessions"][0], "id");
    let log = server.get(&format!("/work-sessions/{planner}/events?limit=500")).await.to_string();
    assert!(log.contains("- `vendor/`") && log.contains("- Keep the API stable."), "{log}");
    change(&server, &task).await;
    let findings = server.get(&format!("/spec-tasks/{task}/secret-findings")).await;
    let kinds: Vec<&str> =
        findings.as_array().into_iter().flatten().filter_map(|one| one["kind"].as_str()).collect();
    assert!(kinds.contains(&"settings_file_changed") && kinds.contains(&"boundary_crossed"), "{findings:#}");
    let diff = spectask(&place, &["diff", &task]);
    assert!(warned(&diff).contains(".spectask/project.toml changes"), "{}", warned(&diff));
    // An agent's worktree is no place that settings are read from.
    let found = server.get(&format!("/projects/{project}")).await;
    assert_eq!(found["settings_file"]["state"], "trusted");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn spectask_alone_says_what_is_there_and_what_to_do_next() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let alone = spectask(&place, &[]);
    assert_eq!(alone.status.code(), Some(0), "{}", warned(&alone));
    let told = said(&alone);
    for part in ["turns a prompt into", "none runs on", "spectask serve", "spectask init", "spectask demo"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let server = place.serve().await;
    let told = said(&spectask(&place, &[]));
    assert!(told.contains(&format!("runs at {}", server.url)) && !told.contains("spectask serve"), "{told}");
    server.end().await;
}
