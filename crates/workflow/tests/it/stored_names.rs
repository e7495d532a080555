//! Names in stored JSON that differ from the names in the code; data of every release has them.

use serde_json::{json, to_value};
use workflow::*;

#[test]
fn stored_names_stay() {
    let session = SessionId::from("stws_1");
    let reopened = to_value(Event::SessionReopened { session }).expect("JSON");
    assert_eq!(reopened, json!({ "event": "session_recalled", "session": "stws_1" }));

    let fix = to_value(Ask::FixDocuments { problems: Vec::new() }).expect("JSON");
    assert_eq!(fix, json!({ "ask": "mend_documents", "problems": [] }));

    let external = to_value(SessionState::External { status: ThreadStatus::Active }).expect("JSON");
    assert_eq!(external, json!({ "state": "elsewhere", "status": "active" }));

    let read: TaskMetrics = serde_json::from_value(json!({
        "stays": [{ "stage": "planning", "from": 1, "until": null }],
        "sent_back": 2,
    }))
    .expect("metrics");
    assert_eq!((read.stage(), read.change_requests), (Some(Stage::Planning), 2));
    let written = to_value(read).expect("JSON");
    assert_eq!((&written["stays"][0]["stage"], &written["sent_back"]), (&json!("planning"), &json!(2)));
}
