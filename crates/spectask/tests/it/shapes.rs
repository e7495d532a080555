//! Every answer is as the OpenAPI document says, and so is every request that is granted.

use openapi_check::Document;
use serde_json::Value;
use std::sync::LazyLock;

/// The document of the binary that is tested.
static DOCUMENT: LazyLock<Document> = LazyLock::new(|| {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_spectask")).arg("openapi").output();
    let document = serde_json::from_slice(&output.expect("the binary runs").stdout).expect("a document");
    Document::new(Box::leak(Box::new(document)))
});

/// Returns what of an answer and its request is not as the document says.
pub(crate) fn faults(method: &str, path: &str, asked: &Value, status: u16, answer: &Value) -> Vec<String> {
    DOCUMENT.faults(method, path, asked, status, answer)
}

#[test]
fn what_is_not_as_documented_is_found() {
    let path = "/api/v1/spec-tasks/spt_1/document-status";
    let good = serde_json::json!({
        "spec_task_id": "spt_1", "current_phase": "done", "git_integration_status": "committed",
        "documents_generated": true, "session_recording_active": false, "fully_recorded": true,
        "last_commit_hash": null, "last_commit_time": "now",
    });
    assert_eq!(faults("GET", path, &Value::Null, 200, &good), Vec::<String>::new());
    let mut bad = good.clone();
    bad["fully_recorded"] = Value::Null;
    bad["last_commit_hash"] = 1.into();
    assert_eq!(faults("GET", path, &Value::Null, 200, &bad).len(), 2);
    assert_eq!(faults("GET", path, &Value::Null, 299, &good).len(), 1);
    assert_eq!(faults("GET", path, &Value::Null, 200, &serde_json::json!({})).len(), 8);
    let (path, task) =
        ("/api/v1/spec-tasks/spt_1/approve-implementation", serde_json::json!({ "decision": 1 }));
    let found = faults("POST", path, &task, 200, &Value::Null);
    assert!(found.iter().any(|fault| fault.contains("request")), "{found:?}");
}
