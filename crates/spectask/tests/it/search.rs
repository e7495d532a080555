//! What was asked, planned and said is found from outside, by its owner, soon after it was written.

use crate::harness::{Server, eventually, text};
use crate::job::{Job, begin, note, scenario, session};
use serde_json::{Value, json};
use std::process::Command;

/// A query as it stands in an address.
fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        encoded.push_str(&format!("%{byte:02X}"));
        encoded
    })
}

async fn search(server: &Server, query: &str, more: &str) -> Value {
    server.get(&format!("/search?q={}{more}", encoded(query))).await
}

/// Asks until something is found: the index follows within moments.
async fn until_found(server: &Server, query: &str, more: &str) -> Value {
    eventually(async || {
        let found = search(server, query, more).await;
        if found[0].is_object() { Ok(found) } else { Err(found) }
    })
    .await
}

async fn spoken() -> Job {
    let says = "{ say = \"I look at parseNoteHeader in src/notes/header.rs, a peculiar place.\" }, { write = \"note2.md\", content = \"Two\\n\" }";
    begin(&scenario(&(note(1) + &session(2, says)))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_about_a_task_is_found() {
    let job = spoken().await;
    let Job { server, task, place, .. } = &job;
    job.wait_for("spec_review").await;
    let specs = until_found(server, "\"asked for\"", "&kind=spec").await;
    assert_eq!(
        (text(&specs[0], "document"), text(&specs[0], "task_id")),
        ("requirements".to_owned(), task.clone())
    );
    assert!(specs[0]["line"].as_u64().is_some_and(|line| line > 10), "{specs:#}");
    let tasks = until_found(server, "two no*", "&kind=task").await;
    let marked: Vec<String> = tasks[0]["snippet"]
        .as_array()
        .expect("parts")
        .iter()
        .filter(|part| part["marked"] == true)
        .map(|part| text(part, "text"))
        .collect();
    assert_eq!(marked, ["two", "notes"], "{tasks:#}");
    job.approve_specs().await;
    job.wait_for("implementation_review").await;
    for query in
        ["peculiar", "parse_note_header", "src/notes/header.rs", "\"a peculiar place\"", "PARSENOTE*"]
    {
        let found = until_found(server, query, "&kind=transcript").await;
        let session = text(&found[0], "work_session_id");
        let seq = found[0]["seq"].as_u64().expect("a number");
        let entries = server.get(&format!("/work-sessions/{session}/events?after={}&limit=1", seq - 1)).await;
        let entry = &entries[0];
        assert_eq!(entry["seq"], seq, "{query}");
        // The scripted agent speaks in chunks; the place is where the match begins.
        assert_eq!(entry["kind"], "agent_message", "{query}: {entry:#}");
    }
    let output = Command::new(env!("CARGO_BIN_EXE_spectask"))
        .args(["search", "peculiar place", "--json", "--data-dir"])
        .arg(place.path("data"))
        .env_remove("SPECTASK_TOKEN")
        .output()
        .expect("it runs");
    let listed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(listed[0]["task_id"], **task, "{listed:#}");
    server.put(&format!("/spec-tasks/{task}"), &json!({ "archived": true })).await;
    assert_eq!(search(server, "peculiar", "").await, json!([]));
    assert_ne!(search(server, "peculiar", "&archived=true").await, json!([]));
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_asked_breaks_it() {
    let job = spoken().await;
    let server = &job.server;
    job.wait_for("spec_review").await;
    until_found(server, "notes", "").await;
    let nasty = [
        "\"",
        "'",
        "*",
        "-",
        "--",
        "()",
        "a AND",
        "OR",
        "NOT x",
        "NEAR(a b)",
        "scope:x",
        "{words}:a",
        "a\\",
        "';--",
        "a:*b",
        "^a",
        "<->",
        "!",
        "|",
        "&",
        "\u{feff}",
        "🦀",
        "%",
        "_",
        "a\tb",
        "\"a",
        "-\"a b",
        "a* -b*",
        "京",
        "ﬃ",
    ];
    for query in nasty {
        let (status, answer) =
            server.try_get(&format!("/search?q={}", encoded(query))).await.expect("an answer");
        assert_eq!(status, 200, "{query:?}: {answer:#}");
    }
    for (query, field) in [
        ("", "q"),
        ("q=a&kind=session", "kind"),
        ("q=a&limit=0", "limit"),
        ("q=a&cursor=x", "cursor"),
        ("q=a&archived=maybe", "archived"),
        (&format!("q={}", "a".repeat(2_000)), "q"),
    ] {
        let (status, answer) = server.try_get(&format!("/search?{query}")).await.expect("an answer");
        assert_eq!((status, &answer["errors"][0]["field"]), (422, &json!(field)), "{query}: {answer:#}");
    }
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_before_a_kill_is_found_after_it() {
    let job = spoken().await;
    job.wait_for("spec_review").await;
    let Job { server, place, .. } = job;
    server.kill().await;
    let server = place.serve().await;
    until_found(&server, "\"I read\"", "&kind=transcript").await;
    until_found(&server, "\"one file for each note\"", "&kind=spec").await;
    server.end().await;
}
