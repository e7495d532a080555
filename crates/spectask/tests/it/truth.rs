//! What is said of a task is so: nothing counts as done that was not reported, an error is no end of the work, what a person
//! stopped stays stopped, and a decision is about what was read.

use crate::harness::{text, until};
use crate::job::{Job, begin, note, scenario, session};
use serde_json::{Value, json};

/// A session that writes a note and does not report all of its sub-tasks.
fn unreported(number: u32) -> String {
    format!(
        "\n[[sessions]]\ntask = \"{number}\"\nleaves_out = [\"{number}.1\"]\n\
         steps = [{{ write = \"note{number}.md\", content = \"Note {number}\\n\" }}]\n"
    )
}

async fn session_of(job: &Job, index: u64) -> Value {
    let sessions = job.server.get(&format!("/spec-tasks/{}/work-sessions", job.task)).await;
    let all = sessions["work_sessions"].as_array().cloned().unwrap_or_default();
    all.into_iter().find(|session| session["implementation_task_index"] == index).expect("a session")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_agent_did_not_report_is_not_done() {
    let job = begin(&scenario(&(unreported(1) + &note(2)))).await;
    let Job { server, task, .. } = &job;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    let review = job.wait_for("implementation_review").await;
    let items = &review["change"]["items"];
    assert_eq!(
        (&items[0]["number"], &items[0]["status"]),
        (&json!("1"), &json!("not_reported")),
        "{items:#}"
    );
    assert_eq!(items[0]["evidence"]["state"], "not_reported");
    assert_eq!(items[1]["status"], "completed", "{items:#}");
    let session = session_of(&job, 0).await;
    assert_eq!((&session["status"], &session["unreported"]), (&json!("completed"), &json!(["1.1 Write it"])));
    let log = server.get(&format!("/work-sessions/{}/events?limit=500", text(&session, "id"))).await;
    let asked: Vec<&Value> = log
        .as_array()
        .into_iter()
        .flatten()
        .filter(|entry| entry["kind"] == "turn_started")
        .map(|entry| &entry["ask"]["ask"])
        .collect();
    assert_eq!(asked, ["implement", "report_items"], "it is asked once");

    let path = format!("/spec-tasks/{task}/progress");
    let has_ended = |progress: &Value| {
        let items = progress["checklist"]["tasks"].as_array().cloned().unwrap_or_default();
        items.iter().all(|item| item["status"] != "in_progress")
            && progress["checklist"]["completed_tasks"] == 2
    };
    let progress = until(server, &path, has_ended).await;
    assert_eq!(progress["checklist"]["tasks"][1]["status"], "pending", "{progress:#}");
    assert_eq!(progress["checklist"]["tasks"][1]["evidence"]["state"], "not_reported");
    assert_eq!(progress["overall_progress"], 0.5);
    assert_eq!(progress["spec_task"]["progress"], 0.5);
    assert_eq!(progress["checklist"]["progress_pct"], 50);
    let traced = server.get(&format!("/spec-tasks/{task}/traceability")).await;
    let statuses: Vec<&Value> =
        traced["requirements"].as_array().into_iter().flatten().map(|one| &one["status"]).collect();
    assert_eq!(statuses, ["not_reported", "done"], "{traced:#}");
    let report = server.get(&format!("/spec-tasks/{task}/report?format=json")).await;
    assert_eq!(report["requirements"][0]["proof"], "not_reported", "{report:#}");
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_an_agent_calls_its_end_is_tried_again_and_counts_for_nothing() {
    let limit = "{ write = \"note1.md\", content = \"Note\\n\" }, \
                 { say = \"exceeded retry limit, last status: 429 Too Many Requests. Try again in 2 hours.\" }";
    let job = begin(&scenario(&(session(1, limit) + &note(2)))).await;
    let Job { server, task, .. } = &job;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    let path = format!("/spec-tasks/{task}/work-sessions");
    let is_parked = |sessions: &Value| {
        let all = sessions["work_sessions"].as_array().cloned().unwrap_or_default();
        all.iter().any(|session| session["last_error"]["code"] == "limit")
    };
    until(server, &path, is_parked).await;
    let session = session_of(&job, 0).await;
    assert_eq!(session["status"], "active", "{session:#}");
    assert!(text(&session, "queue_reason").contains("Waiting to retry"), "{session:#}");
    let fleet = server.get("/agents/fleet/live-progress").await;
    assert_eq!(fleet["agents"][0]["queue_reason"], session["queue_reason"], "{fleet:#}");
    let shown = server.get(&format!("/spec-tasks/{task}")).await;
    assert_eq!(shown["status"], "implementation", "{shown:#}");
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_waits_for_a_person() {
    let wrong = "{ say = \"Incorrect API key provided: abc. You can find yours on the page.\" }";
    let job = begin(&scenario(&(session(1, wrong) + &note(2)))).await;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    let failed = job.wait_for("implementation_failed").await;
    assert_eq!(failed["last_error"]["code"], "auth_needed", "{failed:#}");
    assert_eq!(session_of(&job, 0).await["status"], "failed");
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_turn_is_not_asked_again_after_a_crash() {
    let quiet = "{ write = \"note1.md\", content = \"Note\\n\" }, { say = \"I think.\" }, { quiet = true }";
    let talk = "\n[[conversation]]\nsteps = [{ say = \"I stopped.\" }]\n";
    let Job { place, server, task, repository } =
        begin(&scenario(&(session(1, quiet) + &note(2) + talk))).await;
    server.wait_for(&task, &["spec_review"]).await;
    server.post(&format!("/spec-tasks/{task}/approve-specs"), &json!({ "approved": true })).await;
    let path = format!("/spec-tasks/{task}/work-sessions");
    let first = |sessions: &Value| {
        let all = sessions["work_sessions"].as_array().cloned().unwrap_or_default();
        all.into_iter().find(|session| session["implementation_task_index"] == 0)
    };
    let sessions = until(&server, &path, |sessions| first(sessions).is_some()).await;
    let id = text(&first(&sessions).expect("a session"), "id");
    let log = format!("/work-sessions/{id}/events?limit=500");
    let has_said = |log: &Value, text: &str| {
        log.as_array()
            .into_iter()
            .flatten()
            .any(|entry| entry["text"].as_str().is_some_and(|said| said.contains(text)))
    };
    until(&server, &log, |log| has_said(log, "I think.")).await;
    server
        .post(
            &format!("/work-sessions/{id}/messages"),
            &json!({ "content": "Stop there.", "mode": "interrupt" }),
        )
        .await;
    server.kill().await;
    let server = place.serve().await;
    let log = until(&server, &log, |log| has_said(log, "I stopped.")).await;
    assert!(!has_said(&log, "repeated after an interruption"), "{log:#}");
    let ended = log.as_array().into_iter().flatten().find(|entry| entry["kind"] == "turn_ended");
    assert_eq!(ended.map(|entry| &entry["stop_reason"]), Some(&json!("cancelled")), "{log:#}");
    Job { place, server, repository, task }.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_process_that_planned_carries_out_the_plan() {
    let job = begin(&scenario(&(session(1, "{ quiet = true }") + &note(2)))).await;
    let Job { server, task, .. } = &job;
    job.wait_for("spec_review").await;
    let instance = format!("/spec-tasks/{task}/zed-instance");
    let planner = server.get(&instance).await["pid"].clone();
    assert!(planner.is_u64(), "{planner}");
    job.approve_specs().await;
    let at_work = until(server, &instance, |instance| instance["active_threads"] == 1).await;
    assert_eq!(at_work["pid"], planner);
    server.post(&format!("/spec-tasks/{task}/cancel"), &json!({})).await;
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_stopped_stays_stopped_until_it_is_resumed() {
    let quiet = "{ say = \"I think.\" }, { quiet = true }";
    let job = begin(&scenario(&(session(1, quiet) + &session(2, quiet)))).await;
    let Job { server, task, .. } = &job;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    let instance = format!("/spec-tasks/{task}/zed-instance");
    until(server, &instance, |instance| instance["active_threads"] == 1).await;
    let (status, stopped) = server.try_delete(&instance).await.expect("an answer");
    assert_eq!((status, &stopped["zed_instance"]["pid"]), (200, &Value::Null), "{stopped:#}");
    // Another task gets its slot, and is planned meanwhile.
    let project = text(&server.get(&format!("/spec-tasks/{task}")).await, "project_id");
    let other = json!({ "prompt": "Write the two notes", "project_id": project });
    let other = server.post("/spec-tasks/from-prompt", &other).await;
    server.wait_for(&text(&other, "id"), &["spec_review"]).await;
    let paused = server.get(&format!("/spec-tasks/{task}")).await;
    assert_eq!(
        (&paused["status"], &paused["paused_by"]),
        (&json!("implementation"), &json!("owner")),
        "{paused:#}"
    );
    assert!(text(&paused, "queue_reason").contains("Resume"), "{paused:#}");
    assert_eq!(server.get(&instance).await["pid"], Value::Null);
    let session = session_of(&job, 0).await;
    assert_eq!(session["status"], "pending", "{session:#}");
    let resumed = server.post(&format!("/spec-tasks/{task}/resume"), &json!({})).await;
    assert_eq!(resumed["paused_by"], Value::Null, "{resumed:#}");
    until(server, &instance, |instance| instance["active_threads"] == 1).await;
    server.post(&format!("/spec-tasks/{task}/cancel"), &json!({})).await;
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decision_names_the_change_that_was_read() {
    let job = begin(&scenario(&(note(1) + &note(2)))).await;
    let Job { server, task, .. } = &job;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    job.wait_for("implementation_review").await;
    let path = format!("/spec-tasks/{task}/approve-implementation");
    let head = text(&server.get(&format!("/spec-tasks/{task}/diff")).await, "head");
    let other = json!({ "decision": "approve", "commit": "0123456789012345678901234567890123456789" });
    let (status, problem) = server.try_post(&path, &other).await.expect("an answer");
    assert_eq!((status, &problem["code"]), (409, &json!("change_moved")), "{problem:#}");
    // A session that is added after the page was loaded makes another change of it.
    let more = json!({ "name": "More", "description": "Write more" });
    server.post(&format!("/tasks/{task}/work-sessions"), &more).await;
    let is_new = |task: &Value| task["change"]["head"].is_string() && task["change"]["head"] != head.as_str();
    until(server, &format!("/spec-tasks/{task}"), is_new).await;
    let (status, problem) =
        server.try_post(&path, &json!({ "decision": "approve", "commit": head })).await.expect("an answer");
    assert_eq!((status, &problem["code"]), (409, &json!("change_moved")), "{problem:#}");
    let head = text(&server.get(&format!("/spec-tasks/{task}/diff")).await, "head");
    job.decide(json!({ "decision": "approve", "commit": head })).await;
    job.wait_for("done").await;
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_change_is_approved_only_on_purpose() {
    let job = begin(
        "id = \"talk\"\nprompts = [\"Only talk\"]\n[[sessions]]\nsteps = [{ say = \"All is well.\" }]\n",
    )
    .await;
    let Job { server, task, .. } = &job;
    let project = text(&server.get(&format!("/spec-tasks/{task}")).await, "project_id");
    let body = json!({ "prompt": "Only talk", "project_id": project, "planning": false });
    let task = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    let review = server.wait_for(&task, &["implementation_review"]).await;
    assert_eq!(review["change"]["is_empty"], true, "{review:#}");
    let path = format!("/spec-tasks/{task}/approve-implementation");
    let (status, problem) =
        server.try_post(&path, &json!({ "decision": "approve" })).await.expect("an answer");
    assert_eq!((status, &problem["code"]), (409, &json!("empty_change")), "{problem:#}");
    server.post(&path, &json!({ "decision": "approve", "allow_empty": true })).await;
    server.wait_for(&task, &["done"]).await;
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_are_rejected_say_so() {
    let job = begin(&scenario("")).await;
    let Job { server, task, .. } = &job;
    job.wait_for("spec_review").await;
    let path = format!("/spec-tasks/{task}/approve-specs");
    let body = json!({ "approved": true, "decision": "reject" });
    assert_eq!(server.try_post(&path, &body).await.map(|(status, _)| status), Some(422));
    let body = json!({ "approved": false, "decision": "reject", "comments": "Not now." });
    let rejected = server.post(&path, &body).await;
    assert_eq!(rejected["status"], "cancelled", "{rejected:#}");
    let reviews = format!("/spec-tasks/{task}/reviews");
    let reviews = until(server, &reviews, |reviews| reviews[0]["decision"].is_string()).await;
    assert_eq!(
        (&reviews[0]["decision"], &reviews[0]["overall_comment"]),
        (&json!("reject"), &json!("Not now."))
    );
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agents_own_plan_counts_where_the_plan_has_no_sub_tasks() {
    let plan = "- [ ] 1. Note one\\n  - _Requirements: 1.1_\\n- [ ] 2. Note two\\n  - _Requirements: 1.2_\\n";
    let whole =
        scenario("").replace(&format!("tasks = {:?}", crate::job::TASKS), &format!("tasks = \"{plan}\""));
    let steps = "{ plan = [\"Read\", \"Write\"], done = 1 }, { say = \"I read it.\" }, { quiet = true }";
    let job = begin(&(whole + &session(1, steps) + &session(2, steps))).await;
    let Job { server, task, .. } = &job;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    let path = format!("/spec-tasks/{task}/progress");
    let progress = until(server, &path, |progress| progress["overall_progress"] != 0.0).await;
    // One of two entries, and the end of the work.
    let share = json!(0.333_333);
    assert_eq!(progress["implementation_progress"]["0"], share, "{progress:#}");
    assert_eq!(progress["overall_progress"], progress["spec_task"]["progress"]);
    let session = session_of(&job, 0).await;
    assert_eq!((&session["progress"], &session["plan"][1]["content"]), (&share, &json!("Write")));
    let fleet = server.get("/agents/fleet/live-progress").await;
    let card = fleet["agents"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|card| card["work_session_id"] == session["id"]);
    let card = card.expect("a card");
    assert_eq!(card["current_task"]["description"], "Write", "{card:#}");
    server.post(&format!("/spec-tasks/{task}/cancel"), &json!({})).await;
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_fleet_shows_each_sessions_own_work() {
    let quiet = "{ say = \"I think.\" }, { quiet = true }";
    let talk = "\n[[sessions]]\nsteps = [{ say = \"I think.\" }, { quiet = true }]\n";
    let job = begin(&scenario(&(session(1, quiet) + &session(2, quiet) + talk))).await;
    let Job { server, task, .. } = &job;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    let project = text(&server.get(&format!("/spec-tasks/{task}")).await, "project_id");
    let body = json!({ "prompt": "Write the two notes", "project_id": project, "planning": false });
    let plain = text(&server.post("/spec-tasks/from-prompt", &body).await, "id");
    let cards = |fleet: &Value| fleet["agents"].as_array().cloned().unwrap_or_default();
    let is_working = |card: &Value| card["current_task"].is_object();
    let has_both = |fleet: &Value| {
        let working = |id: &str| cards(fleet).iter().any(|card| card["task_id"] == *id && is_working(card));
        working(task) && working(&plain)
    };
    let fleet = until(server, "/agents/fleet/live-progress", has_both).await;
    let of = |id: &str| cards(&fleet).into_iter().find(|card| card["task_id"] == *id).expect("a card");
    let (planned, other) = (of(task), of(&plain));
    assert!(text(&other, "agent_id").starts_with("zi_"), "{other:#}");
    assert_ne!(other["agent_id"], planned["agent_id"]);
    assert_ne!(other["current_task"]["description"], "Prepare the repository", "{other:#}");
    for id in [task, &plain] {
        server.post(&format!("/spec-tasks/{id}/cancel"), &json!({})).await;
    }
    job.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commits_that_take_each_other_back_are_no_work() {
    let commit = "git -c user.name=A -c user.email=a@b commit -qm";
    let steps = format!(
        "{{ run = \"echo z > zz && git add zz && {commit} add\", expect = 0 }}, \
         {{ run = \"git rm -q zz && {commit} remove\", expect = 0 }}, {{ tick = \"1.1\", state = \"done\" }}"
    );
    let job = begin(&scenario(&(session(1, &steps) + &note(2)))).await;
    let Job { server, task, .. } = &job;
    job.wait_for("spec_review").await;
    job.approve_specs().await;
    let failed = server.wait_for(task, &["implementation_failed", "implementation_review"]).await;
    assert_eq!(failed["status"], "implementation_failed", "{failed:#}");
    assert!(failed["last_error"].to_string().contains("without changing anything"), "{failed:#}");
    job.end().await;
}
