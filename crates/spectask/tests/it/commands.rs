//! The command line, on a running server and without one.

use crate::harness::{Place, TOKEN, git};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;

pub(crate) fn spectask(place: &Place, args: &[&str]) -> Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_spectask"))
        .args(args)
        .env("SPECTASK_DATA_DIR", place.path("data"))
        .env("SPECTASK_CONFIG", place.path("spectask.toml"))
        .env_remove("SPECTASK_TOKEN")
        .current_dir(place.folder.path())
        .output()
        .expect("the binary runs")
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_runs_by_the_command_line_alone() {
    let place = Place::new(0);
    let requirements = "### Requirement 1: A\n\n#### Acceptance Criteria\n\n1. THE folder SHALL have a note.\n2. IF it has none, THEN THE folder SHALL say so.\n";
    place.configure(&format!(
        "prompts = [\"Write a note\"]\n[planning]\nrequirements = {requirements:?}\ndesign = \"# Design\\n\"\n\
         tasks = \"- [ ] 1. Note\\n  - _Requirements: 1_\\n\"\n[[sessions]]\ntask = \"1\"\nsteps = [{{ write = \"note.md\", content = \"Note\\n\" }}]\n"
    ));
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let repo = repository.to_string_lossy().into_owned();
    let run = |args: &[&str]| {
        let output = spectask(&place, args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        said(&output)
    };
    assert_eq!(run(&["token"]).trim(), TOKEN);
    let planned: Value =
        serde_json::from_str(&run(&["--json", "new", "Write a note", "--repo", &repo, "--wait"]))
            .expect("JSON");
    assert_eq!(planned["status"], "spec_review", "{planned:#}");
    assert!(run(&["list"]).contains("spec_review"));
    assert!(run(&["show", "Write a note"]).contains("spectask approve"));
    assert!(run(&["document", "Write a note"]).contains("THE folder SHALL have a note."));
    assert!(!run(&["document", "Write a note", "tasks"]).contains("SHALL"));
    let code = |args: &[&str]| spectask(&place, args).status.code();
    assert_eq!(code(&["approve", "Write a note"]), Some(4), "no terminal showed what is approved");
    assert_eq!(code(&["approve", "Write a note", "--at", "0123456789ab"]), Some(4), "it is another one");
    let shown = spectask(&place, &["document", "Write a note"]);
    let shown = String::from_utf8_lossy(&shown.stderr).into_owned();
    let hash = shown.trim().strip_prefix("content hash ").expect("a hash");
    let reviewed: Value =
        serde_json::from_str(&run(&["--json", "approve", "Write a note", "--at", &hash[..12], "--wait"]))
            .expect("JSON");
    assert_eq!(reviewed["status"], "implementation_review", "{reviewed:#}");
    let changed = run(&["diff", "Write a note"]);
    let change: Value = serde_json::from_str(&run(&["--json", "diff", "Write a note"])).expect("JSON");
    let head = change["head"].as_str().expect("a commit");
    assert!(changed.starts_with(&format!("commit {head}\n")), "{change:#}");
    assert!(change["files"].as_array().is_some_and(|files| !files.is_empty()), "{change:#}");
    assert!(changed.contains("+++ b/note.md\n@@") && !changed.contains("tasks.md"), "{changed}");
    assert!(run(&["diff", "Write a note", "--specs"]).contains("tasks.md"));
    let resumed = spectask(&place, &["resume", "Write a note"]);
    let why = String::from_utf8_lossy(&resumed.stderr).into_owned();
    assert_eq!(resumed.status.code(), Some(4), "{why}");
    assert!(why.contains("nothing is paused"), "{why}");
    let sessions: Value = serde_json::from_str(&run(&["--json", "sessions", "Write a note"])).expect("JSON");
    let session = sessions["work_sessions"][1]["id"].as_str().expect("a session");
    assert!(run(&["diff", session]).contains("+Note"));
    assert!(run(&["log", session]).contains("── asked"));
    assert_eq!(code(&["approve", "Write a note"]), Some(4));
    let diff = run(&["diff", "Write a note"]);
    let commit = diff.lines().next().and_then(|line| line.strip_prefix("commit ")).expect("a commit");
    let done: Value =
        serde_json::from_str(&run(&["--json", "approve", "Write a note", "--at", commit, "--wait"]))
            .expect("JSON");
    assert_eq!(done["status"], "done", "{done:#}");
    assert!(Path::new(&repo).join("note.md").exists());
    assert!(run(&["projects"]).contains("notes"));
    assert!(run(&["agents"]).contains("scripted"));
    assert!(run(&["config"]).contains("max_instances"));
    assert_eq!(code(&["show", "nothing like it"]), Some(3));
    assert_eq!(code(&["show", ""]), Some(3));
    assert_eq!(code(&["log", "Write a note"]), Some(3));
    assert_eq!(code(&["approve", "Write a note"]), Some(4));
    assert_eq!(code(&["frobnicate"]), Some(2));
    server.end().await;
    assert_eq!(code(&["list"]), Some(5), "no server");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_runs_by_the_command_line_alone() {
    let place = Place::new(0);
    place.configure(
        "prompts = [\"Talk with me\"]\n[[sessions]]\nsteps = [{ say = \"What shall I write?\" }]\n[[conversation]]\n\
         steps = [{ write = \"note.md\", content = \"Note\\n\" }, { say = \"I wrote a note.\" }]\n",
    );
    let broken = (".spectask/templates/broken.toml", "title = \"\"\n");
    let repository = place.repository("notes", &[("README.md", "# Notes\n"), broken]);
    let server = place.serve().await;
    let repo = repository.to_string_lossy().into_owned();
    let run = |args: &[&str]| {
        let output = spectask(&place, args);
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        said(&output)
    };
    let begun = run(&["task", "new", "Talk with me", "--repo", &repo, "--wait"]);
    assert!(begun.contains("What shall I write?") && begun.contains("spectask task say"), "{begun}");
    assert_eq!(run(&["task", "say", "Talk with me", "A note", "--wait"]).trim(), "I wrote a note.");
    assert!(run(&["task", "list", "--type", "interactive"]).contains("waits for you"));
    assert!(run(&["task", "list", "--type", "batch"]).contains("No tasks"));
    assert!(run(&["task", "show", "Talk with me"]).contains("I wrote a note."));
    run(&["task", "add-session", "Talk with me", "Talk with me beside"]);
    assert!(run(&["sessions", "Talk with me"]).contains("Talk with me beside"));
    let templates = run(&["templates", "--project", "notes"]);
    assert!(templates.contains("campaign") && templates.contains("broken.toml, line 1"), "{templates}");
    assert!(run(&["templates", "bug-fix"]).contains("A test that fails because of it"));
    assert!(run(&["task", "close", "Talk with me"]).contains("task/NOTE-"));
    let code = |args: &[&str]| spectask(&place, args).status.code();
    assert_eq!(code(&["task", "status", "Talk with me", "cancelled"]), Some(4));
    assert_eq!(code(&["templates", "no-such"]), Some(3));
    assert!(run(&["task", "delete", "Talk with me"]).contains("out of the lists"));
    server.end().await;
}

/// Without an agent that has a model, work in a person's repository is refused before anything is written to it, unless the
/// built-in one is chosen by name; a sample is what the built-in one is for.
#[tokio::test(flavor = "multi_thread")]
async fn without_an_agent_a_persons_repository_gets_no_filler() {
    let place = Place::new(0);
    std::fs::write(place.path("spectask.toml"), "").expect("a configuration");
    let programs = place.path("programs");
    std::fs::create_dir_all(&programs).expect("a folder");
    for program in ["git", "sh", "node"] {
        let found = std::env::split_paths(&std::env::var_os("PATH").expect("a PATH"))
            .map(|folder| folder.join(program))
            .find(|path| path.exists());
        if let Some(found) = found {
            std::os::unix::fs::symlink(found, programs.join(program)).expect("a link");
        }
    }
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let variables = [("PATH", &*programs.to_string_lossy()), ("SPECTASK_LIMITS__MIN_FREE_MB", "7")];
    let server = place.serve_with(&variables).await;
    let doctor = said(&spectask(&place, &["doctor"]));
    assert!(doctor.contains("of which 7 MB are kept free"), "what the running server has in force: {doctor}");
    assert!(doctor.contains("secrets key"), "{doctor}");
    let repo = repository.to_string_lossy().into_owned();
    let refused = spectask(&place, &["new", "Write a note", "--repo", &repo]);
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && why.contains("No coding agent is installed"), "{why}");
    assert!(why.contains("npm install -g") && why.contains("--agent scripted"), "{why}");
    assert!(!spectask(&place, &["task", "new", "Talk", "--repo", &repo]).status.success());
    let refused = spectask(&place, &["new", "Write a note", "--repo", &repo, "--agent", "gemini"]);
    let why = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(2), "{why}");
    assert!(why.contains("not installed") && why.contains("npm install -g @google/gemini-cli"), "{why}");
    assert_eq!(server.get("/spec-tasks").await, json!([]));
    assert_eq!(server.get("/projects").await, json!([]), "no project is registered for a refused task");
    let asked = json!({ "repository_path": repo, "settings": { "spec_agent": "gemini" } });
    let (status, problem) = server.try_post("/projects", &asked).await.expect("an answer");
    assert_eq!((status, &problem["code"]), (422, &json!("agent_not_installed")), "{problem:#}");
    assert_eq!(problem["errors"][0]["field"], "settings.spec_agent", "{problem:#}");
    let agents = server.get("/agents").await;
    assert!(agents.as_array().expect("agents").iter().all(|agent| agent["default_for"] == json!([])));
    let named = ["new", "Write a note", "--repo", &repo, "--agent", "scripted", "--no-start"];
    assert!(spectask(&place, &named).status.success());
    assert!(spectask(&place, &["new", "Add due dates", "--demo", "nodejs-todo"]).status.success());
    let tasks = server.get("/spec-tasks").await;
    for task in tasks.as_array().expect("tasks") {
        assert_eq!(
            (&task["spec_agent"], &task["implementation_agent"]),
            (&json!("scripted"), &json!("scripted"))
        );
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_branch_that_is_not_checked_out_is_named() {
    let place = Place::new(0);
    place.configure("prompts = [\"Write a note\"]\n");
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let linked = place.path("linked").to_string_lossy().into_owned();
    git(&repository, &["worktree", "add", "-q", "-b", "feature", &linked]);
    let new = |repo: &str| {
        let output = spectask(&place, &["new", "Write a note", "--repo", repo, "--no-start"]);
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{why}");
        why
    };
    assert!(!new(&repository.to_string_lossy()).contains("base branch"));
    let why = new(&linked);
    assert!(why.contains("The base branch is main; feature is checked out in "), "{why}");
    git(Path::new(&linked), &["checkout", "-q", "--detach"]);
    let why = new(&linked);
    assert!(why.contains("The base branch is main; HEAD is detached in "), "{why}");
    server.end().await;
}

#[test]
fn completions_and_help_are_there() {
    let place = Place::new(0);
    std::fs::write(place.path("spectask.toml"), "").expect("a file");
    assert!(said(&spectask(&place, &["completions", "bash"])).contains("request-changes"));
    assert!(said(&spectask(&place, &["--help"])).contains("Exit codes"));
    let list = said(&spectask(&place, &["list", "--help"]));
    let list = list.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(list.contains("possible values: backlog, spec_generation"), "{list}");
    assert_eq!(spectask(&place, &["list", "--status", "open"]).status.code(), Some(2));
    // A reader that goes away is no failure.
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_spectask"));
    let pipes = (std::process::Stdio::piped(), std::process::Stdio::piped());
    let mut child = command.arg("openapi").stdout(pipes.0).stderr(pipes.1).spawn().expect("the binary runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("an end");
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let broken = place.path("spectask.toml");
    std::fs::write(broken, "[limits]\nmax_instance = 3\n").expect("a file");
    let output = spectask(&place, &["config"]);
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && error.contains("max_instance"), "{error}");
}
