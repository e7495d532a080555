//! What others do to the documents' worktree and to the record is put right.

use crate::harness::{Server, eventually_holds, git, text, worktrees};
use crate::record::{Job, begin, has_everything, is_whole, recorded, scenario};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

const BRANCH: &str = "helix-design-docs";

fn docs(repository: &Path) -> PathBuf {
    repository.join(".git-worktrees").join(BRANCH)
}

/// What git says of a worktree; nothing while it is being made.
fn try_status(docs: &Path) -> Option<String> {
    let run = std::process::Command::new("git").arg("-C").arg(docs).args(["status", "--porcelain"]).output();
    let output = run.expect("git runs");
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

fn commit_all(docs: &Path, message: &str) {
    git(docs, &["-c", "user.name=Eve", "-c", "user.email=eve@example.org", "commit", "-qam", message]);
}

/// A file on the branch, byte for byte; none when it is not there.
fn kept(repository: &Path, file: &str) -> Option<Vec<u8>> {
    let shown = std::process::Command::new("git")
        .arg("-C")
        .arg(repository)
        .args(["show", &format!("{BRANCH}:{file}")])
        .output()
        .expect("git runs");
    shown.status.success().then_some(shown.stdout)
}

/// The files of a task's record that only grow.
fn record(repository: &Path, task: &str) -> Vec<(String, Vec<u8>)> {
    let folders = [format!("sessions/{task}"), format!("specs/{task}/reviews")];
    let list = git(repository, &["ls-tree", "-r", "--name-only", BRANCH, &folders[0], &folders[1]]);
    let files = list.lines().filter(|file| !file.ends_with("thread.json"));
    files.map(|file| (file.to_owned(), kept(repository, file).expect("it is listed"))).collect()
}

async fn is_recorded(server: &Server, task: &str) -> bool {
    server.get(&format!("/spec-tasks/{task}/document-status")).await["fully_recorded"] == true
}

/// A task that waits for the review of its change, with something of everything in its record.
async fn reviewed() -> Job {
    let job = begin(&scenario("{ write = \"note1.md\", content = \"One\\n\" }")).await;
    let path = format!("/spec-tasks/{}", job.task);
    job.server.wait_for(&job.task, &["spec_review"]).await;
    let review = text(&job.server.get(&format!("{path}/reviews")).await[0], "id");
    let comment = json!({ "document": "requirements", "quoted_text": "THE folder SHALL say so", "comment": "How?", "kind": "question" });
    job.server.post(&format!("{path}/reviews/{review}/comments"), &comment).await;
    job.server
        .post(&format!("{path}/approve-specs"), &json!({ "approved": true, "comments": "Good." }))
        .await;
    job.server.wait_for(&job.task, &["implementation_review"]).await;
    for number in 0..3 {
        decide(&job.server, &session(&job).await, &format!("Decision {number}")).await;
    }
    let told = json!({ "activity_type": "coordination", "content": "Note one is there." });
    let session = session(&job).await;
    job.server.post(&format!("/work-sessions/{session}/record-history"), &told).await;
    job.server.post(&format!("{path}/commit-progress"), &json!({ "summary": "Half way" })).await;
    recorded(&job.server, &job.task).await;
    job
}

async fn session(job: &Job) -> String {
    let path = format!("/spec-tasks/{}/work-sessions?phase=implementation", job.task);
    text(&job.server.get(&path).await["work_sessions"][0], "id")
}

async fn decide(server: &Server, session: &str, what: &str) -> Value {
    let decision = json!({ "activity_type": "decision", "content": what });
    server.post(&format!("/work-sessions/{session}/record-history"), &decision).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_documents_worktree_that_vanished_is_made_again_and_agents_go_on_in_it() {
    // The agent can write the folder that was made again as soon as it is mounted in its sandbox.
    let waits = "{ say = \"I begin.\" }, { run = \"while ! test -f go; do sleep 0.05; done; rm go; \
                 until test -w $(git rev-parse --git-common-dir)/../.git-worktrees/helix-design-docs/specs/*/progress.md; do sleep 0.05; done\" }, \
                 { write = \"note1.md\", content = \"One\\n\" }, { tick = \"1.1\", state = \"done\" }";
    let Job { place, server, repository, task } = begin(&scenario(waits)).await;
    server.wait_for(&task, &["spec_review"]).await;
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    let docs = docs(&repository);
    let progress = docs.join(format!("specs/{task}/progress.md"));
    let is_begun = || std::fs::read_to_string(&progress).is_ok_and(|text| text.contains("[~] 1."));
    eventually_holds("the first session begins", is_begun).await;
    for forget in ["list", "prune"] {
        std::fs::rename(&docs, place.path(forget)).expect("it is taken away");
        git(&repository, &["worktree", forget]);
        eventually_holds("the worktree is there", || docs.join(".git").is_file() && is_begun()).await;
        // Who prunes while it is made takes parts of it away again.
        let is_whole = || {
            try_status(&docs).is_some_and(|status| status.is_empty())
                && git(&docs, &["rev-parse", "--abbrev-ref", "HEAD"]) == BRANCH
        };
        eventually_holds("it has everything", is_whole).await;
    }
    for worktree in worktrees(&place, &task) {
        std::fs::write(worktree.join("go"), "").expect("a file");
    }
    server.wait_for(&task, &["implementation_review"]).await;
    let text =
        String::from_utf8(kept(&repository, &format!("specs/{task}/progress.md")).expect("a checklist"));
    let text = text.expect("text");
    assert!(text.contains("[x] 1.1"), "{text}");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cut_from_the_record_comes_back() {
    let job = reviewed().await;
    let Job { server, repository, task, .. } = &job;
    let (docs, all) = (docs(repository), record(repository, task));
    let names: Vec<&str> = all.iter().map(|(file, _)| file.as_str()).collect();
    for name in [
        "events.jsonl",
        "coordination-log.md",
        "progress-updates/",
        "conversation.md",
        "code-changes.md",
        "decisions.md",
        "activity-log.md",
        "rounds.jsonl",
        "0001-comments.md",
        "0001-approve.md",
    ] {
        assert!(names.iter().any(|file| file.contains(name)), "no {name} in {names:?}");
    }
    // Cut anywhere, one by one; then all of them, some gone.
    for (number, (file, whole)) in all.iter().enumerate() {
        std::fs::write(docs.join(file), &whole[..whole.len() * (number % 5 + 4) / 9]).expect("a file");
        commit_all(&docs, "cut");
        if is_recorded(server, task).await {
            assert_eq!(kept(repository, file).as_ref(), Some(whole), "{file} is cut, and that is not told");
        }
        eventually_holds(file, || kept(repository, file).as_ref() == Some(whole)).await;
    }
    for (number, (file, whole)) in all.iter().enumerate() {
        if number % 2 == 0 {
            std::fs::remove_file(docs.join(file)).expect("a file");
        } else {
            std::fs::write(docs.join(file), &whole[..whole.len() / 2]).expect("a file");
        }
    }
    commit_all(&docs, "cut all");
    eventually_holds("all of it is back", || record(repository, task) == all).await;
    recorded(server, task).await;
    assert_eq!(record(repository, task), all, "nothing is there twice");
    eventually_holds("it is in the worktree", || git(&docs, &["status", "--porcelain"]).is_empty()).await;

    // What is recorded while something is cut follows what was cut.
    let session = session(&job).await;
    let (file, whole) =
        all.iter().find(|(file, _)| file.ends_with(&format!("{session}/decisions.md"))).expect("one");
    std::fs::write(docs.join(file), &whole[..whole.len() / 2]).expect("a file");
    commit_all(&docs, "cut");
    decide(server, &session, "The last one").await;
    let after = kept(repository, file).expect("a file");
    assert!(after.starts_with(whole) && after.len() > whole.len(), "{}", String::from_utf8_lossy(&after));

    // No server runs meanwhile, and afterwards nothing is left to be done.
    server
        .post(&format!("/spec-tasks/{task}/approve-implementation"), &json!({ "decision": "approve" }))
        .await;
    server.wait_for(task, &["done"]).await;
    recorded(server, task).await;
    let Job { place, server, repository, task } = job;
    server.end().await;
    let all = record(&repository, &task);
    for (file, whole) in &all {
        std::fs::write(docs.join(file), &whole[..whole.len() / 3]).expect("a file");
    }
    commit_all(&docs, "cut all");
    let server = place.serve().await;
    eventually_holds("all of it is back", || record(&repository, &task) == all).await;
    has_everything(&server, &repository, &task).await;
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn words_that_somebody_changed_in_the_record_stay_and_it_goes_on() {
    let job = reviewed().await;
    let session = session(&job).await;
    let Job { server, repository, task, place } = job;
    let docs = docs(&repository);
    let folder = format!("sessions/{task}/{session}");
    let change = |name: &str, from: &str, to: &str| {
        let file = format!("{folder}/{name}");
        let text = String::from_utf8(kept(&repository, &file).expect("a file")).expect("text");
        assert!(text.contains(from), "{text}");
        std::fs::write(docs.join(&file), text.replace(from, to)).expect("a file");
        commit_all(&docs, "change words");
    };
    change("decisions.md", "Decision 1", "Something else");
    change("conversation.md", "Write the two notes", "Write two nice notes");
    decide(&server, &session, "A later one").await;
    recorded(&server, &task).await;
    let decisions = String::from_utf8(kept(&repository, &format!("{folder}/decisions.md")).expect("a file"));
    let decisions = decisions.expect("text");
    assert!(decisions.contains("Something else") && decisions.contains("A later one"), "{decisions}");
    server.end().await;
    drop(place);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_changed_in_the_record_is_told_and_left_and_gone_on_with_once_it_is_put_back() {
    let job = reviewed().await;
    let session = session(&job).await;
    let Job { server, repository, task, place } = job;
    let docs = docs(&repository);
    let project = text(&server.get(&format!("/spec-tasks/{task}")).await, "project_id");
    let other = json!({ "prompt": "Write the two notes", "project_id": project });
    let other = text(&server.post("/spec-tasks/from-prompt", &other).await, "id");
    let file = format!("sessions/{task}/{session}/decisions.md");
    let whole = String::from_utf8(kept(&repository, &file).expect("a file")).expect("text");
    let changed = whole.replacen("<!-- spectask {", "<!-- spectask {\"odd\":1,", 1);
    std::fs::write(docs.join(&file), &changed).expect("a file");
    commit_all(&docs, "change");
    assert!(!is_recorded(&server, &task).await);
    let answer = decide(&server, &session, "A later one").await;
    let message = text(&answer, "message");
    assert!(
        message.contains(&file) && message.contains("(line ") && message.contains("Restore its content"),
        "{message}"
    );
    assert!(!is_recorded(&server, &task).await);
    let history = server.get(&format!("/work-sessions/{session}/history?limit=1")).await;
    assert_eq!(history["entries"][0]["committed"], false, "{history:#}");
    // Others are recorded meanwhile, and nothing is written over.
    server.wait_for(&other, &["spec_review"]).await;
    recorded(&server, &other).await;
    assert_eq!(kept(&repository, &file), Some(changed.into_bytes()));
    std::fs::write(docs.join(&file), &whole).expect("a file");
    commit_all(&docs, "put back");
    recorded(&server, &task).await;
    let after = String::from_utf8(kept(&repository, &file).expect("a file")).expect("text");
    assert!(after.starts_with(&whole) && after.contains("A later one"), "{after}");
    is_whole(&server, &repository, &task).await;
    server.end().await;
    drop(place);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_in_force_that_is_deleted_is_put_back_and_one_that_is_changed_is_told_of() {
    let job = reviewed().await;
    let session = session(&job).await;
    let Job { server, repository, task, place } = job;
    let docs = docs(&repository);
    let file = format!("specs/{task}/design.md");
    let before = kept(&repository, &file);
    assert!(before.is_some());
    std::fs::remove_file(docs.join(&file)).expect("deleted");
    commit_all(&docs, "delete");
    eventually_holds(&file, || kept(&repository, &file) == before).await;
    let path = format!("/spec-tasks/{task}");
    assert_eq!(server.get(&path).await["status"], "implementation_review");
    // What commits touched is told beside them.
    let history = server.get(&format!("/work-sessions/{session}/history?activity_type=code_change")).await;
    let entries = history["entries"].as_array().cloned().unwrap_or_default();
    let commits: Vec<_> =
        entries.iter().filter(|entry| text(entry, "content").starts_with("Commit")).collect();
    assert!(
        !commits.is_empty() && commits.iter().all(|commit| commit["files_affected"] != json!([])),
        "{history:#}"
    );
    let file = docs.join(format!("specs/{task}/requirements.md"));
    let changed = std::fs::read_to_string(&file).expect("a document").replace("SHALL", "SHALL always");
    std::fs::write(&file, changed).expect("written");
    commit_all(&docs, "edit");
    let waits = server.wait_for(&task, &["spec_review"]).await;
    assert!(text(&waits, "queue_reason").contains("changed the approved documents"), "{waits:#}");
    server.post(&format!("{path}/approve-specs"), &json!({ "approved": true })).await;
    let goes_on = server.wait_for(&task, &["implementation_review"]).await;
    assert_eq!(goes_on["queue_reason"], Value::Null, "{goes_on:#}");
    server.end().await;
    drop(place);
}

/// Takes away every object that only a branch has at once, as a `git gc --prune=now` does while nothing names them.
fn prune(repository: &Path, branch: &str, kept: &str) {
    let (objects, left) = (repository.join(".git/objects"), repository.join(".git/left"));
    let copied = std::process::Command::new("cp").arg("-a").arg(&objects).arg(&left).status();
    assert!(copied.expect("cp runs").success());
    let lost = git(repository, &["rev-list", "--objects", branch, "--not", kept]);
    for id in lost.lines().filter_map(|line| line.split(' ').next()) {
        let file = left.join(&id[..2]).join(&id[2..]);
        std::fs::remove_file(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }
    std::fs::rename(&objects, repository.join(".git/before")).expect("moved away");
    std::fs::rename(&left, &objects).expect("moved into its place");
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_whose_commits_are_all_gone_are_written_again_from_the_database() {
    let job = reviewed().await;
    let Job { server, repository, task, place } = job;
    recorded(&server, &task).await;
    let documents = [format!("specs/{task}/design.md"), format!("specs/{task}/reviews/0001-approve.md")];
    let whole = documents.map(|file| (kept(&repository, &file).expect("it is committed"), file));
    let grown = record(&repository, &task);
    assert!(!grown.is_empty());
    prune(&repository, BRANCH, "main");
    assert_eq!(kept(&repository, &whole[0].1), None);
    for (before, file) in &whole {
        eventually_holds(file, || kept(&repository, file).as_ref() == Some(before)).await;
    }
    for (file, before) in &grown {
        // Reasons of a change are what was said since the record before, and there is one record now.
        let is_composed = file.ends_with("code-changes.md");
        let is_back = |now: Vec<u8>| is_composed || now.starts_with(before);
        eventually_holds(file, || kept(&repository, file).is_some_and(is_back)).await;
    }
    assert_eq!(server.get(&format!("/spec-tasks/{task}")).await["status"], "implementation_review");
    server.end().await;
    drop(place);
}
