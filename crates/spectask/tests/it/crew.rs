//! A crew from outside: what its sessions are told, what they spawn, and among which of them a person chooses.

use crate::harness::{Place, Server, eventually, git, stray_processes, text, until, worktrees};
use serde_json::{Value, json};
use std::path::PathBuf;

const PROMPT: &str = "Write the chapters";
const REQUIREMENTS: &str = "# Requirements Document\n\n## Introduction\n\nChapters.\n\n## Requirements\n\n### Requirement 1: Chapters\n\n\
    **User Story:** As a reader, I want chapters, so that I can read them.\n\n#### Acceptance Criteria\n\n\
    1. WHEN the chapters are asked for, THE folder SHALL contain them.\n2. IF a chapter is missing, THEN THE folder SHALL say so.\n";
const DESIGN: &str = "# Design\n\n## Overview\n\nOne file for each chapter.\n";
const TASKS: &str = "# Implementation Plan\n\n- [ ] 1. Chapter one\n  - [ ] 1.1 Write it\n  - _Requirements: 1.1_\n\
    - [ ] 2. Chapter two\n  - [ ] 2.1 Write it\n  - _Depends: 1_\n  - _Requirements: 1.2_\n";

struct Crew {
    place: Place,
    server: Server,
    repository: PathBuf,
    task: String,
}

fn steps(number: u32, steps: &str) -> String {
    format!("\n[[sessions]]\ntask = \"{number}\"\nsteps = [{steps}]\n")
}

fn chapter(number: u32) -> String {
    format!(
        "{{ write = \"chapter{number}.md\", content = \"Chapter {number}\\n\" }}, {{ tick = \"{number}.1\", state = \"done\" }}"
    )
}

/// A task whose sessions play these steps, with its documents approved.
async fn begin(scenario: &str, settings: Value, tasks: &str) -> Crew {
    begin_with("", scenario, settings, tasks).await
}

/// The same with lines of the agent's entry in the configuration.
async fn begin_with(agent: &str, scenario: &str, settings: Value, tasks: &str) -> Crew {
    let place = Place::new(0);
    place.configure(&format!(
        "id = \"chapters\"\nprompts = [{PROMPT:?}]\n[planning]\nsteps = []\nrequirements = {REQUIREMENTS:?}\n\
         design = {DESIGN:?}\ntasks = {tasks:?}\n{scenario}"
    ));
    place.configure_more(agent);
    let repository = place.repository("book", &[("README.md", "# A book\n")]);
    let server = place.serve().await;
    let body = json!({ "name": "book", "repository_path": repository, "settings": settings });
    let project = text(&server.post("/projects", &body).await, "id");
    let body = json!({ "prompt": PROMPT, "project_id": project });
    let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    server.wait_for(&task, &["spec_review"]).await;
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    Crew { place, server, repository, task }
}

impl Crew {
    /// Asks until a work session of a name is as it shall be.
    async fn session(&self, name: &str, is_so: impl Fn(&Value) -> bool) -> Value {
        eventually(async || {
            let found = self.server.get(&format!("/spec-tasks/{}/work-sessions", self.task)).await;
            let mut all = found["work_sessions"].as_array().into_iter().flatten();
            let session = all.find(|session| session["name"] == name && is_so(session)).cloned();
            session.ok_or_else(|| format!("{name}: {found:#}"))
        })
        .await
    }

    async fn at_work(&self, name: &str) -> String {
        let session = self.session(name, |session| session["status"] == "active").await;
        let id = text(&session, "id");
        // Its turn has begun when its log says so.
        eventually(async || {
            let has_begun = self.log(&id).await.iter().any(|entry| entry["kind"] == "user_message");
            has_begun.then_some(()).ok_or("no turn has begun")
        })
        .await;
        id
    }

    /// Waits until the approved change says why it has not landed.
    async fn landing_waits(&self, why: &str) {
        until(&self.server, &format!("/spec-tasks/{}", self.task), |found| {
            assert_eq!(found["status"], "implementation_review", "{found:#}");
            found["queue_reason"].as_str().is_some_and(|reason| reason.contains(why))
        })
        .await;
    }

    async fn log(&self, session: &str) -> Vec<Value> {
        let log = self.server.get(&format!("/work-sessions/{session}/events?limit=500")).await;
        log.as_array().cloned().unwrap_or_default()
    }

