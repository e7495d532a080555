//! The published contract to the letter: types of fields, pages of lists, keys of requests, names of sessions.

use crate::harness::{Place, Server, TOKEN, eventually, http, text, until};
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn place_with_project() -> (Place, Server, String) {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let server = place.serve().await;
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let project = server.project(&repository, &[]).await;
    (place, server, project)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_creates_nothing_twice_whenever_the_server_is_killed() {
    let (place, mut server, project) = place_with_project().await;
    let ask = |url: &str, round: usize| {
        let body = json!({ "prompt": format!("Round {round}"), "project_id": project, "start": false });
        let path = format!("{url}/api/v1/spec-tasks/from-prompt");
        http().post(path).bearer_auth(TOKEN).header("idempotency-key", format!("k{round}")).json(&body).send()
    };
    for round in 0..10 {
        let first = tokio::spawn(ask(&server.url, round));
        // Later in each round, as other answers tell the time.
        for _ in 0..round {
            http().get(format!("{}/healthz", server.url)).send().await.expect("an answer");
        }
        server.kill().await;
        let first = first.await.expect("it ends");
        server = place.serve().await;
        let again = ask(&server.url, round).await.expect("an answer");
        assert_eq!(again.status(), 201);
        let again = text(&again.json::<Value>().await.expect("JSON"), "id");
        if let Ok(first) = first
            && let Ok(first) = first.json::<Value>().await
        {
            assert_eq!(text(&first, "id"), again);
        }
        let all = server.get("/spec-tasks?limit=500").await;
        assert_eq!(all.as_array().map(Vec::len), Some(round + 1), "{all:#}");
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clone_that_hangs_does_not_keep_the_server_from_ending() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let server = place.serve().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/notes.git", silent.local_addr().expect("an address"));
    let asked = http()
        .post(format!("{}/api/v1/projects", server.url))
        .bearer_auth(TOKEN)
        .json(&json!({ "clone_url": url }))
        .send();
    let asked = tokio::spawn(asked);
    let _held = silent.accept().await.expect("git asks");
    server.end().await;
    let _ = asked.await.expect("it ends");
    eventually(async || {
        let left = crate::harness::stray_processes(&place);
        if left.is_empty() { Ok(()) } else { Err(format!("{left:?}")) }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_asked_for_at_once_get_a_copy_each() {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let server = place.serve().await;
    let body = json!({ "prompt": "Add due dates", "demo_repo": "nodejs-todo" });
    let asked = (0..4).map(|_| server.post("/spec-tasks/from-demo", &body));
    let tasks = futures::future::join_all(asked).await;
    let projects: BTreeSet<String> = tasks.iter().map(|task| text(task, "project_id")).collect();
    assert_eq!(projects.len(), 4, "{projects:?}");
    for task in tasks {
        server.post(&format!("/spec-tasks/{}/cancel", text(&task, "id")), &json!({})).await;
    }
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_is_called_as_a_person_says() {
    let place = Place::new(0);
    let requirements = "### Requirement 1: A\n\n#### Acceptance Criteria\n\n1. THE folder SHALL have a note.\n2. IF it has none, THEN THE folder SHALL say so.\n";
    place.configure(&format!(
        "prompts = [\"Talk\"]\n[planning]\nrequirements = {requirements:?}\ndesign = \"# Design\\n\"\n\
         tasks = \"- [ ] 1. Note\\n  - _Requirements: 1_\\n\"\n"
    ));
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let body = json!({ "prompt": "Talk", "project_id": project });
    let id = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    let planned = server.wait_for(&id, &["spec_review"]).await;
    let session = &planned["work_sessions"][0];
    let path = format!("/work-sessions/{}/status", text(session, "id"));
    let renamed = json!({ "status": session["status"], "name": "Thinking", "description": "About it" });
    let answer = server.put(&path, &renamed).await;
    assert_eq!((&answer["name"], &answer["description"]), (&json!("Thinking"), &json!("About it")));
    let read = server.get(&format!("/work-sessions/{}", text(session, "id"))).await;
    assert_eq!(read["work_session"]["name"], "Thinking");
    assert_eq!(read["helix_session"]["name"], "Thinking");
    assert_eq!(read["spec_task"]["version"].as_u64(), planned["version"].as_u64().map(|version| version + 1));
    let again = server.put(&path, &renamed).await;
    assert_eq!(again["updated_at"], answer["updated_at"]);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_said_with_a_key_is_said_once_whenever_the_server_is_killed() {
    let (place, mut server, project) = place_with_project().await;
    let body = json!({ "name": "Talk", "task_type": "interactive", "project_id": project });
    let id = text(&server.post("/tasks", &body).await, "id");
    // It has its session once it has got its place.
    let sessions = format!("/tasks/{id}/work-sessions");
    let session = text(&until(&server, &sessions, |sessions| sessions[0].is_object()).await[0], "id");
    for round in 0..6_u64 {
        let send = async |url: &str, path: &str, body: &Value| {
            let request = http().post(format!("{url}/api/v1/work-sessions/{session}/{path}")).json(body);
            let key = format!("{path}-{round}");
            request.bearer_auth(TOKEN).header("Idempotency-Key", key).send().await.ok()
        };
        let note = json!({ "activity_type": "decision", "content": format!("Decision {round}") });
        let word = json!({ "content": format!("Word {round}") });
        // Whoever asks goes away, and the server with it, while it is at it or just done.
        let sent = async {
            tokio::join!(send(&server.url, "record-history", &note), send(&server.url, "messages", &word))
        };
        let _ = tokio::time::timeout(std::time::Duration::from_millis(3 * round), sent).await;
        server.kill().await;
        server = place.serve().await;
        for (path, body) in [("record-history", &note), ("messages", &word)] {
            let answer = send(&server.url, path, body).await.expect("an answer");
            assert!(answer.status().is_success(), "{path}: {}", answer.text().await.expect("a body"));
        }
    }
    let log = server.get(&format!("/work-sessions/{session}/events?limit=500")).await;
    let log = log.as_array().expect("entries");
    for round in 0..6 {
        for words in [format!("Decision {round}"), format!("Word {round}")] {
            let said = log.iter().filter(|entry| entry["text"] == json!(words) && entry["by"] != "spectask");
            assert_eq!(said.count(), 1, "{words}");
        }
    }
    server.end().await;
}
