//! What retention removes, and that nothing goes which is unmerged, unrecorded or wanted again.

use crate::commands::{said, spectask};
use crate::harness::{Place, Server, eventually, git, text};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};
use std::path::Path;

const PLAN: &str = "requirements = \"### Requirement 1: A\\n\\n#### Acceptance Criteria\\n\\n1. THE folder SHALL have a note.\\n2. IF it has none, THEN THE folder SHALL say so.\\n\"\n\
    design = \"# Design\\n\"\ntasks = \"- [ ] 1. Note\\n  - _Requirements: 1_\\n\"\n";

fn scenario() -> String {
    format!(
        "prompts = [\"Write a note\"]\n[planning]\n{PLAN}[[sessions]]\ntask = \"1\"\n\
         steps = [{{ write = \"note.md\", content = \"Note\\n\" }}]\n"
    )
}

/// A place whose database a test changes behind the server's back.
fn place() -> Place {
    let mut place = Place::new(0);
    place.on_postgres = false;
    place.configure(&scenario());
    place
}

/// Runs a statement on the database and returns the first number that it gives.
async fn sql(place: &Place, sql: &str) -> i64 {
    let url = format!("sqlite://{}?mode=rw", place.path("data/spectask.db").display());
    let mut database = SqliteConnection::connect(&url).await.expect("the database answers");
    let row = sqlx::raw_sql(AssertSqlSafe(sql)).fetch_optional(&mut database).await;
    let row = row.unwrap_or_else(|error| panic!("{sql}: {error}"));
    let number = row.and_then(|row| row.try_get(0).ok()).unwrap_or(0);
    database.close().await.expect("closed");
    number
}

/// Plays a task up to the review of its change.
async fn reviewed(server: &Server, project: &str) -> String {
    let body = json!({ "prompt": "Write a note", "project_id": project });
    let id = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    server.wait_for(&id, &["spec_review"]).await;
    server.post(&format!("/spec-tasks/{id}/approve-specs"), &json!({ "approved": true })).await;
    server.wait_for(&id, &["implementation_review"]).await;
    id
}

async fn decide(server: &Server, id: &str, decision: &str, state: &str) {
    server.post(&format!("/spec-tasks/{id}/approve-implementation"), &json!({ "decision": decision })).await;
    server.wait_for(id, &[state]).await;
    recorded(server, id).await;
}

/// Waits until git has all of a task's record, and all of its effects are finished.
async fn recorded(server: &Server, id: &str) {
    eventually(async || {
        let found = server.get("/maintenance").await;
        let kept = found["kept"].as_array().expect("a list");
        let waits = kept.iter().any(|kept| {
            let of_task = kept["name"].as_str().is_some_and(|name| name.contains(id));
            of_task && kept["reason"].as_str().is_some_and(|reason| reason.starts_with("the task"))
        });
        if found["storage"]["unrecorded_tasks"] == 0 && !waits {
            return Ok(());
        }
        // The figures are measured again when something ran.
        server.post("/maintenance", &json!({})).await;
        Err(found)
    })
    .await;
}

