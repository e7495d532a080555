//! Sessions that need the same resource never work at once, whichever tasks they are of.

use crate::harness::{Place, Server, text, until};
use crate::job::{PROMPT, TASKS, scenario, session};
use serde_json::{Value, json};
use std::path::Path;

const NEEDING: &str = "- [ ] 1. (P) One\n  - _Requirements: 1.1_\n  - _Needs: simulator_\n\
                       - [ ] 2. (P) Two\n  - _Requirements: 1.2_\n  - _Needs: simulator_\n";

/// A session that notes when it begins and ends, and fails where another one is at work.
fn exclusive(number: u32, lock: &Path, order: &Path) -> String {
    let (lock, order) = (lock.display(), order.display());
    let work = format!(
        "mkdir {lock} && echo begin >> {order} && for i in 1 2 3 4 5 6 7 8 9; do ls / >/dev/null; done && echo end >> {order} && rmdir {lock}"
    );
    let held = ". \\\"$(git rev-parse --git-dir)/spectask.env\\\" && test $SPECTASK_RESOURCES = simulator";
    session(
        number,
        &format!(
            "{{ run = \"{held}\", expect = 0 }}, {{ run = \"{work}\", expect = 0 }}, {{ write = \"note{number}.md\", content = \"x\\n\" }}"
        ),
    )
}

async fn begin(server: &Server, project: &str) -> String {
    let body = json!({ "prompt": PROMPT, "project_id": project });
    let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    server.wait_for(&task, &["spec_review", "spec_failed"]).await;
    task
}

async fn approve(server: &Server, task: &str) {
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_of_two_tasks_never_hold_a_resource_at_once() {
    let place = Place::new(0);
    let (lock, order) = (place.path("shared/lock"), place.path("shared/order"));
    let planned = scenario(&(exclusive(1, &lock, &order) + &exclusive(2, &lock, &order)));
    place.configure(&planned.replace(&format!("{TASKS:?}"), &format!("{NEEDING:?}")));
    place.shared();
    let repository = place.repository("project", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let tasks = [begin(&server, &project).await, begin(&server, &project).await];
    for task in &tasks {
        approve(&server, task).await;
    }
    for task in &tasks {
        let change = server.wait_for(task, &["implementation_review", "implementation_failed"]).await;
        assert_eq!(change["status"], "implementation_review", "{change:#}");
    }
    let order = std::fs::read_to_string(&order).expect("the order");
    assert_eq!(order, "begin\nend\n".repeat(4));
    let lint = server.get(&format!("/spec-tasks/{}/lint", tasks[0])).await;
    let told = lint.as_array().expect("findings").iter().find(|one| one["rule"] == "unknown-resource");
    assert_eq!(told.expect("a finding")["severity"], "info");
    server.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_waits_for_the_one_that_holds_its_resource_over_a_restart_too() {
    let place = Place::new(0);
    let asking = |number: u32| {
        let ask = "{ ask = \"Go on?\", kind = \"execute\" }";
        session(number, &format!("{ask}, {{ write = \"note{number}.md\", content = \"x\\n\" }}"))
    };
    let planned = scenario(&(asking(1) + &asking(2)));
    place.configure(&planned.replace(&format!("{TASKS:?}"), &format!("{NEEDING:?}")));
    let repository = place.repository("project", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let settings = json!({ "settings": { "permissions": "ask", "resources": { "simulator": 1 } } });
    server.put(&format!("/projects/{project}"), &settings).await;
    let task = begin(&server, &project).await;
    approve(&server, &task).await;
    let path = format!("/spec-tasks/{task}/work-sessions");
    let waits = |found: &Value| {
        let sessions = found["work_sessions"].as_array().cloned().unwrap_or_default();
        let wanted = "Waiting for the resource simulator: \"One\" holds it.";
        sessions.iter().any(|session| session["queue_reason"] == wanted)
    };
    until(&server, &path, waits).await;
    server.kill().await;

    let server = place.serve().await;
    let mut answered = Vec::new();
    for _ in 0..2 {
        let open = until(&server, "/permissions", |open| {
            open.as_array().is_some_and(|all| all.iter().any(|one| !answered.contains(&text(one, "id"))))
        })
        .await;
        let open = open.as_array().expect("questions");
        assert_eq!(open.len(), 1, "one session alone is at work: {open:#?}");
        let options = open[0]["options"].as_array().expect("options");
        let yes = options.iter().find(|option| text(option, "kind").starts_with("allow")).expect("a yes");
        let id = text(&open[0], "id");
        server.post(&format!("/permissions/{id}"), &json!({ "option_id": yes["option_id"] })).await;
        answered.push(id);
    }
    let change = server.wait_for(&task, &["implementation_review", "implementation_failed"]).await;
    assert_eq!(change["status"], "implementation_review", "{change:#}");
    server.end().await;
}
