//! The report of a task and the figures about all of them, from outside.

use crate::harness::{text, until};
use crate::job::{Job, begin, note, scenario, session};
use serde_json::{Value, json};

async fn done() -> Job {
    let claims = session(2, "{ say = \"Nothing to do.\" }, { tick = \"2.1\", state = \"done\" }");
    let job = begin(&scenario(&(note(1) + &claims))).await;
    let project = text(&job.wait_for("spec_review").await, "project_id");
    let checks = json!({ "settings": { "checks": ["test -f note1.md"] } });
    job.server.put(&format!("/projects/{project}"), &checks).await;
    let comments = json!({ "approved": false, "comments": "=1+1 shorter, \"please\"" });
    job.server.post(&format!("/spec-tasks/{}/approve-specs", job.task), &comments).await;
    until(&job.server, &format!("/spec-tasks/{}", job.task), |found| {
        found["status"] == "spec_review" && found["spec_revision_count"] == 1
    })
    .await;
    job.approve_specs().await;
    job
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_tells_what_was_done_and_what_shows_it() {
    let job = begin(&scenario(&(note(1) + &note(2)))).await;
    let Job { server, task, .. } = &job;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    job.wait_for("implementation_review").await;
    job.decide(json!({ "decision": "approve", "comments": "=HYPERLINK(\"x\"), fine" })).await;
    job.wait_for("done").await;
    let report = server.get(&format!("/spec-tasks/{task}/report?format=json")).await;
    let requirement = &report["requirements"][0];
    assert_eq!(
        (&requirement["id"], &requirement["status"], &requirement["proof"]),
        (&json!("1.1"), &json!("done"), &json!("evidenced")),
        "{report:#}"
    );
    assert_eq!(requirement["tasks"][0]["title"], "Note one");
    assert_eq!(report["checks"][0]["passed"], true, "the checks are told after the landing too: {report:#}");
    let phases: Vec<String> =
        report["phases"].as_array().expect("phases").iter().map(|phase| text(phase, "phase")).collect();
    for phase in ["planning", "spec_review", "implementation", "implementation_review"] {
        assert!(phases.iter().any(|known| known == phase), "{phase}: {phases:?}");
    }
    let timeline = report["timeline"].as_array().expect("a timeline");
    assert!(timeline.windows(2).all(|pair| pair[0]["until"] == pair[1]["from"]), "{timeline:#?}");
    assert_eq!(
        (report["review_count"].as_u64(), timeline.last().map(|last| &last["phase"])),
        (Some(2), Some(&json!("done")))
    );
    let decisions: Vec<(String, Value)> = report["decisions"]
        .as_array()
        .expect("decisions")
        .iter()
        .map(|one| (text(one, "action"), one["decision"].clone()))
        .collect();
    assert_eq!(
        decisions,
        [
            ("review_specs".to_owned(), json!("approve")),
            ("review_implementation".to_owned(), json!("approve"))
        ]
    );
    let kinds: Vec<String> =
        report["commits"].as_array().expect("commits").iter().map(|one| text(one, "kind")).collect();
    assert!(kinds.contains(&"work".to_owned()) && kinds.contains(&"landing".to_owned()), "{kinds:?}");

    let markdown = server.get(&format!("/spec-tasks/{task}/report")).await;
    let markdown = markdown.as_str().expect("Markdown");
    for part in [
        "# Write the two notes",
        "## Requirements",
        "## Time",
        "## Checks",
        "## Decisions",
        "- [x] 1 Note one",
        "> =HYPERLINK",
    ] {
        assert!(markdown.contains(part), "{part}: {markdown}");
    }
    let table = server.get(&format!("/spec-tasks/{task}/report?format=csv")).await;
    let mut rows = csv::Reader::from_reader(table.as_str().expect("CSV").as_bytes());
    let rows: Vec<csv::StringRecord> =
        rows.records().collect::<Result<_, _>>().expect("every row has every column");
    let of = |section: &str| rows.iter().filter(|row| &row[0] == section).count();
    assert_eq!(
        (of("task"), of("requirement"), of("planned_task"), of("check"), of("decision")),
        (1, 2, 2, 1, 2),
        "{rows:?}"
    );
    assert!(rows.iter().flatten().all(|cell| !cell.starts_with(['=', '@'])), "{rows:?}");
    let (status, wrong) =
        server.try_get(&format!("/spec-tasks/{task}/report?format=pdf")).await.expect("an answer");
    assert_eq!((status, &wrong["errors"][0]["field"]), (422, &json!("format")));
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_back_and_only_claimed_is_told() {
    let job = done().await;
    let Job { server, task, .. } = &job;
    let report = until(server, &format!("/spec-tasks/{task}/report?format=json"), |report| {
        let mut sessions = report["work_sessions"].as_array().expect("sessions").iter();
        sessions.any(|session| session["implementation_task_index"] == 0 && session["status"] == "completed")
    })
    .await;
    let sent_back = &report["decisions"][0];
    assert_eq!(
        (text(sent_back, "decision"), text(sent_back, "comments")),
        ("request_changes".to_owned(), "=1+1 shorter, \"please\"".to_owned())
    );
    let table = server.get(&format!("/spec-tasks/{task}/report?format=csv")).await;
    assert!(
        table.as_str().is_some_and(|table| table.contains("\"'=1+1 shorter, \"\"please\"\"\"")),
        "{table}"
    );
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_count_what_happened() {
    let job = begin(&scenario(&(note(1) + &note(2)))).await;
    let server = &job.server;
    let project = text(&job.wait_for("spec_review").await, "project_id");
    job.approve_specs().await;
    job.wait_for("implementation_review").await;
    job.decide(json!({ "decision": "approve" })).await;
    job.wait_for("done").await;
    let path = format!("/analytics?project_id={project}&bucket=day");
    let found = until(server, &path, |found| found["totals"]["tasks_done"] == 1).await;
    assert_eq!(
        (&found["totals"]["tasks_created"], &found["uncounted_tasks"]),
        (&json!(1), &json!(0)),
        "{found:#}"
    );
    assert_eq!(found["totals"]["sessions_completed"], 3, "{found:#}");
    assert_eq!(found["review_waiting"]["count"], 2, "{found:#}");
    assert!(found["lead_time"]["median_seconds"].as_f64().is_some_and(|time| time > 0.0), "{found:#}");
    let sums = |field: &str| -> u64 {
        found["buckets"].as_array().expect("days").iter().filter_map(|day| day[field].as_u64()).sum()
    };
    assert_eq!((sums("tasks_created"), sums("tasks_done"), sums("sessions_completed")), (1, 1, 3));
    assert_eq!(
        (text(&found["projects"][0], "project_id"), text(&found["agents"][0], "agent")),
        (project, "player".to_owned())
    );
    let table = server.get("/analytics?format=csv").await;
    let mut rows = csv::Reader::from_reader(table.as_str().expect("CSV").as_bytes());
    assert!(rows.records().all(|row| row.is_ok()), "{table}");
    for (query, field) in
        [("from=x", "from"), ("to=2026-99-01", "to"), ("bucket=year", "bucket"), ("format=xml", "format")]
    {
        let (status, wrong) = server.try_get(&format!("/analytics?{query}")).await.expect("an answer");
        assert_eq!((status, &wrong["errors"][0]["field"]), (422, &json!(field)), "{query}");
    }
    let (status, _) = server.try_get("/analytics?project_id=prj_none").await.expect("an answer");
    assert_eq!(status, 404);
    job.end().await;
}
