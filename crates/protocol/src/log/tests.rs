use super::*;
use proptest::prelude::*;
use serde_json::json;

/// An entry of every kind, as this version writes it.
fn written() -> Vec<Value> {
    let choice = json!({ "option_id": "allow", "name": "Allow", "kind": "allow_once" });
    vec![
        json!({ "kind": "user_message", "text": "Hello", "by": "owner", "turn_id": "turn_1", "message_id": "msg_1" }),
        json!({ "kind": "agent_message", "text": "Hi", "message_id": "m" }),
        json!({ "kind": "agent_thought", "text": "Hm" }),
        json!({ "kind": "tool_call", "tool_call_id": "1", "title": "ls", "tool_kind": "execute", "status": "completed",
            "content": [{ "type": "content" }], "locations": [{ "path": "a" }], "raw_input": {}, "raw_output": null }),
        json!({ "kind": "plan", "entries": [{ "content": "Look", "status": "pending", "priority": "high" }] }),
        json!({ "kind": "usage", "usage": { "used": 1 } }),
        json!({ "kind": "update", "raw": { "sessionUpdate": "current_mode_update" } }),
        json!({ "kind": "notice", "text": "Merged.", "turn_id": "turn_1" }),
        json!({ "kind": "setup", "command": "npm ci", "passed": false, "exit_code": 1, "output": "no", "took_ms": 5,
            "cached": false }),
        json!({ "kind": "turn_started", "turn_id": "turn_1", "number": 1, "ask": { "ask": "implement" } }),
        json!({ "kind": "turn_ended", "turn_id": "turn_1", "stop_reason": "end_turn", "usage": null }),
        json!({ "kind": "turn_ended", "turn_id": "turn_1", "stop_reason": "end_turn",
            "usage": { "input_tokens": 1, "output_tokens": 2, "cached_tokens": 0, "cost_usd": 0.5 } }),
        json!({ "kind": "turn_failed", "turn_id": "turn_1", "code": "limit", "message": "No.", "tried_again": true }),
        json!({ "kind": "message_edited", "message_id": "msg_1", "text": "Bye" }),
        json!({ "kind": "message_withdrawn", "message_id": "msg_1" }),
        json!({ "kind": "commit", "commit": "3f1c0a9" }),
        json!({ "kind": "permission_requested", "request_id": "1", "turn_id": null, "title": "ls", "tool_call": {},
            "options": [choice], "deadline": "2026-11-22T10:41:07Z", "for_person": true }),
        json!({ "kind": "permission_resolved", "request_id": "1", "outcome": "cancelled", "option_id": null,
            "reason": "read only", "for_person": false }),
        json!({ "kind": "coordination", "event_id": "evt_1", "event_type": "handoff", "from_session_id": "stws_1",
            "to_session_id": null, "by": null, "text": "Done.", "data": { "files_affected": ["a"] } }),
        json!({ "kind": "recorded", "record_id": "rec_1", "activity_type": "decision", "text": "So.", "by": "owner",
            "timestamp": null, "files_affected": ["a"], "code_changes": null, "coordination_data": null,
            "metadata": { "context": "c" } }),
    ]
}

/// Reads JSON and writes it again, in each of the ways in which that is done.
fn round_trip(json: &Value) -> LogEntry {
    let entry = LogEntry::from(json.clone());
    assert_eq!(serde_json::to_value(&entry).unwrap(), *json);
    assert_eq!(Value::from(entry.clone()), *json);
    let text = serde_json::to_string(&entry).unwrap();
    assert_eq!(serde_json::from_str::<LogEntry>(&text).unwrap(), entry);
    entry
}

#[test]
fn every_kind_is_read_and_written_as_it_was() {
    let mut kinds = std::collections::BTreeSet::new();
    for json in written() {
        let entry = round_trip(&json);
        assert!(!matches!(entry, LogEntry::Other(_)), "{json}");
        assert_eq!(entry.kind(), json["kind"]);
        kinds.insert(entry.kind().to_owned());
    }
    assert_eq!(kinds.len(), LogEntry::KINDS.len());
}

