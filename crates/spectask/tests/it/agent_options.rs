//! The options of agents, seen from outside: by agent, project, task and session, offered, set and refused.

use crate::commands::{said, spectask};
use crate::harness::{Place, Server, stray_processes, text, until};
use serde_json::{Value, json};

const SCENARIO: &str = r##"id = "options"
prompts = ["Write the note", "Talk about"]
[planning]
steps = [{ show_options = true }]
requirements = "# Requirements\n\n### Requirement 1: Note\n\n**User Story:** As a reader, I want a note, so that I can read it.\n\n#### Acceptance Criteria\n\n1. The repository SHALL have a note.\n"
design = "# Design\n\nOne file.\n"
tasks = "# Implementation Plan\n\n- [ ] 1. Note\n  - [ ] 1.1 Write it\n  - _Requirements: 1.1_\n"
[[sessions]]
task = "1"
steps = [{ show_options = true }, { write = "note.md", content = "A note.\n" }]
[[sessions]]
steps = [{ show_options = true }]
[[conversation]]
when = ["switch"]
steps = [{ set_option = "thought_level", value = "low" }, { show_options = true }]
[[conversation]]
steps = [{ show_options = true }]
[offers]
commands = [{ name = "review", description = "Reviews the change", input = { hint = "a file" } }]
[[offers.options]]
id = "llm"
name = "Model"
category = "model"
type = "select"
currentValue = "small"
options = [{ value = "small", name = "Small" }, { value = "medium", name = "Medium" }, { value = "large", name = "Large" }]
[[offers.options]]
id = "thought_level"
name = "Effort"
category = "thought_level"
type = "select"
currentValue = "low"
options = [{ value = "low", name = "Low" }, { value = "high", name = "High" }]
[[offers.options]]
id = "mode"
name = "Mode"
category = "mode"
type = "select"
currentValue = "code"
options = [{ value = "code", name = "Code" }, { value = "ask", name = "Ask" }]
"##;

async fn open(agent: &str, settings: Value) -> (Place, Server, String) {
    let place = Place::new(0);
    place.configure(SCENARIO);
    place.configure_more(agent);
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let body = json!({ "name": "notes", "repository_path": repository, "settings": settings });
    let project = text(&server.post("/projects", &body).await, "id");
    (place, server, project)
}

/// A session of a task, by its phase.
async fn session(server: &Server, task: &str, phase: &str) -> String {
    let sessions = server.get(&format!("/spec-tasks/{task}/work-sessions?phase={phase}")).await;
    text(&sessions["work_sessions"][0], "id")
}

async fn log(server: &Server, session: &str) -> Vec<Value> {
    let log = server.get(&format!("/work-sessions/{session}/events?limit=500")).await;
    log.as_array().cloned().unwrap_or_default()
}

