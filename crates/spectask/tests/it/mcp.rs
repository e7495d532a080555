//! Agents use the tools of their crew, people use them from other clients, and agents get the MCP servers of people.

use crate::harness::{Place, Server, git, stray_processes, text, until};
use rmcp::ServiceExt as _;
use rmcp::model::{CallToolRequestParams, CallToolResult};
use rmcp::service::{RoleClient, RunningService};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Stdio;
use tokio::process::Command;

const PROMPT: &str = "Write the chapters";
const REQUIREMENTS: &str = "# Requirements Document\n\n## Introduction\n\nChapters.\n\n## Requirements\n\n### Requirement 1: Chapters\n\n\
    **User Story:** As a reader, I want chapters, so that I can read them.\n\n#### Acceptance Criteria\n\n\
    1. WHEN the chapters are asked for, THE folder SHALL contain them.\n2. IF a chapter is missing, THEN THE folder SHALL say so.\n";
const DESIGN: &str = "# Design\n\n## Overview\n\nOne file for each chapter.\n";
const TASKS: &str =
    "# Implementation Plan\n\n- [ ] 1. Chapter one\n  - [ ] 1.1 Write it\n  - _Requirements: 1.1_\n";

struct Crew {
    place: Place,
    server: Server,
    repository: PathBuf,
    project: String,
    task: String,
}

/// A task whose planned task plays these steps, before its documents are approved.
async fn begin(steps: &str, settings: Value, files: &[(&str, &str)]) -> Crew {
    let place = Place::new(0);
    place.configure(&format!(
        "id = \"chapters\"\nprompts = [{PROMPT:?}]\n[planning]\nsteps = []\nrequirements = {REQUIREMENTS:?}\n\
         design = {DESIGN:?}\ntasks = {TASKS:?}\n[[sessions]]\ntask = \"1\"\nsteps = [{steps}]\n"
    ));
    let repository = place.repository("book", &[[("README.md", "# A book\n")].as_slice(), files].concat());
    let server = place.serve().await;
    let body = json!({ "name": "book", "repository_path": repository, "settings": settings });
    let project = text(&server.post("/projects", &body).await, "id");
    let body = json!({ "prompt": PROMPT, "project_id": project });
    let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    server.wait_for(&task, &["spec_review"]).await;
    Crew { place, server, repository, project, task }
}

impl Crew {
    async fn approve(&self) {
        let path = format!("/spec-tasks/{}/approve-specs", self.task);
        self.server.post(&path, &json!({ "approved": true })).await;
    }

    /// The session in a phase.
    async fn session(&self, phase: &str) -> Value {
        let path = format!("/spec-tasks/{}/work-sessions?phase={phase}", self.task);
        let found = until(&self.server, &path, |found| found["work_sessions"][0].is_object()).await;
        found["work_sessions"][0].clone()
    }

    async fn log(&self, phase: &str) -> Vec<Value> {
        let session = text(&self.session(phase).await, "id");
        let log = self.server.get(&format!("/work-sessions/{session}/events?limit=500")).await;
        log.as_array().cloned().unwrap_or_default()
    }

    /// The status and the output of each call of an MCP server's tool.
    async fn calls(&self) -> Vec<(String, String)> {
        let log = self.log("implementation").await;
        let calls = log.iter().filter(|entry| entry["kind"] == "tool_call");
        // Such a call is begun with its arguments.
        let begun: Vec<&Value> = calls
            .clone()
            .filter(|entry| entry["raw_input"].is_object())
            .map(|entry| &entry["tool_call_id"])
            .collect();
        let ended =
            calls.filter(|entry| entry["content"].is_array() && begun.contains(&&entry["tool_call_id"]));
        let output =
            |entry: &Value| entry["content"][0]["content"]["text"].as_str().unwrap_or_default().to_owned();
        ended.map(|entry| (text(entry, "status"), output(entry))).collect()
    }

    async fn prompts(&self) -> Vec<String> {
        let log = self.log("implementation").await;
        let prompts = log.iter().filter(|entry| entry["kind"] == "user_message");
        prompts.map(|entry| text(entry, "text")).collect()
    }

