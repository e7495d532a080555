//! Everything is in git, and git alone gives everything back.

use crate::harness::{Place, Server, TOKEN, eventually, git, stray_processes, text, until};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Output;
use workflow::records::{conversation, events};

const PROMPT: &str = "Write the two notes";
const REQUIREMENTS: &str = "# Requirements Document\n\n## Introduction\n\nNotes.\n\n## Requirements\n\n### Requirement 1: Notes\n\n\
    **User Story:** As a reader, I want notes, so that I can read them.\n\n#### Acceptance Criteria\n\n\
    1. WHEN the notes are asked for, THE folder SHALL contain them.\n2. IF a note is missing, THEN THE folder SHALL say so.\n";
const DESIGN: &str = "# Design\n\n## Overview\n\nOne file for each note.\n";
const TASKS: &str = "# Implementation Plan\n\n- [ ] 1. Note one\n  - [ ] 1.1 Write it\n  - _Requirements: 1.1_\n\
    - [ ] 2. Note two\n  - [ ] 2.1 Write it\n  - _Requirements: 1.2_\n";
/// What would break a page if it got out of its place.
const NASTY: &str = "```\\n<!-- x --> </details>\\r\\n<!-- spectask {} -->\\n> no\\n\\u0000 ☃ --> end";

pub(crate) fn scenario(first: &str) -> String {
    format!(
        "id = \"notes\"\nprompts = [{PROMPT:?}]\n[planning]\nsteps = [{{ say = \"{NASTY}\" }}]\nrequirements = {REQUIREMENTS:?}\n\
         design = {DESIGN:?}\ntasks = {TASKS:?}\n\
         [[sessions]]\ntask = \"1\"\nsteps = [{first}]\n\
         [[sessions]]\ntask = \"2\"\nsteps = [{{ say = \"{NASTY}\" }}, {{ write = \"note2.md\", content = \"Two\\n\" }}, \
         {{ plan = [\"Write\", \"Check\"], done = 1 }}, {{ tick = \"2.1\", state = \"done\" }}]\n\
         [[sessions]]\nrework = true\nsteps = [{{ write = \"note1.md\", content = \"One, reworked\\n\" }}]\n"
    )
}

pub(crate) struct Job {
    pub(crate) place: Place,
    pub(crate) server: Server,
    pub(crate) repository: PathBuf,
    pub(crate) task: String,
}

pub(crate) async fn begin(scenario: &str) -> Job {
    let place = Place::new(0);
    place.configure(scenario);
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &["test -f note1.md"]).await;
    let body = json!({ "prompt": PROMPT, "project_id": project });
    let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    Job { place, server, repository, task }
}

/// Waits until nothing of the task is missing in git.
pub(crate) async fn recorded(server: &Server, task: &str) -> Value {
    until(server, &format!("/spec-tasks/{task}/document-status"), |status| status["fully_recorded"] == true)
        .await
}

/// Everything that the API tells of a task, without what only a running server knows.
async fn told(server: &Server, task: &str) -> Vec<(String, Value)> {
    let mut paths: Vec<String> = [
        "",
        "/specs",
        "/reviews",
        "/progress",
        "/work-sessions",
        "/implementation-tasks",
        "/coordination-log",
        "/design-docs",
        "/diff",
        "/zed-threads",
        "/zed-instance",
        "/timeline",
    ]
    .iter()
    .map(|path| format!("/spec-tasks/{task}{path}"))
    .collect();
    for document in ["requirements", "design", "tasks", "progress", "metadata"] {
        paths.push(format!("/spec-tasks/{task}/documents/{document}"));
    }
    let sessions = server.get(&format!("/spec-tasks/{task}/work-sessions")).await;
    for session in sessions["work_sessions"].as_array().expect("sessions") {
        let id = text(session, "id");
        for path in ["", "/events?limit=500", "/history?limit=500", "/diff", "/zed-thread"] {
            paths.push(format!("/work-sessions/{id}{path}"));
        }
        paths.push(format!("/sessions/{}/messages?limit=500", text(session, "helix_session_id")));
    }
    let mut all = Vec::new();
    for path in paths {
        let (status, mut answer) = server.try_get(&path).await.expect("the server answers");
        if path.ends_with("/timeline") {
            answer["now"] = Value::Null;
        }
        all.push((path, json!({ "status": status, "answer": answer })));
    }
    all
}