fn branches(repository: &Path, of: &str) -> Vec<String> {
    let all = git(repository, &["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
    all.lines().filter(|name| name.contains(of)).map(str::to_owned).collect()
}

fn count(removals: &Value, subject: &str) -> u64 {
    let found = removals.as_array().expect("a list").iter().filter(|removal| removal["subject"] == subject);
    found.filter_map(|removal| removal["count"].as_u64()).sum()
}

/// Makes everything look as if it were from long ago.
async fn age(place: &Place) {
    sql(place, "UPDATE tasks SET updated_at = 1").await;
    sql(place, "UPDATE effects SET lease_until = 1 WHERE state = 'done'").await;
    sql(place, "UPDATE idempotency SET at = 1").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_old_merged_and_recorded_goes() {
    let place = place();
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    // A setting of 0 keeps for ever.
    let names = [
        "TRASH_DAYS",
        "TRASH_MB",
        "EFFECTS_DAYS",
        "FEED_DAYS",
        "SESSION_LOGS_DAYS",
        "IDEMPOTENCY_HOURS",
        "BRANCHES_DAYS",
    ];
    let zeros: Vec<(String, &str)> =
        names.iter().map(|name| (format!("SPECTASK_RETENTION__{name}"), "0")).collect();
    let zeros: Vec<(&str, &str)> = zeros.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let server = place.serve_with(&zeros).await;
    let project = server.project(&repository, &[]).await;
    let cancelled = reviewed(&server, &project).await;
    decide(&server, &cancelled, "reject", "cancelled").await;
    let landed = reviewed(&server, &project).await;
    decide(&server, &landed, "approve", "done").await;
    // While branches are kept, so are those of sessions. The next server would remove them with an effect that is left.
    eventually(async || match sql(&place, "SELECT COUNT(*) FROM effects WHERE state <> 'done'").await {
        0 => Ok(()),
        left => Err(format!("{left} effects are not done")),
    })
    .await;
    // A session's branch with a commit that is merged nowhere.
    let tree = git(&repository, &["rev-parse", "main^{tree}"]);
    let identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"];
    let commit = [&identity[..], &["commit-tree", &tree, "-p", "main", "-m", "Left"]].concat();
    let short_id = text(&server.get(&format!("/spec-tasks/{landed}")).await, "short_id");
    let left = format!("spectask/{short_id}/9-left");
    git(&repository, &["branch", &left, &git(&repository, &commit)]);
    let all = branches(&repository, "");
    age(&place).await;
    let run = server.post("/maintenance", &json!({})).await;
    assert_eq!((&run["removed"], &run["errors"]), (&json!([]), &json!([])), "{run:#}");
    server.end().await;

    let server = place.serve().await;
    let task = server.get(&format!("/spec-tasks/{landed}")).await;
    let sessions = task["work_sessions"].as_array().expect("sessions");
    let session = text(sessions.last().expect("a session"), "id");
    let pages = async || {
        let diff = server.get(&format!("/spec-tasks/{landed}/diff")).await["files"].clone();
        (diff, server.get(&format!("/work-sessions/{session}/diff")).await["files"].clone())
    };
    let before = pages().await;
    // A record that is behind keeps all of its task.
    let counter = format!("WHERE name = 'events/{landed}'");
    sql(&place, &format!("UPDATE counters SET value = value + 1 {counter}")).await;
    let planned = server.get("/maintenance").await;
    assert_eq!(count(&planned["planned"], "branches"), 0, "{planned:#}");
    let reasons = planned["kept"].to_string();
    assert!(reasons.contains("the task's record in git is not complete"), "{planned:#}");
    sql(&place, &format!("UPDATE counters SET value = value - 1 {counter}")).await;
    // Looking removes nothing.
    let planned = server.get("/maintenance").await;
    assert_eq!(count(&planned["planned"], "branches"), 3, "{planned:#}");
    assert!(
        count(&planned["planned"], "effects") > 0 && count(&planned["planned"], "feed") > 0,
        "{planned:#}"
    );
    assert!(planned["kept"].to_string().contains(&left), "{planned:#}");
    let dry_run = spectask(&place, &["maintenance", "--dry-run", "--json"]);
    let dry_run: Value = serde_json::from_slice(&dry_run.stdout).expect("JSON");
    assert_eq!(dry_run["planned"], planned["planned"]);
    let shown = said(&spectask(&place, &["maintenance", "--dry-run"]));
    assert!(shown.contains("would be removed: 3 (0 B): Branches of tasks that landed"), "{shown}");
    assert_eq!(branches(&repository, ""), all);
    // A run removes what it said.
    let run = server.post("/maintenance", &json!({})).await;
    for subject in ["branches", "effects", "feed"] {
        assert_eq!(
            count(&run["removed"], subject),
            count(&planned["planned"], subject),
            "{subject}: {run:#}"
        );
    }
    assert_eq!(branches(&repository, &short_id), [left]);
    assert_eq!(branches(&repository, &landed), [""; 0]);
    let saved =
        git(&repository, &["for-each-ref", "--format=%(refname) %(objectname)", "refs/spectask/retired"]);
    let (name, commit) = saved.split_once(' ').expect("one ref");
    assert!(name.contains(&landed) && saved.lines().count() == 1, "{saved}");
    git(&repository, &["merge-base", "--is-ancestor", commit, "main"]);
    let effects = "SELECT COUNT(*) FROM effects WHERE state = 'done' AND lease_until < 2";
    assert_eq!(sql(&place, effects).await, 0);
    assert_eq!(sql(&place, &format!("SELECT COUNT(*) FROM feed WHERE topic = 'task:{landed}'")).await, 1);
    assert_eq!(pages().await, before, "the pages of a finished task stay as they were");
    let audit = server.get("/audit?action=run_maintenance").await;
    assert!(!audit.as_array().expect("a list").is_empty(), "{audit:#}");
    let last = server.get("/maintenance").await;
    assert_eq!(last["last_run"]["removed"], run["removed"]);
    assert_eq!(last["planned"], json!([]), "nothing is left: {last:#}");
    // What was cancelled is all there, and can be taken up again.
    let short_id = text(&server.get(&format!("/spec-tasks/{cancelled}")).await, "short_id");
    let of_cancelled = |names: &[String]| -> Vec<String> {
        let marks = [cancelled.clone(), format!("/{short_id}-"), format!("/{short_id}/")];
        names.iter().filter(|name| marks.iter().any(|mark| name.contains(mark))).cloned().collect()
    };
    assert_eq!(of_cancelled(&all).len(), 3, "{all:?}");
    assert_eq!(of_cancelled(&branches(&repository, "")), of_cancelled(&all));
    server.post(&format!("/spec-tasks/{cancelled}/reopen"), &json!({})).await;
    server.wait_for(&cancelled, &["implementation_review"]).await;
    server.end().await;
}

/// A log that git has leaves the database, and is there again when it is read.
#[tokio::test(flavor = "multi_thread")]
async fn logs_of_finished_tasks_are_read_from_git() {
    let place = place();
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let id = reviewed(&server, &project).await;
    let files = format!("/spec-tasks/{id}/attachments");
    let file = text(&server.upload(&format!("{files}?name=note.txt"), b"Read me.\n").await, "id");
    let in_database = "SELECT COUNT(*) FROM attachments WHERE content <> ''";
    decide(&server, &id, "approve", "done").await;
    server.post(&format!("/spec-tasks/{id}/commit-progress"), &json!({ "summary": "Attached" })).await;
    recorded(&server, &id).await;
    let task = server.get(&format!("/spec-tasks/{id}")).await;
    let sessions = task["work_sessions"].as_array().expect("sessions");
    let session = text(sessions.last().expect("a session"), "id");
    let log = async || server.get(&format!("/work-sessions/{session}/events?limit=500")).await;
    let found = async || server.get("/search?q=note&kind=transcript").await;
    let (log_before, found_before) = (log().await, found().await);
    assert!(log_before.as_array().is_some_and(|log| log.len() > 3), "{log_before:#}");
    let entries = "SELECT COUNT(*) FROM session_log";
    let all = sql(&place, entries).await;
    age(&place).await;

    // An entry that the record does not have as it is keeps the task's logs.
    let changed = "WHERE seq = 2 AND session = (SELECT MAX(id) FROM work_sessions)";
    sql(&place, &format!("UPDATE session_log SET at = at + 1 {changed}")).await;
    let run = server.post("/maintenance", &json!({})).await;
    assert_eq!(count(&run["removed"], "session_logs"), 0, "{run:#}");
    assert_eq!(sql(&place, entries).await, all);
    sql(&place, &format!("UPDATE session_log SET at = at - 1 {changed}")).await;

    let planned = server.get("/maintenance").await;
    assert_eq!(
        count(&planned["planned"], "session_logs"),
        u64::try_from(all).expect("a count"),
        "{planned:#}"
    );
    let run = server.post("/maintenance", &json!({})).await;
    assert_eq!(count(&run["removed"], "session_logs"), u64::try_from(all).expect("a count"), "{run:#}");
    assert_eq!(sql(&place, entries).await, 0);
    assert_eq!((count(&run["removed"], "attachments"), sql(&place, in_database).await), (1, 0), "{run:#}");
    // A restarted server serves them as well.
    server.end().await;
    let server = place.serve().await;
    assert_eq!(server.download(&format!("{files}/{file}")).await, b"Read me.\n");
    let log = async || server.get(&format!("/work-sessions/{session}/events?limit=500")).await;
    assert_eq!(log().await, log_before);
    assert_eq!(sql(&place, entries).await, all);
    let run = server.post("/maintenance", &json!({})).await;
    assert_eq!(count(&run["removed"], "session_logs"), 0, "what was read stays: {run:#}");

    // A search shows the passages.
    sql(&place, "UPDATE tasks SET logs_restored_at = 0").await;
    let run = server.post("/maintenance", &json!({})).await;
    assert_eq!(count(&run["removed"], "session_logs"), u64::try_from(all).expect("a count"), "{run:#}");
    assert_eq!(server.get("/search?q=note&kind=transcript").await, found_before);
    assert_eq!(sql(&place, entries).await, all);

    // Without the repository the answer says where the log is.
    sql(&place, "UPDATE tasks SET logs_restored_at = 0").await;
    server.post("/maintenance", &json!({})).await;
    let away = repository.with_extension("away");
    std::fs::rename(&repository, &away).expect("moved");
    let answer = server.try_get(&format!("/work-sessions/{session}/events")).await;
    let (status, problem) = answer.expect("an answer");
    assert_eq!(status, 409, "{problem:#}");
    assert!(
        problem["detail"].as_str().is_some_and(|detail| detail.contains("archived in git")),
        "{problem:#}"
    );
    let answer = server.try_get(&format!("{files}/{file}")).await;
    let (status, problem) = answer.expect("an answer");
    assert_eq!((status, &problem["code"]), (409, &json!("repository_unusable")), "{problem:#}");
    std::fs::rename(&away, &repository).expect("moved back");
    assert_eq!(log().await, log_before);
    server.end().await;
}

/// A server that is killed while it removes leaves what it began whole, and the next one finishes.
#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_killed_is_finished_by_the_next() {
    let place = place();
    let repository = place.repository("notes", &[("README.md", "# Notes\n")]);
    let server = place.serve().await;
    let project = server.project(&repository, &[]).await;
    let id = reviewed(&server, &project).await;
    decide(&server, &id, "approve", "done").await;
    let many = 50_000;
    let topic = format!("task:{id}");
    let last = sql(&place, &format!("SELECT value FROM counters WHERE name = 'feed/{topic}'")).await;
    sql(
        &place,
        &format!(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {many}) \
             INSERT INTO feed (topic, seq, kind, data, at) SELECT '{topic}', {last} + i, 'test', '{{}}', 1 FROM n"
        ),
    )
    .await;
    sql(&place, &format!("UPDATE counters SET value = value + {many} WHERE name = 'feed/{topic}'")).await;
    age(&place).await;
    let left = format!("SELECT COUNT(*) FROM feed WHERE topic = '{topic}'");
    let body = json!({});
    let asked = server.try_post("/maintenance", &body);
    let begun = async { while sql(&place, &left).await >= many {} };
    tokio::select! { _ = asked => {}, () = begun => {} }
    server.kill().await;
    let after_kill = sql(&place, &left).await;
    assert!(after_kill > 1, "it was killed before its end");
    let first = sql(&place, &format!("SELECT MIN(seq) FROM feed WHERE topic = '{topic}'")).await;
    assert_eq!(first + after_kill - 1, last + many, "the rest has no gaps");
    assert_eq!(
        sql(&place, "SELECT COUNT(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'").await,
        0
    );
    let server = place.serve().await;
    let run = server.post("/maintenance", &json!({})).await;
    assert_eq!(run["errors"], json!([]), "{run:#}");
    assert_eq!(sql(&place, &left).await, 1);
    assert_eq!(branches(&repository, &id), Vec::<String>::new());
    assert_eq!(server.get(&format!("/spec-tasks/{id}")).await["status"], "done");
    server.end().await;
}
