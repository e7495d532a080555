//! The inbox: what waits for a person, over HTTP and by the command line.

use crate::commands::{said, spectask};
use crate::harness::{Server, text, until};
use crate::job::{Job, begin, note, scenario, session};
use serde_json::{Value, json};

fn kinds(inbox: &Value) -> Vec<String> {
    inbox.as_array().expect("a list").iter().map(|item| text(item, "kind")).collect()
}

/// The inbox once it has items of these kinds alone.
async fn inbox(server: &Server, expected: &[&str]) -> Vec<Value> {
    let found = until(server, "/inbox", |inbox| kinds(inbox) == expected).await;
    found.as_array().expect("a list").clone()
}

/// A job whose agent asks for a permission before it writes each note, with the policy to ask a person.
async fn asking(steps: &str) -> Job {
    let job = begin(&scenario(&(session(1, steps) + &note(2)))).await;
    let project = text(&job.wait_for("spec_review").await, "project_id");
    let settings = json!({ "settings": { "permissions": "ask" } });
    job.server.put(&format!("/projects/{project}"), &settings).await;
    job.approve_specs().await;
    job
}

const WRITE: &str = "{ write = \"note1.md\", content = \"Note 1\\n\" }, { tick = \"1.1\", state = \"done\" }";

#[tokio::test(flavor = "multi_thread")]
async fn each_thing_that_waits_is_in_the_inbox_until_it_is_answered() {
    let asks = format!("{{ ask = \"Run the migration?\", kind = \"execute\" }}, {WRITE}");
    let job = begin(&scenario(&(session(1, &asks) + &note(2)))).await;
    let Job { server, task, place, .. } = &job;
    let review = inbox(server, &["spec_review"]).await.remove(0);
    let specs = server.get(&format!("/spec-tasks/{task}/specs")).await;
    assert_eq!(review["content_hash"], specs["content_hash"]);
    assert_eq!((&review["task"]["id"], &review["summary"]), (&json!(task), &json!("2 planned tasks.")));
    let refused = spectask(place, &["inbox", "answer", &text(&review, "id"), "allow"]);
    assert_eq!(refused.status.code(), Some(2), "a review is not answered blindly");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("spectask approve"), "{refused:?}");
    let project = text(&review["task"], "project_id");
    for (filter, items) in
        [("project_id=prj_other", 0), ("task_id=spt_other", 0), (&format!("task_id={task}"), 1)]
    {
        let found = server.get(&format!("/inbox?{filter}")).await;
        assert_eq!(found.as_array().map(Vec::len), Some(items), "{filter}: {found:#}");
    }
    let settings = json!({ "settings": { "permissions": "ask" } });
    server.put(&format!("/projects/{project}"), &settings).await;
    job.approve_specs().await;

    let asked = inbox(server, &["permission"]).await.remove(0);
    assert_eq!(
        (&asked["title"], &asked["summary"]),
        (&json!("Allow a command"), &json!("Run the migration?"))
    );
    assert!(asked["deadline"].is_string() && asked["work_session"]["id"].is_string(), "{asked:#}");
    let listed = said(&spectask(place, &["inbox"]));
    assert!(listed.contains("Allow a command") && listed.contains("Run the migration?"), "{listed}");
    let shown = said(&spectask(place, &["show", task]));
    assert!(shown.contains("implementation, needs you") && shown.contains("Run the migration?"), "{shown}");
    let answered = spectask(place, &["inbox", "answer", &text(&asked, "id")[..12], "allow"]);
    assert!(answered.status.success(), "{answered:?}");

    let change = inbox(server, &["change_review"]).await.remove(0);
    assert_eq!(change["summary"], "1 check passed.");
    job.decide(json!({ "decision": "approve", "commit": change["commit"] })).await;
    job.wait_for("done").await;
    inbox(server, &[]).await;
    assert!(said(&spectask(place, &["inbox"])).contains("Nothing needs you."));
    let late = spectask(place, &["inbox", "answer", &text(&asked, "id"), "allow"]);
    assert_eq!(late.status.code(), Some(3), "{late:?}");
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_is_there_after_a_crash_and_lost_requests_are_gone() {
    let mut job = asking(&format!("{{ ask = \"Run it?\", kind = \"execute\" }}, {WRITE}")).await;
    let before = inbox(&job.server, &["permission"]).await.remove(0);
    job.server.kill().await;
    job.server = job.place.serve().await;
    // The agent is started again and asks again, by another process.
    let after = until(&job.server, "/inbox", |inbox| {
        inbox.as_array().is_some_and(|all| all.len() == 1 && all[0]["id"] != before["id"])
    })
    .await;
    assert_eq!(kinds(&after), ["permission"]);
    let path = format!("/permissions/{}", text(&after[0], "request_id"));
    job.server.post(&path, &json!({ "answer": "allow" })).await;
    inbox(&job.server, &["change_review"]).await;
    job.server.kill().await;
    job.server = job.place.serve().await;
    inbox(&job.server, &["change_review"]).await;
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_session_is_retried_or_skipped_from_the_inbox() {
    let fails = "{ fail = \"no luck\" }";
    let job = begin(&scenario(&(session(1, fails) + &note(2)))).await;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    let Job { server, task, place, .. } = &job;
    let failed = inbox(server, &["failure"]).await.remove(0);
    assert_eq!(failed["actions"], json!(["retry", "skip", "open"]), "{failed:#}");
    assert!(!text(&failed, "summary").is_empty());
    let archived = json!({ "archived": true });
    server.put(&format!("/spec-tasks/{task}"), &archived).await;
    assert_eq!(server.get("/inbox").await, json!([]), "an archived task waits for nothing");
    server.put(&format!("/spec-tasks/{task}"), &json!({ "archived": false, "name": "Renamed" })).await;
    let back = inbox(server, &["failure"]).await.remove(0);
    assert_eq!((&back["id"], &back["task"]["name"]), (&failed["id"], &json!("Renamed")));
    let skipped = spectask(place, &["inbox", "answer", &text(&failed, "id"), "skip"]);
    assert!(skipped.status.success(), "{skipped:?}");
    inbox(server, &["change_review"]).await;
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_allowed_for_the_task_is_not_asked_again_until_it_is_revoked() {
    let ask = "{ ask = \"npm test\", kind = \"execute\" }";
    let other = "{ ask = \"npm publish\", kind = \"execute\" }";
    let job = asking(&format!("{ask}, {other}, {ask}, {other}, {WRITE}")).await;
    let Job { server, task, .. } = &job;
    let answer = async |title: &str, answer: &str| {
        let open = until(server, "/permissions", |open| {
            open.as_array().is_some_and(|all| all.iter().any(|one| one["title"] == title))
        })
        .await;
        let path = format!("/permissions/{}", text(&open[0], "id"));
        let (status, both) =
            server.try_post(&path, &json!({ "answer": answer, "option_id": "x" })).await.expect("an answer");
        assert_eq!(status, 422, "{both:#}");
        server.post(&path, &json!({ "answer": answer })).await;
    };
    answer("npm test", "allow_always").await;
    answer("npm publish", "allow").await;
    // The second `npm test` is answered by the server; the second `npm publish` is asked.
    answer("npm publish", "allow").await;
    inbox(server, &["change_review"]).await;
    let path = format!("/spec-tasks/{task}/permission-grants");
    let granted = server.get(&path).await;
    let grant = &granted[0];
    assert_eq!(granted.as_array().map(Vec::len), Some(1), "{granted:#}");
    assert_eq!((&grant["title"], &grant["uses"]), (&json!("npm test"), &json!(1)));
    let audit = server.get(&format!("/audit?action=answer_permission&subject={task}")).await;
    let mut ways: Vec<String> =
        audit.as_array().expect("a list").iter().map(|entry| text(entry, "way")).collect();
    ways.sort();
    assert_eq!(ways, ["api", "api", "api", "server"], "{audit:#}");
    let id = text(grant, "id");
    let (status, _) = server.try_delete(&format!("{path}/{id}")).await.expect("an answer");
    assert_eq!(status, 200);
    let (status, _) = server.try_delete(&format!("{path}/{id}")).await.expect("an answer");
    assert_eq!(status, 404);
    assert_eq!(server.get(&path).await, json!([]));
    job.end().await;
}