fn rebuild(place: &Place, repository: &Path, data: &str) -> Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_spectask"))
        .args(["rebuild", "--trust-commands", "--from-git"])
        .arg(repository)
        .arg("--data-dir")
        .arg(place.path(data))
        .arg("--config")
        .arg(place.path("spectask.toml"))
        .env("SPECTASK_TOKEN", TOKEN)
        .output()
        .expect("the binary runs")
}

/// The record in git has every entry of every session once, and has never lost one.
pub(crate) async fn is_whole(server: &Server, repository: &Path, task: &str) {
    has_everything(server, repository, task).await;
    let files =
        git(repository, &["ls-tree", "-r", "--name-only", "helix-design-docs", &format!("sessions/{task}/")]);
    for file in files.lines().filter(|file| file.ends_with("/conversation.md")) {
        only_grows(repository, file);
    }
}

/// The record in git has every entry of every session once, and the task folds from it.
pub(crate) async fn has_everything(server: &Server, repository: &Path, task: &str) {
    let show = |file: &str| git(repository, &["show", &format!("helix-design-docs:sessions/{task}/{file}")]);
    let begun = std::time::Instant::now();
    let (folded, found) = loop {
        recorded(server, task).await;
        let found = server.get(&format!("/spec-tasks/{task}")).await;
        let lines = events::parse(&show("events.jsonl")).expect("a record");
        let folded = events::fold(&lines).expect("a task");
        // A task that has ended may still get an event, such as the items that its agents reported last.
        if json!(folded.version) == found["version"] || begun.elapsed().as_secs() > 60 {
            break (folded, found);
        }
    };
    assert_eq!(
        (folded.status().as_str(), json!(folded.version)),
        (found["status"].as_str().expect("a status"), found["version"].clone())
    );
    for session in found["work_sessions"].as_array().expect("sessions") {
        let id = text(session, "id");
        let file = format!("{id}/conversation.md");
        let kept = conversation_in_git(repository, task, &id);
        let mut after = 0;
        loop {
            let page = server.get(&format!("/work-sessions/{id}/events?after={after}&limit=500")).await;
            let page = page.as_array().expect("entries").clone();
            if page.is_empty() {
                break;
            }
            for mut entry in page {
                let fields = entry.as_object_mut().expect("an entry");
                fields.remove("at");
                let seq = fields.remove("seq").and_then(|seq| seq.as_u64()).expect("a number");
                let one = usize::try_from(seq).ok().and_then(|seq| kept.get(seq - 1)).expect("it is in git");
                assert_eq!((one.seq, Value::from(one.entry.clone())), (seq, entry), "{file}");
                after = seq;
            }
        }
        assert_eq!(kept.len() as u64, after, "{file} has more than the log");
    }
}

/// The files of a session's conversation, in their order.
fn conversation_files(repository: &Path, task: &str, session: &str) -> Vec<String> {
    let folder = format!("sessions/{task}/{session}/");
    let files = git(repository, &["ls-tree", "--name-only", "helix-design-docs", &folder]);
    let mut files: Vec<String> =
        files.lines().filter(|file| file.contains("/conversation")).map(str::to_owned).collect();
    files.sort_by_key(|file| (file.len(), file.clone()));
    files
}

/// The entries of a session's conversation, as they are in git.
fn conversation_in_git(repository: &Path, task: &str, session: &str) -> Vec<conversation::Entry> {
    let mut entries: Vec<conversation::Entry> = Vec::new();
    for file in conversation_files(repository, task, session) {
        let text = String::from_utf8(content(repository, "helix-design-docs", &file)).expect("text");
        let after = entries.last().map_or(0, |entry| entry.seq);
        let further = conversation::parse(&text, after);
        entries.extend(further.unwrap_or_else(|error| panic!("{file}: {error}")));
    }
    entries
}

/// A file at a revision, byte for byte.
fn content(repository: &Path, rev: &str, file: &str) -> Vec<u8> {
    let output = std::process::Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(["show", &format!("{rev}:{file}")])
        .output()
        .expect("git runs");
    output.stdout
}

