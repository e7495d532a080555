//! Templates, seen from outside: built in, in the repository, broken, and with a plan that is ready.

use crate::harness::{Place, Server, git, stray_processes, text};
use serde_json::{Value, json};
use std::path::PathBuf;

const READY: &str = r#"title = "Two notes"
description = "Writes two notes."
planning = false
start = "at_once"
priority = "critical"
labels = ["notes"]
checks = ["test -f docs/spectask/1.md"]

tasks = """
- [ ] 1. Note one: {{prompt}}
- [ ] 2. Note two
  - _Depends: 1_
"""
"#;

const BROKEN: &str = "title = \"Broken\"\ntasks = '''\n- [ ] 1. a\n  - _Depends: 7_\n'''\n";

async fn open(files: &[(&str, &str)]) -> (Place, Server, PathBuf, String) {
    let place = Place::new(0);
    place.configure("prompts = [\"nothing is asked like this\"]");
    let repository = place.repository("notes", files);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    (place, server, repository, project)
}

fn named<'v>(all: &'v Value, name: &str) -> &'v Value {
    all.as_array().into_iter().flatten().find(|one| one["name"] == name).expect("a template of the name")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_has_templates_of_its_own() {
    let huge = format!("title = \"Huge\"\n# {}", "x".repeat(70 * 1024));
    let (place, server, _, project) = open(&[
        (".spectask/templates/two-notes.toml", READY),
        (".spectask/templates/broken.toml", BROKEN),
        (".spectask/templates/huge.toml", &huge),
        (".spectask/templates/bug-fix.toml", "title = \"Our own bug fix\"\ntype = \"bug\"\n"),
    ])
    .await;
    let all = server.get(&format!("/templates?project_id={project}")).await;
    assert_eq!(named(&all, "bug-fix")["title"], "Our own bug fix");
    assert_eq!(named(&all, "campaign")["source"], "built_in");
    let ready = named(&all, "two-notes");
    assert_eq!((&ready["start"], &ready["priority"]), (&json!("at_once"), &json!("critical")), "{ready:#}");
    let error = &named(&all, "broken")["error"];
    assert_eq!(
        (error["file"].as_str(), &error["line"]),
        (Some(".spectask/templates/broken.toml"), &json!(2))
    );
    assert!(text(error, "message").contains("depends on 7"), "{error:#}");
    assert!(text(&named(&all, "huge")["error"], "message").contains("larger"));
    let built_in = server.get("/templates").await;
    assert_eq!(built_in.as_array().map(Vec::len), Some(5));
    for (body, field, said) in [
        (json!({ "template": "broken" }), "template", "line 2"),
        (json!({ "template": "no-such" }), "template", "two-notes"),
        (json!({ "template": "campaign" }), "items", "at least one"),
        (json!({ "template": "two-notes", "items": ["a"] }), "items", "takes none"),
        (json!({ "items": ["a"] }), "items", "template"),
        (json!({ "template": "campaign", "items": ["a", " "] }), "items", "item 2"),
        (json!({ "type": "batch", "planning": true }), "planning", "batch"),
    ] {
        let mut asked = json!({ "prompt": "Write notes", "project_id": project });
        asked.as_object_mut().expect("an object").extend(body.as_object().expect("an object").clone());
        let (status, answer) = server.try_post("/spec-tasks/from-prompt", &asked).await.expect("an answer");
        let error = &answer["errors"][0];
        assert_eq!((status, error["field"].as_str()), (422, Some(field)), "{body}: {answer:#}");
        assert!(text(error, "message").contains(said), "{body}: {answer:#}");
    }
    server.end().await;
    assert_eq!(stray_processes(&place), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ready_plan_starts_at_once() {
    let (place, server, repository, project) = open(&[(".spectask/templates/two-notes.toml", READY)]).await;
    let body = json!({ "prompt": "Write notes", "project_id": project, "template": "two-notes" });
    let task = server.post("/spec-tasks/from-prompt", &body).await;
    let id = text(&task, "id");
    assert_eq!((&task["template"], &task["labels"]), (&json!("two-notes"), &json!(["notes"])), "{task:#}");
    let review =
        server.wait_for(&id, &["implementation_review", "spec_failed", "implementation_failed"]).await;
    assert_eq!(review["status"], "implementation_review", "{review:#}");
    assert_eq!(review["spec_approved_by"], "template two-notes");
    assert_eq!(review["change"]["checks"][0]["command"], "test -f docs/spectask/1.md", "{review:#}");
    assert!(text(&review, "implementation_plan").contains("Note one: Write notes"), "{review:#}");
    let planners = review["work_sessions"].as_array().into_iter().flatten();
    assert_eq!(planners.filter(|session| session["phase"] == "planning").count(), 0);
    let reviews =
        git(&repository, &["ls-tree", "-r", "--name-only", "helix-design-docs", &format!("specs/{id}/")]);
    assert!(reviews.contains("reviews/") && reviews.contains("progress.md"), "{reviews}");
    server.end().await;
    assert_eq!(stray_processes(&place), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_has_a_planned_task_for_each_item() {
    let (place, server, _, project) = open(&[("README.md", "# Notes\n")]).await;
    let items = ["the first page", "the second page", "the third page"];
    let body = json!({
        "prompt": "Translate it into German", "project_id": project, "template": "campaign", "items": items,
    });
    let id = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    server.wait_for(&id, &["spec_review", "spec_failed"]).await;
    let specs = server.get(&format!("/spec-tasks/{id}/specs")).await;
    assert!(text(&specs, "requirements_spec").contains("- the second page"), "{specs:#}");
    let lint = server.get(&format!("/spec-tasks/{id}/lint")).await;
    let errors: Vec<&Value> =
        lint.as_array().into_iter().flatten().filter(|finding| finding["severity"] == "error").collect();
    assert!(errors.is_empty(), "{errors:#?}");
    // What is sent back, a planner revises.
    let body = json!({ "approved": false, "comments": "Mind the tone." });
    server.post(&format!("/spec-tasks/{id}/approve-specs"), &body).await;
    let again = server.wait_for(&id, &["spec_review", "spec_failed"]).await;
    assert_eq!(again["status"], "spec_review", "{again:#}");
    assert!(text(&again, "requirements_spec").contains("Mind the tone"), "{again:#}");
    server.post(&format!("/spec-tasks/{id}/approve-specs"), &json!({ "approved": true })).await;
    let done = server.wait_for(&id, &["implementation_review", "implementation_failed"]).await;
    assert_eq!(done["status"], "implementation_review", "{done:#}");
    let planned = server.get(&format!("/spec-tasks/{id}/implementation-tasks")).await;
    let titles: Vec<&str> = planned["implementation_tasks"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["title"].as_str())
        .collect();
    assert_eq!(titles, items);
    server.end().await;
    assert_eq!(stray_processes(&place), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skeleton_reaches_the_planner() {
    let (place, server, _, project) = open(&[("README.md", "# Notes\n")]).await;
    let body = json!({ "prompt": "Mend the index", "project_id": project, "template": "bug-fix" });
    let task = server.post("/spec-tasks/from-prompt", &body).await;
    let id = text(&task, "id");
    assert_eq!((&task["type"], &task["priority"]), (&json!("bug"), &json!("high")), "{task:#}");
    let review = server.wait_for(&id, &["spec_review", "spec_failed"]).await;
    assert_eq!(review["status"], "spec_review", "{review:#}");
    let session = text(&review["work_sessions"][0], "id");
    let events = server.get(&format!("/work-sessions/{session}/events?limit=500")).await;
    let prompt = events.as_array().into_iter().flatten().find(|entry| entry["by"] == "spectask");
    let prompt = text(prompt.expect("a prompt"), "text");
    assert!(prompt.contains("the template \"bug-fix\""), "{prompt}");
    assert!(prompt.contains("1.1 A test that fails because of it"), "{prompt}");
    server.end().await;
    assert_eq!(stray_processes(&place), Vec::<String>::new());
}