#[test]
fn unknown_members_stay_beside_the_known_ones() {
    for mut json in written() {
        json["further"] = json!({ "a": [1, null] });
        assert!(!matches!(round_trip(&json), LogEntry::Other(_)), "{json}");
    }
}

#[test]
fn a_member_of_another_type_makes_an_entry_another_one() {
    for json in written() {
        for (name, value) in json.as_object().unwrap() {
            // These are as the agent sent them.
            let is_open =
                ["content", "locations", "raw_input", "raw_output", "raw", "ask", "tool_call", "data"];
            let is_open = is_open.contains(&name.as_str())
                || ["code_changes", "coordination_data", "metadata"].contains(&name.as_str())
                || (json["kind"] == "usage" && name == "usage");
            let other = if value.is_number() { json!("one") } else { json!(1.5) };
            let mut json = json.clone();
            json[name] = other;
            assert_eq!(matches!(round_trip(&json), LogEntry::Other(_)), !is_open, "{json}");
        }
    }
}

#[test]
fn entries_without_what_their_kind_needs_keep_their_json() {
    for json in [
        json!({ "kind": "notice" }),
        json!({ "kind": "agent_message", "text": null }),
        json!({ "kind": "of_tomorrow", "text": "Hello" }),
        json!({ "kind": 3 }),
        json!({}),
        json!("text"),
        json!([null]),
    ] {
        assert!(matches!(round_trip(&json), LogEntry::Other(_)), "{json}");
    }
    assert_eq!(LogEntry::from(json!({ "kind": "of_tomorrow", "text": "Hello" })).text(), Some("Hello"));
}

#[test]
fn an_entry_is_numbered_beside_its_members() {
    let entry = LogEntry::from(json!({ "kind": "of_tomorrow", "seq": 9, "at": "never", "text": "Hello" }));
    let shown = serde_json::to_value(NumberedEntry::new(3, "today".to_owned(), entry)).unwrap();
    assert_eq!(shown, json!({ "seq": 3, "at": "today", "kind": "of_tomorrow", "text": "Hello" }));
}

#[test]
fn updates_of_a_tool_call_replace_what_they_name() {
    let call = |json: Value| match LogEntry::from(json) {
        LogEntry::ToolCall(call) => call,
        other => panic!("{other:?}"),
    };
    let mut shown =
        call(json!({ "kind": "tool_call", "tool_call_id": "1", "title": "ls", "status": "pending" }));
    shown
        .update(&call(json!({ "kind": "tool_call", "tool_call_id": "1", "status": "completed", "more": 1 })));
    let expected =
        json!({ "kind": "tool_call", "tool_call_id": "1", "title": "ls", "status": "completed", "more": 1 });
    assert_eq!(Value::from(LogEntry::from(shown)), expected);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<i32>().prop_map(|number| Value::from(f64::from(number) / 2.0)),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(member(), inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Names of members, known ones among them.
fn member() -> impl Strategy<Value = String> {
    let known: Vec<String> = written()
        .iter()
        .flat_map(|entry| entry.as_object().unwrap().keys().cloned().collect::<Vec<_>>())
        .collect();
    prop_oneof![proptest::sample::select(known), "[a-z]{1,6}"]
}

proptest! {
    #[test]
    fn any_json_is_kept(json in any_json()) {
        round_trip(&json);
    }

    #[test]
    fn any_members_of_known_kinds_are_kept(
        at in 0..written().len(),
        changed in proptest::collection::vec((member(), any_json()), 0..4),
        removed in proptest::collection::vec(member(), 0..3),
    ) {
        let mut json = written().swap_remove(at);
        for (name, value) in changed {
            json[name] = value;
        }
        for name in removed {
            json.as_object_mut().unwrap().remove(&name);
        }
        round_trip(&json);
    }
}