    /// What a session's agent was asked, turn by turn.
    async fn prompts(&self, session: &str) -> Vec<String> {
        let log = self.log(session).await;
        let prompts = log.iter().filter(|entry| entry["kind"] == "user_message" && entry["by"] == "spectask");
        prompts.map(|entry| text(entry, "text")).collect()
    }

    async fn told(&self) -> Value {
        self.server.get(&format!("/spec-tasks/{}/coordination-log", self.task)).await
    }

    async fn review(&self) -> Value {
        self.server.wait_for(&self.task, &["implementation_review", "implementation_failed"]).await
    }

    async fn end(self) {
        self.server.end().await;
        assert_eq!(stray_processes(&self.place), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_reaches_the_next_turn_once() {
    let slow = steps(1, &format!("{{ wait_ms = 3000 }}, {}", chapter(1))) + &steps(2, &chapter(2));
    let crew = begin(&slow, json!({}), TASKS).await;
    let one = crew.at_work("Chapter one").await;
    let two = text(&crew.session("Chapter two", |session| session["status"] == "blocked").await, "id");
    let add = format!("/spec-tasks/{}/coordination-events", crew.task);
    let body = json!({ "from_session_id": one, "to_session_id": two, "event_type": "request",
        "message": "Which tense do you write in?" });
    let (status, request) = crew.server.try_post(&add, &body).await.expect("an answer");
    assert_eq!(status, 201, "{request:#}");
    assert_eq!(request["acknowledged"], false);
    let body = json!({ "event_type": "broadcast", "message": "Mind the margins." });
    crew.server.post(&add, &body).await;
    let body =
        json!({ "from_session_id": two, "event_type": "response", "message": "In the present tense." });
    crew.server.post(&add, &body).await;
    let (status, problem) = crew
        .server
        .try_post(&add, &json!({ "event_type": "shout", "message": "x" }))
        .await
        .expect("an answer");
    assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("event_type")), "{problem:#}");
    let body = json!({ "event_type": "request", "message": "x", "to_session_id": "stws_none" });
    assert_eq!(crew.server.try_post(&add, &body).await.map(|(status, _)| status), Some(422));
    crew.review().await;
    let prompts = crew.prompts(&two).await;
    let with = |words: &str| prompts.iter().filter(|prompt| prompt.contains(words)).count();
    assert_eq!(with("Which tense do you write in?"), 1, "{prompts:#?}");
    assert_eq!(with("Mind the margins."), 1, "{prompts:#?}");
    assert_eq!(with("\"Chapter one\" is finished and merged"), 1, "{prompts:#?}");
    assert!(
        crew.prompts(&one).await.concat().contains("Mind the margins."),
        "a session at work hears it too"
    );
    let log = crew.told().await;
    let events = log["events"].as_array().cloned().unwrap_or_default();
    assert!(events.iter().all(|event| event["acknowledged"] == true), "{log:#}");
    let request = events.iter().find(|event| event["id"] == request["id"]).expect("the request");
    assert_eq!(request["response"]["message"], "In the present tense.");
    assert_eq!(log["total_events"], events.len());
    assert_eq!(log["events_by_type"]["handoff"], 1, "{log:#}");
    let some =
        crew.server.get(&format!("/spec-tasks/{}/coordination-log?event_type=request", crew.task)).await;
    assert_eq!((&some["filtered_events"], &some["total_events"]), (&json!(1), &log["total_events"]));
    crew.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_worked_when_and_what_each_changed() {
    let slow = steps(1, &format!("{}, {{ wait_ms = 3000 }}", chapter(1))) + &steps(2, &chapter(2));
    let crew = begin(&slow, json!({ "checks": ["test -f chapter2.md"] }), TASKS).await;
    let one = crew.at_work("Chapter one").await;
    let two = text(&crew.session("Chapter two", |session| session["status"] == "blocked").await, "id");
    let files = |diff: &Value| -> Vec<String> {
        diff["files"].as_array().into_iter().flatten().map(|file| text(file, "path")).collect()
    };
    // What is written is shown before it is committed.
    let has_files = |diff: &Value| !files(diff).is_empty();
    let diff = until(&crew.server, &format!("/work-sessions/{one}/diff"), has_files).await;
    assert_eq!(files(&diff), ["chapter1.md"], "{diff:#}");
    assert_eq!((&diff["with_uncommitted"], &diff["is_shared"]), (&json!(true), &json!(false)), "{diff:#}");
    let timeline = format!("/spec-tasks/{}/timeline", crew.task);
    let kinds = |past: &Value, id: &str| -> Vec<String> {
        let lane = past["lanes"].as_array().into_iter().flatten().find(|lane| lane["work_session_id"] == id);
        let spans = lane.and_then(|lane| lane["spans"].as_array()).cloned().unwrap_or_default();
        spans.iter().map(|span| text(span, "kind")).collect()
    };
    assert_eq!(kinds(&crew.server.get(&timeline).await, &two), ["blocked"]);
    crew.review().await;
    // What was merged of the first is no work of the second.
    let diff = crew.server.get(&format!("/work-sessions/{two}/diff")).await;
    assert_eq!((files(&diff), &diff["with_uncommitted"]), (vec!["chapter2.md".to_owned()], &json!(false)));
    let past = crew.server.get(&timeline).await;
    for id in [&one, &two] {
        assert!(kinds(&past, id).contains(&"turn".to_owned()), "{past:#}");
    }
    let open = past["lanes"].as_array().into_iter().flatten().filter_map(|lane| lane["spans"].as_array());
    assert!(open.flatten().all(|span| !span["until"].is_null()), "{past:#}");
    assert_eq!(
        past["spans"].as_array().and_then(|spans| spans.last()).map(|span| &span["until"]),
        Some(&json!(null))
    );
    assert!(past["marks"].as_array().is_some_and(|marks| !marks.is_empty()), "{past:#}");
    let approve = format!("/spec-tasks/{}/approve-implementation", crew.task);
    crew.server.post(&approve, &json!({ "decision": "approve" })).await;
    let task = crew.server.wait_for(&crew.task, &["done"]).await;
    assert_eq!(task["change"]["checks"][0]["passed"], true, "{task:#}");
    let progress = crew.server.get(&format!("/spec-tasks/{}/progress", crew.task)).await;
    assert_eq!(progress["phase_progress"]["planning"], 1.0);
    assert_eq!(crew.server.get(&timeline).await["ended_at"], task["completed_at"]);
    crew.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_queued_can_be_changed_and_withdrawn() {
    let slow = steps(1, &format!("{{ wait_ms = 3000 }}, {}", chapter(1))) + &steps(2, &chapter(2));
    let crew = begin(&slow, json!({}), TASKS).await;
    let one = crew.at_work("Chapter one").await;
    let path = format!("/work-sessions/{one}/messages");
    let first = crew.server.post(&path, &json!({ "content": "Use rhymes." })).await;
    let second = crew.server.post(&path, &json!({ "content": "Forget it." })).await;
    assert_eq!(first["turn_id"], second["turn_id"], "one turn carries both");
    let edited = crew
        .server
        .put(&format!("{path}/{}", text(&first, "message_id")), &json!({ "content": "Use prose." }))
        .await;
    assert_eq!(edited["content"], "Use prose.");
    let withdraw = format!("{path}/{}", text(&second, "message_id"));
    assert_eq!(crew.server.try_delete(&withdraw).await.map(|(status, _)| status), Some(204));
    assert_eq!(crew.server.try_delete(&withdraw).await.map(|(status, _)| status), Some(404));
    crew.review().await;
    // What was said is in the log once; what it became is what the agent was told.
    let prompts = crew.prompts(&one).await;
    assert_eq!(prompts.len(), 1, "{prompts:#?}");
    let log = crew.log(&one).await;
    let said = |words: &str| {
        log.iter().any(|entry| entry["kind"] == "agent_message" && entry["text"].to_string().contains(words))
    };
    assert!(said("I heard: Use prose.") && !said("Forget it"), "{log:#?}");
    let history = crew.server.get(&format!("/work-sessions/{one}/history?limit=500")).await.to_string();
    assert!(history.contains("Use prose.") && !history.contains("Use rhymes."), "{history}");
    let late = crew.server.try_delete(&format!("{path}/{}", text(&first, "turn_id"))).await;
    assert_eq!(late.map(|(status, _)| status), Some(409), "what was delivered stays");
    crew.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_spawns_another_that_builds_on_it() {
    let first =
        "{ write = \"draft.md\", content = \"A draft\\n\" }, { commit = \"Draft\" }, { wait_ms = 4000 }";
    let scenario = steps(1, &format!("{first}, {}", chapter(1)))
        + &steps(2, &chapter(2))
        + "\n[[sessions]]\nsteps = [{ run = \"cat draft.md\", expect = 0 }, { write = \"index.md\", content = \"Index\\n\" }]\n";
    let crew = begin(&scenario, json!({}), TASKS).await;
    let one = crew.at_work("Chapter one").await;
    let branch = text(&crew.session("Chapter one", |_| true).await, "branch_name");
    eventually(async || {
        let files = git(&crew.repository, &["ls-tree", "--name-only", &branch]);
        if files.contains("draft.md") { Ok(()) } else { Err(files) }
    })
    .await;
    let spawn = format!("/work-sessions/{one}/spawn");
    let (status, problem) =
        crew.server.try_post(&spawn, &json!({ "name": "Index" })).await.expect("an answer");
    assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!("description")), "{problem:#}");
    let body = json!({ "name": "Index", "description": "Write the index.", "priority": "high", "effort": "small",
        "initial_prompt": "Sort it by name." });
    let (status, detail) = crew.server.try_post(&spawn, &body).await.expect("an answer");
    assert_eq!(status, 201, "{detail:#}");
    let child = text(&detail["work_session"], "id");
    assert_eq!(detail["work_session"]["parent_work_session_id"], json!(one));
    assert_eq!(detail["work_session"]["creation_method"], "spawned");
    let review = crew.review().await;
    assert_eq!(review["status"], "implementation_review", "{review:#}");
    let prompts = crew.prompts(&child).await;
    assert!(
        prompts[0].contains("Write the index.") && prompts[0].contains("Sort it by name."),
        "{prompts:#?}"
    );
    let parent = crew.server.get(&format!("/work-sessions/{one}")).await;
    assert_eq!(parent["child_work_sessions"][0]["id"], json!(child));
    let files = git(&crew.repository, &["ls-tree", "--name-only", &text(&review, "branch_name")]);
    assert!(
        ["chapter1.md", "chapter2.md", "draft.md", "index.md"].iter().all(|file| files.contains(file)),
        "{files}"
    );
    let (status, problem) = crew.server.try_post(&spawn, &body).await.expect("an answer");
    assert_eq!((status, &problem["code"]), (409, &json!("wrong_state")), "{problem:#}");
    crew.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn threads_in_one_worktree_leave_one_branch() {
    let crew =
        begin(&(steps(1, &chapter(1)) + &steps(2, &chapter(2))), json!({ "isolation": "shared" }), TASKS)
            .await;
    let review = crew.review().await;
    assert_eq!(review["status"], "implementation_review", "{review:#}");
    let branch = text(&review, "branch_name");
    let sessions = review["work_sessions"].as_array().cloned().unwrap_or_default();
    let work = sessions.iter().filter(|session| session["phase"] == "implementation");
    assert!(work.clone().all(|session| session["branch_name"] == json!(branch)), "{sessions:#?}");
    assert_eq!(git(&crew.repository, &["branch", "--list", "spectask/*"]), "");
    let files = git(&crew.repository, &["ls-tree", "--name-only", &branch]);
    assert!(files.contains("chapter1.md") && files.contains("chapter2.md"), "{files}");
    crew.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_one_worktree_the_commits_of_others_are_no_evidence() {
    // The second says that it is done when the first has written something.
    let first = format!(
        "{{ run = \"until [ -e signs/begun ]; do sleep 0.05; done\" }}, {}, {{ run = \"until [ -e signs/seen ]; do sleep 0.05; done\" }}",
        chapter(1)
    );
    let second = "{ run = \"mkdir -p signs && echo '*' > signs/.gitignore && touch signs/begun && until [ -e chapter1.md ]; do sleep 0.05; done\" }, \
                  { tick = \"2.1\", state = \"done\" }, { say = \"Done.\" }, { run = \"touch signs/seen\" }";
    let crew = begin(
        &(steps(1, &first) + &steps(2, second)),
        json!({ "isolation": "shared" }),
        &TASKS.replace(". Chapter", ". (P) Chapter").replace("  - _Depends: 1_\n", ""),
    )
    .await;
    let review = crew.review().await;
    let sessions = review["work_sessions"].as_array().cloned().unwrap_or_default();
    let work: Vec<&Value> = sessions.iter().filter(|session| session["phase"] == "implementation").collect();
    assert!(work.iter().all(|session| session["status"] == "completed"), "{sessions:#?}");
    let found = crew.server.get(&format!("/spec-tasks/{}/implementation-tasks", crew.task)).await;
    let evidence = |index: usize| found["implementation_tasks"][index]["evidence"].clone();
    assert_eq!(evidence(0)["state"], "done", "{found:#}");
    assert_eq!(
        (&evidence(1)["state"], &evidence(1)["commits"]),
        (&json!("claimed"), &json!([])),
        "{found:#}"
    );
    let first = evidence(0);
    let commit = first["commits"][0].as_str().expect("a commit");
    let files = git(&crew.repository, &["show", "--name-only", "--format=", commit]);
    assert!(files.contains("chapter1.md"), "{files}");
    crew.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_session_continues_as_two_and_one_is_chosen() {
    // The second chapter is finished first, and waits for the first one to be merged.
    let scenario = steps(1, &format!("{{ wait_ms = 8000 }}, {}", chapter(1)))
        + &steps(2, &chapter(2))
        + "\n[[sessions]]\nsteps = [{ write = \"chapter2.md\", content = \"Another beginning\\n\" }]\n";
    let crew = begin(
        &scenario,
        json!({}),
        &TASKS.replace(". Chapter", ". (P) Chapter").replace("  - _Depends: 1_\n", ""),
    )
    .await;
    let waits = |session: &Value| {
        session["queue_reason"].as_str().is_some_and(|reason| reason.contains("merged before it"))
    };
    let two = text(&crew.session("Chapter two", waits).await, "id");
    let log = crew.log(&two).await;
    let turn = log.iter().find(|entry| entry["kind"] == "turn_ended").expect("a turn that ended");
    let body = json!({ "name": "Another one", "prompt": "Begin otherwise.", "from_turn": turn["turn_id"] });
    let (status, detail) =
        crew.server.try_post(&format!("/work-sessions/{two}/branch"), &body).await.expect("an answer");
    assert_eq!(status, 201, "{detail:#}");
    let other = text(&detail["work_session"], "id");
    let stuck = crew.server.wait_for(&crew.task, &["implementation_failed"]).await;
    assert!(text(&stuck["last_error"], "message").contains("Choose which work to keep"), "{stuck:#}");
    let prompts = crew.prompts(&other).await;
    assert!(prompts[0].contains("Begin otherwise.") && prompts[0].contains("Chapter two"), "{prompts:#?}");
    crew.server.post(&format!("/work-sessions/{other}/choose"), &json!({})).await;
    let review = crew.review().await;
    assert_eq!(review["status"], "implementation_review", "{review:#}");
    let branch = text(&review, "branch_name");
    assert_eq!(git(&crew.repository, &["show", &format!("{branch}:chapter2.md")]), "Another beginning");
    let saved = format!("refs/spectask/saved/{}/{two}-given-up", crew.task);
    assert_eq!(git(&crew.repository, &["show", &format!("{saved}:chapter2.md")]), "Chapter 2");
    let (status, _) =
        crew.server.try_post(&format!("/work-sessions/{two}/retry"), &json!({})).await.expect("an answer");
    assert_eq!(status, 409, "what was given up stays so");
    crew.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tick_without_a_commit_is_a_claim() {
    let claims = "{ tick = \"2.1\", state = \"done\" }";
    let crew = begin(&(steps(1, &chapter(1)) + &steps(2, claims)), json!({}), TASKS).await;
    crew.server.wait_for(&crew.task, &["implementation_failed"]).await;
    // The marks follow the work, so they are asked for until they are there.
    let items_of = |progress: &Value| progress["checklist"]["tasks"].as_array().cloned().unwrap_or_default();
    let are_marked = |progress: &Value| {
        let items = items_of(progress);
        ["1.1", "2.1"]
            .iter()
            .all(|number| items.iter().any(|item| item["number"] == *number && item["status"] == "completed"))
    };
    let items =
        items_of(&until(&crew.server, &format!("/spec-tasks/{}/progress", crew.task), are_marked).await);
    let item = |number: &str| items.iter().find(|item| item["number"] == number).cloned().unwrap_or_default();
    assert_eq!(item("1.1")["evidence"]["state"], "done", "{items:#?}");
    assert!(item("1.1")["evidence"]["commits"].as_array().is_some_and(|commits| !commits.is_empty()));
    assert_eq!(item("2.1")["evidence"]["state"], "claimed", "{items:#?}");
    crew.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_reports_of_itself_and_nothing_else() {
    let told = "printenv SPECTASK_INSTANCE_URL SPECTASK_INSTANCE SPECTASK_INSTANCE_TOKEN > told";
    let crew = begin(&steps(1, &format!("{{ run = {told:?} }}, {{ hang = true }}")), json!({}), TASKS).await;
    crew.at_work("Chapter one").await;
    let told = eventually(async || {
        let mut worktrees = worktrees(&crew.place, &crew.task).into_iter();
        let told = worktrees.find_map(|path| std::fs::read_to_string(path.join("told")).ok());
        let told = told.unwrap_or_default();
        if told.lines().count() == 3 { Ok(told) } else { Err(format!("it was given {told:?}")) }
    })
    .await;
    let [url, instance, token] = told.lines().collect::<Vec<_>>()[..] else { panic!("{told}") };
    let http = crate::harness::http();
    let post = async |path: &str, body: Value| {
        let request = http.post(format!("{url}/api/v1{path}")).bearer_auth(token).json(&body);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json::<Value>().await.expect("JSON"))
    };
    let event = |instance: &str, kind: &str| json!({ "instance_id": instance, "event_type": kind });
    assert_eq!(post("/zed/events", event(instance, "heartbeat")).await.0, 200);
    let thread = json!({ "zed_instance_id": instance, "zed_thread_id": "t-1", "spec_task_id": crew.task, "thread_name": "More" });
    let (status, made) = post("/zed-threads/create-session", thread.clone()).await;
    assert_eq!((status, &made["work_session"]["name"]), (201, &json!("More")), "{made:#}");
    assert_eq!(post("/zed-threads/create-session", thread).await.0, 200);

    // Another task, even of the same owner, is as unknown as one that never was; and the API is not the agent's.
    let project = text(&crew.server.get(&format!("/spec-tasks/{}", crew.task)).await, "project_id");
    let body = json!({ "prompt": "Other", "project_id": project, "start": false });
    let other = text(&crew.server.post("/spec-tasks/from-prompt", &body).await, "id");
    let elsewhere = other.replace("spt_", "zi_");
    assert_eq!(post("/zed/events", event(&elsewhere, "heartbeat")).await.0, 404);
    let approve = format!("/spec-tasks/{}/approve-implementation", crew.task);
    assert_eq!(post(&approve, json!({ "decision": "approve" })).await.0, 403);

    // Its keys are its own: no answer that the owner got comes back to it.
    let cancelled = format!("/spec-tasks/{other}/cancel");
    for (token, expected) in [(crate::harness::TOKEN, 200), (token, 403)] {
        let request = http.post(format!("{url}/api/v1{cancelled}")).bearer_auth(token).json(&json!({}));
        let answer = request.header("Idempotency-Key", "shared").send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), expected);
    }

    // With the agent its token ends.
    let stopped = crew.server.try_delete(&format!("/spec-tasks/{}/zed-instance", crew.task)).await;
    assert_eq!(stopped.expect("an answer").0, 200);
    assert_eq!(post("/zed/events", event(instance, "heartbeat")).await.0, 401);
    // The task stays paused until a person resumes it; the turn then continues in another process.
    let paused = crew.server.get(&format!("/spec-tasks/{}", crew.task)).await;
    assert!(paused["paused_at"].is_string(), "{paused:#}");
    crew.server.post(&format!("/spec-tasks/{}/resume", crew.task), &json!({})).await;
    let path = format!("/spec-tasks/{}/zed-instance", crew.task);
    until(&crew.server, &path, |instance| instance["restarts"] == 1).await;
    crew.server.post(&format!("/spec-tasks/{}/cancel", crew.task), &json!({})).await;
    crew.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_whose_agent_dies_again_and_again_ends_itself_alone() {
    let tasks = "# Implementation Plan\n\n- [ ] 1. (P) Chapter one\n  - [ ] 1.1 Write it\n  - _Requirements: 1.1_\n\
                 - [ ] 2. (P) Chapter two\n  - [ ] 2.1 Write it\n  - _Requirements: 1.2_\n";
    let slow = format!("{{ wait_ms = 1500 }}, {}", chapter(1));
    // Both are at work in one process when it dies for the first time.
    let crew =
        begin(&(steps(1, &slow) + &steps(2, "{ wait_ms = 500 }, { crash = 3 }")), json!({}), tasks).await;
    let one = crew.session("Chapter one", |session| session["status"] == "completed").await;
    let asked = crew.log(&text(&one, "id")).await;
    let asked = asked.iter().filter(|entry| entry["kind"] == "user_message").count();
    assert_eq!(asked, 2, "once in the process of both, once in its own");
    let two = crew.session("Chapter two", |_| true).await;
    assert_eq!(two["status"], "active", "{two:#}");
    crew.server.post(&format!("/spec-tasks/{}/cancel", crew.task), &json!({})).await;
    crew.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_serves_only_as_many_sessions_as_its_agent_can() {
    let tasks = "# Implementation Plan\n\n- [ ] 1. (P) Chapter one\n  - [ ] 1.1 Write it\n  - _Requirements: 1.1_\n\
                 - [ ] 2. (P) Chapter two\n  - [ ] 2.1 Write it\n  - _Requirements: 1.2_\n";
    let noted = |number: u32| {
        // A number is unique in its namespace.
        let note = format!("echo $PPID $(readlink /proc/self/ns/pid) > {number}.pid");
        steps(number, &format!("{{ run = {note:?}, expect = 0 }}, {}", chapter(number)))
    };
    let scenario = noted(1) + &noted(2);
    for (limit, processes) in [(0, 1), (1, 2)] {
        let limit = format!("max_sessions_per_process = {limit}\n");
        let crew = begin_with(&limit, &scenario, json!({}), tasks).await;
        let review = crew.review().await;
        assert_eq!(review["status"], "implementation_review", "{review:#}\n{}", crew.place.read_log());
        let branch = text(&review, "branch_name");
        let files = git(&crew.repository, &["ls-tree", "--name-only", &branch]);
        assert!(files.contains("1.pid") && files.contains("2.pid"), "{files}\n{}", crew.place.read_log());
        let served: std::collections::BTreeSet<String> = ["1.pid", "2.pid"]
            .iter()
            .map(|file| git(&crew.repository, &["show", &format!("{branch}:{file}")]))
            .collect();
        assert_eq!(served.len(), processes, "{served:?}");
        crew.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_merged_stays_when_somebody_deletes_the_tasks_branch() {
    let slow = format!("{{ wait_ms = 1000 }}, {}", chapter(2));
    let crew = begin(&(steps(1, &chapter(1)) + &steps(2, &slow)), json!({}), TASKS).await;
    crew.session("Chapter one", |session| session["status"] == "completed").await;
    crew.at_work("Chapter two").await;
    let branch = text(&crew.server.get(&format!("/spec-tasks/{}", crew.task)).await, "branch_name");
    git(&crew.repository, &["update-ref", "-d", &format!("refs/heads/{branch}")]);
    let review = crew.review().await;
    assert_eq!(review["status"], "implementation_review", "{review:#}");
    let files = git(&crew.repository, &["ls-tree", "--name-only", &branch]);
    assert!(files.contains("chapter1.md") && files.contains("chapter2.md"), "{files}");
    crew.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_landing_waits_for_a_base_branch_that_was_renamed() {
    let crew = begin(&(steps(1, &chapter(1)) + &steps(2, &chapter(2))), json!({}), TASKS).await;
    crew.review().await;
    let base = git(&crew.repository, &["rev-parse", "main"]);
    git(&crew.repository, &["branch", "-m", "main", "trunk"]);
    let path = format!("/spec-tasks/{}/approve-implementation", crew.task);
    crew.server.post(&path, &json!({ "decision": "approve" })).await;
    crew.landing_waits(&format!("`git branch main {}`", base.trim())).await;
    git(&crew.repository, &["branch", "-m", "trunk", "main"]);
    crew.server.wait_for(&crew.task, &["done"]).await;
    crew.end().await;
}

/// What is not there has been removed.
fn allow_absent(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_landing_waits_for_a_repository_that_was_moved_away_or_replaced() {
    let crew = begin(&(steps(1, &chapter(1)) + &steps(2, &chapter(2))), json!({}), TASKS).await;
    crew.review().await;
    // What is being written as it is moved stays behind.
    crate::record::recorded(&crew.server, &crew.task).await;
    let elsewhere = crew.place.path("elsewhere");
    std::fs::rename(&crew.repository, &elsewhere).expect("it is moved");
    let path = format!("/spec-tasks/{}", crew.task);
    let asked = crew.server.try_get(&format!("{path}/documents/requirements")).await.expect("an answer");
    assert_eq!((asked.0, &asked.1["code"]), (409, &json!("repository_unusable")), "{asked:?}");
    crew.server.post(&format!("{path}/approve-implementation"), &json!({ "decision": "approve" })).await;
    // What was being made at that moment may have left folders at the path, which are no repository.
    crew.landing_waits("could not open the repository at").await;
    // Another repository at its path gets nothing of this work.
    std::fs::remove_dir_all(&crew.repository).or_else(allow_absent).expect("what was left is removed");
    std::fs::create_dir(&crew.repository).expect("a folder is made");
    git(&crew.repository, &["init", "-q", "-b", "main"]);
    git(&crew.repository, &["commit", "-q", "--allow-empty", "-m", "Begin another project"]);
    let configuration = std::fs::read(crew.repository.join(".git/config")).expect("its configuration");
    crew.landing_waits("is not the one that project").await;
    assert_eq!(std::fs::read(crew.repository.join(".git/config")).expect("its configuration"), configuration);
    let refs = git(&crew.repository, &["for-each-ref", "--format=%(refname)"]);
    assert_eq!(refs.trim(), "refs/heads/main");
    assert!(!crew.repository.join(".git-worktrees").exists());
    std::fs::remove_dir_all(&crew.repository).expect("the other one is removed");
    std::fs::rename(&elsewhere, &crew.repository).expect("it is moved back");
    crew.server.wait_for(&crew.task, &["done"]).await;
    crew.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_wait_for_a_repository_that_was_moved_away() {
    let slow = "{ wait_ms = 3000 }, ".to_owned() + &chapter(1);
    let crew = begin(&(steps(1, &slow) + &steps(2, &chapter(2))), json!({}), TASKS).await;
    crew.session("Chapter one", |session| session["status"] == "active").await;
    let elsewhere = crew.place.path("elsewhere");
    std::fs::rename(&crew.repository, &elsewhere).expect("it is moved");
    until(&crew.server, &format!("/spec-tasks/{}", crew.task), |found| {
        assert_eq!(found["status"], "implementation", "{found:#}");
        found["queue_reason"].as_str().is_some_and(|reason| reason.contains("the repository at"))
    })
    .await;
    std::fs::remove_dir_all(&crew.repository).or_else(allow_absent).expect("what was left is removed");
    std::fs::rename(&elsewhere, &crew.repository).expect("it is moved back");
    crew.review().await;
    crew.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_requirement_is_traced_to_what_carries_it_out() {
    let tested = "{ write = \"tests/order.py\", content = \"assert True\\n\" }, ".to_owned() + &chapter(1);
    let crew = begin(&(steps(1, &tested) + &steps(2, &chapter(2))), json!({}), TASKS).await;
    crew.review().await;
    let traced = crew.server.get(&format!("/spec-tasks/{}/traceability", crew.task)).await;
    let of = |number: &str| {
        let all = traced["requirements"].as_array().expect("requirements");
        let one = all.iter().find(|one| one["id"] == number).expect("a requirement");
        (one["tasks"].clone(), one["tests"].clone(), one["status"].clone())
    };
    assert_eq!(of("1.1"), (json!(["1"]), json!(["tests/order.py"]), json!("done")), "{traced:#}");
    assert_eq!(of("1.2"), (json!(["2"]), json!([]), json!("done")), "{traced:#}");
    crew.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_changes_asked_for_twice_are_asked_for_once() {
    let chapters = steps(1, &chapter(1))
        + &steps(2, &chapter(2))
        + "\n[[sessions]]\nrework = true\nsteps = [{ hang = true }]\n";
    let crew = begin(&chapters, json!({}), TASKS).await;
    crew.review().await;
    let path = format!("/spec-tasks/{}/approve-implementation", crew.task);
    let changes = json!({ "decision": "request_changes", "comments": "Longer chapters" });
    let first = crew.server.post(&path, &changes).await;
    let again = crew.server.post(&path, &changes).await;
    assert_eq!((&first["id"], first["attempts"].clone()), (&again["id"], again["attempts"].clone()));
    let other = json!({ "decision": "request_changes", "comments": "Shorter chapters" });
    assert_eq!(crew.server.try_post(&path, &other).await.expect("an answer").0, 409);
    let sessions =
        crew.server.get(&format!("/spec-tasks/{}/work-sessions?phase=validation", crew.task)).await;
    assert_eq!(sessions["total"], 1, "{sessions:#}");
    let part = crew
        .server
        .get(&format!("/spec-tasks/{}/work-sessions?phase=implementation&limit=1", crew.task))
        .await;
    assert_eq!((part["total"].clone(), part["work_sessions"].as_array().map(Vec::len)), (json!(2), Some(1)));
    crew.server.post(&format!("/spec-tasks/{}/cancel", crew.task), &json!({})).await;
    crew.end().await;
}