/// Every version of a file begins with the version before.
fn only_grows(repository: &Path, file: &str) {
    let log = git(repository, &["log", "--reverse", "--format=%H", "helix-design-docs", "--", file]);
    let mut before = Vec::new();
    for commit in log.lines() {
        let after = content(repository, commit, file);
        assert!(
            after.starts_with(&before),
            "{file} was rewritten in {commit}:\n{}",
            git(
                repository,
                &["log", "--graph", "--format=%h %an %ar %s", "--stat=200", "helix-design-docs", "--", file]
            )
        );
        assert!(after.len() > before.len(), "{file} did not grow in {commit}");
        before = after;
    }
    assert!(!before.is_empty(), "{file} is not there");
}

/// Waits for the change; the first session fails once and is tried again.
async fn implemented(server: &Server, task: &str) -> Value {
    let failed = server.wait_for(task, &["implementation_failed"]).await;
    assert!(failed["last_error"].to_string().contains("no luck"), "{failed:#}");
    server.post(&format!("/spec-tasks/{task}/retry"), &json!({})).await;
    server.wait_for(task, &["implementation_review"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn git_alone_gives_back_every_task_session_conversation_and_review() {
    let fails_once = "{ fail = \"no luck\", once = true }, { write = \"note1.md\", content = \"One\\n\" }, { tick = \"1.1\", state = \"done\" }";
    let Job { place, server, repository, task } = begin(&scenario(fails_once)).await;
    let path = format!("/spec-tasks/{task}");
    server.wait_for(&task, &["spec_review", "spec_failed"]).await;
    let review = text(&server.get(&format!("{path}/reviews")).await[0], "id");
    let comment = json!({ "document": "requirements", "quoted_text": "THE folder SHALL say so", "comment": "Say <!-- how -->?", "kind": "question" });
    let comment = text(&server.post(&format!("{path}/reviews/{review}/comments"), &comment).await, "id");
    server.post(&format!("/comments/{comment}/reply"), &json!({ "comment": "In a word." })).await;
    let changes =
        json!({ "approved": false, "comments": "Name the folder.\r\n-->", "changes": ["Say where"] });
    server.post(&format!("{path}/approve-specs"), &changes).await;
    server.wait_for(&task, &["spec_review", "spec_failed"]).await;
    server.post(&format!("/comments/{comment}/resolve"), &json!({})).await;
    let edit = server.get(&format!("{path}/documents/design")).await;
    let content = format!("{}\nEdited.\n", text(&edit, "content"));
    server
        .put(
            &format!("{path}/documents/design"),
            &json!({ "content": content, "base_commit": edit["commit"] }),
        )
        .await;
    server.post(&format!("{path}/approve-specs"), &json!({ "approved": true, "comments": "Good." })).await;
    let found = implemented(&server, &task).await;
    let rework = json!({ "decision": "request_changes", "comments": "Rework the first note." });
    server.post(&format!("{path}/approve-implementation"), &rework).await;
    server.wait_for(&task, &["implementation_review"]).await;
    let sessions = server.get(&format!("{path}/work-sessions?phase=implementation")).await;
    let ids: Vec<String> =
        sessions["work_sessions"].as_array().expect("some").iter().map(|one| text(one, "id")).collect();
    let decision = json!({ "activity_type": "decision", "content": "One file for each note.", "metadata": { "rationale": "Simple." } });
    server.post(&format!("/work-sessions/{}/record-history", ids[0]), &decision).await;
    let message = json!({
        "activity_type": "coordination", "content": "Note one is there.",
        "coordination_data": { "to_session_id": ids[1], "event_type": "handoff" },
    });
    server.post(&format!("/work-sessions/{}/record-history", ids[0]), &message).await;
    let progress = server
        .post(&format!("{path}/commit-progress"), &json!({ "summary": "Half way", "details": "> really" }))
        .await;
    assert_eq!(progress["success"], true, "{progress:#}");
    assert_eq!(git(&repository, &["cat-file", "-t", &text(&progress, "git_commit_hash")]), "commit");
    server.post(&format!("{path}/approve-implementation"), &json!({ "decision": "approve" })).await;
    server.wait_for(&task, &["done"]).await;
    recorded(&server, &task).await;

    let waiting = server
        .post("/spec-tasks/from-prompt", &json!({ "prompt": PROMPT, "project_id": found["project_id"] }))
        .await;
    let waiting = text(&waiting, "id");
    server.wait_for(&waiting, &["spec_review"]).await;
    recorded(&server, &waiting).await;
    let before = [told(&server, &task).await, told(&server, &waiting).await];
    let project = server.get(&format!("/projects/{}", text(&found, "project_id"))).await;
    server.end().await;

    let refused = rebuild(&place, &repository, "data");
    assert!(!refused.status.success());
    let sentence = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(sentence.contains("nothing was changed"), "{sentence}");
    std::fs::rename(place.path("data"), place.path("lost")).expect("the data directory is taken away");
    let tip = git(&repository, &["rev-parse", "helix-design-docs"]);
    let done = rebuild(&place, &repository, "data");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let server = place.serve().await;
    let after = [told(&server, &task).await, told(&server, &waiting).await];
    // The agent of the task that waits for its review is kept, and no process outlives its server.
    let process = format!("/spec-tasks/{waiting}/zed-instance");
    let pairs = before.iter().flatten().zip(after.iter().flatten());
    for ((path, one), (_, other)) in pairs.filter(|((path, _), _)| *path != process) {
        assert_eq!(without_commits(one), without_commits(other), "{path}");
    }
    assert_eq!(before[0].len(), after[0].len());
    assert_eq!(server.get(&format!("/projects/{}", text(&found, "project_id"))).await, project);

    for task in [&task, &waiting] {
        recorded(&server, task).await;
    }
    assert_eq!(
        git(&repository, &["rev-parse", "helix-design-docs"]),
        tip,
        "what is in git is not written again"
    );
    let files = git(
        &repository,
        &["ls-tree", "-r", "--name-only", "helix-design-docs", &format!("sessions/{task}/")],
    );
    for name in [
        "coordination-log.md",
        "IMPLEMENTATION_COMPLETE.md",
        "progress-updates/",
        "conversation.md",
        "code-changes.md",
        "decisions.md",
        "activity-log.md",
    ] {
        assert!(files.contains(name), "no {name} in {files}");
    }
    for file in
        files.lines().filter(|file| !file.ends_with("/thread.json") && !file.ends_with("/instance.json"))
    {
        only_grows(&repository, file);
    }
    let completed =
        git(&repository, &["show", &format!("helix-design-docs:sessions/{task}/IMPLEMENTATION_COMPLETE.md")]);
    assert!(completed.contains("evidenced"), "{completed}");
    server.post(&format!("/spec-tasks/{waiting}/approve-specs"), &json!({ "approved": true })).await;
    // What waited goes on: its first session begins, and fails as it does the first time.
    server.wait_for(&waiting, &["implementation_failed"]).await;
    server.post(&format!("/spec-tasks/{waiting}/cancel"), &json!({})).await;
    server.end().await;
    assert_eq!(stray_processes(&place), Vec::<String>::new());
}

/// Where git stands is part of some answers.
fn without_commits(answer: &Value) -> Value {
    let mut answer = answer.clone();
    if let Some(fields) = answer["answer"].as_object_mut() {
        fields.remove("last_commit");
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_under_way_goes_on_after_the_rebuild() {
    let slow = "{ say = \"I begin.\" }, { wait_ms = 60000, once = true }, { write = \"note1.md\", content = \"One\\n\" }";
    let Job { place, server, repository, task } = begin(&scenario(slow)).await;
    server.wait_for(&task, &["spec_review"]).await;
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    let session = eventually(async || {
        let found = server.get(&format!("/spec-tasks/{task}/work-sessions?phase=implementation")).await;
        let mut all = found["work_sessions"].as_array().expect("sessions").iter();
        let Some(active) = all.find(|one| one["status"] == "active") else { return Err(found) };
        let events = server.get(&format!("/work-sessions/{}/events", text(active, "id"))).await;
        if events.to_string().contains("I begin.") { Ok(text(active, "id")) } else { Err(events) }
    })
    .await;
    server.post(&format!("/spec-tasks/{task}/commit-progress"), &json!({ "summary": "It begins" })).await;
    server.kill().await;
    // What a lost machine leaves is the repository.
    let copy = place.path("copy");
    let from = repository.to_string_lossy().into_owned();
    git(place.folder.path(), &["clone", "-q", "--mirror", &from, "copy.git"]);
    git(place.folder.path(), &["clone", "-q", "copy.git", "copy"]);
    git(&copy, &["fetch", "-q", "origin", "refs/heads/*:refs/remotes/origin/*"]);
    for branch in git(&copy, &["branch", "-r", "--format=%(refname:lstrip=3)"])
        .lines()
        .filter(|branch| !matches!(*branch, "main" | "HEAD"))
    {
        git(&copy, &["branch", "-q", branch, &format!("origin/{branch}")]);
    }
    std::fs::rename(place.path("data"), place.path("lost")).expect("the data directory is taken away");
    let done = rebuild(&place, &copy, "data");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    // The steps that were played once are remembered by the agent that is gone.
    place.configure(&scenario("{ write = \"note1.md\", content = \"One\\n\" }"));
    let server = place.serve().await;
    let events = server.get(&format!("/work-sessions/{session}/events?limit=500")).await;
    assert!(events.to_string().contains("I begin."), "{events:#}");
    server.wait_for(&task, &["implementation_review"]).await;
    server
        .post(&format!("/spec-tasks/{task}/approve-implementation"), &json!({ "decision": "approve" }))
        .await;
    server.wait_for(&task, &["done"]).await;
    assert_eq!(git(&copy, &["show", "main:note1.md"]), "One");
    server.end().await;
    assert_eq!(stray_processes(&place), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_metadata_and_the_checklist_go_along_with_the_task() {
    let Job { place, server, repository, task } =
        begin(&scenario("{ write = \"note1.md\", content = \"One\\n\" }")).await;
    let path = format!("/spec-tasks/{task}");
    let metadata = || -> Value {
        let file = git(&repository, &["show", &format!("helix-design-docs:specs/{task}/spec-metadata.json")]);
        serde_json::from_str(&file).expect("JSON")
    };
    server.wait_for(&task, &["spec_review"]).await;
    let before = metadata();
    assert_eq!(before["implementation_tasks"][0]["assigned_session"], Value::Null);
    server.post(&format!("{path}/approve-specs"), &json!({ "approved": true })).await;
    server.wait_for(&task, &["implementation_review"]).await;
    let change = json!({ "decision": "approve" });
    server.post(&format!("{path}/approve-implementation"), &change).await;
    let found = server.wait_for(&task, &["done"]).await;
    recorded(&server, &task).await;
    let after = metadata();
    for field in ["spec_task_id", "content_hash", "created_at"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    for field in ["status", "project_path", "zed_instance_id", "updated_at", "spec_approved_by"] {
        assert_eq!(after[field], found[field], "{field}");
        assert_ne!(after[field], Value::Null, "{field}");
    }
    let planned = server.get(&format!("{path}/implementation-tasks")).await;
    let planned = planned.as_array().or(planned["implementation_tasks"].as_array()).expect("planned tasks");
    for (unit, planned) in after["implementation_tasks"].as_array().expect("units").iter().zip(planned) {
        assert_eq!(unit["status"], "completed");
        assert_eq!(unit["assigned_session"], planned["assigned_work_session_id"], "{planned:#}");
    }
    let shown = server.get(&format!("{path}/documents/metadata")).await;
    assert_eq!(serde_json::from_str::<Value>(&text(&shown, "content")).expect("JSON"), after);
    // Of its own it makes no commit: each is of the documents or of the record.
    let file = format!("specs/{task}/spec-metadata.json");
    for commit in git(&repository, &["log", "--format=%H", "helix-design-docs", "--", &file]).lines() {
        let files = git(&repository, &["show", "--format=", "--name-only", commit]);
        let others = [
            format!("sessions/{task}/events.jsonl"),
            format!("specs/{task}/progress.md"),
            format!("specs/{task}/tasks.md"),
        ];
        assert!(others.iter().any(|other| files.contains(other)), "{files}");
    }
    let progress = git(&repository, &["show", &format!("helix-design-docs:specs/{task}/progress.md")]);
    assert!(progress.contains("**Current Task**: everything is done"), "{progress}");
    server.end().await;
    assert_eq!(stray_processes(&place), Vec::<String>::new());
}

/// What a rebuild from a repository prints, and its exit code.
pub(crate) fn rebuilt(place: &Place, repository: &Path, data: &str, more: &[&str]) -> (Option<i32>, Value) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_spectask"))
        .args(["--json", "rebuild", "--from-git"])
        .arg(repository)
        .args(more)
        .arg("--data-dir")
        .arg(place.path(data))
        .arg("--config")
        .arg(place.path("spectask.toml"))
        .output()
        .expect("the binary runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let shown = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said} {shown}")))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_in_a_record_is_named_and_the_rest_is_rebuilt() {
    let job = begin(&scenario(
        "{ write = \"note1.md\", content = \"One\\n\" }, { tick = \"1.1\", state = \"done\" }",
    ))
    .await;
    let Job { place, server, repository, task } = job;
    server.wait_for(&task, &["spec_review"]).await;
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    server.wait_for(&task, &["implementation_review"]).await;
    recorded(&server, &task).await;
    let project = text(&server.get(&format!("/spec-tasks/{task}")).await, "project_id");
    server.end().await;
    let whole = rebuilt(&place, &repository, "whole", &["--trust-commands"]);
    assert_eq!(
        (whole.0, &whole.1["left_out"], &whole.1["changed"]),
        (Some(0), &json!([]), &json!([])),
        "{whole:#?}"
    );
    let docs = repository.join(".git-worktrees/helix-design-docs");
    let commit = |message: &str| {
        git(&docs, &["add", "-A"]);
        git(&docs, &["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", message]);
    };
    let sessions = docs.join("sessions").join(&task);
    let session = std::fs::read_dir(&sessions)
        .expect("the record")
        .flatten()
        .find(|entry| entry.path().join("conversation.md").is_file())
        .expect("a session");
    // A conversation that was cut in half is read as it was before that.
    let conversation = session.path().join("conversation.md");
    let words = std::fs::read(&conversation).expect("a conversation");
    std::fs::write(&conversation, &words[..words.len() / 2]).expect("a file");
    commit("Cut");
    let cut = rebuilt(&place, &repository, "cut", &["--trust-commands"]);
    assert_eq!((cut.0, &cut.1["entries"]), (Some(0), &whole.1["entries"]), "{cut:#?}");
    assert!(cut.1["changed"][0].as_str().is_some_and(|text| text.contains("conversation.md")), "{cut:#?}");
    // A copy is no second task, and junk is left out.
    let copied = docs.join("sessions/spt_01ARZ3NDEKTSV4RRFFQ69G5FAV");
    std::fs::create_dir_all(&copied).expect("a folder");
    std::fs::copy(sessions.join("events.jsonl"), copied.join("events.jsonl")).expect("a copy");
    std::fs::create_dir_all(docs.join("sessions/junk")).expect("a folder");
    std::fs::write(docs.join("sessions/junk/events.jsonl"), b"\xff\0junk").expect("a file");
    std::fs::write(docs.join("projects/junk.json"), "junk").expect("a file");
    commit("Junk");
    let junk = rebuilt(&place, &repository, "junk", &[]);
    let (tasks, projects) = (&junk.1["tasks"], &junk.1["projects"]);
    assert_eq!((junk.0, tasks, projects), (Some(3), &json!(1), &json!(1)), "{junk:#?}");
    let left_out = junk.1["left_out"].to_string();
    for named in ["spt_01ARZ3NDEKTSV4RRFFQ69G5FAV", "copy", "the task junk", "projects/junk.json"] {
        assert!(left_out.contains(named), "{named} is not in {left_out}");
    }
    // The commands of a record are shown, and do not run before a person confirms them.
    assert_eq!(junk.1["commands"], json!(["test -f note1.md"]));
    std::fs::rename(place.path("data"), place.path("lost")).expect("taken away");
    std::fs::rename(place.path("junk"), place.path("data")).expect("in its place");
    let server = place.serve().await;
    let settings = async || server.get(&format!("/projects/{project}")).await["settings"].clone();
    assert_eq!(settings().await["unconfirmed_commands"], true);
    let rework = json!({ "decision": "request_changes", "comments": "Once more." });
    server.post(&format!("/spec-tasks/{task}/approve-implementation"), &rework).await;
    let change = server.wait_for(&task, &["implementation_review", "implementation_failed"]).await;
    let check = &change["change"]["checks"][0];
    assert_eq!(check["passed"], false, "{change:#}");
    assert!(text(check, "output").contains("It was not run"), "{check:#}");
    let confirm = json!({ "settings": { "unconfirmed_commands": false } });
    server.put(&format!("/projects/{project}"), &confirm).await;
    assert_eq!(settings().await["unconfirmed_commands"], Value::Null);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn attached_files_are_in_the_record_and_come_back_from_it() {
    let Job { place, server, repository, task } =
        begin(&scenario("{ write = \"note1.md\", content = \"One\\n\" }")).await;
    let path = format!("/spec-tasks/{task}/attachments");
    server.wait_for(&task, &["spec_review"]).await;
    recorded(&server, &task).await;
    let png = b"\x89PNG\r\n\x1a\n\xff\0rest".to_vec();
    let mut files = vec![("sketch of it.png", png), ("note.txt", b"Read me.\n".to_vec())];
    // More than one commit takes.
    files.extend(["a.bin", "b.bin", "c.bin"].map(|name| (name, vec![name.as_bytes()[0]; 4 << 20])));
    let mut ids = Vec::new();
    for (name, content) in &files {
        let name = name.replace(' ', "%20");
        let query = format!(
            "{path}?name={name}&media_type={}",
            if name.ends_with("png") { "image/png" } else { "text/plain" }
        );
        ids.push(text(&server.upload(&query, content).await, "id"));
    }
    assert_eq!(server.get(&format!("/spec-tasks/{task}/document-status")).await["fully_recorded"], false);
    server.post(&format!("/spec-tasks/{task}/commit-progress"), &json!({ "summary": "Attached" })).await;
    recorded(&server, &task).await;
    let listed = server.get(&path).await;
    server.end().await;

    let tree = format!("helix-design-docs:sessions/{task}");
    let image = format!("{tree}/attachments/{}-sketch_of_it.png", ids[0]);
    assert_eq!(git(&repository, &["cat-file", "-s", &image]), files[0].1.len().to_string());
    std::fs::rename(place.path("data"), place.path("lost")).expect("the data directory is taken away");
    let (code, done) = rebuilt(&place, &repository, "data", &["--trust-commands"]);
    assert_eq!((code, &done["attachments"], &done["left_out"]), (Some(0), &json!(5), &json!([])), "{done:#}");
    let server = place.serve().await;
    assert_eq!(server.get(&path).await, listed);
    for (id, (name, content)) in ids.iter().zip(&files) {
        assert!(server.download(&format!("{path}/{id}")).await == *content, "{name}");
    }
    recorded(&server, &task).await;
    server.end().await;

    let docs = repository.join(".git-worktrees/helix-design-docs");
    let folder = docs.join("sessions").join(&task);
    std::fs::remove_file(folder.join(format!("attachments/{}-sketch_of_it.png", ids[0]))).expect("removed");
    std::fs::write(folder.join(format!("attachments/{}-note.txt", ids[1])), "Something else.\n")
        .expect("a file");
    let list = std::fs::read_to_string(folder.join("attachments.jsonl")).expect("the list");
    let evil = json!({ "id": "att_0", "name": "../../evil", "media_type": "text/plain", "size": 1, "of_prompt": true, "at": 1 });
    std::fs::write(folder.join("attachments.jsonl"), format!("{list}{evil}\n")).expect("a file");
    git(&docs, &["add", "-A"]);
    git(&docs, &["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", "Change"]);
    let (code, done) = rebuilt(&place, &repository, "damaged", &["--trust-commands"]);
    // What was changed is read as it was before; what nobody can have attached is not taken.
    assert_eq!((code, &done["attachments"]), (Some(3), &json!(5)), "{done:#}");
    let left_out = done["left_out"].to_string();
    assert!(left_out.contains("evil") && left_out.contains("without a folder"), "{left_out}");
    assert!(!place.path("damaged").join("evil").exists());
    // A server puts back what is missing, once what was changed is as it was.
    std::fs::write(folder.join(format!("attachments/{}-note.txt", ids[1])), &files[1].1).expect("a file");
    git(&docs, &["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qam", "Restore"]);
    let server = place.serve().await;
    crate::harness::eventually(async || {
        let size = std::process::Command::new("git")
            .current_dir(&repository)
            .args(["cat-file", "-s", &image])
            .output()
            .expect("git runs");
        if size.status.success() { Ok(()) } else { Err("the image is not back".to_owned()) }
    })
    .await;
    server.end().await;
}

/// The size from which on a conversation goes on in another file, in bytes.
const PART: usize = 2 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_long_conversation_is_kept_in_files_of_bounded_size_and_rebuilt_from_them() {
    let text_of = "words that an agent says. ".repeat(2_500);
    let talks =
        format!("{{ repeat = 90, say = {text_of:?} }}, {{ write = \"note1.md\", content = \"One\\n\" }}");
    let Job { place, server, repository, task } = begin(&scenario(&talks)).await;
    server.wait_for(&task, &["spec_review", "spec_failed"]).await;
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    server.wait_for(&task, &["implementation_review"]).await;
    has_everything(&server, &repository, &task).await;
    let sessions = server.get(&format!("/spec-tasks/{task}/work-sessions?phase=implementation")).await;
    let session = text(&sessions["work_sessions"][0], "id");
    let files = conversation_files(&repository, &task, &session);
    assert!(files.len() >= 2, "{files:?}");
    for file in &files {
        let size = git(&repository, &["cat-file", "-s", &format!("helix-design-docs:{file}")]);
        let size: usize = size.trim().parse().expect("a size");
        // The first commit of a part may bring almost twice as much as ends it.
        assert!(size < 3 * PART, "{file}: {size}");
        only_grows(&repository, file);
    }
    let log = server.get(&format!("/work-sessions/{session}/events?after=0&limit=500")).await;
    server.end().await;

    // Who deletes one of them finds it again.
    let docs = repository.join(".git-worktrees/helix-design-docs");
    let cut = content(&repository, "helix-design-docs", &files[1]);
    git(&docs, &["rm", "-q", &files[1]]);
    git(&docs, &["commit", "-qm", "cut"]);
    let server = place.serve().await;
    recorded(&server, &task).await;
    assert!(content(&repository, "helix-design-docs", &files[1]) == cut, "{} is not as it was", files[1]);
    has_everything(&server, &repository, &task).await;
    server.end().await;

    std::fs::rename(place.path("data"), place.path("data-before")).expect("it is moved away");
    let done = rebuild(&place, &repository, "data");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let server = place.serve().await;
    assert_eq!(server.get(&format!("/work-sessions/{session}/events?after=0&limit=500")).await, log);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_turn_over_its_limit_keeps_its_beginning_and_its_end() {
    let text_of = "words that an agent says. ".repeat(2_500);
    let talks = format!(
        "{{ repeat = 90, say = {text_of:?} }}, {{ write = \"note1.md\", content = \"One\\n\" }}, {{ say = \"I am done.\" }}"
    );
    let place = Place::new(0);
    place.configure(&scenario(&talks));
    let file = place.path("spectask.toml");
    let config = std::fs::read_to_string(&file).expect("the configuration");
    std::fs::write(&file, format!("{config}\n[limits]\nturn_log_mb = 1\n")).expect("a file");
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &["test -f note1.md"]).await;
    let body = json!({ "prompt": PROMPT, "project_id": project });
    let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    server.wait_for(&task, &["spec_review", "spec_failed"]).await;
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    server.wait_for(&task, &["implementation_review"]).await;
    has_everything(&server, &repository, &task).await;

    let sessions = server.get(&format!("/spec-tasks/{task}/work-sessions?phase=implementation")).await;
    let session = text(&sessions["work_sessions"][0], "id");
    let log = server.get(&format!("/work-sessions/{session}/events?after=0&limit=500")).await;
    let entries = log.as_array().expect("entries");
    let size: usize = entries.iter().map(|entry| entry.to_string().len()).sum();
    assert!(size < 2 << 20, "{size} bytes of 6 MB are kept");
    let left_out = entries.iter().find(|entry| entry["left_out_bytes"].is_u64()).expect("a notice");
    assert!(left_out["left_out_bytes"].as_u64() > Some(4 << 20), "{left_out}");
    assert!(text(left_out, "text").contains("limits.turn_log_mb"), "{left_out}");
    let after = entries.iter().skip_while(|entry| entry["seq"] != left_out["seq"]);
    let said: Vec<_> = after.filter_map(|entry| entry["text"].as_str()).collect();
    assert!(said.concat().contains("I am done."), "the end of the turn is kept: {said:?}");
    let record = conversation_in_git(&repository, &task, &session);
    assert_eq!(record.len(), entries.len(), "the record has what the log has");
    server.end().await;
}
