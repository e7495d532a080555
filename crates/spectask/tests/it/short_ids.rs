//! Short ids, titles and the names of branches, from outside.

use crate::commands::{said, spectask};
use crate::harness::{git, text};
use crate::job::{Job, PROMPT, begin, note, scenario};
use serde_json::json;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_task_has_a_short_id_a_title_and_readable_branches() {
    let titled = scenario(&(note(1) + &note(2))).replacen(
        "# Requirements Document",
        "# Requirements Document: Two short notes",
        1,
    );
    let job = begin(&titled).await;
    let Job { place, server, repository, task } = &job;
    let planned = job.wait_for("spec_review").await;
    assert_eq!(
        (text(&planned, "short_id"), text(&planned, "name")),
        ("TEST-1".to_owned(), "Two short notes".to_owned())
    );
    assert_eq!(text(&server.get("/spec-tasks/test-1").await, "id"), *task);
    let code = |args: &[&str]| spectask(place, args).status.code();
    assert_eq!(
        code(&["approve", "TEST-1", "--change", "--at", "0123456789"]),
        Some(4),
        "the specification waits"
    );
    assert_eq!(code(&["show", "TEST-9"]), Some(3));
    let shown = said(&spectask(place, &["show", "test-1"]));
    assert!(shown.starts_with("TEST-1  Two short notes"), "{shown}");
    let listed = said(&spectask(place, &["--no-pager", "list"]));
    assert!(
        listed.lines().nth(1).is_some_and(|line| line.starts_with("TEST-1  Two short notes")),
        "{listed}"
    );
    let waits = said(&spectask(place, &["inbox"]));
    assert!(waits.starts_with("TEST-1  Two short notes"), "{waits}");
    job.approve_specs().await;
    let review = job.wait_for("implementation_review").await;
    assert_eq!(text(&review, "branch_name"), "task/TEST-1-two-short-notes");
    let names = |pattern: &str| git(repository, &["branch", "--list", "--format=%(refname:short)", pattern]);
    assert_eq!(names("spectask/*"), "spectask/TEST-1/1-note-one\nspectask/TEST-1/2-note-two");
    // A name that a person gives stays, and so does the branch.
    let renamed = server.put("/spec-tasks/TEST-1", &json!({ "name": "Notes" })).await;
    assert_eq!(
        (text(&renamed, "name"), text(&renamed, "branch_name")),
        ("Notes".to_owned(), text(&review, "branch_name"))
    );
    // The next task of the project has the next number, and may name the first one.
    let next = json!({ "prompt": PROMPT, "name": "More notes", "project_id": review["project_id"], "depends_on": ["test-1"] });
    let next = server.post("/spec-tasks/from-prompt", &next).await;
    assert_eq!((text(&next, "short_id"), &next["depends_on"]), ("TEST-2".to_owned(), &json!([task])));
    let project = format!("/projects/{}", text(&review, "project_id"));
    let wrong = server.try_put(&project, &json!({ "key": "1-A" })).await.expect("an answer");
    assert_eq!((wrong.0, wrong.1["errors"][0]["field"].clone()), (422, json!("key")), "{wrong:?}");
    assert_eq!(text(&server.put(&project, &json!({ "key": "memo" })).await, "key"), "MEMO");
    let last = json!({ "prompt": PROMPT, "project_id": review["project_id"], "start": false });
    assert_eq!(text(&server.post("/spec-tasks/from-prompt", &last).await, "short_id"), "MEMO-3");
    server.post("/spec-tasks/test-2/cancel", &json!({})).await;
    job.decide(json!({ "decision": "approve" })).await;
    job.wait_for("done").await;
    let subject = git(repository, &["log", "-1", "--format=%s", "main"]);
    assert!(subject.starts_with("TEST-1 Notes"), "{subject}");
    // The branches of the sessions are gone, and their commits are in the base branch.
    let path = format!("/spec-tasks/{task}");
    let begun = std::time::Instant::now();
    while !names("spectask/*").is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(60), "{}", place.read_log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        git(repository, &["branch", "--list", "--format=%(refname:short)", "task/*"]),
        text(&review, "branch_name")
    );
    let sessions = server.get(&path).await["work_sessions"].as_array().cloned().unwrap_or_default();
    let work = sessions.iter().find(|session| session["name"] == "Note one").expect("a session");
    let diff = server.get(&format!("/work-sessions/{}/diff", text(work, "id"))).await;
    assert_eq!(diff["files"][0]["path"], "note1.md", "{diff:#}");
    job.end().await;
}
