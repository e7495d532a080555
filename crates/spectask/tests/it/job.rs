//! The main job over HTTP alone, and where it turns aside.

use crate::harness::{Place, Server, eventually, git, stray_processes, text, until};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub(crate) const PROMPT: &str = "Write the two notes";

const REQUIREMENTS: &str = "# Requirements Document\n\n## Introduction\n\nNotes.\n\n## Requirements\n\n### Requirement 1: Notes\n\n\
    **User Story:** As a reader, I want notes, so that I can read them.\n\n#### Acceptance Criteria\n\n\
    1. WHEN the notes are asked for, THE folder SHALL contain them.\n2. IF a note is missing, THEN THE folder SHALL say so.\n";
const DESIGN: &str = "# Design\n\n## Overview\n\nOne file for each note.\n";
pub(crate) const TASKS: &str = "# Implementation Plan\n\n- [ ] 1. Note one\n  - [ ] 1.1 Write it\n  - _Requirements: 1.1_\n\
    - [ ] 2. Note two\n  - [ ] 2.1 Write it\n  - _Requirements: 1.2_\n";

pub(crate) fn scenario(extra: &str) -> String {
    format!(
        "id = \"notes\"\nprompts = [{PROMPT:?}]\n[planning]\nsteps = [{{ say = \"I read.\" }}]\nrequirements = {REQUIREMENTS:?}\n\
         design = {DESIGN:?}\ntasks = {TASKS:?}\n{extra}"
    )
}

pub(crate) fn session(number: u32, steps: &str) -> String {
    format!("\n[[sessions]]\ntask = \"{number}\"\nsteps = [{steps}]\n")
}

pub(crate) fn note(number: u32) -> String {
    session(
        number,
        &format!(
            "{{ write = \"note{number}.md\", content = \"Note {number}\\n\" }}, {{ tick = \"{number}.1\", state = \"done\" }}"
        ),
    )
}

pub(crate) struct Job {
    pub(crate) place: Place,
    pub(crate) server: Server,
    pub(crate) repository: PathBuf,
    pub(crate) task: String,
}

/// A task on a fresh repository, with the check that both notes are there.
pub(crate) async fn begin(scenario: &str) -> Job {
    begin_in(Place::new(0), scenario).await
}

async fn begin_in(place: Place, scenario: &str) -> Job {
    place.configure(scenario);
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &["test -f note1.md && test -f note2.md"]).await;
    let task =
        server.post("/spec-tasks/from-prompt", &json!({ "prompt": PROMPT, "project_id": project })).await;
    Job { place, server, repository, task: text(&task, "id") }
}

impl Job {
    pub(crate) async fn wait_for(&self, state: &str) -> Value {
        self.server.wait_for(&self.task, &[state, "spec_failed", "implementation_failed"]).await
    }

    pub(crate) async fn approve_specs(&self) -> Value {
        self.server
            .post(&format!("/spec-tasks/{}/approve-specs", self.task), &json!({ "approved": true }))
            .await
    }

    pub(crate) async fn decide(&self, body: Value) -> Value {
        self.server.post(&format!("/spec-tasks/{}/approve-implementation", self.task), &body).await
    }

    pub(crate) async fn end(self) {
        self.server.end().await;
        assert_eq!(stray_processes(&self.place), Vec::<String>::new());
    }
}

