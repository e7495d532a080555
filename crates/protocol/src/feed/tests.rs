use super::*;
use serde_json::json;

const AT: &str = "2026-11-22T10:41:07.042Z";

fn usage() -> Value {
    json!({ "input_tokens": 1200, "output_tokens": 80, "cached_tokens": 0, "cost_usd": 0.0125 })
}

fn task() -> Value {
    serde_json::from_str(
        r#"{
        "id": "spt_1", "short_id": "DUE-1", "project_id": "prj_1", "name": "Due dates", "description": "", "type": "feature",
        "priority": "medium", "status": "implementation", "original_prompt": "Add due dates", "spec_agent": "claude",
        "implementation_agent": "codex", "spec_session_id": "ses_1", "branch_name": null, "base_branch": "main",
        "zed_instance_id": null, "workspace_config": {}, "complexity": "complex", "queue_reason": null, "planned": true,
        "waits_for_person": false, "needs_person": false, "template": null,
        "last_error": { "code": "network", "message": "No route.", "at": "2026-11-22T10:41:07.042Z" }, "attempts": 0,
        "spec_approved_by": null, "spec_approved_at": null, "spec_revision_count": 0, "labels": [], "depends_on": [],
        "paused_by": null, "paused_at": null, "progress": 0.5, "usage": { "input_tokens": 1200, "output_tokens": 80, "cached_tokens": 0, "cost_usd": 0.0125 }, "budget": null, "pull_request": null,
        "merge_commit": null, "change": null, "archived": false, "created_by": "owner", "created_at": "2026-11-22T10:41:07.042Z",
        "updated_at": "2026-11-22T10:41:07.042Z", "started_at": null, "completed_at": null, "version": 7
    }"#,
    )
    .unwrap()
}

fn work_session() -> Value {
    serde_json::from_str(
        r#"{
        "id": "stws_1", "spec_task_id": "spt_1", "helix_session_id": "ses_2", "name": "Store", "description": "",
        "phase": "implementation", "status": "active", "agent_type": "zed_agent", "implementation_task_title": null,
        "implementation_task_description": null, "implementation_task_index": 0, "parent_work_session_id": null,
        "spawned_by_session_id": null, "depends_on": [], "blocked_by": [], "queue_reason": null, "waits_until": null,
        "waits_for_person": false, "priority": "high", "effort": "small", "alternatives": [], "branched_from": null,
        "queued_messages": [], "agent_config": { "agent": "codex" }, "environment_config": {},
        "branch_name": "task/spt_1-due-dates", "progress": 0.25,
        "plan": [{ "content": "Look", "status": "in_progress" }], "unreported": [], "usage": { "input_tokens": 1200, "output_tokens": 80, "cached_tokens": 0, "cost_usd": 0.0125 },
        "creation_method": "planned", "last_error": null, "conflict": null, "created_at": "2026-11-22T10:41:07.042Z", "updated_at": "2026-11-22T10:41:07.042Z",
        "started_at": "2026-11-22T10:41:07.042Z", "completed_at": null
    }"#,
    )
    .unwrap()
}

/// A message of every type, as this version writes it.
fn written() -> Vec<(&'static str, Value)> {
    let item = json!({ "index": 0, "number": "1", "description": "Store", "status": "completed", "depth": 0,
        "optional": false, "evidence": { "state": "done", "commits": ["3f1c0a9"], "checks": [] } });
    let file = json!({ "path": "src/todo.js", "state": "conflict", "reason": null, "hunks": [] });
    vec![
        ("task.updated", task()),
        ("work_session.updated", work_session()),
        ("session.event", json!({ "seq": 3, "at": AT, "kind": "notice", "text": "Merged." })),
        ("session.event", json!({ "seq": 4, "at": AT, "kind": "weather", "sunny": true })),
        (
            "coordination",
            json!({ "id": "evt_1", "from_session_id": "stws_1", "to_session_id": null, "event_type": "handoff",
                "message": "Ready", "data": {}, "by": null, "timestamp": AT, "acknowledged": true,
                "acknowledged_at": AT, "response": null,
                "deliveries": [{ "to_session_id": "stws_2", "turn_id": null, "at": null }], "spec_task_id": "spt_1" }),
        ),
        (
            "coordination",
            json!({ "spec_task_id": "spt_1", "event": "collisions", "at": 1_700_000_000_042_i64,
                "collisions": [{ "sessions": ["stws_1", "stws_2"], "files": [file], "total_files": 1, "since": AT }] }),
        ),
        (
            "progress",
            json!({ "spec_task_id": "spt_1", "commit": "3f1c0a9", "at": AT,
                "checklist": { "tasks": [item], "total_tasks": 1, "completed_tasks": 1, "in_progress_task": null,
                    "progress_pct": 100 } }),
        ),
        ("review", json!({ "spec_task_id": "spt_1", "event": "specs_ready", "status": "spec_review" })),
        ("usage", json!({ "spec_task_id": "spt_1", "work_session_id": "stws_1", "usage": usage() })),
        (
            "instance.updated",
            json!({ "spec_task_id": "spt_1", "zed_instance_id": "zi_1", "status": "disconnected" }),
        ),
    ]
}

