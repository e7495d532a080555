//! What a person takes back: a cancellation, and a change that landed.

use crate::harness::{Place, git, text};
use serde_json::{Value, json};

const TASKS: &str = "- [ ] 1. Note\\n  - _Requirements: 1_\\n";
const REQUIREMENTS: &str = "### Requirement 1: A\\n\\n#### Acceptance Criteria\\n\\n1. THE folder SHALL have a note.\\n2. IF it has none, THEN THE folder SHALL say so.\\n";

fn scenario() -> String {
    format!(
        "prompts = [\"Write a note\"]\n[planning]\nrequirements = \"{REQUIREMENTS}\"\ndesign = \"# Design\\n\"\n\
         tasks = \"{TASKS}\"\n[[sessions]]\ntask = \"1\"\nsteps = [{{ write = \"note.md\", content = \"Note\\n\" }}]\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_task_is_reopened_where_it_was() {
    let place = Place::new(0);
    place.configure(&scenario());
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let body = json!({ "prompt": "Write a note", "project_id": project, "start": false });
    let task = server.post("/spec-tasks/from-prompt", &body).await;
    let id = text(&task, "id");
    let act = async |action: &str| server.post(&format!("/spec-tasks/{id}/{action}"), &json!({})).await;
    // From the backlog it goes back there.
    assert_eq!(act("cancel").await["status"], "cancelled");
    let reopened = act("reopen").await;
    assert_eq!((&reopened["status"], &reopened["completed_at"]), (&json!("backlog"), &Value::Null));
    act("start").await;
    server.wait_for(&id, &["spec_review"]).await;
    // What waits for a review waits for it again.
    act("cancel").await;
    assert_eq!(act("reopen").await["status"], "spec_review");
    let approve = json!({ "approved": true });
    server.post(&format!("/spec-tasks/{id}/approve-specs"), &approve).await;
    server.wait_for(&id, &["implementation_review"]).await;
    // A change that was rejected is made ready for review again, with the sessions' work.
    let reject = json!({ "decision": "reject" });
    server.post(&format!("/spec-tasks/{id}/approve-implementation"), &reject).await;
    server.wait_for(&id, &["cancelled"]).await;
    act("reopen").await;
    let review = server.wait_for(&id, &["implementation_review"]).await;
    assert_eq!(review["change"]["checks"], json!([]), "{review:#}");
    server.end().await;
}

/// What one agent cannot do is tried again by another.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_failed_goes_on_with_another_agent() {
    let place = Place::new(0);
    place.configure(&scenario());
    place.configure_more("\n[[agents]]\nid = \"broken\"\ncommand = \"/bin/false\"\n");
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let body = json!({ "prompt": "Write a note", "project_id": project, "spec_agent": "broken" });
    let id = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    let failed = server.wait_for(&id, &["spec_failed"]).await;
    let session = text(&failed["work_sessions"][0], "id");
    let path = format!("/work-sessions/{session}/agent");
    let unknown = server.try_put(&path, &json!({ "agent": "nobody" })).await;
    assert_eq!(unknown.map(|(status, _)| status), Some(422));
    let assigned = server.put(&path, &json!({ "agent": "player" })).await;
    assert_eq!(assigned["agent_config"]["agent"], "player", "{assigned:#}");
    server.post(&format!("/spec-tasks/{id}/retry"), &json!({})).await;
    server.wait_for(&id, &["spec_review"]).await;
    let busy = server.try_put(&path, &json!({ "agent": "broken" })).await;
    assert_eq!(busy.map(|(status, _)| status), Some(409), "only what failed is given away");
    server.end().await;
}

/// Comments on lines are there after the page is closed, for their writer alone, until the review is sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_review_that_is_not_sent_is_kept() {
    let place = Place::new(0);
    place.configure(&scenario());
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let task = server
        .post("/spec-tasks/from-prompt", &json!({ "prompt": "Write a note", "project_id": project }))
        .await;
    let id = text(&task, "id");
    let path = format!("/spec-tasks/{id}/pending-review");
    assert_eq!(server.get(&path).await, json!({ "line_comments": [] }));
    server.wait_for(&id, &["spec_review"]).await;
    server.post(&format!("/spec-tasks/{id}/approve-specs"), &json!({ "approved": true })).await;
    server.wait_for(&id, &["implementation_review"]).await;
    let comment =
        json!({ "path": "note.md", "side": "new", "line": 1, "quoted_text": "Note", "comment": "Longer" });
    let pending = json!({ "line_comments": [comment] });
    assert_eq!(server.put(&path, &pending).await, pending);
    assert_eq!(server.get(&path).await, pending);
    let many = json!({ "line_comments": vec![comment.clone(); 301] });
    assert_eq!(server.try_put(&path, &many).await.map(|(status, _)| status), Some(422));
    let review = json!({ "decision": "request_changes", "line_comments": [comment] });
    server.post(&format!("/spec-tasks/{id}/approve-implementation"), &review).await;
    assert_eq!(server.get(&path).await, json!({ "line_comments": [] }));
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_landed_is_reverted_by_a_change_of_its_own() {
    let place = Place::new(0);
    place.configure(&scenario());
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let body = json!({ "prompt": "Write a note", "project_id": project });
    let task = server.post("/spec-tasks/from-prompt", &body).await;
    let id = text(&task, "id");
    server.wait_for(&id, &["spec_review"]).await;
    server.post(&format!("/spec-tasks/{id}/approve-specs"), &json!({ "approved": true })).await;
    server.wait_for(&id, &["implementation_review"]).await;
    let approve = json!({ "decision": "approve" });
    server.post(&format!("/spec-tasks/{id}/approve-implementation"), &approve).await;
    server.wait_for(&id, &["done"]).await;
    assert!(repository.join("note.md").exists());
    let revert = server.post(&format!("/spec-tasks/{id}/revert"), &json!({})).await;
    let revert = text(&revert, "id");
    let review = server.wait_for(&revert, &["implementation_review"]).await;
    assert!(review["name"].as_str().expect("a name").starts_with("Revert"), "{review:#}");
    assert!(repository.join("note.md").exists(), "nothing moves before the review");
    let diff = server.get(&format!("/spec-tasks/{revert}/diff")).await;
    let files: Vec<&str> =
        diff["files"].as_array().expect("files").iter().filter_map(|file| file["path"].as_str()).collect();
    assert!(files.contains(&"note.md"), "{diff:#}");
    server.post(&format!("/spec-tasks/{revert}/approve-implementation"), &approve).await;
    server.wait_for(&revert, &["done"]).await;
    assert!(!repository.join("note.md").exists());
    let log = git(&repository, &["log", "--format=%B", "-3"]);
    assert!(log.contains("This reverts commit"), "{log}");
    // What is reverted already has nothing left to revert, and says so without leaving a task to review.
    let again = server.try_post(&format!("/spec-tasks/{id}/revert"), &json!({})).await.expect("an answer");
    assert_eq!((again.0, again.1["code"].as_str()), (409, Some("cannot_revert")), "{:#}", again.1);
    server.end().await;
}
