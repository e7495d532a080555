//! What is repaired by agents before a person is asked, and limits that a whole crew waits for.

use crate::harness::{Place, Server, text, until};
use crate::job::{PROMPT, note, scenario, session};
use serde_json::{Value, json};
use std::path::Path;

/// A check that is green without the change, and names the file that is wrong.
const CHECK: &str = "! grep -rn wrong --include='*.md' .";

async fn begin(server: &Server, repository: &Path, settings: Value) -> String {
    let body = json!({ "name": "test", "repository_path": repository, "settings": settings });
    let project = text(&server.post("/projects", &body).await, "id");
    let task = planned(server, &project).await;
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    task
}

async fn planned(server: &Server, project: &str) -> String {
    let body = json!({ "prompt": PROMPT, "project_id": project });
    let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    server.wait_for(&task, &["spec_review", "spec_failed"]).await;
    task
}

fn wrong_note(number: u32) -> String {
    session(
        number,
        &format!(
            "{{ write = \"note{number}.md\", content = \"wrong\\n\" }}, {{ tick = \"{number}.1\", state = \"done\" }}"
        ),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_red_check_is_repaired_by_the_session_that_owns_the_file() {
    let place = Place::new(0);
    let repair = "\n[[sessions]]\ntask = \"1\"\nrepair = true\nsteps = [{ write = \"note1.md\", content = \"Right\\n\" }]\n";
    place.configure(&scenario(&(wrong_note(1) + &note(2) + repair)));
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let task = begin(&server, &repository, json!({ "checks": [CHECK, "test -f absent"] })).await;
    let reviewed = server.wait_for(&task, &["implementation_review", "implementation_failed"]).await;
    let change = &reviewed["change"];
    let repairs = change["repairs"].as_array().cloned().unwrap_or_default();
    assert_eq!(repairs.len(), 1, "{change:#}");
    assert_eq!((&repairs[0]["round"], &repairs[0]["fixed"]), (&json!(1), &json!(true)), "{change:#}");
    assert_eq!(repairs[0]["session_name"], "Note one");
    let problems = repairs[0]["problems"].as_array().cloned().unwrap_or_default();
    assert_eq!(problems.len(), 1, "what fails without the change is not repaired: {problems:#?}");
    assert!(text(&problems[0], "details").contains("note1.md:1:wrong"), "{problems:#?}");
    assert_eq!(change["checks"][0]["passed"], true, "{change:#}");
    assert_eq!(
        (&change["checks"][1]["passed"], &change["checks"][1]["fails_on_base"]),
        (&json!(false), &json!(true))
    );
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_decides_when_the_rounds_are_over() {
    let place = Place::new(0);
    place.configure(&scenario(&(wrong_note(1) + &note(2))));
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let task = begin(&server, &repository, json!({ "checks": [CHECK], "repair_rounds": 1 })).await;
    let reviewed = server.wait_for(&task, &["implementation_review", "implementation_failed"]).await;
    let change = &reviewed["change"];
    let fixed: Vec<&Value> =
        change["repairs"].as_array().into_iter().flatten().map(|repair| &repair["fixed"]).collect();
    assert_eq!(fixed, [&json!(false)], "{reviewed:#}");
    assert_eq!(change["checks"][0]["passed"], false);
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_tasks_of_an_agent_wait_for_its_limit_until_a_person_resumes_it() {
    let place = Place::new(0);
    let limited = session(
        1,
        "{ fail = \"You have reached your usage limit. Try again in 3 hours.\", once = true }, \
         { write = \"note1.md\", content = \"Note 1\\n\" }, { tick = \"1.1\", state = \"done\" }",
    );
    place.configure(&scenario(&(limited + &note(2))));
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let task = begin(&server, &repository, json!({})).await;
    let path = format!("/spec-tasks/{task}");
    let waiting = until(&server, &path, |task| {
        task["queue_reason"].as_str().is_some_and(|reason| reason.contains("reached a limit"))
    })
    .await;
    let sessions = waiting["work_sessions"].as_array().cloned().unwrap_or_default();
    assert!(sessions.iter().any(|session| session["waits_until"].is_string()), "{waiting:#}");
    // The limit outlives the server, and no other task begins with the agent.
    server.end().await;
    let server = place.serve().await;
    let agents = server.get("/agents").await;
    let is_player = |agent: &&Value| agent["id"] == "player";
    let player =
        agents.as_array().and_then(|agents| agents.iter().find(is_player)).cloned().unwrap_or_default();
    assert!(player["limited_until"].is_string(), "{player:#}");
    let body = json!({ "prompt": PROMPT, "project_id": waiting["project_id"] });
    let other = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    let other = format!("/spec-tasks/{other}");
    until(&server, &other, |task| {
        task["queue_reason"].as_str().is_some_and(|reason| reason.contains("player reached a limit"))
    })
    .await;
    let resumed = server.post("/agents/player/resume", &json!({})).await;
    assert_eq!(resumed["limited_until"], Value::Null);
    let reviewed = server.wait_for(&task, &["implementation_review", "implementation_failed"]).await;
    assert_eq!(reviewed["status"], "implementation_review", "{reviewed:#}");
    until(&server, &other, |task| task["status"] == "spec_review").await;
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_daily_budget_holds_the_project_over_a_restart_until_it_is_raised() {
    let place = Place::new(0);
    let spends = session(
        1,
        "{ use_tokens = 500 }, { write = \"note1.md\", content = \"Note 1\\n\" }, { tick = \"1.1\", state = \"done\" }",
    );
    place.configure(&scenario(&(spends + &note(2))));
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let settings = json!({ "max_parallel_sessions": 1, "daily_tokens": 500 });
    let task = begin(&server, &repository, settings).await;
    let path = format!("/spec-tasks/{task}");
    let holds = |task: &Value| {
        task["queue_reason"].as_str().is_some_and(|reason| {
            reason.contains("daily budget is used up: 500 of 500 tokens") && reason.contains("renews at")
        })
    };
    let waiting = until(&server, &path, holds).await;
    let project = text(&waiting, "project_id");
    let usage = server.get(&format!("/projects/{project}/usage")).await;
    assert_eq!((&usage["today"]["input_tokens"], &usage["daily_tokens"]), (&json!(500), &json!(500)));
    assert_eq!(usage["today"]["cost_usd"], Value::Null, "the agent reports no cost: {usage:#}");
    server.end().await;
    let server = place.serve().await;
    let body = json!({ "prompt": PROMPT, "project_id": project });
    let other = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    until(&server, &format!("/spec-tasks/{other}"), holds).await;
    assert!(holds(&server.get(&path).await), "the budget outlives the server");
    server.put(&format!("/projects/{project}"), &json!({ "settings": { "daily_tokens": 100_000 } })).await;
    let reviewed = server.wait_for(&task, &["implementation_review", "implementation_failed"]).await;
    assert_eq!(reviewed["status"], "implementation_review", "{reviewed:#}");
    server.end().await;
}