    /// The question that waits for a person.
    async fn question(&self) -> Value {
        until(&self.server, "/questions", |found| found[0].is_object()).await[0].clone()
    }

    async fn answer(&self, question: &Value, answer: &str) -> Value {
        let path = format!("/spec-tasks/{}/questions/{}/answer", self.task, text(question, "id"));
        self.server.post(&path, &json!({ "answer": answer })).await
    }

    async fn review(&self) -> Value {
        self.server.wait_for(&self.task, &["implementation_review", "implementation_failed"]).await
    }

    async fn end(self) {
        self.server.end().await;
        assert_eq!(stray_processes(&self.place), Vec::<String>::new());
    }
}

const CHAPTER: &str = r#"{ write = "chapter1.md", content = "Chapter\n" }"#;

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_without_a_network_uses_the_tools_of_its_crew() {
    let steps = format!(
        r#"{{ call_tool = "get_task" }}, {CHAPTER}, {{ commit = "Write it" }}, {{ call_tool = "list_sessions" }},
        {{ call_tool = "send_message", arguments = {{ kind = "notification", message = "Chapter one is there." }} }},
        {{ call_tool = "propose_plan_change", arguments = {{ proposal = "A second chapter." }} }},
        {{ call_tool = "report_evidence", arguments = {{ item = "2.1", check_output = "ok" }} }},
        {{ call_tool = "report_evidence", arguments = {{ item = "1.1", commit = "0123456789" }} }},
        {{ call_tool = "report_evidence", arguments = {{ item = "1.1", check_output = "1 passed" }} }},
        {{ call_tool = "spawn_session", arguments = {{ name = "", description = "x" }} }},
        {{ call_tool = "no_such_tool" }}, {{ say = "Done." }}"#
    );
    let crew = begin(&steps, json!({ "network": "none" }), &[]).await;
    crew.approve().await;
    let review = crew.review().await;
    let calls = crew.calls().await;
    let [task, sessions, message, proposal, foreign, unknown, evidence, spawn, none] = calls.as_slice()
    else {
        panic!("{calls:#?}\n{}", crew.place.read_log());
    };
    assert_eq!(task.0, "completed", "{task:?}");
    let told: Value = serde_json::from_str(&task.1).expect("JSON");
    assert_eq!(told["planned_task"]["title"], "Chapter one");
    assert!(
        told["planned_task"]["requirements"][0].as_str().is_some_and(|text| text.contains("SHALL contain"))
    );
    assert!(sessions.1.contains("chapter1.md"), "{sessions:?}");
    assert_eq!((message.0.as_str(), proposal.0.as_str()), ("completed", "completed"), "{calls:#?}");
    assert_eq!(foreign.0, "failed");
    assert!(foreign.1.contains("no item of the session's own planned task"), "{foreign:?}");
    assert!(unknown.1.contains("is no commit on"), "{unknown:?}");
    assert_eq!(evidence.0, "completed", "{evidence:?}");
    assert_eq!((spawn.0.as_str(), none.0.as_str()), ("failed", "failed"));
    // The item that was reported is done, and so the session is not asked for it again.
    assert_eq!(review["progress"], 1.0, "{review:#}");
    let question = crew.question().await;
    assert_eq!(
        (&question["kind"], &question["message"]),
        (&json!("plan_change"), &json!("A second chapter."))
    );
    let path = format!("/spec-tasks/{}/questions/{}/answer", crew.task, text(&question, "id"));
    crew.server.post(&path, &json!({ "accepted": false, "answer": "One is enough." })).await;
    assert_eq!(crew.server.get("/questions").await, json!([]));
    let audit = crew.server.get("/audit?action=answer_question").await;
    assert_eq!(audit[0]["data"]["accepted"], false, "{audit:#}");
    crew.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_survives_a_killed_server_and_its_answer_is_the_next_message() {
    // In one piece it would look like a real key.
    let key = concat!("ghp_", "9fK2mQx7VbT4sLw8ZrYc1NdHj6PgAe3UoRiB");
    let steps = format!(
        r#"{{ call_tool = "ask_user", once = true,
              arguments = {{ question = "How long? My key is {key}", choices = ["short", "long"], wait_seconds = 0 }} }},
           {CHAPTER}, {{ tick = "1.1", state = "done" }}"#
    );
    let mut crew = begin(&steps, json!({}), &[]).await;
    crew.approve().await;
    let path = format!("/spec-tasks/{}/work-sessions?phase=implementation", crew.task);
    let waits = |found: &Value| {
        found["work_sessions"][0]["queue_reason"]
            .as_str()
            .is_some_and(|reason| reason.starts_with("Waiting for your answer"))
    };
    let parked = until(&crew.server, &path, waits).await;
    assert_eq!(parked["work_sessions"][0]["status"], "blocked", "{parked:#}");
    let calls = crew.calls().await;
    assert!(calls[0].1.contains("End your turn now"), "{calls:?}");
    let question = crew.question().await;
    assert_eq!((&question["choices"], &question["is_waiting"]), (&json!(["short", "long"]), &json!(true)));
    let inbox = crew.server.get("/inbox").await;
    assert_eq!(
        (&inbox[0]["kind"], &inbox[0]["request_id"]),
        (&json!("question"), &question["id"]),
        "{inbox:#}"
    );
    assert!(!text(&question, "message").contains("ghp_"), "{question:#}");
    crew.server.kill().await;
    crew.server = crew.place.serve().await;
    let question = crew.question().await;
    let shown = crew.server.get(&format!("/spec-tasks/{}", crew.task)).await;
    assert_eq!(shown["needs_person"], true, "{shown:#}");
    assert_eq!(crew.answer(&question, "short").await["answer"], "short");
    let inbox = crew.server.get("/inbox").await;
    assert!(!inbox.to_string().contains("An agent asks"), "{inbox:#}");
    let review = crew.review().await;
    assert_eq!(review["status"], "implementation_review", "{review:#}");
    let prompts = crew.prompts().await;
    assert!(prompts.iter().any(|prompt| prompt.contains("answers: short")), "{prompts:#?}");
    crew.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_in_time_goes_to_the_call_and_to_no_other_turn() {
    let steps = format!(
        r#"{{ call_tool = "ask_user", arguments = {{ question = "How long?" }} }}, {CHAPTER}, {{ tick = "1.1", state = "done" }}"#
    );
    let crew = begin(&steps, json!({}), &[]).await;
    crew.approve().await;
    let question = crew.question().await;
    crew.answer(&question, "short").await;
    crew.review().await;
    let calls = crew.calls().await;
    assert!(calls[0].1.contains(r#""answer":"short""#), "{calls:?}");
    let prompts = crew.prompts().await;
    assert!(!prompts.iter().any(|prompt| prompt.contains("answers:")), "{prompts:#?}");
    crew.end().await;
}

/// An MCP client of a person on the task of a crew.
async fn client(url: &str, arguments: &[&str]) -> RunningService<RoleClient, ()> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spectask"));
    command.arg("mcp").args(arguments).env("SPECTASK_URL", url).env("SPECTASK_TOKEN", crate::harness::TOKEN);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    // It ends with its standard input, when the client is closed or dropped.
    let mut server = command.spawn().expect("the binary starts");
    let transport = (server.stdout.take().expect("a pipe"), server.stdin.take().expect("a pipe"));
    ().serve(transport).await.expect("a greeting")
}

async fn call(client: &RunningService<RoleClient, ()>, name: &'static str, given: Value) -> CallToolResult {
    let mut request = CallToolRequestParams::new(name);
    request.arguments = given.as_object().cloned();
    client.call_tool(request).await.expect("an answer")
}

#[tokio::test(flavor = "multi_thread")]
async fn another_client_works_with_a_task_and_hears_when_the_server_is_away() {
    let crew = begin(CHAPTER, json!({}), &[]).await;
    let one = client(&crew.server.url, &["--task", &crew.task]).await;
    let tools = one.list_all_tools().await.expect("tools");
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    assert_eq!(names, ["get_task", "list_sessions", "get_session_changes", "send_message", "spawn_session"]);
    let task = call(&one, "get_task", json!({})).await.structured_content.expect("JSON");
    assert_eq!((&task["status"], &task["plan"][0]["title"]), (&json!("spec_review"), &json!("Chapter one")));
    let wrong = call(&one, "get_task", json!({ "task": "x" })).await;
    assert_eq!(wrong.is_error, Some(true));
    let all = client(&crew.server.url, &[]).await;
    let listed = call(&all, "list_tasks", json!({})).await.structured_content.expect("JSON");
    assert_eq!(listed["tasks"][0]["id"], json!(crew.task));
    let sent = json!({ "task": crew.task, "kind": "notification", "message": "Mind the index." });
    assert_eq!(call(&all, "send_message", sent).await.is_error, Some(false));
    crew.server.end().await;
    let away = call(&one, "list_sessions", json!({})).await;
    assert_eq!(away.is_error, Some(true));
    let said = serde_json::to_string(&away.content).expect("JSON");
    assert!(said.contains("no server answers at"), "{said}");
    one.cancel().await.expect("it ends");
    all.cancel().await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_of_a_repository_reach_agents_once_a_person_confirmed_them() {
    let server = json!({ "mcpServers": {
        "extra": {
            "command": env!("CARGO_BIN_EXE_spectask"), "args": ["mcp"],
            "env": { "SPECTASK_URL": "${NOT_ALLOWED:-http://127.0.0.1:9}", "SPECTASK_TOKEN": "none" },
        },
        "web": { "type": "http", "url": "https://mcp.example.org" },
    } });
    let steps = format!(
        r#"{{ call_tool = "list_tasks", server = "extra" }}, {{ call_tool = "x", server = "web" }}, {CHAPTER}, {{ tick = "1.1", state = "done" }}"#
    );
    let file = server.to_string();
    let crew = begin(&steps, json!({}), &[(".mcp.json", file.as_str())]).await;
    let has = |log: &[Value], words: &str| {
        log.iter().any(|entry| entry["text"].as_str().is_some_and(|text| text.contains(words)))
    };
    let log = crew.log("planning").await;
    assert!(has(&log, "(extra, web) are not passed to the agent until a person confirms"), "{log:#?}");
    let path = format!("/projects/{}/mcp-json", crew.project);
    let shown = crew.server.get(&path).await;
    assert_eq!((&shown["is_trusted"], &shown["servers"]), (&json!(false), &json!(["extra", "web"])));
    let wrong = crew.server.try_post(&path, &json!({ "hash": "0".repeat(64), "trusted": true })).await;
    assert_eq!(wrong.expect("an answer").0, 409);
    let settings = json!({ "settings": { "trusted_mcp_json": shown["hash"] } });
    let forged = crew.server.try_put(&format!("/projects/{}", crew.project), &settings).await;
    assert_eq!(forged.expect("an answer").0, 422);
    let trusted = crew.server.post(&path, &json!({ "hash": shown["hash"], "trusted": true })).await;
    assert_eq!(trusted["is_trusted"], true);
    crew.approve().await;
    crew.review().await;
    let calls = crew.calls().await;
    assert!(calls[0].1.contains("no server answers at http://127.0.0.1:9"), "{calls:?}");
    assert!(calls[1].1.contains("handed over no MCP server"), "{calls:?}");
    let log = crew.log("implementation").await;
    assert!(has(&log, "\"web\" of .mcp.json is left out: the agent reaches none over HTTP"), "{log:#?}");
    // Another content is asked for again.
    std::fs::write(crew.repository.join(".mcp.json"), "{\"mcpServers\": {}}").expect("a file");
    git(
        &crew.repository,
        &["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qam", "Other servers"],
    );
    assert_eq!(crew.server.get(&path).await["is_trusted"], false);
    crew.end().await;
}