fn exists(repository: &Path, name: &str) -> bool {
    repository.join(name).exists()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_prompt_becomes_merged_work() {
    let job = begin(&scenario(&(note(1) + &note(2)))).await;
    let Job { server, repository, task, .. } = &job;
    let review = job.wait_for("spec_review").await;
    assert_eq!(review["requirements_spec"], REQUIREMENTS);
    let specs = server.get(&format!("/spec-tasks/{task}/specs")).await;
    assert_eq!(specs["implementation_plan"], TASKS);
    assert_eq!(server.get(&format!("/spec-tasks/{task}/lint")).await, json!([]));
    let approved = job.approve_specs().await;
    assert_eq!(approved["spec_approved_by"], "owner");
    job.approve_specs().await;
    let change = job.wait_for("implementation_review").await;
    assert_eq!(change["change"]["checks"][0]["passed"], true, "{change:#}");
    assert_eq!(git(repository, &["log", "--format=%s", "main"]), "Start", "nothing landed yet");
    let diff = server.get(&format!("/spec-tasks/{task}/diff")).await;
    assert!(
        diff["files"].as_array().is_some_and(|files| files.iter().any(|file| file["path"] == "note2.md")),
        "{diff:#}"
    );
    let docs = server.get(&format!("/spec-tasks/{task}/design-docs")).await;
    let progress = text(&docs, "progress_md");
    assert!(!progress.contains("[ ]") && !progress.contains("[~]"), "{progress}");
    job.decide(json!({ "decision": "approve" })).await;
    let done = job.wait_for("done").await;
    assert_eq!(done["merge_commit"], git(repository, &["rev-parse", "main"]));
    assert_eq!(done["progress"], 1.0);
    assert!(
        exists(repository, "note1.md") && exists(repository, "note2.md"),
        "the clean checkout is brought along"
    );
    assert_eq!(git(repository, &["status", "--porcelain"]), "");
    let again = server
        .try_post(&format!("/spec-tasks/{task}/approve-implementation"), &json!({ "decision": "approve" }))
        .await;
    assert_eq!(again.map(|(status, _)| status), Some(200), "approving again is no error");
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_are_asked_for_and_a_stale_page_is_refused() {
    let job = begin(&scenario(&(note(1) + &note(2)))).await;
    let Job { server, task, .. } = &job;
    job.wait_for("spec_review").await;
    let seen = server.get(&format!("/spec-tasks/{task}/specs")).await;
    let path = format!("/spec-tasks/{task}/approve-specs");
    let (status, problem) = server.try_post(&path, &json!({ "approved": false })).await.expect("an answer");
    assert_eq!(status, 422, "{problem:#}");
    let back = server.post(&path, &json!({ "approved": false, "comments": "Name the folder." })).await;
    assert_eq!(back["spec_revision_count"], 1, "{back:#}");
    let review = job.wait_for("spec_review").await;
    assert_ne!(review["requirements_spec"], seen["requirements_spec"], "the planner took the comments in");
    let stale = json!({ "approved": true, "content_hash": seen["content_hash"] });
    let (status, problem) = server.try_post(&path, &stale).await.expect("an answer");
    assert_eq!((status, &problem["code"]), (409, &json!("wrong_state")), "{problem:#}");
    let rounds = server.get(&format!("/spec-tasks/{task}/reviews")).await;
    assert_eq!(rounds[0]["decision"], "request_changes", "{rounds:#}");
    assert_eq!(rounds[1]["status"], "open");
    job.approve_specs().await;
    job.wait_for("implementation_review").await;
    job.decide(json!({ "decision": "request_changes", "comments": "Add a summary." })).await;
    let review = job.wait_for("implementation_review").await;
    let sessions = review["work_sessions"].as_array().map(Vec::len);
    assert_eq!(sessions, Some(4), "the planner, two planned tasks, the rework: {review:#}");
    job.decide(json!({ "decision": "reject", "comments": "No longer wanted." })).await;
    job.server.wait_for(&job.task, &["cancelled"]).await;
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_people_approve_at_once_and_work_starts_once() {
    let job = begin(&scenario(&(note(1) + &note(2)))).await;
    job.wait_for("spec_review").await;
    let all = futures::future::join_all((0..8).map(|_| job.approve_specs())).await;
    assert!(all.iter().all(|answer| answer["spec_approved_by"] == "owner"));
    let path = format!("/spec-tasks/{}/implementation-sessions", job.task);
    let overview = job.server.post(&path, &json!({ "auto_create_sessions": true })).await;
    assert_eq!(overview["work_session_count"], 3, "a planner and two sessions: {overview:#}");
    let review = job.wait_for("implementation_review").await;
    assert_eq!(review["work_sessions"].as_array().map(Vec::len), Some(3), "{review:#}");
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_void_when_the_documents_change() {
    let slow = session(1, "{ wait_ms = 60000 }") + &note(2);
    let job = begin(&scenario(&slow)).await;
    let Job { repository, task, .. } = &job;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    job.server.wait_for(task, &["implementation"]).await;
    let docs = repository.join(".git-worktrees/helix-design-docs");
    let file = docs.join(format!("specs/{task}/requirements.md"));
    let edited = REQUIREMENTS.replace("say so", "say which");
    std::fs::write(&file, edited).expect("the document is there");
    git(&docs, &["-c", "user.name=Eve", "-c", "user.email=eve@example.org", "commit", "-qam", "Edit"]);
    let review = job.wait_for("spec_review").await;
    assert!(review["spec_approved_by"].is_null(), "{review:#}");
    assert!(text(&review, "requirements_spec").contains("say which"));
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_session_blocks_only_what_needs_it_and_can_be_skipped() {
    let tasks = "- [ ] 1. (P) Fails\n  - _Requirements: 1.1_\n- [ ] 2. (P) Works\n  - _Requirements: 1.2_\n- [ ] 3. Last\n  - _Depends: 1, 2_\n  - _Requirements: 1.2_\n";
    let works = session(2, "{ write = \"note2.md\", content = \"x\\n\" }");
    let steps = session(1, "{ fail = \"no luck\" }")
        + &works
        + &session(3, "{ write = \"note1.md\", content = \"x\\n\" }");
    let job = begin(&scenario(&steps).replace(&format!("{TASKS:?}"), &format!("{tasks:?}"))).await;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    let failed = job.server.wait_for(&job.task, &["implementation_failed"]).await;
    let by_name = |name: &str| {
        failed["work_sessions"].as_array().and_then(|all| all.iter().find(|one| one["name"] == name)).cloned()
    };
    let session = |name: &str| by_name(name).unwrap_or_else(|| panic!("no session {name} in {failed:#}"));
    assert_eq!(session("Works")["status"], "completed");
    assert_eq!(session("Fails")["status"], "failed");
    assert!(text(&session("Fails")["last_error"], "message").contains("no luck"));
    assert_eq!(session("Last")["status"], "blocked");
    assert_eq!(session("Last")["blocked_by"], json!([session("Fails")["id"]]));
    job.server.post(&format!("/work-sessions/{}/skip", text(&session("Fails"), "id")), &json!({})).await;
    job.wait_for("implementation_review").await;
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_writes_nothing_is_asked_again_and_then_the_task_fails() {
    let nothing = format!(
        "id = \"notes\"\nprompts = [{PROMPT:?}]\n[planning]\nstubborn = true\nsteps = [{{ say = \"I write nothing.\" }}]\n"
    );
    let job = begin(&nothing).await;
    let failed = job.server.wait_for(&job.task, &["spec_failed"]).await;
    assert_eq!(failed["last_error"]["code"], "invalid_output", "{failed:#}");
    let planner = text(&failed["work_sessions"][0], "id");
    let events = job.server.get(&format!("/work-sessions/{planner}/events?limit=500")).await;
    let turns =
        events.as_array().map(|all| all.iter().filter(|entry| entry["kind"] == "turn_started").count());
    assert_eq!(turns, Some(3), "asked, and asked again twice");
    let retried = job.server.post(&format!("/spec-tasks/{}/retry", job.task), &json!({})).await;
    assert_eq!(retried["status"], "spec_generation");
    job.server.post(&format!("/spec-tasks/{}/cancel", job.task), &json!({})).await;
    job.end().await;
}

/// A step that waits until two sessions have begun, so that neither begins with the other's work.
const SIDE_BY_SIDE: &str =
    "{ run = \"until test $(git for-each-ref refs/heads/spectask | wc -l) -ge 2; do sleep 0.05; done\" }";

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_goes_back_to_the_session() {
    let tasks = "- [ ] 1. (P) One\n  - _Requirements: 1.1_\n- [ ] 2. (P) Two\n  - _Requirements: 1.2_\n";
    let both =
        "{ write = \"note1.md\", content = \"from one\\n\" }, { write = \"note2.md\", content = \"x\\n\" }";
    let steps = session(1, &format!("{SIDE_BY_SIDE}, {both}"))
        + &session(2, "{ write = \"note1.md\", content = \"from two\\n\" }");
    let job = begin(&scenario(&steps).replace(&format!("{TASKS:?}"), &format!("{tasks:?}"))).await;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    let review = job.wait_for("implementation_review").await;
    assert_eq!(review["status"], "implementation_review", "{review:#}");
    let text = git(&job.repository, &["show", &format!("{}:note1.md", text(&review, "branch_name"))]);
    assert!(text.contains("from one") && text.contains("from two") && !text.contains("<<<<"), "{text}");
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conflict_markers_that_were_committed_go_back_to_the_session() {
    let tasks = "- [ ] 1. (P) One\n  - _Requirements: 1.1_\n- [ ] 2. (P) Two\n  - _Requirements: 1.2_\n";
    // The markers of a text that is about them are nobody's conflict.
    let about = "<<<<<<< ours\na\n=======\nb\n>>>>>>> theirs\n";
    let wrote =
        |text: &str| format!("{{ write = \"note1.md\", content = {:?} }}", format!("{text}\n{about}"));
    let careless = "[[sessions]]\ntask = \"2\"\nconflict = true\nsteps = [{ run = \"if git merge -q $(git branch --list 'task/*' --format='%(refname)'); \
        then sed -i -e '1,/^>>>>>>>/{/^<<<<<<< /d;/^=======/d;/^>>>>>>> /d}' note1.md; fi; git add -A; git commit -qm 'Merge it'\" }]\n";
    let one = format!("{SIDE_BY_SIDE}, {}", wrote("from one"));
    let steps = session(1, &one) + &session(2, &wrote("from two")) + careless;
    let job = begin(&scenario(&steps).replace(&format!("{TASKS:?}"), &format!("{tasks:?}"))).await;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    let review = job.wait_for("implementation_review").await;
    let found = git(&job.repository, &["show", &format!("{}:note1.md", text(&review, "branch_name"))]);
    assert_eq!(found, format!("from two\nfrom one\n{about}").trim_end(), "{review:#}");
    let all = review["work_sessions"].as_array().cloned().unwrap_or_default();
    let two = all.iter().find(|one| one["name"] == "Two").expect("a session");
    let events =
        job.server.get(&format!("/work-sessions/{}/events?limit=500", text(two, "id"))).await.to_string();
    assert!(
        events.contains("files have conflict markers") && events.contains("note1.md: not resolved"),
        "{events}"
    );
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dirty_checkout_holds_the_landing_and_says_so() {
    let job = begin(&scenario(&(note(1) + &note(2)))).await;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    job.wait_for("implementation_review").await;
    std::fs::write(job.repository.join("README.md"), "# Being edited\n").expect("a file");
    job.decide(json!({ "decision": "approve" })).await;
    let path = format!("/spec-tasks/{}", job.task);
    let waiting = until(&job.server, &path, |task| task["queue_reason"].is_string()).await;
    assert_eq!(waiting["status"], "implementation_review");
    assert_eq!(
        std::fs::read_to_string(job.repository.join("README.md")).expect("a file"),
        "# Being edited\n"
    );
    git(&job.repository, &["checkout", "-q", "README.md"]);
    job.wait_for("done").await;
    assert!(exists(&job.repository, "note1.md"));
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_answers_what_an_agent_asks() {
    let asks = session(
        1,
        "{ ask = \"Run the migration?\", kind = \"execute\" }, { write = \"note1.md\", content = \"x\\n\" }",
    );
    let job = begin(&scenario(&(asks + &note(2)))).await;
    let Job { server, task, .. } = &job;
    let project = text(&job.wait_for("spec_review").await, "project_id");
    let settings = json!({ "settings": { "permissions": "ask" } });
    server.put(&format!("/projects/{project}"), &settings).await;
    job.approve_specs().await;
    let question = until(server, "/permissions", |open| open[0].is_object()).await[0].clone();
    assert_eq!((&question["title"], &question["spec_task_id"]), (&json!("Run the migration?"), &json!(task)));
    let timeline = format!("/spec-tasks/{task}/timeline");
    let kinds = |spans: &Value| {
        spans.as_array().expect("spans").iter().map(|span| text(span, "kind")).collect::<Vec<_>>()
    };
    let session = text(&question, "work_session_id");
    let of_session = |timeline: &Value| {
        let lanes = timeline["lanes"].as_array().expect("lanes");
        lanes
            .iter()
            .find(|lane| lane["work_session_id"] == session.as_str())
            .map(|lane| kinds(&lane["spans"]))
    };
    let waits = |kinds: &[String]| kinds.ends_with(&["turn".to_owned(), "permission".to_owned()]);
    let past = until(server, &timeline, |past| of_session(past).is_some_and(|kinds| waits(&kinds))).await;
    assert_eq!(kinds(&past["spans"]).last().map(String::as_str), Some("permission"), "{past:#}");
    let path = format!("/permissions/{}", text(&question, "id"));
    let (status, problem) =
        server.try_post(&path, &json!({ "option_id": "perhaps" })).await.expect("an answer");
    assert_eq!(status, 422, "{problem:#}");
    let options = question["options"].as_array().expect("options");
    let allow = options.iter().find(|option| text(option, "kind").starts_with("allow")).expect("a yes");
    server.post(&path, &json!({ "option_id": allow["option_id"] })).await;
    let (status, _) =
        server.try_post(&path, &json!({ "option_id": allow["option_id"] })).await.expect("an answer");
    assert_eq!(status, 409, "a question is answered once");
    job.wait_for("implementation_review").await;
    let past = server.get(&timeline).await;
    let turn = of_session(&past)
        .expect("a lane")
        .iter()
        .filter(|kind| *kind != "opening")
        .take(4)
        .cloned()
        .collect::<Vec<_>>();
    assert_eq!(turn, ["turn", "permission", "turn", "saving"], "{past:#}");
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_that_is_paused_in_review_starts_when_it_is_resumed() {
    let job = begin(&scenario(&(note(1) + &note(2)))).await;
    let Job { server, task, .. } = &job;
    job.wait_for("spec_review").await;
    let path = format!("/spec-tasks/{task}");
    let paused = server.post(&format!("{path}/pause"), &json!({})).await;
    assert_eq!((&paused["status"], &paused["paused_by"]), (&json!("spec_review"), &json!("owner")));
    let edit = server.get(&format!("{path}/documents/design")).await;
    let content = format!("{}\nEdited.\n", text(&edit, "content"));
    let body = json!({ "content": content, "base_commit": edit["commit"] });
    server.put(&format!("{path}/documents/design"), &body).await;
    job.approve_specs().await;
    let queued = job.wait_for("implementation_queued").await;
    assert_eq!(queued["queue_reason"], "Paused by owner. Resume it to continue.", "{queued:#}");
    assert_eq!(
        server.get(&path).await["work_sessions"].as_array().map(Vec::len),
        Some(1),
        "only the planner"
    );
    server.post(&format!("{path}/resume"), &json!({})).await;
    job.wait_for("implementation_review").await;
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_says_reaches_the_thread() {
    let job = begin(&scenario(
        &(session(1, "{ wait_ms = 30000 }, { write = \"note1.md\", content = \"x\\n\" }") + &note(2)),
    ))
    .await;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    let id = eventually(async || {
        let task = job.server.get(&format!("/spec-tasks/{}", job.task)).await;
        let mut sessions = task["work_sessions"].as_array().into_iter().flatten();
        let active = sessions.find(|one| one["status"] == "active").map(|session| text(session, "id"));
        active.ok_or_else(|| task.clone())
    })
    .await;
    let message = json!({ "content": "Use British spelling.", "mode": "interrupt" });
    let (status, answer) =
        job.server.try_post(&format!("/work-sessions/{id}/messages"), &message).await.expect("an answer");
    assert_eq!(status, 202, "{answer:#}");
    let turn = text(&answer, "turn_id");
    let is_asked = |events: &Value| {
        events.as_array().into_iter().flatten().any(|entry| {
            entry["kind"] == "user_message"
                && entry["by"] == "spectask"
                && text(entry, "text").contains("British spelling")
        })
    };
    let events = until(&job.server, &format!("/work-sessions/{id}/events?limit=500"), is_asked).await;
    assert!(events.as_array().is_some_and(|all| all.iter().any(|entry| entry["turn_id"] == turn)));
    job.server.post(&format!("/spec-tasks/{}/cancel", job.task), &json!({})).await;
    job.server.wait_for(&job.task, &["cancelled"]).await;
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_job_runs_on_postgresql() {
    let mut place = Place::new(0);
    place.on_postgres = true;
    let job = begin_in(place, &scenario(&(note(1) + &note(2)))).await;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    job.wait_for("implementation_review").await;
    job.decide(json!({ "decision": "approve" })).await;
    job.wait_for("done").await;
    assert!(exists(&job.repository, "note2.md"));
    job.end().await;
}