/// Reads data and writes them again.
fn round_trip(kind: &str, data: &Value) -> FeedMessage {
    let message = FeedMessage::read_exact(kind, data.clone());
    assert_eq!(message.kind(), kind);
    let text = serde_json::to_string(&message.data()).unwrap();
    assert_eq!(text, data.to_string());
    message
}

#[test]
fn every_type_is_read_and_written_as_it_was() {
    for (kind, data) in written() {
        let message = round_trip(kind, &data);
        assert!(!matches!(message, FeedMessage::Other { .. }), "{kind} {data}");
    }
}

#[test]
fn what_another_version_wrote_keeps_its_json() {
    for (kind, data) in written() {
        let mut more = data.clone();
        more["further"] = json!({ "a": [1, null] });
        round_trip(kind, &more);
        for name in data.as_object().unwrap().keys() {
            let (mut less, mut other) = (data.clone(), data.clone());
            less.as_object_mut().unwrap().shift_remove(name);
            other[name] = json!([{ "not": "this" }]);
            round_trip(kind, &less);
            round_trip(kind, &other);
        }
    }
    let mut more = task();
    more["further"] = json!(1);
    let FeedMessage::TaskUpdated(read) = FeedMessage::read("task.updated", more) else { panic!("not read") };
    assert_eq!(read.id, "spt_1");
    let other = round_trip("weather", &json!(["sunny"]));
    assert!(matches!(other, FeedMessage::Other { .. }));
}

#[test]
fn a_task_is_sent_without_what_only_a_lookup_knows() {
    let mut whole = task();
    for name in ["requirements_spec", "technical_design", "implementation_plan", "project_path"] {
        whole[name] = "text".into();
    }
    let whole: SpecTask = serde_json::from_value(whole).unwrap();
    let message = FeedMessage::from(TaskUpdate::from(whole));
    assert_eq!(serde_json::to_value(message.data()).unwrap(), task());
}

#[test]
fn the_stream_is_read_as_it_is_sent() {
    let topic = Topic { topic: TopicKind::Task, id: Some("spt_1".to_owned()) };
    let message = Arc::new(FeedMessage::read("review", written()[7].1.clone()));
    let live = StreamMessage::Live(LiveMessage { topic: topic.clone(), seq: 4, message });
    let subscribed = StreamMessage::Control(ControlMessage::Subscribed {
        after: 3,
        topics: vec![topic, Topic { topic: TopicKind::Fleet, id: None }],
    });
    let sent = [
        (
            live,
            r#"{"topic":"task","id":"spt_1","seq":4,"type":"review","data":{"spec_task_id":"spt_1","event":"specs_ready","status":"spec_review"}}"#,
        ),
        (
            subscribed,
            r#"{"type":"subscribed","after":3,"topics":[{"topic":"task","id":"spt_1"},{"topic":"fleet"}]}"#,
        ),
        (
            StreamMessage::Control(ControlMessage::SnapshotRequired { after: 9 }),
            r#"{"type":"snapshot_required","after":9}"#,
        ),
        (StreamMessage::Other(json!({ "type": "weather" })), r#"{"type":"weather"}"#),
    ];
    for (message, text) in sent {
        assert_eq!(serde_json::to_string(&message).unwrap(), text);
        assert_eq!(serde_json::from_str::<StreamMessage>(text).unwrap(), message);
    }
}
