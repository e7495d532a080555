//! Sessions and tasks that work side by side: collisions are shown before they happen, and landings take turns.

use crate::harness::{Server, git, text, until};
use crate::job::{Job, TASKS, begin, note, scenario, session};
use serde_json::json;

const BESIDE: &str = "- [ ] 1. (P) One\n  - _Requirements: 1.1_\n- [ ] 2. (P) Two\n  - _Requirements: 1.2_\n";

/// Says yes to every open question of agents, until so many were answered.
async fn allow(server: &Server, count: usize) {
    let open =
        until(server, "/permissions", |open| open.as_array().is_some_and(|all| all.len() >= count)).await;
    for question in open.as_array().expect("questions") {
        let options = question["options"].as_array().expect("options");
        let allow = options.iter().find(|option| text(option, "kind").starts_with("allow")).expect("a yes");
        let path = format!("/permissions/{}", text(question, "id"));
        server.post(&path, &json!({ "option_id": allow["option_id"] })).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_change_the_same_lines_are_shown_before_they_are_merged() {
    let steps = |number: u32, by: &str| {
        let write = format!("{{ write = \"note1.md\", content = \"from {by}\\n\" }}");
        let both = "{ write = \"note2.md\", content = \"x\\n\" }";
        session(number, &format!("{write}, {both}, {{ ask = \"Go on?\", kind = \"execute\" }}"))
    };
    let planned = scenario(&(steps(1, "one") + &steps(2, "two")));
    let job = begin(&planned.replace(&format!("{TASKS:?}"), &format!("{BESIDE:?}"))).await;
    let Job { server, task, .. } = &job;
    let project = text(&job.wait_for("spec_review").await, "project_id");
    server.put(&format!("/projects/{project}"), &json!({ "settings": { "permissions": "ask" } })).await;
    let path = format!("/spec-tasks/{task}/collisions");
    assert_eq!(server.get(&path).await["collisions"], json!([]));
    job.approve_specs().await;
    let told = until(server, &path, |told| told.to_string().contains("\"conflict\"")).await;
    let collision = &told["collisions"][0];
    assert_eq!(collision["files"][0]["path"], "note1.md", "{told:#}");
    let mut said: Vec<_> = collision["files"][0]["hunks"][0]["sides"]
        .as_array()
        .expect("sides")
        .iter()
        .map(|side| (text(side, "text"), side["start_line"].as_u64(), side["line_count"].as_u64()))
        .collect();
    said.sort();
    assert_eq!(
        said,
        [("from one\n".to_owned(), Some(1), Some(1)), ("from two\n".to_owned(), Some(1), Some(1))]
    );
    assert!(told["checked_at"].is_string() && collision["since"].is_string(), "{told:#}");
    for id in collision["sessions"].as_array().expect("two sessions") {
        let id = id.as_str().expect("an id");
        let log = format!("/work-sessions/{id}/events");
        until(server, &log, |entries| entries.to_string().contains("changes the same lines in note1.md"))
            .await;
    }
    allow(server, 2).await;
    let review = job.wait_for("implementation_review").await;
    assert_eq!(review["status"], "implementation_review", "{review:#}");
    assert_eq!(server.get(&path).await["collisions"], json!([]));
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_fails_its_checks_on_top_of_another_does_not_land() {
    let job = begin(&scenario(&(note(1) + &note(2)))).await;
    let Job { server, place, repository, task, .. } = &job;
    let other = scenario(&session(1, "{ write = \"note3.md\", content = \"Note 3\\n\" }"))
        .replace("id = \"notes\"", "id = \"third\"")
        .replace("Write the two notes", "Write the third note")
        .replace(&format!("{TASKS:?}"), &format!("{:?}", "- [ ] 1. Three\n  - _Requirements: 1.1, 1.2_\n"));
    std::fs::write(place.path("own-scenarios").join("third.toml"), other).expect("a scenario");
    let project = text(&job.wait_for("spec_review").await, "project_id");
    let checks = json!({ "settings": { "repair_rounds": 0, "checks": ["echo notes: $(ls note*.md | wc -l) && test $(ls note*.md | wc -l) -le 2"] } });
    server.put(&format!("/projects/{project}"), &checks).await;
    let body = json!({ "prompt": "Write the third note", "project_id": project });
    let second = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    for task in [task, &second] {
        server.wait_for(task, &["spec_review", "spec_failed"]).await;
        server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
        let review = server.wait_for(task, &["implementation_review", "implementation_failed"]).await;
        assert_eq!(review["change"]["checks"][0]["passed"], true, "{review:#}");
    }
    let approve = |task: String| async move {
        let path = format!("/spec-tasks/{task}/approve-implementation");
        server.post(&path, &json!({ "decision": "approve" })).await;
    };
    approve(task.clone()).await;
    approve(second.clone()).await;
    server.wait_for(task, &["done"]).await;
    let path = format!("/spec-tasks/{second}");
    let held = until(server, &path, |task| task["last_error"].is_object()).await;
    assert_eq!(held["status"], "implementation_review", "{held:#}");
    let why = text(&held["last_error"], "message");
    assert!(why.contains("not together with what landed on main") && why.contains("notes: 3"), "{why}");
    assert!(!repository.join("note3.md").exists());
    // A person makes room, and approves again.
    git(repository, &["rm", "-q", "note1.md"]);
    git(repository, &["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "commit", "-qm", "Room"]);
    approve(second.clone()).await;
    server.wait_for(&second, &["done"]).await;
    assert!(repository.join("note3.md").exists() && !repository.join("note1.md").exists());
    assert_eq!(git(repository, &["status", "--porcelain"]), "");
    job.end().await;
}
