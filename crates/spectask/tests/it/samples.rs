//! The sample repositories: every prepared prompt leads to merged work, and what is red before is green after.

use crate::harness::{Place, Server, git, stray_processes, text};
use serde_json::{Value, json};
use std::path::Path;

/// Whether a command succeeds in a folder.
fn passes(folder: &Path, command: &str) -> bool {
    let output =
        std::process::Command::new("sh").args(["-c", command]).current_dir(folder).output().expect("sh runs");
    output.status.success()
}

async fn decide(server: &Server, task: &str, path: &str, body: Value, states: &[&str]) -> Value {
    server.post(&format!("/spec-tasks/{task}/{path}"), &body).await;
    server.wait_for(task, states).await
}

/// Carries one prompt through, and says how many sessions it took.
async fn carry(place: &Place, server: &Server, sample: &str, prompt: &str) -> usize {
    let task = server.post("/spec-tasks/from-demo", &json!({ "demo_repo": sample, "prompt": prompt })).await;
    let (id, repository) = (text(&task, "id"), text(&task, "project_path"));
    let repository = Path::new(&repository);
    let failed = ["spec_failed", "implementation_failed"];
    let review = server.wait_for(&id, &["spec_review", failed[0]]).await;
    assert_eq!(review["status"], "spec_review", "{sample}: {prompt}: {review:#}");
    let findings = server.get(&format!("/spec-tasks/{id}/lint")).await;
    let serious: Vec<&Value> =
        findings.as_array().into_iter().flatten().filter(|finding| finding["severity"] != "info").collect();
    assert!(serious.is_empty(), "{sample}: {prompt}: {serious:#?}");
    let change = decide(
        server,
        &id,
        "approve-specs",
        json!({ "approved": true }),
        &["implementation_review", failed[1]],
    )
    .await;
    assert_eq!(change["status"], "implementation_review", "{sample}: {prompt}: {change:#}");
    let checks = change["change"]["checks"].as_array().cloned().unwrap_or_default();
    assert!(!checks.is_empty(), "{sample}: {prompt}");
    let before = place.path(&format!("before-{id}"));
    git(repository, &["clone", "-q", "--branch", "main", ".", &before.to_string_lossy()]);
    for check in &checks {
        assert_eq!(check["passed"], true, "{sample}: {prompt}: {check:#}");
    }
    let is_red = checks.iter().any(|check| !passes(&before, &text(check, "command")));
    assert!(is_red, "{sample}: {prompt}: everything is green before");
    let done =
        decide(server, &id, "approve-implementation", json!({ "decision": "approve" }), &["done", failed[1]])
            .await;
    assert_eq!(done["status"], "done", "{sample}: {prompt}: {done:#}");
    for check in &checks {
        assert!(
            passes(repository, &text(check, "command")),
            "{sample}: {prompt}: {} after landing",
            check["command"]
        );
    }
    let sessions = done["work_sessions"].as_array().cloned().unwrap_or_default();
    sessions.iter().filter(|session| session["phase"] == "implementation").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sample_goes_from_red_to_green() {
    let place = Place::new(0);
    std::fs::write(
        place.path("spectask.toml"),
        "[defaults]\nspec_agent = \"scripted\"\nimplementation_agent = \"scripted\"\n",
    )
    .expect("a file");
    let server = place.serve_with(&[("SPECTASK_SCRIPTED_PACE_MS", "0")]).await;
    let samples = server.get("/demo-repos").await;
    let mut ids: Vec<String> =
        samples.as_array().expect("samples").iter().map(|sample| text(sample, "id")).collect();
    ids.sort();
    assert_eq!(
        ids,
        ["helix-blog-posts", "linkedin-outreach", "nodejs-todo", "python-api", "react-dashboard"]
    );
    for sample in samples.as_array().expect("samples") {
        let id = text(sample, "id");
        let prompts = sample["prompts"].as_array().expect("prompts");
        assert!(prompts.len() >= 3, "{id} has prompts to choose from");
        let mut most = 0;
        // The first two prompts are prepared; the others are played by generic documents.
        for prompt in prompts.iter().take(2).filter_map(Value::as_str) {
            most = most.max(carry(&place, &server, &id, prompt).await);
        }
        assert!(most >= 4, "{id} has a job of four or more planned tasks, not {most}");
    }
    server.end().await;
    assert_eq!(stray_processes(&place), Vec::<String>::new());
}