/// Everything of one kind in a log, as one text.
fn texts(log: &[Value], kind: &str) -> String {
    let texts = log.iter().filter(|entry| entry["kind"] == kind).map(|entry| text(entry, "text"));
    texts.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn options_come_from_agent_project_and_task_and_what_is_not_offered_is_a_notice() {
    let agent = "options = { thought_level = \"high\", model = \"large\" }\n";
    let rules = json!([
        { "phase": "planning", "options": { "model": "medium" } },
        { "agent": "scripted", "options": { "model": "none" } },
    ]);
    let (place, server, project) = open(agent, json!({ "agent_options": rules })).await;
    let body = json!({ "prompt": "Write the note", "project_id": project, "agent_options": [
        { "phase": "implementation", "options": { "llm": "Small", "context": "long" } },
    ] });
    let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    server.wait_for(&task, &["spec_review"]).await;
    let planning = log(&server, &session(&server, &task, "planning").await).await;
    let reported = texts(&planning, "agent_message");
    assert!(
        reported.contains("llm = medium\nthought_level = high\nmode = code"),
        "{reported}\n{planning:#?}"
    );
    assert!(texts(&planning, "notice").contains("Options set for the agent: Model: Medium; Effort: High."));

    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    server.wait_for(&task, &["implementation_review"]).await;
    let id = session(&server, &task, "implementation").await;
    let built = log(&server, &id).await;
    let reported = texts(&built, "agent_message");
    assert!(reported.contains("llm = small\nthought_level = high"), "{reported}\n{built:#?}");
    let notices = texts(&built, "notice");
    assert!(
        notices.contains(
            "context = long of the task's options is not set: the agent offers no option \"context\"; it offers llm, \
             thought_level, mode."
        ),
        "{notices}"
    );
    let shown = &server.get(&format!("/work-sessions/{id}")).await["work_session"];
    assert_eq!(shown["agent_options"][0]["current_value"], "small", "{shown:#}");
    assert_eq!(
        shown["available_commands"][0],
        json!({ "name": "review", "description": "Reviews the change", "hint": "a file" })
    );
    let agents = server.get("/agents?limit=500").await;
    let player =
        agents.as_array().into_iter().flatten().find(|agent| agent["id"] == "player").expect("an agent");
    assert_eq!(player["options"][0]["values"][2]["value"], "large", "{player:#}");
    server.end().await;
    assert_eq!(stray_processes(&place), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn options_of_a_conversation_are_set_between_turns_and_kept() {
    let (place, server, project) = open("", json!({ "permissions": "ask" })).await;
    let body = json!({ "name": "Talk about the note", "task_type": "interactive", "project_id": project,
        "agent_options": [{ "options": { "mode": "code" } }] });
    let task = text(&server.post("/tasks", &body).await, "id");
    let waits = |task: &Value| task["waits_for_person"] == true;
    until(&server, &format!("/tasks/{task}"), waits).await;
    let id = session(&server, &task, "implementation").await;
    let begun = log(&server, &id).await;
    let reported = texts(&begun, "agent_message");
    assert!(reported.contains("mode = ask"), "the project's permissions need the mode that asks: {begun:#?}");
    let notices = texts(&begun, "notice");
    assert!(notices.contains("mode = code of the task's options is not set"), "{notices}");

    let path = format!("/work-sessions/{id}/agent-options");
    let set = server.put(&path, &json!({ "options": { "model": "Large" } })).await;
    assert_eq!(set["chosen_options"], json!({ "llm": "large" }), "{set:#}");
    assert_eq!(set["agent_options"][0]["current_value"], "large");
    let (status, refused) =
        server.try_put(&path, &json!({ "options": { "model": "huge" } })).await.expect("an answer");
    assert_eq!(status, 422);
    assert!(text(&refused, "detail").contains("it has small, medium, large"), "{refused:#}");
    let (status, refused) =
        server.try_put(&path, &json!({ "options": { "mode": "code" } })).await.expect("an answer");
    assert_eq!((status, &refused["code"]), (409, &json!("mode_not_permitted")), "{refused:#}");

    let say = |text: &'static str| json!({ "content": text, "mode": "queue" });
    server.post(&format!("/work-sessions/{id}/messages"), &say("Please switch")).await;
    let is_said = |log: &Value| {
        let log = log.as_array().cloned().unwrap_or_default();
        texts(&log, "agent_message").contains("llm = large")
    };
    let events = format!("/work-sessions/{id}/events?limit=500");
    until(&server, &events, is_said).await;
    until(&server, &format!("/tasks/{task}"), waits).await;
    let set = said(&spectask(&place, &["options", &id, "thought_level=high"]));
    assert!(set.contains("high") && set.contains("/review"), "{set}");
    server.end().await;

    // Another process of the agent gets what was chosen.
    let server = place.serve().await;
    server.post(&format!("/work-sessions/{id}/messages"), &say("Once more")).await;
    let is_kept = |log: &Value| {
        let log = log.as_array().cloned().unwrap_or_default();
        texts(&log, "agent_message").contains("llm = large\nthought_level = high\nmode = ask")
    };
    until(&server, &events, is_kept).await;
    until(&server, &format!("/tasks/{task}"), waits).await;
    server.end().await;
    assert_eq!(stray_processes(&place), Vec::<String>::new());
}
