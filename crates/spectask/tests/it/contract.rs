//! The published contract to the letter: types of fields, pages of lists, keys of requests, names of sessions.

use crate::harness::{Place, Server, TOKEN, text};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn http() -> reqwest::Client {
    reqwest::Client::new()
}

async fn place_with_project() -> (Place, Server, String) {
    let place = Place::new(0);
    place.configure("prompts = []\n");
    let server = place.serve().await;
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let project = server.project(&repository, &[]).await;
    (place, server, project)
}

async fn task(server: &Server, project: &str, name: &str) -> String {
    let body = json!({ "prompt": name, "project_id": project, "start": false });
    text(&server.post("/spec-tasks/from-prompt", &body).await, "id")
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_types_and_values_are_named_and_null_is_absent() {
    let (_place, server, project) = place_with_project().await;
    let asked = |field: &str, value: Value| {
        let mut body = json!({ "prompt": "x", "project_id": project, "start": false });
        body[field] = value;
        body
    };
    for (field, value) in [
        ("prompt", json!(["x"])),
        ("type", json!("epic")),
        ("priority", json!(3)),
        ("labels", json!([1])),
        ("labels", json!([""])),
        ("start", json!("yes")),
        ("workspace_config", json!("x")),
        ("prompt", json!("a\u{0}b")),
    ] {
        let (status, problem) = server
            .try_post("/spec-tasks/from-prompt", &asked(field, value.clone()))
            .await
            .expect("an answer");
        assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!(field)), "{value}: {problem:#}");
    }
    for budget in [json!({ "max_cost_usd": -1 }), json!({ "max_tokens": -1 }), json!(5)] {
        let (status, problem) =
            server.try_post("/spec-tasks/from-prompt", &asked("budget", budget)).await.expect("an answer");
        assert_eq!(status, 422, "{problem:#}");
        assert!(problem["errors"][0]["field"].as_str().is_some_and(|field| field.starts_with("budget")));
    }
    for field in ["name", "type", "labels", "depends_on", "budget", "workspace_config", "base_branch"] {
        server.post("/spec-tasks/from-prompt", &asked(field, Value::Null)).await;
    }
    let id = task(&server, &project, "One").await;
    for (body, field) in [
        (json!({ "approved": "yes" }), "approved"),
        (json!({ "approved": true, "changes": "x" }), "changes"),
        (json!({}), "approved"),
    ] {
        for route in ["approve-specs", "approve-with-handoff"] {
            let (status, problem) =
                server.try_post(&format!("/spec-tasks/{id}/{route}"), &body).await.expect("an answer");
            assert_eq!((status, &problem["errors"][0]["field"]), (422, &json!(field)), "{problem:#}");
        }
    }
    let handoff = json!({ "approved": true, "handoff_config": { "commit_frequency_minutes": 0 } });
    let (status, _) = server
        .try_post(&format!("/spec-tasks/{id}/approve-with-handoff"), &handoff)
        .await
        .expect("an answer");
    assert_eq!(status, 422);
    // Of what is unknown, no body is wrong.
    for path in [
        "/spec-tasks/spt_none/approve-specs",
        "/spec-tasks/spt_none/work-sessions/stws_none/spawn",
        &format!("/spec-tasks/{id}/work-sessions/stws_none/spawn"),
        "/work-sessions/stws_none/messages",
        "/tasks/spt_none/work-sessions",
    ] {
        assert_eq!(server.try_post(path, &json!({})).await.expect("an answer").0, 404, "{path}");
    }
    for (path, status, field) in [
        ("/spec-tasks?status=backlog&status=bogus", 422, Some("status")),
        ("/spec-tasks?sort=--name", 422, Some("sort")),
        ("/spec-tasks?cursor=nonsense", 422, Some("cursor")),
        ("/projects?limit=-1", 422, Some("limit")),
        ("/agents?cursor=x", 422, Some("cursor")),
        ("/spec-tasks/%ff", 404, None),
        ("/spec-tasks/%00", 404, None),
        ("/spec-tasks?q=%00", 422, Some("query")),
    ] {
        let (answered, problem) = server.try_get(path).await.expect("an answer");
        assert_eq!(answered, status, "{path}: {problem:#}");
        assert_eq!(problem["errors"][0]["field"].as_str(), field, "{path}: {problem:#}");
    }
    server.end().await;
}

/// Reads a list to its end by its `Link` headers.
async fn whole(server: &Server, path: &str, each: impl AsyncFn()) -> Vec<Value> {
    let mut all = Vec::new();
    let mut next = Some(format!("/api/v1{path}"));
    while let Some(path) = next {
        let answer =
            http().get(format!("{}{path}", server.url)).bearer_auth(TOKEN).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
        assert!(answer.headers().contains_key("x-total-count"), "{path}");
        let link = answer.headers().get("link").map(|link| link.to_str().expect("text").to_owned());
        next = link.map(|link| {
            let (path, rel) = link.trim_start_matches('<').split_once('>').expect("a link");
            assert_eq!(rel, "; rel=\"next\"");
            path.to_owned()
        });
        all.extend(answer.json::<Vec<Value>>().await.expect("a list"));
        each().await;
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_list_comes_in_pages_that_do_not_drift() {
    let (_place, server, project) = place_with_project().await;
    for name in ["b", "a", "c", "e", "d"] {
        task(&server, &project, name).await;
    }
    for sort in ["-created_at", "name", "-priority"] {
        let before = server.get(&format!("/spec-tasks?limit=500&sort={sort}")).await;
        let path = format!("/spec-tasks?limit=2&sort={sort}");
        let paged = whole(&server, &path, async || {
            if sort == "-created_at" {
                task(&server, &project, "Meanwhile").await;
            }
        });
        assert_eq!(json!(paged.await), before, "{sort}");
    }
    for path in ["/agents", "/demo-repos", "/projects", "/permissions"] {
        let all = server.get(&format!("{path}?limit=500")).await;
        assert_eq!(json!(whole(&server, &format!("{path}?limit=2"), async || ()).await), all, "{path}");
    }
    server.end().await;
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
    let begun = std::time::Instant::now();
    while !crate::harness::stray_processes(&place).is_empty() {
        assert!(begun.elapsed() < std::time::Duration::from_secs(30), "git outlives the server");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_changes_nothing_is_no_change() {
    let (_place, server, project) = place_with_project().await;
    let path = format!("/spec-tasks/{}", task(&server, &project, "One").await);
    let edit = json!({ "description": "x", "labels": ["a"], "budget": { "max_tokens": 5 } });
    let edited = server.put(&path, &edit).await;
    assert_eq!(server.put(&path, &edit).await, edited);
    server.end().await;
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
    let session = loop {
        let sessions = server.get(&format!("/tasks/{id}/work-sessions")).await;
        if let Some(first) = sessions.as_array().and_then(|all| all.first()) {
            break text(first, "id");
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
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
